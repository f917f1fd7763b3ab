"""Puts the weekly report together, in one transaction."""

from typing import Any

from services.kit import dead_letters
from services.kit.postgres import ALL_TENANTS, Connection
from services.replicas.programmes.rules import Programme
from services.reporting.figures import assembly, store
from services.reporting.figures.assembly import COLUMNS, Counted
from services.reporting.figures.report import Quality, Report
from services.reporting.population import store as population
from services.reporting.population.rules import Question
from services.reporting.population.shares import Counts
from services.reporting.targets import flow as targets_flow
from services.reporting.targets import store as targets_store


async def load_report(
    connection: Connection, programme: Programme, question: Question, tenant: str, records_behind: int | None
) -> Report:
    """The report as this tenant's rows give it."""
    await population.prepare(connection, question)
    in_scope, target, lately = await store.load_headline(connection, question)
    week_on, targets = await targets_store.load_listed(connection, question.programme_id)
    if tenant != ALL_TENANTS:
        targets = await targets_flow.of_one_plan(connection, targets)
    counted = Counted(
        in_scope=in_scope,
        target=target,
        vaccinated_last_7_days=lately,
        by=await _load_by(connection),
        by_arm=await store.load_arms(connection),
        funnels=await store.load_funnels(connection, question),
        deeds=await store.load_deeds(connection, question),
        slots=await store.load_slots(connection, question),
        refusals=await store.load_refusals(connection, question),
        barriers=await store.load_barriers(connection, question),
        svi_releases=await store.load_releases(connection),
        targets_week_on=week_on,
        targets=targets,
        quality=await _load_quality(connection, question, records_behind),
    )
    return assembly.make_report(programme, question, None if tenant == ALL_TENANTS else tenant, counted)


async def load_cross(connection: Connection, question: Question) -> list[dict[str, Any]]:
    """Coverage by everything at once, as this tenant's rows give it: the cells that may be shown beside the report."""
    await population.prepare(connection, question)
    in_scope, _, _ = await store.load_headline(connection, question)
    return assembly.cross(await store.load_cross(connection), await _load_by(connection), in_scope)


async def _load_by(connection: Connection) -> dict[str, dict[str, Counts]]:
    return {
        column: await population.load_counts(connection, column, by_enrolment=column == "tenant_id")
        for column in COLUMNS
    }


async def _load_quality(connection: Connection, question: Question, records_behind: int | None) -> Quality:
    waiting = await dead_letters.count_waiting(connection)
    return Quality(
        feeds=await store.load_feeds(connection, question),
        rejections=await store.load_rejections(connection, question),
        dead_letters=sum(rows for (_, _, state), rows in waiting.items() if state == "dead"),
        parked=sum(rows for (_, _, state), rows in waiting.items() if state == "parked"),
        records_behind=records_behind,
    )
