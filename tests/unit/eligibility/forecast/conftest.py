"""One release for all tests of the forecast."""

import pytest

from services.eligibility.forecast import supporting_data
from services.eligibility.forecast.schedule import SupportingData


@pytest.fixture(scope="session")
def supporting() -> SupportingData:
    return supporting_data.bundled("4.64")
