"""When a sender is overdue, by the days on which it sent."""

from datetime import date, timedelta

import pytest

from services.eligibility.feeds.registries import registries
from services.eligibility.intake.habits import is_overdue, overdue_senders, reject_shares
from services.eligibility.payers.rules import code_of

MONDAY = date(2021, 3, 1)
WORKDAYS = [MONDAY + timedelta(days=n) for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
FRIDAY = WORKDAYS[-1]


def every(days: int, times: int = 10) -> list[date]:
    return [MONDAY + timedelta(days=days * n) for n in range(times)]


def first_late(days: list[date]) -> int:
    """On which day of silence the sender is overdue first."""
    return next(n for n in range(1, 2000) if is_overdue(days, days[-1] + timedelta(days=n)))


@pytest.mark.parametrize(
    ("days", "late"),
    [(every(1), 4), (every(7), 14), (every(31, 6), 49), (every(91, 6), 140), (every(183, 3), 279)],
    ids=["daily", "weekly", "monthly", "quarterly", "half-yearly"],
)
def test_who_is_silent_for_longer_than_ever_is_overdue(days: list[date], late: int) -> None:
    """By half of its longest silence and two days, whatever its rhythm is."""
    assert first_late(days) == late


def test_nobody_is_missed_on_a_weekend_who_never_sent_on_one() -> None:
    """From Monday to Friday: Friday's file is followed by a weekend and a holiday, and nobody asks; on Thursday
    somebody does. In the middle of a week it is as many days."""
    for silent in range(6):
        assert not is_overdue(WORKDAYS, FRIDAY + timedelta(days=silent))
    assert is_overdue(WORKDAYS, FRIDAY + timedelta(days=6))
    assert first_late(WORKDAYS[:-4]) == 4


def test_pairs_of_days_are_one_habit() -> None:
    """Two files on two days every fortnight: the fortnight is no silence."""
    days = [MONDAY + timedelta(days=14 * n + more) for n in range(5) for more in (0, 1)]
    assert not is_overdue(days, days[-1] + timedelta(days=14))
    assert is_overdue(days, days[-1] + timedelta(days=40))


def test_two_days_are_no_habit_and_nobody_is_waited_for_for_ever() -> None:
    """Who sent on two days only, and who has been overdue for half a year, is not told."""
    assert not is_overdue(every(1, 2), MONDAY + timedelta(days=100))
    days = every(1)
    assert is_overdue(days, days[-1] + timedelta(days=180))
    assert not is_overdue(days, days[-1] + timedelta(days=190))


def test_a_known_sender_has_a_row_of_its_own() -> None:
    """By the name that its profile has; all others are one, late if any of them is, with all their rows together."""
    known = code_of(next(iter(registries())))
    today = every(1)[-1] + timedelta(days=9)
    days = [(known, every(1)), ("gnome-1", every(7, 3)), ("gnome-2", every(1)), ("gnome-3", every(1, 2))]
    rows = [{"sender": sender, "kind": "roster", "days": came, "today": today} for sender, came in days]
    assert overdue_senders(rows) == [
        {"sender": known, "kind": "roster", "value": 1},
        {"sender": "other", "kind": "roster", "value": 1},
    ]
    counts = [(known, 1, 4), ("gnome-1", 1, 10), ("gnome-2", 5, 10), (None, 0, 0)]
    rows = [{"sender": sender, "kind": "roster", "rejected": bad, "rows": rows} for sender, bad, rows in counts]
    assert reject_shares(rows) == [
        {"sender": known, "kind": "roster", "value": 0.25},
        {"sender": "other", "kind": "roster", "value": 0.3},
    ]
