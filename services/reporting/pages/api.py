"""The API of reports. A plan's analyst sees the plan's own rows: the database hides the rest."""

import asyncio
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from schemas.envelope import Day
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.requests import Pool, for_long, reading
from services.reporting.figures.flow import load_cross, load_report
from services.reporting.figures.report import Report
from services.reporting.pages import tables
from services.reporting.pages.page import render
from services.reporting.pages.shapes import ProgrammeSummaryOut
from services.reporting.population import flow as population
from services.reporting.rebuild.api.progress import LogReader, progress
from services.reporting.rebuild.flow import RecordsBehind

routes = APIRouter(tags=["reporting"])

Reader = Annotated[Principal, may("reports.read")]
ProgrammeId = Annotated[str | None, Query(max_length=64, description="Needed where there are several")]
AsOf = Annotated[Day | None, Query(description="The end of this day; today if left out")]
KnownOn = Annotated[Day | None, Query(description="With what was known at the end of this day; today if left out")]

CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "Comma-separated values under one watermark line"}
}


@routes.get("/programmes", summary="List the programmes")
async def list_programmes(pool: Pool, principal: Reader) -> list[ProgrammeSummaryOut]:
    """All that were published, with the day that it is by now."""
    async with reading(pool, principal) as work:
        programmes, today = await population.list_programmes(work.connection)
    return [
        ProgrammeSummaryOut(
            programme_id=programme.programme_id, version=programme.version, title=programme.title, business_on=today
        )
        for programme in programmes
    ]


@routes.get("/reports/weekly", summary="The weekly report")
async def weekly_report(
    pool: Pool, principal: Reader, log_reader: LogReader, programme_id: ProgrammeId = None, as_of: AsOf = None,
    known_on: KnownOn = None,
) -> Report:  # fmt: skip
    """Every figure of the weekly report. Null: hidden. Internal, no release. The look is audited."""
    return await _report(log_reader, pool, principal, programme_id, as_of, known_on)


@routes.get("/reports/weekly.html", summary="The weekly report as one page", response_class=HTMLResponse)
async def weekly_page(
    pool: Pool, principal: Reader, log_reader: LogReader, programme_id: ProgrammeId = None, as_of: AsOf = None,
    known_on: KnownOn = None,
) -> HTMLResponse:  # fmt: skip
    """One self-contained page with plots and a map; it loads nothing. The look is audited."""
    report = await _report(log_reader, pool, principal, programme_id, as_of, known_on)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
    page = await asyncio.to_thread(render, report)  # the ZIPs' points take a second to load
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


@routes.get("/coverage.csv", summary="Coverage by everything at once", response_class=PlainTextResponse, responses=CSV)
async def coverage_csv(
    pool: Pool, principal: Reader, programme_id: ProgrammeId = None, as_of: AsOf = None, known_on: KnownOn = None
) -> Response:
    """Coverage by plan, ZIP, age band, race and ethnicity and SVI group. A person in two plans is in both. Only the
    cells that may be shown beside the weekly report are listed; that another one is not empty is not told."""
    with for_long(pool):
        async with reading(pool, principal) as work:
            _, question = await population.load_question(work.connection, programme_id, as_of, known_on)
            rows = await load_cross(work.connection, question)
            await audit.record(work, principal, "export", "coverage", [question.programme_id])
    return Response(tables.to_csv(rows, tables.heading(question)), media_type="text/csv")


async def _report(
    log_reader: RecordsBehind, pool: Pool, principal: Principal, programme_id: str | None, as_of: date | None,
    known_on: date | None,
) -> Report:  # fmt: skip
    _, behind = await progress(pool, principal, log_reader)
    with for_long(pool):
        async with reading(pool, principal) as work:
            programme, question = await population.load_question(work.connection, programme_id, as_of, known_on)
            report = await load_report(work.connection, programme, question, principal.tenant, behind)
            await audit.record(work, principal, "export", "weekly-report", [question.programme_id])
    return report
