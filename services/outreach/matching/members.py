"""From what is on record of open cases to members as matching sees them. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.outreach.matching.batch import Member
from services.outreach.matching.rules import Avoided, Demand, Wish
from services.outreach.policy import Matching
from services.outreach.workers.rules import Discipline

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class OpenCase:
    """An open case that is assigned to nobody, as far as matching asks."""

    case_id: UUID
    person_token: UUID
    programme_id: str
    rank: int
    language: str | None
    needs_language: bool
    interpreter_needed: str
    zip5: str | None


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record of persons beside their cases."""

    managers: Mapping[UUID, str] = field(default_factory=dict)
    cultures: Mapping[UUID, Collection[str]] = field(default_factory=dict)
    last_workers: Mapping[UUID, str] = field(default_factory=dict)
    avoided: Mapping[UUID, Avoided] = field(default_factory=dict)
    with_hard_calls: Collection[UUID] = ()


def members_of(cases: Iterable[OpenCase], known: OnRecord, policy: Matching) -> list[Member]:
    """A member for each person: all his cases go to one worker, who needs what any of their programmes demands."""
    by_person: dict[UUID, list[OpenCase]] = defaultdict(list)
    for case in sorted(cases, key=lambda one: (-one.rank, one.case_id)):
        by_person[case.person_token].append(case)
    return [_member(person, own, known, policy) for person, own in by_person.items()]


def _member(person: UUID, cases: list[OpenCase], known: OnRecord, policy: Matching) -> Member:
    demanded = [policy.demanded[case.programme_id] for case in cases if case.programme_id in policy.demanded]
    disciplines = [frozenset(map(Discipline, one.disciplines)) for one in demanded if one.disciplines]
    demand = Demand(
        language=next(filter(None, map(_language_asked, cases)), None),
        courses=frozenset(course for one in demanded for course in one.courses),
        disciplines=frozenset.intersection(*disciplines) if disciplines else frozenset(),
        avoided=known.avoided.get(person, Avoided()),
        is_hard=person in known.with_hard_calls,
    )
    wish = Wish(
        manager=known.managers.get(person),
        last_worker=known.last_workers.get(person),
        cultures=frozenset(known.cultures.get(person, ())),
        zip5=cases[0].zip5,
    )
    return Member(person, cases[0].rank, tuple(case.case_id for case in cases), demand, wish)


def _language_asked(case: OpenCase) -> str | None:
    """One that he asked for; one of the roster unless it is known that he needs no interpreter."""
    if case.needs_language:
        return case.language
    is_other = case.language not in {None, ENGLISH} and case.interpreter_needed != "no"
    return case.language if is_other else None
