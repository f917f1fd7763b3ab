"""Every rule of hiding is needed: without it the attack finds somebody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.reporting.figures import assembly, rules
from services.reporting.figures.hiding import coverage, funnels, tables, visits
from services.reporting.figures.report import Headline, Reason, Row
from services.reporting.population.rules import Coverage, can_show, cover, is_few, shown
from services.reporting.population.shares import Counts
from services.reporting.targets import rules as targets
from tests.disclosure import populations
from tests.disclosure.files import attack
from tests.disclosure.populations import files_of

SEEDS = 40
GAP_TELLS = 206
"""Of this population the gap is hidden, though both of its rows could be shown alone."""


def each_alone(rows: Sequence[Counts]) -> list[Coverage]:
    return [cover(row) for row in rows]


def headline_alone(in_scope: Counts, target: Counts, lately: int) -> Headline:
    return Headline(cover(target), shown(lately), cover(in_scope))


def margin_alone(counts: Mapping[str, Counts], *_: Any) -> tuple[Row, ...]:
    return coverage.coverage_rows(counts)


def tables_alone(*both: Mapping[str, int]) -> tuple[dict[str, int | None], ...]:
    return tuple({name: shown(count) for name, count in table.items()} for table in both)


def steps_alone(exact: funnels.Exact, stages: Sequence[str]) -> bool:
    return not any(is_few(exact.people[stage]) for stage in stages)


def outcomes_alone(exact: funnels.Exact, _stages: set[str]) -> dict[str, int | None]:
    return {name: shown(exact.people[f"outcome {name}"]) for name in funnels.OUTCOMES}


def visits_alone(week: visits.Visits) -> visits.VisitsShown:
    return visits.VisitsShown(shown(week.bookings), shown(week.fulfilled), shown(week.walk_ins), shown(week.noshows),
                              shown(week.cancellations), no_used=False)  # fmt: skip


def by_count(people: Mapping[str, int]) -> tuple[Reason, ...]:
    return tuple(Reason(code, shown(people[code])) for code in sorted(people, key=lambda code: -people[code]))


def cells_alone(cells: Mapping[tuple[str, ...], Counts], _tables: Any) -> dict[tuple[str, ...], Counts]:
    return {names: counts for names, counts in cells.items() if can_show(counts)}


def targets_alone(_everybody: Mapping[str, Counts], target: Mapping[str, Counts]) -> dict[str, Coverage]:
    return {zip5: cover(counts) for zip5, counts in target.items()}


def bookings_alone(weeks: Mapping[Any, visits.Visits], **_: Any) -> dict[Any, visits.VisitsShown]:
    return {week_on: visits._week_of_visits(week) for week_on, week in weeks.items()}


def finds_somebody(seed: int) -> bool:
    """Of what contradicts itself, because a rule left it out of step with the others, nothing is said."""
    try:
        return bool(attack(*files_of(seed)))
    except ValueError:
        return False


@pytest.mark.slow
@pytest.mark.capability("B9")
@pytest.mark.parametrize(
    ("room", "name", "mutant"),
    [
        (coverage, "cover_table", each_alone),
        (coverage, "headline", headline_alone),
        (coverage, "plans", margin_alone),
        (rules, "two_tables", tables_alone),
        (funnels, "_tells_nobody", steps_alone),
        (funnels, "_outcomes", outcomes_alone),
        (visits, "_week_of_visits", visits_alone),
        (rules, "visits", bookings_alone),
        (tables, "reasons", by_count),
        (coverage, "cross", cells_alone),
        (targets, "cover_targets", targets_alone),
    ],
)
def test_without_a_rule_somebody_is_found(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, mutant: Any) -> None:
    """Each figure hidden for itself only, as it once was, gives away a count of few people in some population."""
    monkeypatch.setattr(room, name, mutant)
    assert any(map(finds_somebody, range(SEEDS)))


@pytest.mark.capability("B9")
def test_a_gap_of_hidden_rows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gap printed from the exact counts gives away a row that was hidden to protect another."""
    right = assembly.make_report

    def with_gap(programme: Any, question: Any, plan: str | None, counted: assembly.Counted) -> Any:
        exact: Iterable[Row] = [Row(name, cover(counts)) for name, counts in counted.by["svi_group"].items()]
        return replace(right(programme, question, plan, counted), disparity=rules.disparity(exact))

    monkeypatch.setattr(populations, "make_report", with_gap)
    assert finds_somebody(GAP_TELLS)
