"""The full lists that a file brings, of which there may be several: which of them says today who is in a plan. Pure.

A plan's full list may be parted: into transactions and interchanges, minutes apart, and one for each sponsor. Whoever
stands in any part stands in the list. Only of the same sponsor, and hours later, there is another, newer list.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from services.eligibility.feeds.records import RosterHeader, TransactionTally
from services.eligibility.intake.ordering import Transactions
from services.eligibility.people.precedence import Stamp

FIRST_OF_ALL = datetime.min.replace(tzinfo=UTC)
APART = timedelta(hours=12)
"""Lists are made daily at the most; what is made within half a day of each other is of one list."""


class FullPart(NamedTuple):
    """A transaction that lists everybody of a plan, or a part of them. `sponsor` and the instant tell which list it is
    of; `ends_absent`: its sender's profile lets absence speak. `place` counts the file's transactions from 0;
    `read_in` is the number of the file that brought it first, if it was read before."""

    plan: str
    sponsor: str
    said: Stamp
    said_on: date | None
    ends_absent: bool = True
    place: int = 0
    read_in: int = 0


class FullList(NamedTuple):
    """Everybody of a plan as of an instant: of several parts the first one's, so that who stands in any of them stood
    in the list. Without an instant whoever stands in the file does. `read_in`: the first file that brought a part of
    it. `overtaken` counts the rows of the older lists of the same file, `overtaken_in` are the files that brought them
    before. Not `is_certain`: somebody who seems absent may be in a row that could not be read or stored."""

    plan: str
    said: Stamp
    said_on: date | None
    overtaken: int = 0
    read_in: int = 0
    overtaken_in: tuple[int, ...] = ()
    is_complete: bool = True
    is_certain: bool = True


def full_part(header: RosterHeader, plan: str, said: Stamp, place: int = 0, read_in: int = 0) -> FullPart:
    """What a full transaction's header says of its list."""
    said_on = header.created_at.date() if header.created_at else None
    sponsor = header.sponsor_id or header.sponsor_name.upper()
    return FullPart(plan, sponsor, said, said_on, header.absence_terminates, place, read_in)


def newest_lists(parts: Sequence[FullPart], tallies: Sequence[TransactionTally] = ()) -> list[FullList]:
    """The one list of each plan by which absence is judged: the newest of each of its sponsors together, unless all of
    it was judged before. `tallies` are those of the file's transactions."""
    newest: dict[str, list[FullPart]] = {}
    for (plan, _), mine in _newest_of_sponsors(part for part in parts if part.ends_absent).items():
        newest.setdefault(plan, []).extend(mine)
    older = [parts[place] for place in superseded(parts)]
    return [
        _list_of(mine, [part for part in older if part.plan == plan], tallies)
        for plan, mine in sorted(newest.items())
        if any(not part.read_in for part in mine)
    ]


def _list_of(parts: Sequence[FullPart], older: Sequence[FullPart], tallies: Sequence[TransactionTally]) -> FullList:
    first = min(parts, key=_age)
    return FullList(
        first.plan, first.said, first.said_on,
        overtaken=sum(tallies[part.place].members for part in older) if tallies else 0,
        read_in=min((part.read_in for part in parts if part.read_in), default=0),
        overtaken_in=tuple({part.read_in for part in older if part.read_in}),
    )  # fmt: skip


def judged_by(
    one: FullList, found: Transactions, tallies: Sequence[TransactionTally], unstorable: Iterable[int]
) -> FullList:
    """The list with what the file says of the plan from its instant on, for whoever stands there is not absent either:
    whether all of it could be read, and stored. `unstorable` are rows."""
    since = one.said.at or FIRST_OF_ALL
    places = {
        place
        for place, transaction in found.items()
        if transaction.plan == one.plan and (transaction.said.at or since) >= since
    }
    told = [tallies[place] for place in places]
    ends = [tally.last_row for tally in tallies]
    unsure = any(tally.unidentified for tally in told) or any(bisect_left(ends, row) in places for row in unstorable)
    return one._replace(is_complete=all(tally.is_complete for tally in told), is_certain=not unsure)


def superseded(parts: Sequence[FullPart]) -> list[int]:
    """The places of the parts of which the same file brings a newer list."""
    since = {whose: min(mine, key=_age) for whose, mine in _newest_of_sponsors(parts).items()}
    return [
        place
        for place, part in enumerate(parts)
        if part.said.at is not None and _age(part)[0] < _age(since[part.plan, part.sponsor])[0]
    ]


def _newest_of_sponsors(parts: Iterable[FullPart]) -> dict[tuple[str, str], list[FullPart]]:
    """The parts of each sponsor's newest list."""
    found: dict[tuple[str, str], list[FullPart]] = {}
    for part in sorted(parts, key=_age):
        mine = found.setdefault((part.plan, part.sponsor), [])
        if mine and _age(part)[0] - _age(mine[-1])[0] >= APART:
            mine.clear()
        mine.append(part)
    return found


def _age(one: FullPart) -> tuple[datetime, int]:
    return one.said.at or FIRST_OF_ALL, one.said.no
