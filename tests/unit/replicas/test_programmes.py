"""Which version of a programme is in effect."""

from datetime import date
from itertools import permutations

import pytest

from services.replicas.programmes.rules import InEffect, Version, in_effect

FIRST, SECOND, THIRD = date(2021, 1, 4), date(2021, 2, 1), date(2021, 3, 1)


@pytest.mark.parametrize(
    ("today", "version"),
    [
        (None, 3),  # before any day was opened all have begun
        (date(2021, 1, 3), 1),  # before the first has begun, the first
        (FIRST, 1),
        (date(2021, 1, 31), 1),
        (SECOND, 2),  # from its own day on
        (date(2021, 12, 31), 3),
    ],
)
def test_the_last_that_has_begun_is_in_effect(today: date | None, version: int) -> None:
    """In whichever order they were heard; the programme runs since the first day of its first version."""
    versions = [Version("flu", 1, FIRST), Version("flu", 2, SECOND), Version("flu", 3, THIRD)]
    for order in permutations(versions):
        assert in_effect(order, today) == [InEffect("flu", version, FIRST)]


def test_of_two_of_one_day_the_later_published_holds() -> None:
    """Once begun the higher version; before, the lower."""
    versions = [Version("flu", 1, SECOND), Version("flu", 2, SECOND)]
    assert in_effect(versions, SECOND) == [InEffect("flu", 2, SECOND)]
    assert in_effect(versions, FIRST) == [InEffect("flu", 1, SECOND)]


def test_the_day_decides_before_the_version() -> None:
    """A version that was published later and takes effect earlier gives way on the day of the other."""
    versions = [Version("flu", 1, THIRD), Version("flu", 2, SECOND)]
    assert in_effect(versions, SECOND) == [InEffect("flu", 2, SECOND)]
    assert in_effect(versions, THIRD) == [InEffect("flu", 1, SECOND)]


def test_programmes_do_not_disturb_each_other() -> None:
    """Each has a version of its own in effect."""
    versions = [Version("flu", 1, FIRST), Version("covid", 4, SECOND), Version("flu", 2, THIRD)]
    assert in_effect(versions, SECOND) == [InEffect("covid", 4, SECOND), InEffect("flu", 1, FIRST)]
    assert in_effect([], SECOND) == []
