"""The comparison of the service with raw loops runs, so that its figures can be taken again."""

import pytest

from tests.load.service_path import compare
from tests.load.stage import stage

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]


def test_every_side_of_the_service_path_ends_with_equal_tables() -> None:
    """A few hundred members: the service, both raw loops and the handler by the book do the same work."""
    with stage() as servers:
        result = compare(servers, 400, 1)
    assert [figure for figure in result.figures if figure.unit == "facts/s"]
