"""What of the funnels may be shown, everybody's and each plan's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.reporting.figures.hiding.tables import People, Sums
from services.reporting.figures.report import Funnel, Row, Stage
from services.reporting.population.rules import THRESHOLD, is_few

STAGES = ("enrolled", "ever-eligible", "case-opened", "attempted", "reached", "booked", "dose-after-outreach")
OUTCOMES = ("dose-after-outreach", "dose-at-own-site-otherwise", "dose-elsewhere", "dose-before-the-case", "no-dose")
MATTERS = ("case-opened", "dose-after-outreach", "enrolled", "ever-eligible", "reached", "attempted", "booked")
"""The stages by how much they are wanted: of two that can't be shown together the first one is."""
LAST = "dose-after-outreach"


@dataclass(frozen=True, slots=True)
class Exact:
    """One funnel as it is: people by stage and, each after "outcome ", by outcome; and how many are in scope now."""

    plan: str | None
    people: People
    in_scope: int


def funnels(exact: Sequence[Exact], by_plan: Iterable[Row]) -> tuple[Funnel, ...]:
    """The funnel over all plans and, where they tell of few people neither by themselves nor beside it, those of the
    plans. Shown are only stages of which no two differ by few people. The plans' are cut at the same stages, also for
    those who are in two plans."""
    total, each = exact[0], exact[1:]
    stages = _stages([total])
    if any(is_few(total.people["enrolled"] - plan.in_scope) for plan in each):
        stages -= {"enrolled"}
    outcomes = _outcomes(total, stages)
    if outcomes[LAST] is None:
        stages -= {LAST}
    twice = _twice(total, each)
    common = _stages([total, *each, twice]) & stages if each else set()
    if any(row.coverage.members is None for row in by_plan):
        common -= {"enrolled"}
    found = [_funnel(total, stages, outcomes)]
    if common:
        is_whole = {"case-opened", LAST} <= common and None not in outcomes.values()
        is_whole = is_whole and not any(is_few(plan.people[f"outcome {name}"]) for plan in (*each, twice)
                                        for name in OUTCOMES)  # fmt: skip
        for plan in each:
            mine: Sums = {name: plan.people[f"outcome {name}"] if is_whole else None for name in OUTCOMES}
            found.append(_funnel(plan, common, mine | ({LAST: plan.people[LAST]} if LAST in common else {})))
    return tuple(found)


def _twice(total: Exact, each: Sequence[Exact]) -> Exact:
    """Those who are in two plans."""
    people = {name: sum(plan.people[name] for plan in each) - count for name, count in total.people.items()}
    return Exact(None, people, sum(plan.in_scope for plan in each) - total.in_scope)


def _stages(all_of: Sequence[Exact]) -> set[str]:
    """As many stages as can be shown in all these funnels, beside who is in scope."""
    kept: list[str] = []
    for stage in MATTERS:
        wanted = [other for other in STAGES if other in {stage, *kept}]
        if all(_tells_nobody(exact, wanted) for exact in all_of):
            kept = wanted
    return set(kept)


def _tells_nobody(exact: Exact, stages: Sequence[str]) -> bool:
    people = [exact.people[stage] for stage in stages]
    if "enrolled" in stages and is_few(exact.people["enrolled"] - exact.in_scope):
        return False
    return not any(map(is_few, people)) and not any(is_few(before - after) for before, after in pairwise(people))


def _outcomes(exact: Exact, stages: set[str]) -> Sums:
    """The outcomes add up to those with a case, and the first is the last stage: it is hidden last."""
    people = [exact.people[f"outcome {name}"] for name in OUTCOMES]
    if "case-opened" not in stages:
        return dict.fromkeys(OUTCOMES)
    hidden = {i for i, count in enumerate(people) if is_few(count)} | ({0} if LAST not in stages else set())
    while hidden and not (len(hidden) > 1 and sum(people[i] for i in hidden) >= THRESHOLD):
        left = set(range(len(people))) - hidden
        if not left:
            break
        hidden.add(min(left, key=lambda i: (i == 0, people[i] == 0, people[i])))
    return {name: None if i in hidden else people[i] for i, name in enumerate(OUTCOMES)}


def _funnel(exact: Exact, stages: set[str], outcomes: Sums) -> Funnel:
    found, before = [], None
    for stage in STAGES:
        people = exact.people[stage] if stage in stages else None
        found.append(Stage(stage, people, people / before if people is not None and before else None))
        before = people
    return Funnel(exact.plan, tuple(found), outcomes)
