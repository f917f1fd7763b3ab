"""What people may ask reporting by HTTP. A plan's analyst sees the plan's own rows: the database hides the rest."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from pydantic import BaseModel, Field

from schemas.envelope import Day
from services.kit import audit, backlog, generation
from services.kit.auth import Principal, require
from services.kit.generation import StaleGenerationError
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS, Connection
from services.kit.problem import RETRY_AFTER_S, Refusal, RefusedError
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.reporting.figures import store as views
from services.reporting.figures.flow import load_report
from services.reporting.figures.report import Report
from services.reporting.pages import tables
from services.reporting.pages.page import render
from services.reporting.population import store as population
from services.reporting.population.store import Programme, Question
from services.reporting.rebuild import flow as rebuild
from services.reporting.targets import flow as targets
from services.reporting.targets.flow import Wish

routes = APIRouter(tags=["reporting"])

Reader = Annotated[Principal, require("analyst", "state", "operator")]
Lister = Annotated[Principal, require("state", "operator")]
Operator = Annotated[Principal, require("operator")]
ProgrammeId = Annotated[str | None, Query(max_length=64, description="Needed where there are several")]
AsOf = Annotated[Day | None, Query(description="The end of this day; today if left out")]
KnownOn = Annotated[Day | None, Query(description="With what was known at the end of this day; today if left out")]

WHICH_PROGRAMME = Refusal("programme-needed", "Programme Needed", "There are several programmes: name one.", 400)
FUTURE = Refusal("day-not-opened", "Day Not Opened", "The day asked for has not come yet.", 422)
ALL_NEEDED = Refusal("all-tenants-needed", "All Tenants Needed", "This needs a token for all tenants.", 403)
BEHIND = Refusal(
    "log-not-read", "Log Not Read", "The log is not read to its end: see GET /rebuild, and ask again at 0 records."
)
BEHIND_UNKNOWN = Refusal(
    "log-end-unknown", "Log End Unknown", "The broker does not say how far the log has been read: ask again.", 503
)
CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "Comma-separated values under one watermark line"}
}


def log_reader_of(request: Request) -> Callable[[int], Awaitable[int | None]]:
    """Asks the broker how many records a generation has still to read; None when it does not answer."""
    state = request.app.state

    async def records_behind(number: int) -> int | None:
        groups = {generation.group_of(one.group, number): one.topic.name for one in state.subscriptions}
        return await backlog.try_records_behind(state.settings.kafka, groups)

    return records_behind


LogReader = Annotated[Callable[[int], Awaitable[int | None]], Depends(log_reader_of)]


class ProgrammeSummary(BaseModel):
    """One programme that reports are made of."""

    programme_id: str
    version: int
    title: str
    business_on: date | None


class TargetZipsIn(BaseModel):
    """Which list to compute. `least_unvaccinated`: fewer unvaccinated target members make no target."""

    programme_id: str = Field(max_length=64, examples=["illinois-connectors-65"])
    week_on: Day = Field(description="The Monday of the week", examples=["2021-03-29"])
    least_unvaccinated: int = Field(default=25, ge=11)
    at_most: int = Field(default=15, ge=1, le=500)


class TargetZipOut(BaseModel):
    """A listed ZIP. `unvaccinated` and `coverage`, or all three figures, are left out where they would give small
    counts away."""

    zip5: str
    rank: int
    members: int | None
    unvaccinated: int | None
    coverage: float | None


class TargetZipsOut(BaseModel):
    """The list as announced."""

    as_of: date
    listed: list[TargetZipOut]
    delisted: list[str]


class Reading(BaseModel):
    """How far the log has been read. `records_behind` is unknown while the broker is away."""

    generation: int
    records_behind: int | None


@routes.get("/programmes", summary="List the programmes")
async def list_programmes(pool: Pool, principal: Reader) -> list[ProgrammeSummary]:
    """All that were published, with the day that it is by now."""
    async with reading(pool, principal) as connection:
        today = await population.load_business_day(connection)
        return [
            ProgrammeSummary(programme_id=one.programme_id, version=one.version, title=one.title, business_on=today)
            for one in await population.load_programmes(connection)
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
    """Coverage by plan, ZIP, age band, race and ethnicity and SVI group. A person in two plans is in both. Small cells
    are empty: members from 1 to 10, and vaccinated where they or the others are 10 or fewer."""
    async with reading(pool, principal) as connection:
        _, question = await _question(connection, programme_id, as_of, known_on)
        await population.prepare(connection, question)
        rows = await views.load_cross(connection)
        await audit.record(connection, principal, "export", "coverage", [question.programme_id])
    return Response(tables.to_csv(rows, tables.heading(question)), media_type="text/csv")


@routes.post("/target-zips", summary="List the week's target ZIPs", status_code=201, response_model=TargetZipsOut)
async def list_target_zips(
    body: TargetZipsIn, pool: Pool, identity: Identity, principal: Lister, log_reader: LogReader
) -> Response:
    """Computes the list from the whole log and announces it: ZIPs that are on it, and those that left it. While the
    log is not read to its end, as in a rebuild, nothing is listed: 409, and the same key may be sent again."""
    _need_all(principal)
    number, behind = await _progress(pool, principal, log_reader)

    async def effect(work: UnitOfWork) -> Answer:
        await _need_whole_log(work, number, behind)
        wish = Wish(body.programme_id, body.week_on, body.least_unvaccinated, body.at_most)
        listing = await targets.list_target_zips(work, wish)
        if isinstance(listing, Refusal):
            return Answer.of(listing)
        await audit.record(work.connection, principal, "export", "target-zips", [body.programme_id])
        return Answer(201, TargetZipsOut.model_validate(asdict(listing)).model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.post("/rebuild", summary="Wipe the tables and read the log again", status_code=202, response_model=Reading)
async def start_rebuild(pool: Pool, identity: Identity, principal: Operator) -> Response:
    """Empties every table and reads the log again from its beginning. Publishes nothing. Until it has caught up (GET
    /rebuild), reports are incomplete."""
    _need_all(principal)

    async def effect(work: UnitOfWork) -> Answer:
        number = await rebuild.wipe(work.connection)
        return Answer(202, Reading(generation=number, records_behind=None).model_dump())

    return await write(pool, identity, effect)


@routes.get("/rebuild", summary="See how far the log has been read")
async def read_progress(pool: Pool, principal: Operator, log_reader: LogReader) -> Reading:
    """Over all processes of this service."""
    number, behind = await _progress(pool, principal, log_reader)
    return Reading(generation=number, records_behind=behind)


def _need_all(principal: Principal) -> None:
    if principal.tenant != ALL_TENANTS:
        raise RefusedError(ALL_NEEDED)


async def _report(
    log_reader: LogReader, pool: Pool, principal: Principal, programme_id: str | None, as_of: date | None,
    known_on: date | None,
) -> Report:  # fmt: skip
    _, behind = await _progress(pool, principal, log_reader)
    async with reading(pool, principal) as connection:
        programme, question = await _question(connection, programme_id, as_of, known_on)
        report = await load_report(connection, programme, question, principal.tenant, behind)
        await audit.record(connection, principal, "export", "weekly-report", [question.programme_id])
    return report


async def _progress(pool: Pool, principal: Principal, log_reader: LogReader) -> tuple[int, int | None]:
    async with reading(pool, principal) as connection:
        number = await generation.load(connection)
    return number, await log_reader(number)


async def _need_whole_log(work: UnitOfWork, number: int, behind: int | None) -> None:
    """Raised and not answered, so that the refusal is not kept under the request's key."""
    try:
        await generation.hold(work.connection, number)
    except StaleGenerationError:
        raise RefusedError(BEHIND) from None
    if behind != 0:
        refusal = BEHIND_UNKNOWN if behind is None else BEHIND
        raise RefusedError(refusal, {"Retry-After": str(RETRY_AFTER_S)})


async def _question(
    connection: Connection, programme_id: str | None, as_of: date | None, known_on: date | None
) -> tuple[Programme, Question]:
    programmes = await population.load_programmes(connection)
    if programme_id is None and len(programmes) > 1:
        raise RefusedError(WHICH_PROGRAMME)
    programme = next((one for one in programmes if programme_id in (None, one.programme_id)), None)
    if programme is None:
        raise RefusedError(targets.NO_SUCH_PROGRAMME)
    today = await population.load_business_day(connection)
    if today is None:
        raise RefusedError(targets.NO_BUSINESS_DAY)
    if max(as_of or today, known_on or today) > today:
        raise RefusedError(FUTURE)
    return programme, Question(programme.programme_id, as_of or today, known_on or today)
