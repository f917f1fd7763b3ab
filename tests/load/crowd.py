"""A made-up plan's members and workers, for benchmarks of matching: languages, ZIPs and cultures fall unevenly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from uuid import UUID

from services.outreach.matching.batch import Member
from services.outreach.matching.rules import NOBODY, Avoided, Demand, Wish
from services.outreach.workers.rules import Absence, Discipline, Grade, Level, OrganizationKind, Training, Worker

MONDAY = date(2021, 3, 1)
UNTIL = MONDAY + timedelta(days=11)
LANGUAGES = {"es": 22, "zh": 8, "vi": 5, "tl": 4, "ko": 4, "hy": 3, "fa": 2, "ru": 2}
CULTURES = ("mexican", "salvadoran", "black", "chinese", "vietnamese", "filipino", "korean", "armenian", "iranian")
ZIPS = tuple(f"90{number:03}" for number in range(120))
COURSE = "motivational-interviewing"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is to be reached, and who may reach."""

    members: Sequence[Member]
    workers: Sequence[Worker]


def a_crowd(members: int, workers: int, seed: int = 16) -> Crowd:
    """So many of both; everything is drawn from the seed."""
    dice = Random(seed)
    staff = [_worker(dice, number) for number in range(workers)]
    return Crowd([_member(dice, number, staff) for number in range(members)], staff)


def _language(dice: Random) -> str | None:
    drawn = dice.randrange(100)
    for language, share in LANGUAGES.items():
        if drawn < share:
            return language
        drawn -= share
    return None


def _worker(dice: Random, number: int) -> Worker:
    own = _language(dice)
    home = dice.randrange(len(ZIPS) - 12)
    away = MONDAY + timedelta(days=dice.randrange(12))
    return Worker(
        worker_id=f"w-{number:04}",
        discipline=dice.choice(tuple(Discipline)),
        organization=f"org-{number % 25}",
        organization_kind=OrganizationKind.CBO,
        grade=Grade.SENIOR,
        languages={"en": Level.C2} | ({own: dice.choice((Level.B2, Level.C1, Level.C2))} if own else {}),
        cultures=frozenset(dice.sample(CULTURES, dice.randrange(3))),
        zips=frozenset(ZIPS[home : home + dice.randrange(4, 12)]),
        working_days=dict.fromkeys(range(1, 6), "08:00-17:00"),
        capacity=dice.choice((8, 12, 16, 20)),
        absences=(Absence(away, away + timedelta(days=2)),) if number % 10 == 0 else (),
        trainings=(Training(COURSE, date(2020, 1, 1), None, date(2020, 3, 1)),) if dice.random() < 0.6 else (),
    )


def _member(dice: Random, number: int, staff: Sequence[Worker]) -> Member:
    avoided = NOBODY
    if dice.random() < 0.01:
        one = dice.choice(staff)
        is_all = dice.random() < 0.2
        avoided = (
            Avoided(organizations=frozenset({one.organization})) if is_all else Avoided(frozenset({one.worker_id}))
        )
    demand = Demand(
        language=_language(dice),
        courses=frozenset({COURSE}) if dice.random() < 0.3 else frozenset(),
        avoided=avoided,
        is_hard=dice.random() < 0.05,
    )
    wish = Wish(
        manager=dice.choice(staff).worker_id if dice.random() < 0.1 else None,
        last_worker=dice.choice(staff).worker_id if dice.random() < 0.2 else None,
        cultures=frozenset(dice.sample(CULTURES, 1)) if dice.random() < 0.5 else frozenset(),
        zip5=dice.choice(ZIPS),
    )
    person = UUID(int=number)
    return Member(person, dice.randrange(1000), (person,), demand, wish)
