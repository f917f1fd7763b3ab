"""When a sender's next file is overdue, and how much of what came was rejected: what files tell, by sender. Pure.

What a file calls its sender is anybody's text. Only senders that a profile knows are named; all others are one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from services.eligibility.payers.senders import told_sender

LEAST_DAYS = 3
"""Who sent on fewer has no habit yet."""
SLACK_DAYS = 2
WAITED_DAYS = 180
"""So long after it was due nobody waits for a sender any more."""
WORKING_DAYS = 5

Rows = Sequence[Mapping[str, Any]]


def is_overdue(days: Sequence[date], today: date) -> bool:
    """Whether a sender that sent on these days, the newest last, is silent for longer than it ever was between two of
    them, by half of that and two days. Who never sent on a weekend is not missed on one: then only Mondays to Fridays
    are counted."""
    if len(days) < LEAST_DAYS:
        return False
    rests = all(day.weekday() < WORKING_DAYS for day in days)
    longest = max(_days_between(earlier, later, rests=rests) for earlier, later in pairwise(days))
    beyond = _days_between(days[-1], today, rests=rests) - (1.5 * longest + SLACK_DAYS)
    return 0 < beyond <= WAITED_DAYS


def _days_between(earlier: date, later: date, *, rests: bool) -> int:
    """Days after the earlier one up to the later one; without weekends, if the sender rests then."""
    return _working_days(later) - _working_days(earlier) if rests else (later - earlier).days


def _working_days(day: date) -> int:
    """Mondays to Fridays up to this day, from the first Monday that there was."""
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    return weeks * WORKING_DAYS + min(weekday + 1, WORKING_DAYS)


def overdue_senders(rows: Rows) -> Rows:
    """1 for each sender and kind of file of which the next one is overdue, else 0; for those that no profile knows, 1
    if any is."""
    overdue: Counter[tuple[str, str]] = Counter()
    for row in rows:
        place = told_sender(row["sender"]), row["kind"]
        overdue[place] = max(overdue[place], int(is_overdue(row["days"], row["today"])))
    return [{"sender": sender, "kind": kind, "value": value} for (sender, kind), value in overdue.items()]


def reject_shares(rows: Rows) -> Rows:
    """The share of rejected rows by sender and kind of file; of those that no profile knows, that of all together."""
    rejected: Counter[tuple[str, str]] = Counter()
    read: Counter[tuple[str, str]] = Counter()
    for row in rows:
        place = told_sender(row["sender"]), row["kind"]
        rejected[place] += row["rejected"]
        read[place] += row["rows"]
    return [
        {"sender": place[0], "kind": place[1], "value": rejected[place] / rows_read}
        for place, rows_read in read.items()
        if rows_read
    ]
