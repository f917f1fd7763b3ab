"""Adult histories for measuring the engine: seeded, every dose date its own.

Birth dates are either random, as requests come in, or shared, as in a batch of a large roster sorted by birth date:
a million adults have some 36 members to a birth date, who share what depends on age alone.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.model import Dose, History, Observation
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.supporting_data import load

ASSESSMENT_ON = date(2025, 11, 10)
ADULT_AGE_DAYS = (19 * 365 + 5, 95 * 365)
MEMBERS_OF_A_BIRTH_DATE = 36
# What an adult's record in a state registry holds: product, how often, the age at the first dose and the days between.
PRODUCTS = (
    ("140", 6, 19, 365),
    ("208", 3, 19, 180),
    ("309", 1, 60, 365),
    ("115", 1, 19, 3650),
    ("113", 1, 19, 3650),
    ("187", 2, 50, 90),
    ("33", 1, 65, 365),
    ("216", 1, 50, 365),
    ("43", 3, 19, 90),
    ("03", 2, 19, 60),
    ("165", 3, 19, 120),
    ("303", 1, 60, 365),
    ("10", 1, 19, 365),
)
OBSERVATIONS = ("055", "042", "014", "160", "186", "161")


@dataclass(frozen=True, slots=True)
class Speed:
    histories: int
    doses: int
    cpu_s: float

    @property
    def per_second(self) -> float:
        return self.histories / self.cpu_s


class Took(NamedTuple):
    wall_s: float
    cpu_s: float


class Rate(NamedTuple):
    """Histories a second by the wall's clock, which others on the machine slow down, and by processor time."""

    by_clock: float
    by_processor: float


def adult_histories(count: int, *, sorted_roster: bool = False, seed: int = 1) -> Iterator[History]:
    chance = random.Random(seed)  # noqa: S311 - a workload, not a secret
    for number in range(count):
        if not sorted_roster or number % MEMBERS_OF_A_BIRTH_DATE == 0:
            birth_on = ASSESSMENT_ON - timedelta(days=chance.randint(*ADULT_AGE_DAYS))
        yield _adult(chance, birth_on)


def measure(supporting: SupportingData, count: int, *, sorted_roster: bool = False, seed: int = 1) -> Speed:
    """In processor time, so that a busy machine blurs the figure less."""
    histories = list(adult_histories(count, sorted_roster=sorted_roster, seed=seed))
    gc.freeze()  # what is measured with is none of the engine's garbage
    return Speed(count, sum(len(h.doses) for h in histories), _forecast_all(histories, supporting).cpu_s)


def _forecast_all(histories: Sequence[History], supporting: SupportingData) -> Took:
    started, cpu_started = time.perf_counter(), time.process_time()
    for history in histories:
        forecast(history, supporting, ASSESSMENT_ON)
    return Took(time.perf_counter() - started, time.process_time() - cpu_started)


def measure_processes(folder: Path, count: int, processes: int) -> Rate:
    """Histories a second of several processes together, each with birth dates of its own in no order. They begin at
    once, when each has its rules."""
    context = get_context("spawn")
    barrier, took = context.Barrier(processes), context.SimpleQueue()
    workers = [
        context.Process(target=_one_process, args=(barrier, took, folder, count, seed)) for seed in range(processes)
    ]
    for worker in workers:
        worker.start()
    found: list[Took] = [took.get() for _ in workers]
    for worker in workers:
        worker.join()
    return Rate(sum(count / run.wall_s for run in found), sum(count / run.cpu_s for run in found))


def _one_process(barrier: Barrier, took: SimpleQueue[Took], folder: Path, count: int, seed: int) -> None:
    supporting = load(folder)
    measure(supporting, 100, seed=seed)
    histories = list(adult_histories(count, seed=seed))
    gc.freeze()  # as above
    barrier.wait()
    took.put(_forecast_all(histories, supporting))


def _adult(chance: random.Random, birth_on: date) -> History:
    doses = [dose for product in PRODUCTS if chance.random() < 0.5 for dose in _doses(chance, birth_on, *product)]
    observations = (Observation(chance.choice(OBSERVATIONS)),) if chance.random() < 0.2 else ()
    return History(birth_on, chance.choice(("Female", "Male")), tuple(doses), observations)


def _doses(chance: random.Random, birth_on: date, cvx: str, most: int, age_years: int, days: int) -> Iterator[Dose]:
    given_on = birth_on + timedelta(days=round(age_years * 365.25) + chance.randint(0, 4000))
    for _ in range(chance.randint(1, most)):
        if given_on > ASSESSMENT_ON:
            return
        yield Dose(given_on, cvx)
        given_on += timedelta(days=days + chance.randint(-10, 200))
