"""What a worker asks for and holds, and in which order claimed cases are to be called. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.outreach.worklist.rules import ANY, Filter, ListedCase


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker wants to work on. Without a language: anything that needs no particular one. `gate_at`: only
    what the gate permits at this instant; None: it is not asked."""

    worker_id: str
    count: int
    language: str | None = None
    filter: Filter = ANY
    gate_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that may be claimed, and whose it is."""

    case_id: UUID
    person_token: UUID


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a case, by the database clock."""

    member_token: UUID
    claimed_by: str | None
    live: bool
    asked_at: datetime


def first_of_each_person(candidates: Iterable[Candidate]) -> dict[UUID, UUID]:
    """Person → case: of each person the case that comes first."""
    first: dict[UUID, UUID] = {}
    for candidate in candidates:
        first.setdefault(candidate.person_token, candidate.case_id)
    return first


def call_order(case: ListedCase) -> tuple[float, int, int]:
    """The key by which claimed cases are sorted, as the list is: promised calls by their time, others by rank."""
    if case.callback_at is not None:
        return case.callback_at.timestamp(), 0, case.case_id.int
    return 0.0, -case.rank, -case.case_id.int
