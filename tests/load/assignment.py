"""Benchmark: 50,000 members to 500 workers, by the solver and by a greedy baseline in the same run. Once with
interpreters for all languages, so that the hard rules permit even loads; once for few, so that the bound shows."""

import time
from collections.abc import Mapping, Sequence

from services.outreach.matching.balance import Bound, spread_of
from services.outreach.matching.batch import Batch, Member, assign
from services.outreach.matching.rules import PREFERENCES, Reason, Room, Terms, bars, reasons, room_of
from services.outreach.policy import POLICY
from services.outreach.workers.rules import Worker
from tests.load.crowd import LANGUAGES, MONDAY, UNTIL, Crowd, a_crowd
from tests.load.greedy import assign_greedily
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options

SECONDS = Aim("at most", 60)
NONE_BROKEN = Aim("at most", 0)
EVEN = Aim("at most", POLICY.matching.spread)


def run(options: Options) -> Result:
    members, workers = (2_000, 100) if options.quick else (50_000, 500)
    crowd = a_crowd(members, workers)
    figures: list[Figure] = []
    for title, interpreted in (
        ("interpreters for all languages", LANGUAGES),
        ("interpreters for three", ("hy", "fa", "ru")),
    ):
        terms = Terms(MONDAY, UNTIL, POLICY.matching, frozenset(interpreted))
        figures += _compared(title, crowd, terms, is_even=interpreted is LANGUAGES)
    return Result("assignment", "Assignment of members to workers", figures, {"members": members, "workers": workers})


def _compared(title: str, crowd: Crowd, terms: Terms, *, is_even: bool) -> list[Figure]:
    rooms = {worker.worker_id: room_of(worker, terms) for worker in crowd.workers}
    begun = time.process_time()
    batch = assign(crowd.members, crowd.workers, terms, rooms)
    solved = time.process_time()
    greedy = assign_greedily(crowd.members, crowd.workers, terms, rooms)
    spent = solved - begun, time.process_time() - solved
    given = [(one.member, one.worker_id) for one in batch.assigned]
    aim = EVEN if is_even else None
    sides: list[tuple[str, Sequence[tuple[Member, str]], Mapping[str, Room], float]] = [
        ("solver", given, batch.rooms, spent[0]), ("greedy", greedy.assigned, greedy.rooms, spent[1])
    ]  # fmt: skip
    figures = [_bound(title, batch, aim)]
    for side, assigned, loads, seconds in sides:
        is_ours = side == "solver"
        figures += [
            Figure(f"{title}, {side}", seconds, "s of a core", SECONDS if is_ours else None),
            Figure("  hard rules broken", _broken(assigned, crowd, terms, loads), "times", NONE_BROKEN),
            Figure("  given to nobody", len(crowd.members) - len(assigned), "members"),
            Figure(
                "  spread of loads", spread_of(loads, Bound(0, 0, 0)).attained, "of the level", aim if is_ours else None
            ),
            *(Figure(f"  {reason}", share, "of those who wish it") for reason, share in _kept(assigned, crowd, terms)),
        ]
    return figures


def _bound(title: str, batch: Batch, aim: Aim | None) -> Figure:
    note = "" if aim else "no assignment is more even: some languages have too few workers"
    return Figure(f"{title}: bound of the spread", batch.spread.bound, "of the level", None, note)


def _broken(assigned: Sequence[tuple[Member, str]], crowd: Crowd, terms: Terms, loads: Mapping[str, Room]) -> int:
    """Counted anew from the assignments, one by one."""
    by_id = {worker.worker_id: worker for worker in crowd.workers}
    broken = sum(any(bars(by_id[worker_id], member.demand, terms)) for member, worker_id in assigned)
    twice = len(assigned) - len({member.person_token for member, _ in assigned})
    over = sum(room.load > room.capacity or room.hard_load > room.hard_capacity for room in loads.values())
    return broken + twice + over


def _kept(assigned: Sequence[tuple[Member, str]], crowd: Crowd, terms: Terms) -> list[tuple[Reason, float]]:
    """Which share of those who have a wish that somebody who may could keep got it."""
    by_id: Mapping[str, Worker] = {worker.worker_id: worker for worker in crowd.workers}
    asked = dict.fromkeys(PREFERENCES, 0)
    kept = dict.fromkeys(PREFERENCES, 0)
    for member, worker_id in assigned:
        wish, told = member.wish, set(reasons(by_id[worker_id], member.demand, member.wish, terms))
        for reason, is_asked in (
            (Reason.OWN_MANAGER, wish.manager), (Reason.CONTINUITY, wish.last_worker),
            (Reason.SPEAKS, member.demand.language), (Reason.CULTURE, wish.cultures), (Reason.AREA, wish.zip5),
        ):  # fmt: skip
            asked[reason] += bool(is_asked)
            kept[reason] += bool(is_asked) and reason in told
    return [(reason, kept[reason] / max(1, asked[reason])) for reason in PREFERENCES]
