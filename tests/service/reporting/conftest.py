"""Reporting on a fresh database."""

import pytest

from tests.servers import OpenDatabase
from tests.service.reporting.builders import Reporting


@pytest.fixture
async def reporting(database: OpenDatabase) -> Reporting:
    """Has heard nothing yet."""
    return Reporting(await database("reporting"))
