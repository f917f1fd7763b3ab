"""The full lists that a file brings, of which there may be several: which of them says today who is in a plan. Pure.

A full list may be parted into several transactions; another one of the same plan in the same file is a list of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from services.eligibility.feeds.records import RosterHeader
from services.eligibility.people.precedence import Stamp

FIRST_OF_ALL = datetime.min.replace(tzinfo=UTC)


class FullPart(NamedTuple):
    """A transaction that lists everybody of a plan, or a part of them. `interchange` and the day tell which list it is
    of; `ends_absent`: its sender's profile lets absence speak."""

    plan: str
    interchange: str
    said: Stamp
    said_on: date | None
    ends_absent: bool = True


class FullList(NamedTuple):
    """Everybody of a plan as of an instant: of several parts the first one's, so that who stands in any of them stood
    in the list. Without an instant whoever stands in the file does."""

    plan: str
    said_at: datetime | None
    said_on: date | None


def full_part(header: RosterHeader, plan: str, said: Stamp) -> FullPart:
    """What a full transaction's header says of its list."""
    said_on = header.created_at.date() if header.created_at else None
    return FullPart(plan, header.interchange_control, said, said_on, header.absence_terminates)


def lists_of(parts: Iterable[FullPart]) -> dict[str, list[FullList]]:
    """Each plan's lists, the newest last. Parts of one interchange and day are one list, and so are those of one
    instant."""
    grouped: dict[tuple[str, str, date | None], list[FullPart]] = {}
    for one in parts:
        grouped.setdefault((one.plan, one.interchange, one.said_on), []).append(one)
    found: dict[str, list[FullList]] = {}
    for (plan, _, said_on), mine in grouped.items():
        instants = [one.said.at for one in mine if one.said.at is not None]
        found.setdefault(plan, []).append(FullList(plan, min(instants, default=None), said_on))
    return {plan: sorted(dict.fromkeys(mine), key=_age) for plan, mine in found.items()}


def newest_lists(parts: Iterable[FullPart]) -> list[FullList]:
    """The one list of each plan by which absence is judged."""
    speaking = lists_of(one for one in parts if one.ends_absent)
    return [speaking[plan][-1] for plan in sorted(speaking)]


def superseded(parts: Sequence[FullPart]) -> list[int]:
    """The places of the parts of which the same file brings a newer list."""
    newest = {plan: mine[-1] for plan, mine in lists_of(parts).items()}
    return [
        place
        for place, one in enumerate(parts)
        if one.said.at is not None and (since := newest[one.plan].said_at) is not None and one.said.at < since
    ]


def _age(one: FullList) -> datetime:
    return one.said_at or FIRST_OF_ALL
