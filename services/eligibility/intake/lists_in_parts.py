"""A full list that comes in several files: when it is complete, and what its parts say together. Pure.

Who submits a part says so: the list's name, which part it is, and of how many. A file says nothing of the others, and
X12 has no place for it: a list of which a part lacks would end everybody in that part.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.eligibility.people.precedence import Stamp

FIRST_OF_ALL = datetime.min.replace(tzinfo=UTC)
MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a list. Of two that were sent as the same part, the later one stands for it."""

    file_no: int
    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class Said:
    """What one part's file says of a plan's list: its instant, and the first file in which one must stand by it.
    Not `is_complete`: the file could not be read to its end."""

    file_no: int
    plan: str
    said: Stamp
    said_on: date
    before_no: int
    is_complete: bool


def is_whole(parts: Iterable[Part]) -> bool:
    """Whether every part is there, and all of them are of one list by their own word."""
    found = list(parts)
    sizes = {part.parts for part in found}
    return len(sizes) == 1 and {part.part for part in found} == set(range(1, max(sizes) + 1))


def together(parts: Sequence[Part], said: Iterable[Said]) -> list[Said]:
    """By plan, what the list says: as old as its first part, and of who stands in any of its files nobody is absent. It
    is complete if each part is, as it was sent last; what broke off may have listed any plan."""
    stand, by_plan = _standing(parts), defaultdict(list)
    is_complete = True
    for listing in said:
        by_plan[listing.plan].append(listing)
        is_complete &= listing.is_complete or listing.file_no not in stand
    return [_of_plan(mine, is_complete=is_complete) for _, mine in sorted(by_plan.items())]


def _of_plan(mine: Sequence[Said], *, is_complete: bool) -> Said:
    first = min(mine, key=lambda listing: (listing.said.at or FIRST_OF_ALL, listing.said.no))
    return Said(
        file_no=min(listing.file_no for listing in mine),
        plan=first.plan,
        said=first.said,
        said_on=min(listing.said_on for listing in mine),
        before_no=min(listing.before_no for listing in mine),
        is_complete=is_complete,
    )


def _standing(parts: Iterable[Part]) -> set[int]:
    """The numbers of the files that stand for their parts."""
    return set({part.part: part.file_no for part in sorted(parts, key=lambda part: part.file_no)}.values())
