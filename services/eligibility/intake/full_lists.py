"""The full lists that a file brings, of which there may be several: which of them says today who is in a plan. Pure.

A plan's full list may be parted: into transactions and interchanges, minutes apart, and one for each sponsor. Whoever
stands in any part stands in the list. Only of the same sponsor, and hours later, there is another, newer list.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from services.eligibility.feeds.records import RosterHeader
from services.eligibility.people.precedence import Stamp

FIRST_OF_ALL = datetime.min.replace(tzinfo=UTC)
APART = timedelta(hours=12)
"""Lists are made daily at the most; what is made within half a day of each other is of one list."""


class FullPart(NamedTuple):
    """A transaction that lists everybody of a plan, or a part of them. `sponsor` and the instant tell which list it is
    of; `ends_absent`: its sender's profile lets absence speak. `place` counts the file's transactions from 0."""

    plan: str
    sponsor: str
    said: Stamp
    said_on: date | None
    ends_absent: bool = True
    place: int = 0


class FullList(NamedTuple):
    """Everybody of a plan as of an instant: of several parts the first one's, so that who stands in any of them stood
    in the list. Without an instant whoever stands in the file does. `overtaken` counts the rows of the older lists of
    the same file."""

    plan: str
    said: Stamp
    said_on: date | None
    overtaken: int = 0


def full_part(header: RosterHeader, plan: str, said: Stamp, place: int = 0) -> FullPart:
    """What a full transaction's header says of its list."""
    said_on = header.created_at.date() if header.created_at else None
    return FullPart(plan, header.sponsor_id or header.sponsor_name.upper(), said, said_on, header.absence_terminates,
                    place)  # fmt: skip


def newest_lists(parts: Sequence[FullPart], rows: Sequence[int] = ()) -> list[FullList]:
    """The one list of each plan by which absence is judged: the newest of each of its sponsors together. `rows` are
    those of the file's transactions."""
    overtaken: Counter[str] = Counter()
    for one in (parts[place] for place in superseded(parts)):
        overtaken[one.plan] += rows[one.place] if rows else 0
    newest: dict[str, list[FullPart]] = {}
    for (plan, _), mine in _newest_of_sponsors(one for one in parts if one.ends_absent).items():
        newest.setdefault(plan, []).extend(mine)
    firsts = {plan: min(mine, key=_age) for plan, mine in newest.items()}
    return [FullList(plan, one.said, one.said_on, overtaken[plan]) for plan, one in sorted(firsts.items())]


def superseded(parts: Sequence[FullPart]) -> list[int]:
    """The places of the parts of which the same file brings a newer list."""
    since = {whose: min(mine, key=_age) for whose, mine in _newest_of_sponsors(parts).items()}
    return [
        place
        for place, one in enumerate(parts)
        if one.said.at is not None and _age(one)[0] < _age(since[one.plan, one.sponsor])[0]
    ]


def _newest_of_sponsors(parts: Iterable[FullPart]) -> dict[tuple[str, str], list[FullPart]]:
    """The parts of each sponsor's newest list."""
    found: dict[tuple[str, str], list[FullPart]] = {}
    for one in sorted(parts, key=_age):
        mine = found.setdefault((one.plan, one.sponsor), [])
        if mine and _age(one)[0] - _age(mine[-1])[0] >= APART:
            mine.clear()
        mine.append(one)
    return found


def _age(one: FullPart) -> tuple[datetime, int]:
    return one.said.at or FIRST_OF_ALL, one.said.no
