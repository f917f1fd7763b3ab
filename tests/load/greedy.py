"""What a person with a list would do, against which the solver is measured: one member after another, the highest
ranked first, to whom the rules put first, and of equals to the one with the least load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.outreach.matching.batch import Member
from services.outreach.matching.rules import PREFERENCES, Room, Terms, bars_of_load
from services.outreach.matching.workforce import Workforce
from services.outreach.workers.rules import Worker


@dataclass(frozen=True, slots=True)
class Greedy:
    """Member and worker of each assignment, and what the workers have then."""

    assigned: Sequence[tuple[Member, str]]
    rooms: Mapping[str, Room]


def assign_greedily(
    members: Sequence[Member], workers: Sequence[Worker], terms: Terms, rooms: Mapping[str, Room]
) -> Greedy:
    """By the same hard rules and the same order of what is preferred."""
    workforce, loads = Workforce(workers, terms), dict(rooms)
    assigned: list[tuple[Member, str]] = []
    for member in sorted(members, key=lambda one: (-one.rank, one.person_token)):
        demand = member.demand
        able = {name for name in workforce.able(demand) if not any(bars_of_load(loads[name], demand, terms))}
        if not able:
            continue
        for reason in PREFERENCES:
            able = able & workforce.fitting(reason, demand, member.wish) or able
        chosen = min(able, key=lambda name: (loads[name].load / loads[name].capacity, name))
        loads[chosen] = loads[chosen].with_one_more(terms.weight(demand), is_hard=demand.is_hard)
        assigned.append((member, chosen))
    return Greedy(assigned, loads)
