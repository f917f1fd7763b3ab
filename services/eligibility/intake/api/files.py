"""The front door: feed files come in here, and here one sees what became of each of their rows."""

import asyncio
import hashlib
import tempfile
from typing import IO, Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.eligibility.doses.store import doses as dose_store
from services.eligibility.feeds.profiles import profiles
from services.eligibility.intake.digest import ContentDigest
from services.eligibility.intake.flow.accepting import accept_file
from services.eligibility.intake.lists_in_parts import MOST_PARTS
from services.eligibility.intake.shapes import AbsenceOut, FeedFileDetail, FeedFileOut, RejectPage, RowOut, reject_of
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import rows as row_store
from services.eligibility.intake.store.files import PartOf
from services.kit import audit
from services.kit.auth import Principal, may, may_for_all
from services.kit.next_page import PAGED, end_of, link_next
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading
from services.kit.unit_of_work import working

MAX_FILE_BYTES = 512 << 20
SPOOL_BYTES = 1 << 20
"""What of an upload is held in memory; the rest goes to a file that has no name."""

MOST_ROWS = 2**31 - 1
"""What the column that numbers a file's rows can hold."""

NO_FILE = Refusal("unknown-feed-file", "Unknown Feed File", "There is no such file, or it is another plan's.", 404)
NO_PROFILE = Refusal("unknown-profile", "Unknown Profile", "There is no sender profile of that name.", 422)
EMPTY = Refusal("feed-file-empty", "Empty Feed File", "A file of at least one byte is expected as the body.", 422)
HALF_A_PART = Refusal(
    "part-of-a-list",
    "Part Of A List",
    "Expected all of list, part and parts, or none of them, and no part beyond the last one.",
    422,
)
ANOTHER_PART = Refusal(
    "another-part",
    "Another Part",
    "This file was sent before, and not as this part of this list: send the part with control numbers of its own.",
)
LIST_NAME = r"^[A-Za-z0-9._-]{1,64}$"
LIST = "The name of a full list that comes in several files, the same for each of them and for no other list"
PACKED = Refusal(
    "feed-file-encoding",
    "Feed File Encoding",
    "The file's own bytes are expected as the body, without a Content-Encoding; a zip archive is sent as it is.",
    415,
)

Sender = Annotated[Principal, may("feed-files.submit")]
Onlooker = Annotated[Principal, may("feed-files.read")]
Operator = Annotated[Principal, may_for_all("feed-files.decide")]

looking = APIRouter()


async def submit_feed_file(
    request: Request,
    pool: Pool,
    principal: Sender,
    profile: Annotated[str | None, Query(max_length=64, description="Overrides the profile chosen by sender")] = None,
    list_name: Annotated[str | None, Query(alias="list", pattern=LIST_NAME, description=LIST)] = None,
    part: Annotated[int | None, Query(ge=1, le=MOST_PARTS, description="Which part of the list this file is")] = None,
    parts: Annotated[int | None, Query(ge=1, le=MOST_PARTS, description="How many files the list has")] = None,
) -> Response:
    """Accept an 834 roster, HL7 VXU messages or an ADS extract. Once this answers, the file can't be lost; its rows
    are worked through in the order of submission. The same bytes again are no new file: they need no key."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        return refuse(PACKED)
    if profile is not None and profile not in profiles():
        return refuse(NO_PROFILE)
    part_of = _part_of(list_name, part, parts)
    if isinstance(part_of, Refusal):
        return refuse(part_of)
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as spool:
        sha256, size, content_sha256 = await _spool(request, spool)
        if size == 0:
            return refuse(EMPTY)
        async with working(pool, principal.tenant) as work:
            about = sha256, size, profile, content_sha256
            file, is_repeat = await accept_file(work, principal.tenant, about, spool, part_of)
            why = "repeated" if is_repeat else None
            await audit.record(work, principal, "submitted", "feed-file", [file.file_id], why)
    if part_of is not None and (file.list_name, file.part, file.parts) != part_of:
        return refuse(ANOTHER_PART)
    out = FeedFileOut.model_validate(file).model_copy(update={"is_repeat": is_repeat})
    return JSONResponse(out.model_dump(mode="json"), 200 if is_repeat else 201)


def _part_of(list_name: str | None, part: int | None, parts: int | None) -> PartOf | Refusal | None:
    """All of it or nothing; a list in one file is as any other."""
    if list_name is None and part is None and parts is None:
        return None
    if list_name is None or part is None or parts is None or part > parts:
        return HALF_A_PART
    return (list_name, part, parts) if parts > 1 else None


async def _spool(request: Request, spool: IO[bytes]) -> tuple[str, int, str]:
    digest, content, size = hashlib.sha256(), ContentDigest(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        content.update(chunk)
        size += len(chunk)
        await asyncio.to_thread(spool.write, chunk)
    spool.seek(0)
    return digest.hexdigest(), size, content.hexdigest()


@looking.get("/feed-files", responses=PAGED)
async def list_feed_files(
    request: Request,
    response: Response,
    pool: Pool,
    principal: Onlooker,
    before: Annotated[UUID | None, Query(description="The last file of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    held: Annotated[bool, Query(description="Only those that wait for a person")] = False,
) -> list[FeedFileOut]:
    """The files that one may see, the newest first, page by page (`Link`)."""
    async with reading(pool, principal) as work:
        last = await file_store.load_file(work.connection, before) if before else None
        files = await file_store.load_files(work.connection, last.file_no if last else None, limit, only_held=held)
    link_next(request, response, before=end_of([str(file.file_id) for file in files], limit))
    return [FeedFileOut.model_validate(file) for file in files]


@looking.get("/feed-files/{file_id}", response_model=FeedFileDetail)
async def read_feed_file(pool: Pool, principal: Onlooker, file_id: UUID) -> Response | FeedFileDetail:
    """How far a file is, its counts, and the reasons of its rejects."""
    async with reading(pool, principal) as work:
        file = await file_store.load_file(work.connection, file_id)
        if file is None:
            return refuse(NO_FILE)
        rejections = dict(await row_store.load_rejections(work.connection, file_id))
        absences = [
            AbsenceOut.model_validate(absence)
            for absence in await absence_store.load_absences(work.connection, file_id)
        ]
    unlinked = file.rows_unlinked
    if not file.is_being_read:  # senders poll until then, and counting costs as much as the file has doses
        async with transaction(pool, ALL_TENANTS) as connection:  # what waits has no plan yet
            unlinked = await dose_store.count_unlinked(connection, file_id)
    counts = FeedFileOut.model_validate(file).model_dump()
    return FeedFileDetail(**counts, rows_still_unlinked=unlinked, rejections=rejections, absences=absences)


@looking.get("/feed-files/{file_id}/rejects", response_model=RejectPage)
async def list_rejects(
    pool: Pool,
    principal: Onlooker,
    file_id: UUID,
    after: Annotated[int, Query(ge=-1, le=MOST_ROWS, description="The row that the page before ended with")] = -1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response | RejectPage:
    """Rejected rows in the file's order: where, and what was expected. Row 0 is the file itself."""
    async with reading(pool, principal) as work:
        if await file_store.load_file(work.connection, file_id) is None:
            return refuse(NO_FILE)
        rows = await row_store.load_rejects(work.connection, file_id, after, limit)
    return RejectPage(
        rejects=[reject_of(row) for row in rows], next_after=rows[-1]["row"] if len(rows) == limit else None
    )


@looking.get("/feed-files/{file_id}/notices", response_model=list[RowOut], responses=PAGED)
async def list_notices(
    request: Request,
    response: Response,
    pool: Pool,
    principal: Onlooker,
    file_id: UUID,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    after: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{1,10}_[01]_-?[0-9]{1,10}$", description="Of the page before, as its Link says."),
    ] = None,
) -> Response | list[RowOut]:
    """What was odd about rows, or the file, that were taken, page by page (`Link`)."""
    async with reading(pool, principal) as work:
        if await file_store.load_file(work.connection, file_id) is None:
            return refuse(NO_FILE)
        begin = row_store.NoticePlace(*map(int, after.split("_"))) if after else row_store.FIRST_NOTICE
        found = await row_store.load_notices(work.connection, file_id, begin, limit)
    end = end_of([place for _, place in found], limit)
    link_next(request, response, after=end and "_".join(map(str, end)))
    return [RowOut.model_validate(row) for row, _ in found]


def routes_taking(most_bytes: int) -> APIRouter:
    """The front door, for files of so many bytes at the most."""
    made = APIRouter()
    made.add_api_route(
        "/feed-files", submit_feed_file, methods=["POST"], status_code=201, response_model=FeedFileOut,
        responses={200: {"model": FeedFileOut, "description": "The same bytes were accepted before."}},
        max_body_size=most_bytes,
        openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {
            "schema": {"type": "string", "format": "binary"}}}}},
    )  # fmt: skip
    made.include_router(looking)
    return made


routes = routes_taking(MAX_FILE_BYTES)
