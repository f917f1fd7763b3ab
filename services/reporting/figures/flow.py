"""Puts the weekly report together, in one transaction."""

from typing import Any

from services.kit import dead_letters
from services.kit.postgres import ALL_TENANTS, Connection
from services.replicas.programmes.rules import Programme
from services.reporting.figures import rules, store
from services.reporting.figures.report import WATERMARK, WHY_INTERNAL, Quality, Report
from services.reporting.population import store as population
from services.reporting.population.rules import THRESHOLD, Question
from services.reporting.targets import flow as targets_flow
from services.reporting.targets import store as targets_store


async def load_report(
    connection: Connection, programme: Programme, question: Question, tenant: str, records_behind: int | None
) -> Report:
    """The report as this tenant's rows give it."""
    await population.prepare(connection, question)
    by_svi = await population.load_counts(connection, "svi_group")
    week_on, targets = await targets_store.load_listed(connection, question.programme_id)
    if tenant != ALL_TENANTS:
        targets = await targets_flow.of_one_plan(connection, targets)
    return Report(
        watermark=WATERMARK,
        why_internal=WHY_INTERNAL,
        programme_id=programme.programme_id,
        programme_version=programme.version,
        title=programme.title,
        vaccine_group=programme.vaccine_group,
        doses_needed=programme.doses_needed,
        time_zone=programme.time_zone,
        plan=None if tenant == ALL_TENANTS else tenant,
        as_of=question.as_of,
        known_on=question.known_on,
        threshold=THRESHOLD,
        svi_releases=await store.load_releases(connection),
        headline=await store.load_headline(connection, question),
        disparity=rules.disparity(by_svi),
        funnels=await store.load_funnels(connection, question),
        by_plan=rules.coverage_rows(await population.load_counts(connection, "tenant_id", by_enrolment=True)),
        by_svi=rules.coverage_rows(by_svi),
        by_age=rules.coverage_rows(await population.load_counts(connection, "age_band")),
        by_arm=rules.coverage_rows(await store.load_arms(connection)),
        by_race_ethnicity=rules.coverage_rows(await population.load_counts(connection, "race_ethnicity")),
        by_zip=rules.zip_rows(await population.load_counts(connection, "zip5"), [target.zip5 for target in targets]),
        weeks=await store.load_weeks(connection, question),
        refusals=await store.load_refusals(connection, question),
        barriers=await store.load_barriers(connection, question),
        slots=await store.load_slots(connection, question),
        targets_week_on=week_on,
        targets=targets,
        quality=await _load_quality(connection, question, records_behind),
    )


async def load_cross(connection: Connection, question: Question) -> list[dict[str, Any]]:
    """Coverage by everything at once, as this tenant's rows give it; small cells are hidden."""
    await population.prepare(connection, question)
    return await store.load_cross(connection)


async def _load_quality(connection: Connection, question: Question, records_behind: int | None) -> Quality:
    waiting = await dead_letters.count_waiting(connection)
    return Quality(
        feeds=await store.load_feeds(connection, question),
        rejections=await store.load_rejections(connection, question),
        dead_letters=sum(rows for (_, _, state), rows in waiting.items() if state == "dead"),
        parked=sum(rows for (_, _, state), rows in waiting.items() if state == "parked"),
        records_behind=records_behind,
    )
