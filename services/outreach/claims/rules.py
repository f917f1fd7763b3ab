"""What a worker asks for and holds, and in which order claimed cases are to be called. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.outreach.policy import Demanded, Matching
from services.outreach.workers.rules import Level, Worker
from services.outreach.worklist.rules import ANY, Filter, ListedCase


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the worker may not claim: cases of members who avoid his organisation, of programmes that demand what he has
    not, and hard ones once he had as many hard calls on the day as the rest rule allows. What is assigned to him and
    needs a language has to be in one of his `languages`."""

    organization: str | None = None
    barred_programmes: tuple[str, ...] = ()
    has_to_rest: bool = False
    languages: tuple[str, ...] = ()


NO_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker wants to work on. Without a language: anything that needs no particular one. `gate_at`: only
    what the gate permits at this instant; None: it is not asked."""

    worker_id: str
    count: int
    language: str | None = None
    filter: Filter = ANY
    bounds: Bounds = NO_BOUNDS
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


def bounds_of(worker: Worker | None, today: date, hard_calls: int, policy: Matching, *, plan_describes: bool) -> Bounds:
    """Of somebody who is not described nothing is known but his code: he has learned nothing. A plan that describes
    nobody (`plan_describes`) demands nothing."""
    barred = [
        programme_id
        for programme_id, demanded in sorted(policy.demanded.items())
        if plan_describes and (worker is None or not is_fit(worker, demanded, today))
    ]
    organization = None if worker is None else worker.organization
    least = Level[policy.spoken_from]
    languages = () if worker is None else tuple(sorted(one for one in worker.languages if worker.speaks(one, least)))
    return Bounds(organization, tuple(barred), hard_calls >= policy.hard_cases_a_day, languages)


def is_fit(worker: Worker, demanded: Demanded, today: date) -> bool:
    """Whether the worker has what a programme demands."""
    is_of_discipline = not demanded.disciplines or worker.discipline in demanded.disciplines
    return is_of_discipline and worker.is_trained(demanded.courses, today)


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
