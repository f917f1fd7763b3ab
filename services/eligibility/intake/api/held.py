"""Feed files that wait for a person, and what became of each row of a file."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.eligibility.intake.api.files import MOST_ROWS, NO_FILE, Onlooker, Operator
from services.eligibility.intake.flow.accepting import cancel_file, decide_file
from services.eligibility.intake.shapes import DecisionIn, FeedFileOut, RowPage, changes_of_row
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import rows as row_store
from services.eligibility.intake.store.absence import AbsenceState
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

NOT_HELD = Refusal(
    "feed-file-not-held",
    "Feed File Not Held",
    "Expected a file that waits for a person, or one whose absence does.",
    409,
)

FILE_ENDED = Refusal(
    "feed-file-ended",
    "Feed File Ended",
    "Expected a file that is not read to its end, nor already asked for who is absent from it.",
    409,
)
NOT_SENDER = Refusal(
    "feed-file-of-another-sender",
    "Feed File Of Another Sender",
    "Expected a file that was sent for the same tenant, or an operator of all tenants.",
    403,
)

Canceller = Annotated[Principal, may("feed-files.cancel")]

_ACTIONS: dict[str, Literal["redriven", "discarded"]] = {"released": "redriven", "refused": "discarded"}

routes = APIRouter()


@routes.get("/feed-files/{file_id}/rows", response_model=RowPage)
async def list_rows(
    pool: Pool,
    principal: Onlooker,
    file_id: UUID,
    change: Annotated[str | None, Query(max_length=64, description="Only rows that changed this")] = None,
    after: Annotated[int, Query(ge=-1, le=MOST_ROWS, description="The row that the page before ended with")] = -1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response | RowPage:
    """Every row in the file's order: its outcome and what it changed. Row 0 is the file itself."""
    async with reading(pool, principal) as work:
        if await file_store.load_file(work.connection, file_id) is None:
            return refuse(NO_FILE)
        rows = await row_store.load_rows(work.connection, file_id, after, change, limit)
    return RowPage(
        rows=[changes_of_row(row) for row in rows], next_after=rows[-1]["row"] if len(rows) == limit else None
    )


@routes.post("/feed-files/{file_id}/release", response_model=FeedFileOut)
async def release_feed_file(
    pool: Pool, principal: Operator, identity: Identity, file_id: UUID, body: DecisionIn
) -> Response:
    """Let a held file be read after all, or believe a full file that would end a quarter of its plan's coverage. What
    is older than what stands still changes nothing. Audited."""
    return await write(pool, identity, lambda work: _decide(work, principal, file_id, "released", body.reason))


@routes.post("/feed-files/{file_id}/refuse", response_model=FeedFileOut)
async def refuse_feed_file(
    pool: Pool, principal: Operator, identity: Identity, file_id: UUID, body: DecisionIn
) -> Response:
    """Read nothing of a held file, or end nobody's coverage for not being listed. Audited."""
    return await write(pool, identity, lambda work: _decide(work, principal, file_id, "refused", body.reason))


@routes.post("/feed-files/{file_id}/cancel", response_model=FeedFileOut)
async def cancel_feed_file(
    pool: Pool, principal: Canceller, identity: Identity, file_id: UUID, body: DecisionIn
) -> Response:
    """Read no more of a file that waits, is held or is being read: its sender may, and an operator of all tenants.
    What was read of it stays, nobody is absent for it, and the sender's next file goes on. The same bytes may be sent
    again. Audited."""
    return await write(pool, identity, lambda work: _cancel(work, principal, file_id, body.reason))


async def _cancel(work: UnitOfWork, principal: Principal, file_id: UUID, reason: str) -> Answer:
    file = await file_store.find_and_lock(work.connection, file_id)
    if file is None:
        return Answer.of(NO_FILE)
    if principal.tenant not in {ALL_TENANTS, file.tenant_id}:
        return Answer.of(NOT_SENDER)
    if file.state == "cancelled":
        return _told(file)
    if not file.may_be_cancelled:
        return Answer.of(FILE_ENDED)
    await cancel_file(work, file, principal.subject, reason)
    await audit.record(work, principal, "cancelled", "feed-file", [file_id])
    return _told(await file_store.lock_file(work.connection, file_id))


async def _decide(work: UnitOfWork, principal: Operator, file_id: UUID, decision: str, reason: str) -> Answer:
    file = await file_store.find_and_lock(work.connection, file_id)
    if file is None:
        return Answer.of(NO_FILE)
    if file.state != "held" and file.absence != AbsenceState.TOO_MANY:
        return Answer.of(NOT_HELD) if file.decision != decision else _told(file)
    await decide_file(work, file_id, decision, principal.subject, reason)
    await audit.record(work, principal, _ACTIONS[decision], "feed-file", [file_id])
    return _told(await file_store.lock_file(work.connection, file_id))


def _told(file: file_store.FeedFile) -> Answer:
    return Answer(200, FeedFileOut.model_validate(file).model_dump(mode="json"))
