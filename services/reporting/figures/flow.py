"""Puts the weekly report together, in one transaction."""

from services.kit.postgres import ALL_TENANTS, Connection
from services.reporting.figures import store as views
from services.reporting.figures.quality import load_quality
from services.reporting.figures.report import WATERMARK, WHY_INTERNAL, Report
from services.reporting.population import store as population
from services.reporting.population.rules import THRESHOLD, disparity
from services.reporting.population.store import Programme, Question


async def load_report(
    connection: Connection, programme: Programme, question: Question, tenant: str, records_behind: int | None
) -> Report:
    """The report as this tenant's rows give it."""
    await population.prepare(connection, question)
    by_svi = await views.load_counts(connection, "svi_group")
    week_on, targets = await views.load_listed(connection, question.programme_id)
    if tenant != ALL_TENANTS:
        targets = await views.of_one_plan(connection, targets)
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
        svi_releases=await views.load_releases(connection),
        headline=await views.load_headline(connection, question),
        disparity=disparity(by_svi),
        funnels=await views.load_funnels(connection, question),
        by_plan=views.margin(await views.load_counts(connection, "tenant_id", by_enrolment=True)),
        by_svi=views.margin(by_svi),
        by_age=views.margin(await views.load_counts(connection, "age_band")),
        by_arm=views.margin(await views.load_arms(connection)),
        by_race_ethnicity=views.margin(await views.load_counts(connection, "race_ethnicity")),
        by_zip=views.zip_rows(await views.load_counts(connection, "zip5"), [one.zip5 for one in targets]),
        weeks=await views.load_weeks(connection, question),
        refusals=await views.load_reasons(connection, question, views.LOAD_REFUSALS),
        barriers=await views.load_reasons(connection, question, views.LOAD_BARRIERS),
        slots=await views.load_slots(connection, question),
        targets_week_on=week_on,
        targets=targets,
        quality=await load_quality(connection, question, records_behind),
    )
