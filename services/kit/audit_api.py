"""The auditor's routes, the same in every service: who saw and changed what, by member, by principal, by action, from
when to when. To read the trail is itself a row of it, written before the first row is read."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel

from schemas.envelope import INSTANT_AS_WRITTEN
from services.kit import audit, audit_search, requests
from services.kit.audit import Action
from services.kit.audit_for_plans import NamesForPlans, load_for_all
from services.kit.audit_search import Reader, Search
from services.kit.auth import Principal, may
from services.kit.masking import protected
from services.kit.postgres import Pool
from services.kit.problem import Refusal, RefusedError

PAGE_ROWS, EXPORT_ROWS = 200, 1000
NO_AUDIT_ROLE = Refusal(
    "no-audit-role", "Service Unavailable", "This service was given no database role that reads the trail.", 503
)
Auditor = Annotated[Principal, may("audit.read")]


class AuditRow(BaseModel):
    """Who did, saw or was refused what. `subjects`: whom it names, of `subject_count`: the first hundred, or where a
    member is asked for, his own tokens and ids alone. `principal` is null where no token was believed."""

    audit_id: int
    recorded_at: datetime
    tenant_id: str
    principal: str | None
    roles: list[str]
    purpose: str | None
    action: str
    kind: str
    subjects: Annotated[list[str], protected("tokens")]
    subject_count: int
    reason: str | None
    route: str | None
    outcome: str
    correlation_id: str


class AuditPage(BaseModel):
    """Rows in their order. `next_after`: where the next page begins; null: there is none. `through`: the number that
    the search ends with; later rows may still be on their way."""

    rows: list[AuditRow]
    next_after: int | None
    through: int


class Format(StrEnum):
    """Of an export."""

    CSV = "csv"
    NDJSON = "ndjson"


def _reader(request: Request) -> Reader:
    reader: Reader | None = getattr(request.app.state, "audit_reader", None)
    if reader is None:
        raise RefusedError(NO_AUDIT_ROLE)
    return reader


TrailReader = Annotated[Reader, Depends(_reader)]
"""Who reads the trail, as the role that may."""
Number = Annotated[int, Query(ge=0, le=2**63 - 1)]
AsWritten = Annotated[AwareDatetime, INSTANT_AS_WRITTEN]


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """What an auditor asks for."""

    member_token: UUID | None
    search: Search

    @property
    def subjects(self) -> list[str]:
        """Of the row that says that he asked."""
        return [str(self.member_token)] if self.member_token else []


def _question(
    member_token: Annotated[
        UUID | None, Query(description="Rows that name this member, by whatever token or id")
    ] = None,
    principal: Annotated[str | None, Query(max_length=256, description="Rows of who asked")] = None,
    action: Annotated[
        str | None, Query(pattern="^[a-z][a-z-]{2,31}$", description="read, export, wrote, denied …")
    ] = None,
    since: Annotated[AsWritten | None, Query(alias="from", description="Not before this instant")] = None,
    until: Annotated[AsWritten | None, Query(alias="to", description="Before this instant")] = None,
) -> AuditQuestion:
    return AuditQuestion(member_token, Search(None, principal, action, since, until))


Question = Annotated[AuditQuestion, Depends(_question)]


def router(names: str | None, for_plans: NamesForPlans | None = None) -> APIRouter:
    """`names`: the service's own query of the tokens and ids of one member ($1, a token); `for_plans`: by which of them
    a plan's auditor finds what was done for all tenants at once."""
    routes = APIRouter(tags=["audit"])

    @routes.get("/audit", summary="Who saw and changed what")
    async def search_audit(
        auditor: Auditor,
        question: Question,
        pool: requests.OperatorsPool,
        reader: TrailReader,
        after: Annotated[Number, Query(description="`next_after` of the page before")] = 0,
        through: Annotated[Number | None, Query(description="`through` of the first page")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = PAGE_ROWS,
    ) -> AuditPage:
        """Oldest first. Asking is a row of the trail too. An auditor of a plan sees the rows of whoever acted for that
        plan; and, of a member for whom he asks, what was done for all plans at once, as far as this service knows that
        it is about the plan's member (`docs/security.md` says of each): without whom else it names and without its
        reason. Everything else that was done for all plans an auditor for all tenants sees. 429 while others search."""
        async with reader.turn(audit_search.TURN_S):
            search = await _told(pool, auditor, "read", question, names, for_plans)
            closed = await reader.load_closed()
            through = closed if through is None else min(through, closed)
            rows = await reader.find(auditor.tenant, search, after, through, limit)
        return AuditPage(
            rows=[AuditRow.model_validate(row) for row in rows],
            next_after=rows[-1]["audit_id"] if len(rows) == limit else None,
            through=through,
        )

    @routes.get("/audit/export", summary="The same, as one file", response_class=StreamingResponse, responses=FILES)
    async def export_audit(
        auditor: Auditor,
        question: Question,
        pool: requests.OperatorsPool,
        reader: TrailReader,
        format_: Annotated[Format, Query(alias="format")] = Format.CSV,
    ) -> StreamingResponse:
        """All rows, oldest first. A cell that a spreadsheet would take for a formula begins with an apostrophe. Sees
        and waits as the search does."""
        async with reader.turn(audit_search.TURN_S):
            search = await _told(pool, auditor, "export", question, names, for_plans)
            closed = await reader.load_closed()
        pages = reader.pages(auditor.tenant, search, closed, EXPORT_ROWS)
        lines = _csv(pages) if format_ is Format.CSV else _ndjson(pages)
        return StreamingResponse(lines, media_type=MEDIA_TYPES[format_])

    return routes


MEDIA_TYPES = {Format.CSV: "text/csv", Format.NDJSON: "application/x-ndjson"}
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}, "description": "A row of the trail in each line"}
}
_HEADINGS = tuple(AuditRow.model_fields)


async def _told(
    pool: Pool, auditor: Principal, action: Action, question: AuditQuestion, names: str | None,
    for_plans: NamesForPlans | None,
) -> Search:  # fmt: skip
    """What to search for, once the trail says that it is searched."""
    async with requests.reading(pool, auditor) as work:
        await audit.record(work, auditor, action, "audit", question.subjects)
        if question.member_token is None:
            return question.search
        found = await audit_search.names_of(work.connection, names, question.member_token)
        for_all = await load_for_all(work.connection, for_plans, auditor.tenant, question.member_token)
    return replace(question.search, subjects=found, for_all=for_all)


async def _csv(pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> AsyncIterator[str]:
    yield _written([dict(zip(_HEADINGS, _HEADINGS, strict=True))])
    async for rows in pages:
        yield _written([audit_search.flat(row) for row in rows])


def _written(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, _HEADINGS).writerows(rows)
    return text.getvalue()


async def _ndjson(pages: AsyncIterator[Sequence[Mapping[str, Any]]]) -> AsyncIterator[str]:
    async for rows in pages:
        yield "".join(f"{AuditRow.model_validate(row).model_dump_json()}\n" for row in rows)
