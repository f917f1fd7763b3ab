"""From everything that was counted to the report: what may not be shown is left out here, and nowhere else. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from services.replicas.programmes.rules import Programme
from services.reporting.figures.hiding import coverage, funnels, tables, visits
from services.reporting.figures.report import WATERMARK, WHY_INTERNAL, Quality, Report, Row, Slots
from services.reporting.figures.rules import Activity, disparity, weeks_of, zip_rows
from services.reporting.population.rules import THRESHOLD, Question
from services.reporting.population.shares import Counts
from services.reporting.targets.rules import TargetZip

COLUMNS = ("tenant_id", "zip5", "age_band", "race_ethnicity", "svi_group")
"""What coverage is shown by; people, but by plan enrolments."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Exact counts of one programme: of people in scope, of the target group, by each of `COLUMNS` and by arm; funnels
    by plan (None: all), by stage and outcome; and what happened by week. `targets` are as they were announced."""

    in_scope: Counts
    target: Counts
    vaccinated_last_7_days: int
    by: Mapping[str, Mapping[str, Counts]]
    by_arm: Mapping[str, Counts]
    funnels: Mapping[str | None, Mapping[str, int]]
    activity: Activity
    slots: tuple[Slots, ...]
    refusals: Mapping[str, int]
    barriers: Mapping[str, int]
    svi_releases: tuple[str, ...]
    targets_week_on: date | None
    targets: tuple[TargetZip, ...]
    quality: Quality


class Table(NamedTuple):
    """A table of coverage, and what of it is shown."""

    exact: Mapping[str, Counts]
    rows: tuple[Row, ...]


def coverage_tables(by: Mapping[str, Mapping[str, Counts]], in_scope: Counts) -> dict[str, Table]:
    """The tables of coverage by each of `COLUMNS`."""
    return {
        column: Table(by[column], coverage.plans(by[column], in_scope) if column == "tenant_id" else
                      coverage.coverage_rows(by[column])) for column in COLUMNS
    }  # fmt: skip


def make_report(programme: Programme, question: Question, plan: str | None, counted: Counted) -> Report:
    """The report as it may be shown; `plan` None: all plans."""
    seen = coverage_tables(counted.by, counted.in_scope)
    shown = funnels.funnels(_funnels(counted), seen["tenant_id"].rows) if counted.funnels else ()
    hidden_stages = {stage.stage for funnel in shown[:1] for stage in funnel.stages if stage.people is None}
    weeks, seen_visits = weeks_of(question, counted.activity, counted.slots, hidden_stages)
    return Report(
        watermark=WATERMARK,
        why_internal=WHY_INTERNAL,
        programme_id=programme.programme_id,
        programme_version=programme.version,
        title=programme.title,
        vaccine_group=programme.vaccine_group,
        doses_needed=programme.doses_needed,
        time_zone=programme.time_zone,
        plan=plan,
        as_of=question.as_of,
        known_on=question.known_on,
        threshold=THRESHOLD,
        svi_releases=counted.svi_releases,
        headline=coverage.headline(counted.in_scope, counted.target, counted.vaccinated_last_7_days),
        disparity=disparity(seen["svi_group"].rows),
        funnels=shown,
        by_plan=seen["tenant_id"].rows,
        by_svi=seen["svi_group"].rows,
        by_age=seen["age_band"].rows,
        by_arm=coverage.coverage_rows(counted.by_arm),
        by_race_ethnicity=seen["race_ethnicity"].rows,
        by_zip=zip_rows(seen["zip5"].rows, [target.zip5 for target in counted.targets]),
        weeks=weeks,
        refusals=tables.reasons(counted.refusals),
        barriers=tables.reasons(counted.barriers),
        slots=visits.slots(counted.slots, seen_visits),
        targets_week_on=counted.targets_week_on,
        targets=counted.targets,
        quality=counted.quality,
    )


def _funnels(counted: Counted) -> list[funnels.Exact]:
    now: dict[str | None, int] = {plan: counts.members for plan, counts in counted.by["tenant_id"].items()}
    now[None] = counted.in_scope.members
    return [funnels.Exact(plan, each, now.get(plan, 0)) for plan, each in counted.funnels.items()]


def cross(
    cells: Mapping[tuple[str, ...], Counts], by: Mapping[str, Mapping[str, Counts]], in_scope: Counts
) -> list[dict[str, str | int | float]]:
    """Coverage by all of `COLUMNS` at once: rows of the cells that may be shown beside the report."""
    seen = coverage_tables(by, in_scope)
    kept = coverage.cross(cells, [seen[column] for column in COLUMNS])
    return [
        dict(zip((*COLUMNS, "members", "vaccinated", "coverage"), (*names, *_figures(counts)), strict=True))
        for names, counts in kept.items()
    ]


def _figures(counts: Counts) -> tuple[int, int, float]:
    return counts.members, counts.vaccinated, counts.vaccinated / counts.members
