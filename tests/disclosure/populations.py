"""Small populations by chance: every person with plans, place, doses and the way through outreach, and what reporting
would count of them."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

from pydantic import TypeAdapter

from services.replicas.programmes.rules import Programme
from services.reporting.figures.assembly import COLUMNS, Counted, cross, make_report
from services.reporting.figures.hiding.funnels import OUTCOMES, STAGES
from services.reporting.figures.report import Quality, Report, Slots
from services.reporting.pages import tables
from services.reporting.pages.page import render
from services.reporting.pages.terminal import lines
from services.reporting.population.rules import Question
from services.reporting.population.shares import Counts
from services.reporting.targets.rules import rank_targets

REPORT = TypeAdapter(Report)
MONDAY = date(2021, 3, 1)
SITES = ("united-center", "loretto", "malcolm-x")
DISPOSITIONS = ("booked", "initial-refusal", "complete", "no-answer", "left-message")
REASONS = ("motivation", "practical-issues", "social-processes", "thinking-feeling")
PROGRAMME = Programme("connectors-65", 1, "covid-19", date(2021, 1, 4), "Connectors", "America/Chicago")
QUESTION = Question("connectors-65", MONDAY + timedelta(days=20), MONDAY + timedelta(days=20))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is enrolled; `stage`: how many stages were passed."""

    plans: tuple[str, ...]
    zip5: str
    age_band: str
    race_ethnicity: str
    svi_group: str
    arm: str
    in_scope: bool
    is_target: bool
    week: int | None
    source: str
    stage: int
    outcome: str
    reasons: tuple[str, ...]


def some_people(random: Random) -> list[Person]:
    """Ten to some hundred people. How mixed they are is by chance too, so that some tables have few small cells, and
    others little else."""
    zips = [f"606{n:02}" for n in range(random.choice((1, 2, 3, 5, 9, 15)))]
    plans = ("lakeshore", "prairie", "garfield")[: random.choice((1, 2, 2, 2, 3))]
    rare = random.choice((0.0, 0.01, 0.03, 0.1))
    covered, vulnerable = random.choice((0.03, 0.3, 0.6, 0.95)), random.choice((0.05, 0.5, 0.9, 0.98, 1.0))
    weights = [random.random() ** 3 + 0.01 for _ in range(9)]
    in_two, lost = random.choice((0.0, 0.01, 0.05, 0.3)), random.choice((0.02, 0.2, 0.6))

    def one() -> Person:
        mine = random.sample(plans, 2) if len(plans) > 1 and random.random() < in_two else [random.choice(plans)]
        is_target, is_vaccinated = random.random() < vulnerable, random.random() < covered
        stage = next((n for n in range(1, 7) if random.random() < lost), 7)
        week = random.choice((0, 0, 1, 2)) if is_vaccinated else None
        ends = OUTCOMES[1:4] if is_vaccinated else OUTCOMES[4:]
        return Person(
            tuple(mine), random.choices(zips, weights[: len(zips)] + [0.2] * max(0, len(zips) - 9))[0],
            random.choices(("65-69", "70-74", "75-79", "80+"), weights[:4])[0],
            random.choices(("white", "hispanic", "asian", "other"), (1, 1, rare, rare))[0],
            random.choices(("tract:4", "zip:4", "unknown"), (1, rare, rare))[0] if is_target
            else random.choices(("tract:1", "tract:3", "zip:1"), weights[:3])[0],
            random.choice(("control", "outreach")), random.random() > rare, is_target, week,
            "appointment" if stage == 7 or random.random() < 0.1 else "iis", stage,
            OUTCOMES[0] if stage == 7 else random.choice(ends), tuple(one for one in REASONS if random.random() < rare),
        )  # fmt: skip

    return [one() for _ in range(random.choice((12, 30, 60, 120, 200, 250)))]


def count(people: Sequence[Person], random: Random) -> tuple[Counted, list[dict[str, str | int | float]]]:
    """What reporting counts of them, and its rows of the coverage file."""
    scope = [one for one in people if one.in_scope]
    target = [one for one in scope if one.is_target]
    by = {column: _by(scope, partial(_column, column)) for column in COLUMNS[1:]}
    by["tenant_id"] = _by(scope, lambda one: one.plans)
    cells = _by(scope, lambda one: [
        (plan, one.zip5, one.age_band, one.race_ethnicity, one.svi_group) for plan in one.plans
    ])  # fmt: skip
    slots, deeds = _deeds(scope, people, random)
    whole = _counts(scope)
    ranked = rank_targets(by["zip5"], _by(target, lambda one: [one.zip5]), 11, random.choice((3, 99)))
    counted = Counted(
        in_scope=whole, target=_counts(target), vaccinated_last_7_days=sum(one.week == 2 for one in target),
        by=by, by_arm=_by(scope, lambda one: [one.arm]), funnels=_funnels(people), activity=deeds, slots=slots,
        refusals=Counter(one for person in people for one in person.reasons[:1]),
        barriers=Counter(one for person in people for one in person.reasons), svi_releases=("2018",),
        targets_week_on=MONDAY, targets=tuple(ranked), quality=Quality((), (), 0, 0, 0),
    )  # fmt: skip
    return counted, cross(cells, by, whole)


def files_of(seed: int) -> tuple[dict[str, str], str]:
    """What `./vcc report` would write and print of the population of this number."""
    random = Random(seed)
    counted, cells = count(some_people(random), random)
    report = make_report(PROGRAMME, QUESTION, None, counted)
    files = {f"{name}.csv": tables.to_csv(rows, "#") for name, rows in tables.rows_of(report).items()}
    files |= {"coverage.csv": tables.to_csv(cells, "#"), "report.html": render(report)}
    return files | {"report.json": json.dumps(REPORT.dump_python(report, mode="json"))}, "\n".join(lines(report))


def _column(name: str, one: Person) -> list[str]:
    return [getattr(one, name)]


def _counts(people: Iterable[Person]) -> Counts:
    listed = list(people)
    return Counts(len(listed), sum(one.week is not None for one in listed))


def _by(people: Iterable[Person], keys: Callable[[Person], Iterable[Any]]) -> dict[Any, Counts]:
    found: dict[Any, list[Person]] = defaultdict(list)
    for one in people:
        for key in keys(one):
            found[key].append(one)
    return {key: _counts(found[key]) for key in sorted(found)}


def _funnels(people: Sequence[Person]) -> dict[str | None, dict[str, int]]:
    plans = sorted({plan for one in people for plan in one.plans})
    return {
        plan: _funnel([one for one in people if plan is None or plan in one.plans]) for plan in (None, *plans)
    }  # fmt: skip


def _funnel(people: Sequence[Person]) -> dict[str, int]:
    """Everybody passed the stages before the last one; whoever has a case has an outcome."""
    stages = {name: sum(one.stage > n for one in people) for n, name in enumerate(STAGES)}
    ends = Counter(one.outcome for one in people if one.stage > 2)
    return stages | {f"outcome {name}": ends[name] for name in OUTCOMES}


def _deeds(
    scope: Sequence[Person], people: Sequence[Person], random: Random
) -> tuple[tuple[Slots, ...], dict[tuple[date, str], dict[str, int]]]:
    deeds: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    used: Counter[tuple[int, str]] = Counter()
    for one in scope:
        if one.week is not None:
            deeds[_week(one.week), "dose by source"][one.source] += 1
            deeds[_week(one.week), "dose by svi"][one.svi_group] += 1
            is_walk_in = one.source == "appointment" and one.stage < 7
            deeds[_week(one.week), "walk-in"][""] += is_walk_in
    for one in people:
        week = one.week if one.week is not None else random.randrange(3)
        if one.stage > 3:
            said = DISPOSITIONS[:3] if one.stage > 4 else DISPOSITIONS[3:]
            deeds[_week(week), "attempt"][random.choice(said)] += 1
        if one.stage > 5:
            end = "fulfilled" if one.stage == 7 else random.choice(("noshow", "cancellation", "open"))
            deeds[_week(week), "booking"][""] += 1
            deeds[_week(week), end][""] += end != "open"
            if end == "fulfilled":
                used[week, random.choice(SITES)] += 1
    slots = tuple(
        Slots(_week(week), site, None, 40, 0, used[week, site]) for week in range(3) for site in SITES
    )  # fmt: skip
    exact = {key: {sort: n for sort, n in counts.items() if n} for key, counts in deeds.items()}
    return slots, {key: counts for key, counts in exact.items() if counts}


def _week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)
