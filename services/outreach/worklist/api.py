"""The API of care coordinators, community health workers and supervisors: claim, call, log, look."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Response

from schemas.languages import Language
from schemas.outreach_v1 import CaseStatus
from services.kit import audit
from services.kit.auth import Principal, require
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.attempts import flow as logging_attempts
from services.outreach.attempts import retracting
from services.outreach.claims import store as claims
from services.outreach.policy import CODES, POLICY
from services.outreach.worklist import rules as cards
from services.outreach.worklist import store as worklist
from services.outreach.worklist.shapes import (
    AttemptForm,
    AttemptLogged,
    AttemptRetracted,
    CaseFile,
    CasePage,
    ClaimForm,
    Claims,
    CodeLists,
    RetractionForm,
    WorkSummary,
)

routes = APIRouter(tags=["outreach"])
Worker = Annotated[Principal, require("coordinator", "chw", "supervisor")]

NO_SUCH_CASE = Refusal("no-such-case", "No Such Case", "There is no such case among your plan's.", 404)
NO_SUCH_ATTEMPT = Refusal("no-such-attempt", "No Such Attempt", "There is no such attempt among your plan's.", 404)
NOT_YOURS = Refusal("not-claimed-by-you", "Not Claimed By You", "Only its holder or a supervisor gives a case back.")
_WORKER_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_AFTER = r"^[0-9]{1,16}_[0-9]{0,16}_-?[0-9]{1,6}_[0-9a-f]{32}$"
_PROBLEM = {
    "description": "Refused: a problem document whose type says why",
    "content": {"application/problem+json": {}},
}
_NOT_FOUND = {"description": "No such case among the plan's", "content": {"application/problem+json": {}}}


def worker_id(principal: Principal) -> str:
    """The worker as a code: the token's subject where it is one, else a fingerprint of it."""
    if _WORKER_ID.fullmatch(principal.subject):
        return principal.subject
    return "w-" + sha256(principal.subject.encode()).hexdigest()[:24]


@routes.post("/claims", summary="Claim the next cases", response_model=Claims, responses={409: _PROBLEM})
async def claim_cases(form: ClaimForm, pool: Pool, identity: Identity, principal: Worker) -> Response:
    """The next cases for the caller, promised calls first, then by rank; of each person one. They are the caller's for
    the lease's time; nobody else gets them, or another case of these persons, meanwhile. Fewer than asked, or none,
    when the list or the caller's allowance runs dry."""
    wish = claims.Wish(worker_id(principal), form.count, form.programme_id, form.zip5, form.language)

    async def effect(work: UnitOfWork) -> Answer:
        rows = await claims.claim_cases(work.connection, wish, POLICY.lease_minutes, POLICY.max_claims)
        await audit.record(work.connection, principal, "read", "case", [row["case_id"] for row in rows])
        claimed = Claims(cases=tuple(cards.card(row) for row in rows), lease_minutes=POLICY.lease_minutes)
        return Answer(200, claimed.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.post(
    "/cases/{case_id}/release",
    summary="Give a claimed case back",
    status_code=204,
    response_class=Response,
    responses={404: _NOT_FOUND, 409: _PROBLEM},
)
async def release_case(case_id: UUID, pool: Pool, identity: Identity, principal: Worker) -> Response:
    """Ends the lease. A case given back untouched sinks on the list. A supervisor may end another worker's lease."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work.connection, principal, "read", "case", [case_id])
        lease = await claims.lock_lease(work.connection, case_id)
        if lease is None:
            return Answer.of(NO_SUCH_CASE)
        mine = lease.claimed_by == worker_id(principal)
        if not mine and (lease.claimed_by is None or "supervisor" not in principal.roles):
            return Answer.of(NOT_YOURS)
        if mine:
            await claims.skip_case(work.connection, case_id, POLICY.rank.skip)
        else:
            await claims.end_lease(work.connection, case_id)
        return Answer(204)

    return await write(pool, identity, effect)


@routes.post(
    "/cases/{case_id}/attempts",
    summary="Log a contact",
    status_code=201,
    response_model=AttemptLogged,
    responses={404: _NOT_FOUND, 409: _PROBLEM},
)
async def log_attempt(case_id: UUID, form: AttemptForm, pool: Pool, identity: Identity, principal: Worker) -> Response:
    """Logs what came of an attempt, or of a call by the member (`direction`), and changes the case accordingly. For an
    attempt the caller holds the case's lease, or claims it at once (`claim`). What became known goes in all the same,
    marked with the rule (`against`); only a try that brought nothing is refused. May be dated back."""

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work.connection, principal, "read", "case", [case_id])
        logged = await logging_attempts.log_attempt(work, case_id, form, worker_id(principal))
        if logged is None:
            return Answer.of(NO_SUCH_CASE)
        if isinstance(logged, Refusal):
            return Answer.of(logged)
        return Answer(201, logged.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.post(
    "/attempts/{attempt_id}/retract",
    summary="Take back an attempt that was entered in error",
    response_model=AttemptRetracted,
    responses={404: _NOT_FOUND, 409: _PROBLEM},
)
async def retract_attempt(
    attempt_id: UUID, form: RetractionForm, pool: Pool, identity: Identity, principal: Worker
) -> Response:
    """Nothing that the attempt said holds any more: the case is decided anew without it. By its worker while it is
    fresh, by a supervisor at any time. A second time changes nothing."""
    who = retracting.Retractor(worker_id(principal), "supervisor" in principal.roles)

    async def effect(work: UnitOfWork) -> Answer:
        await audit.record(work.connection, principal, "read", "attempt", [attempt_id])
        retracted = await retracting.retract_attempt(work, attempt_id, form.reason, who)
        if retracted is None:
            return Answer.of(NO_SUCH_ATTEMPT)
        if isinstance(retracted, Refusal):
            return Answer.of(retracted)
        return Answer(200, retracted.model_dump(mode="json"))

    return await write(pool, identity, effect)


@routes.get("/cases", summary="Look through the cases")
async def list_cases(
    pool: Pool,
    principal: Worker,
    status: CaseStatus | None = None,
    callable_now: Annotated[bool | None, Query(description="Open and held back by nothing, or not")] = None,
    mine: Annotated[bool, Query(description="Only those that the caller holds")] = False,
    programme_id: Annotated[str | None, Query(max_length=64)] = None,
    zip5: Annotated[str | None, Query(pattern="^[0-9]{5}$")] = None,
    language: Annotated[Language | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(pattern=_AFTER, description="A page's `next`")] = None,
) -> CasePage:
    """As claims go: promised calls that are due first, then by rank, the highest first. The look is audited."""
    holder = worker_id(principal) if mine else None
    place = _place(after)
    begun_at = place.asked_at if place else datetime.now(UTC)
    page = worklist.Page(limit, begun_at, status, callable_now, holder, programme_id, zip5, language, place)
    async with reading(pool, principal) as connection:
        rows = await worklist.load_cards(connection, page)
        await audit.record(connection, principal, "read", "case", [row["case_id"] for row in rows])
    following = _after(rows[-1], begun_at) if len(rows) == limit else None
    return CasePage(cases=tuple(cards.card(row) for row in rows), next=following)


def _after(row: asyncpg.Record, asked_at: datetime) -> str:
    """Where the list goes on: as of when it was begun, and the place of the page's last case."""
    is_due = row["status"] == "open" and row["held_by"] is None and row["callback_at"] is not None
    due_at = row["callback_at"] if is_due and row["callback_at"] <= asked_at else None
    due = "" if due_at is None else str(_microseconds(due_at))
    return f"{_microseconds(asked_at)}_{due}_{row['rank']}_{row['case_id'].hex}"


def _place(after: str | None) -> worklist.Place | None:
    if after is None:
        return None
    asked, due, rank, case_id = after.split("_")
    return worklist.Place(_instant(asked), _instant(due) if due else None, int(rank), UUID(case_id))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(microseconds: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))


@routes.get(
    "/cases/{case_id}", summary="Read a case with its history", response_model=CaseFile, responses={404: _NOT_FOUND}
)
async def read_case(case_id: UUID, pool: Pool, principal: Worker) -> Response | CaseFile:
    """Why the member is to be called, what was tried, what is booked, which doses are known. The look is audited, also
    one for another plan's case."""
    async with reading(pool, principal) as connection:
        await audit.record(connection, principal, "read", "case", [case_id])
        row = await worklist.load_card(connection, case_id)
        history = None if row is None else await worklist.load_history(connection, row)
    return refuse(NO_SUCH_CASE) if row is None or history is None else cards.case_file(row, history)


@routes.get("/work-summary", summary="Count the work")
async def summarize_work(pool: Pool, principal: Worker) -> WorkSummary:
    """How many cases are open, claimable, claimed, booked, resting, paused and closed, by programme."""
    async with reading(pool, principal) as connection:
        return cards.summary(*await worklist.load_summary(connection))


@routes.get("/codes", summary="The code lists of an attempt's record")
async def list_codes(_: Worker) -> CodeLists:
    """Barriers, education topics and reasons to retract, with their meanings."""
    return CodeLists(
        version=CODES.version,
        effective_on=CODES.effective_on,
        barriers=CODES.barriers,
        topics=CODES.topics,
        retraction_reasons=CODES.retraction_reasons,
    )
