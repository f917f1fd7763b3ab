"""Which part of the work list is asked for, and the text by which the next part is asked for. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.outreach.worklist.rules import ANY, Filter, ListedCase

AFTER = r"^[0-9]{1,16}_[0-9]{0,16}_-?[0-9]{1,6}_[0-9a-f]{32}$"
"""The form of a page's `next`: when the list was begun, when the last case's call was due, its rank and its id."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """After which case a page goes on: among the promised calls that were due at that time, or among the ranks."""

    asked_at: datetime
    callback_at: datetime | None
    rank: int
    case_id: UUID


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list: filters, and the place after which it goes on. Without one it begins at `asked_at`."""

    limit: int
    asked_at: datetime
    status: str | None = None
    callable_now: bool | None = None
    claimed_by: str | None = None
    language: str | None = None
    filter: Filter = ANY
    after: Place | None = None


def next_of(page: Page, cases: list[ListedCase]) -> str | None:
    """The text that asks for what follows these cases of the page; None where the list has ended."""
    if len(cases) < page.limit:
        return None
    last = cases[-1]
    is_callable = last.status == "open" and last.held_by is None
    is_due = is_callable and last.callback_at is not None and last.callback_at <= page.asked_at
    due = str(_microseconds(last.callback_at)) if is_due and last.callback_at else ""
    return f"{_microseconds(page.asked_at)}_{due}_{last.rank}_{last.case_id.hex}"


def place_of(after: str | None) -> Place | None:
    """The place that the text of `next_of` names."""
    if after is None:
        return None
    asked, due, rank, case_id = after.split("_")
    return Place(_instant(asked), _instant(due) if due else None, int(rank), UUID(case_id))


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(microseconds: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))
