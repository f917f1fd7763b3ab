"""Puts the weekly report together, in one transaction."""

from typing import Any

from services.kit import dead_letters
from services.kit.postgres import ALL_TENANTS, Connection
from services.replicas.programmes.rules import Programme
from services.reporting.figures import assembly
from services.reporting.figures.assembly import COLUMNS, Counted
from services.reporting.figures.report import Quality, Report
from services.reporting.figures.store import funnels, totals, weeks
from services.reporting.population.rules import Question
from services.reporting.population.shares import Counts
from services.reporting.population.store import counts
from services.reporting.population.store.tables import prepare
from services.reporting.targets import flow as targets_flow
from services.reporting.targets import store as targets_store


async def load_report(
    connection: Connection, programme: Programme, question: Question, tenant: str, records_behind: int | None
) -> Report:
    """The report as this tenant's rows give it."""
    await prepare(connection, question)
    in_scope, target, lately = await totals.load_headline(connection, question)
    week_on, targets = await targets_store.load_listed(connection, question.programme_id)
    if tenant != ALL_TENANTS:
        targets = await targets_flow.of_one_plan(connection, targets)
    counted = Counted(
        in_scope=in_scope,
        target=target,
        vaccinated_last_7_days=lately,
        by=await _load_by(connection),
        by_arm=await totals.load_arms(connection),
        funnels=await funnels.load_funnels(connection, question),
        activity=await weeks.load_activity(connection, question),
        slots=await totals.load_slots(connection, question),
        refusals=await totals.load_refusals(connection, question),
        barriers=await totals.load_barriers(connection, question),
        svi_releases=await totals.load_releases(connection),
        targets_week_on=week_on,
        targets=targets,
        quality=await _load_quality(connection, question, records_behind),
    )
    return assembly.make_report(programme, question, None if tenant == ALL_TENANTS else tenant, counted)


async def load_cross(connection: Connection, question: Question) -> list[dict[str, Any]]:
    """Coverage by everything at once, as this tenant's rows give it: the cells that may be shown beside the report."""
    await prepare(connection, question)
    in_scope, _, _ = await totals.load_headline(connection, question)
    return assembly.cross(await totals.load_cross(connection), await _load_by(connection), in_scope)


async def _load_by(connection: Connection) -> dict[str, dict[str, Counts]]:
    return {
        column: await counts.load_counts(connection, column, by_enrolment=column == "tenant_id") for column in COLUMNS
    }


async def _load_quality(connection: Connection, question: Question, records_behind: int | None) -> Quality:
    waiting = await dead_letters.count_waiting(connection)
    return Quality(
        feeds=await totals.load_feeds(connection, question),
        rejections=await totals.load_rejections(connection, question),
        dead_letters=sum(rows for (_, _, state), rows in waiting.items() if state == "dead"),
        parked=sum(rows for (_, _, state), rows in waiting.items() if state == "parked"),
        records_behind=records_behind,
    )
