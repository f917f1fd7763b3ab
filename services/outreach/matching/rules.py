"""Who may reach a member, and who had better: hard rules, which nothing breaks, and the order of what is preferred.
Each answer is made of codes that name the rule. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from services.outreach.policy import Matching
from services.outreach.workers.rules import Discipline, Level, Worker


class Bar(StrEnum):
    """A hard rule that keeps a worker from a member."""

    AVOIDED = "avoided"
    LANGUAGE = "language"
    TRAINING = "training"
    DISCIPLINE = "discipline"
    ABSENT = "absent"
    HARD_CALLS = "hard-calls"
    FULL = "full"


class Reason(StrEnum):
    """Why one worker comes before another, the weightiest first."""

    OWN_MANAGER = "own-manager"
    CONTINUITY = "continuity"
    SPEAKS = "speaks"  # rather than through a qualified interpreter
    CULTURE = "culture"
    AREA = "area"
    LOAD = "load"
    ONLY = "only"  # nobody else may
    OVERRIDE = "override"  # a supervisor said so
    HAND_OFF = "hand-off"  # a colleague asked, and he accepted


PREFERENCES = (Reason.OWN_MANAGER, Reason.CONTINUITY, Reason.SPEAKS, Reason.CULTURE, Reason.AREA)
"""In their order; the load decides between workers who are equal in all of them."""


@dataclass(frozen=True, slots=True)
class Avoided:
    """Whom a member does not want to be called by: workers, or all of an organisation's."""

    workers: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()

    def __contains__(self, worker: object) -> bool:
        assert isinstance(worker, Worker)
        return worker.worker_id in self.workers or worker.organization in self.organizations


NOBODY = Avoided()


@dataclass(frozen=True, slots=True)
class Demand:
    """What the hard rules ask of whoever reaches a member. `language` is one that must be spoken, or interpreted by
    somebody qualified (never by family)."""

    language: str | None = None
    courses: frozenset[str] = frozenset()
    disciplines: frozenset[Discipline] = frozenset()
    avoided: Avoided = NOBODY
    is_hard: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What had better be so. `last_worker` spoke with the member before."""

    manager: str | None = None
    last_worker: str | None = None
    cultures: frozenset[str] = frozenset()
    zip5: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The days for which is matched, the weights and limits, and the languages for which the plan has a qualified
    interpreter."""

    from_on: date
    until_on: date
    policy: Matching
    interpreted: frozenset[str] = frozenset()

    def weight(self, demand: Demand) -> int:
        """What a member with this demand adds to a load."""
        return self.policy.hard_weight if demand.is_hard else 1


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker bears within the days of the terms: weight, and how much of it he has; hard cases likewise."""

    capacity: int
    load: int
    hard_capacity: int
    hard_load: int

    def with_one_more(self, weight: int, *, is_hard: bool) -> "Room":
        """With a member more of this weight."""
        return replace(self, load=self.load + weight, hard_load=self.hard_load + is_hard)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker with the hard rules that bar him, and what speaks for him. `deciding`: why he comes before the next."""

    worker_id: str
    bars: tuple[Bar, ...]
    reasons: tuple[Reason, ...]
    load: float
    deciding: Reason | None = field(default=None, compare=False)


def room_of(worker: Worker, terms: Terms, load: int = 0, hard_load: int = 0) -> Room:
    """What the worker bears on the days of the terms, with what he has by now."""
    days = worker.days_at_work(terms.from_on, terms.until_on)
    return Room(days * worker.capacity, load, days * terms.policy.hard_cases_a_day, hard_load)


def bars(worker: Worker, demand: Demand, terms: Terms) -> Iterator[Bar]:
    """The hard rules that keep this worker from members with this demand, whatever he has to do besides."""
    if worker in demand.avoided:
        yield Bar.AVOIDED
    if demand.language not in {None, *terms.interpreted} and not _speaks(worker, demand.language, terms):
        yield Bar.LANGUAGE
    if not worker.is_trained(demand.courses, terms.until_on) or not worker.is_trained(demand.courses, terms.from_on):
        yield Bar.TRAINING
    if demand.disciplines and worker.discipline not in demand.disciplines:
        yield Bar.DISCIPLINE
    if worker.days_at_work(terms.from_on, terms.until_on) == 0:
        yield Bar.ABSENT


def bars_of_load(room: Room, demand: Demand, terms: Terms) -> Iterator[Bar]:
    """The hard rules by which a worker has enough."""
    if room.load + terms.weight(demand) > room.capacity:
        yield Bar.FULL
    if demand.is_hard and room.hard_load >= room.hard_capacity:
        yield Bar.HARD_CALLS


def reasons(worker: Worker, demand: Demand, wish: Wish, terms: Terms) -> Iterator[Reason]:
    """What speaks for this worker, the weightiest first."""
    if worker.worker_id == wish.manager:
        yield Reason.OWN_MANAGER
    if worker.worker_id == wish.last_worker:
        yield Reason.CONTINUITY
    if _speaks(worker, demand.language, terms):
        yield Reason.SPEAKS
    if worker.cultures & wish.cultures:
        yield Reason.CULTURE
    if wish.zip5 in worker.zips:
        yield Reason.AREA


def ranked(
    workers: Iterable[Worker], demand: Demand, wish: Wish, terms: Terms, rooms: Mapping[str, Room]
) -> list[Candidate]:
    """All workers: those who may, in the order in which they had better; then those who are barred, by their codes."""
    found = sorted((_candidate(worker, demand, wish, terms, rooms[worker.worker_id]) for worker in workers), key=_order)
    able = [one for one in found if not one.bars]
    return [
        *(_decided(one, able[place + 1 :]) for place, one in enumerate(able)),
        *(one for one in found if one.bars),
    ]


def first_ahead(mine: Iterable[Reason], others: Iterable[Reason]) -> Reason:
    """The weightiest preference that speaks for one and not for the other; the load where there is none."""
    ahead = set(mine) - set(others)
    return next((reason for reason in PREFERENCES if reason in ahead), Reason.LOAD)


def _candidate(worker: Worker, demand: Demand, wish: Wish, terms: Terms, room: Room) -> Candidate:
    barred = (*bars(worker, demand, terms), *bars_of_load(room, demand, terms))
    load = room.load / room.capacity if room.capacity else 1.0
    return Candidate(worker.worker_id, barred, tuple(reasons(worker, demand, wish, terms)), load)


def _decided(candidate: Candidate, behind: list[Candidate]) -> Candidate:
    return replace(candidate, deciding=first_ahead(candidate.reasons, behind[0].reasons) if behind else Reason.ONLY)


def _order(candidate: Candidate) -> tuple[object, ...]:
    missing = tuple(reason not in candidate.reasons for reason in PREFERENCES)
    return bool(candidate.bars), missing, candidate.load, candidate.worker_id


def _speaks(worker: Worker, language: str | None, terms: Terms) -> bool:
    return language is not None and worker.speaks(language, Level[terms.policy.spoken_from])
