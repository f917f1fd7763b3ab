"""Rows of rosters of which it is doubtful whom they mean: the list, both sides at once, and a person's decision."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.eligibility import handlers, store_decisions, store_doubtful, store_files, store_members
from services.eligibility.acquaintances import WHY_DOUBTFUL
from services.eligibility.api import listing
from services.eligibility.doubtful import ANOTHER_PERSON, REFUSED, SAME_PERSON, WAITING, Decided
from services.eligibility.doubtful_sides import compare
from services.eligibility.store_doubtful import Shown
from services.kit import audit
from services.kit.auth import Principal, require
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS, seeing
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

NOTHING = UUID(int=0)
NO_ROW = Refusal("doubtful-row-unknown", "Unknown Row", "There is no such doubtful row, or it is another plan's.", 404)
NOT_WAITING = Refusal(
    "doubtful-row-closed", "Row Closed", "It was decided otherwise, or a newer row has taken its place.", 409
)
WRONG_TOKEN = Refusal(
    "doubtful-row-token", "Whom It May Mean", "Expected one of the tokens whom the row may mean (`may_be`).", 422
)
GONE = Refusal("doubtful-row-member", "Member Gone", "This member is no more in the row's plan: look again.", 409)

Onlooker = Annotated[Principal, require("integration", "operator", "supervisor", "coordinator")]
Decider = Annotated[Principal, require("operator", "supervisor", "coordinator")]

_ACTIONS: dict[str, Literal["redriven", "discarded"]] = {
    SAME_PERSON: "redriven", ANOTHER_PERSON: "redriven", REFUSED: "discarded",
}  # fmt: skip
_WORDS = {"same-person": SAME_PERSON, "another-person": ANOTHER_PERSON, "refuse": REFUSED}
_STATES = {
    WAITING: "waiting", SAME_PERSON: "same-person", ANOTHER_PERSON: "another-person", REFUSED: "refused",
    "superseded": "superseded",
}  # fmt: skip
_STORED = {told: stored for stored, told in _STATES.items()}
State = Literal["waiting", "same-person", "another-person", "refused", "superseded"]

routes = APIRouter()


class DoubtfulDecisionIn(BaseModel):
    """`reason` is kept for whoever asks later; names and birth dates do not belong there."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    decision: Literal["same-person", "another-person", "refuse"]
    member_token: UUID | None = Field(default=None, description="Whom the row means: only of the same person.")
    reason: str = Field(min_length=3, max_length=500, examples=["The plan confirms the new birth date."])

    @model_validator(mode="after")
    def _token_of_same(self) -> Self:
        if (self.decision == "same-person") != (self.member_token is not None):
            raise PydanticCustomError("member_token", "a member's token if, and only if, it is the same person")
        return self


class DoubtfulRowOut(BaseModel):
    """Where a doubtful row stands and why it waits; never what it holds."""

    doubtful_id: UUID
    plan: str
    file_id: UUID
    row: int
    segment: int
    code: str = Field(description=listing("Why it is doubtful", WHY_DOUBTFUL))
    field: str
    expected: str
    state: State = Field(description="Superseded: a newer row said who is meant, or says the same and waits instead.")
    may_be: list[UUID] = Field(description="The tokens of the members whom it may mean.")
    member_token: UUID | None = Field(description="Whom it was found to mean.")
    changes: list[str] = Field(description="What it changed when it was decided; nothing where a newer row stands.")
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None


class DoubtfulPage(BaseModel):
    """`next_after` asks for the next page; none: this was the last."""

    rows: list[DoubtfulRowOut]
    next_after: UUID | None


class ComparedOut(BaseModel):
    """One field on both sides."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    row: str = Field(description="What the row says; empty: nothing.")
    member: str = Field(description="What the plan says of the member today.")
    how: Literal["agrees", "similar", "differs", "unsaid"]


class CandidateOut(BaseModel):
    """A member whom the row may mean, field by field."""

    member_token: UUID
    fields: list[ComparedOut]


class CoverageOut(BaseModel):
    """One coverage of the row (HD)."""

    insurance_line: str
    description: str
    maintenance: str
    begin_on: date | None
    end_on: date | None


class DoubtfulRowDetail(DoubtfulRowOut):
    """With both sides while it waits: protected data, so each look is audited."""

    maintenance: str | None = Field(description="What the row does (INS-03).")
    said_at: datetime | None = Field(description="When the sender says that it was said.")
    coverages: list[CoverageOut]
    candidates: list[CandidateOut]


@routes.get("/doubtful-rows")
async def list_doubtful_rows(
    pool: Pool,
    principal: Onlooker,
    state: Annotated[State | Literal["any"], Query(description="What waits, unless another is asked for")] = "waiting",
    file_id: Annotated[UUID | None, Query(description="Only of this file")] = None,
    after: Annotated[UUID, Query(description="The row that the page before ended with")] = NOTHING,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> DoubtfulPage:
    """Rows that wait until somebody says whom they mean, the oldest first; by their places and tokens alone."""
    async with reading(pool, principal) as connection:
        found = await store_doubtful.load_page(connection, after, _STORED.get(state), file_id, limit)
    return DoubtfulPage(
        rows=[DoubtfulRowOut(**_told(one)) for one in found],
        next_after=found[-1].doubtful_id if len(found) == limit else None,
    )


@routes.get("/doubtful-rows/{doubtful_id}", response_model=DoubtfulRowDetail)
async def read_doubtful_row(pool: Pool, principal: Decider, doubtful_id: UUID) -> Response | DoubtfulRowDetail:
    """The row beside each member whom it may mean: what agrees, what differs. Once it is closed what it held is gone.
    Audited."""
    async with reading(pool, principal) as connection:
        found = await store_doubtful.load_one(connection, doubtful_id)
        if found is None:
            return refuse(NO_ROW)
        if found.document is None:
            return DoubtfulRowDetail(**_told(found), maintenance=None, said_at=None, coverages=[], candidates=[])
        known = await store_members.load_enrolments(connection, found.tokens)
        await audit.record(connection, principal, "read", "doubtful-row", [doubtful_id, *found.tokens])
    row = found.roster_row
    mine = [one for one in known if one.tenant_id == found.plan and not one.is_retired]
    return DoubtfulRowDetail(
        **_told(found),
        maintenance=row.record.maintenance.value,
        said_at=row.said.at,
        coverages=[
            CoverageOut(
                insurance_line=one.insurance_line, description=one.description, maintenance=one.maintenance.value,
                begin_on=one.begin_on, end_on=one.end_on,
            ) for one in row.record.coverages
        ],
        candidates=[
            CandidateOut(
                member_token=one.token, fields=[ComparedOut(**it._asdict()) for it in compare(row.record, one)]
            ) for one in sorted(mine, key=lambda one: one.token)
        ],
    )  # fmt: skip


@routes.post("/doubtful-rows/{doubtful_id}/decision", response_model=DoubtfulRowOut)
async def decide_doubtful_row(
    pool: Pool, principal: Decider, identity: Identity, doubtful_id: UUID, body: DoubtfulDecisionIn
) -> Response:
    """Say whom the row means, or refuse it. It takes effect at once, as if it had been clear when it came: what was
    said since stands. A later row that says the same of who it is about goes by this decision. Audited."""
    return await write(pool, identity, lambda work: _decide(work, principal, doubtful_id, body))


async def _decide(work: UnitOfWork, principal: Decider, doubtful_id: UUID, body: DoubtfulDecisionIn) -> Answer:
    connection, decision = work.connection, _WORDS[body.decision]
    found = await store_doubtful.load_one(connection, doubtful_id)
    if found is None:
        return Answer.of(NO_ROW)
    if found.state != WAITING:
        is_repeat = found.state == decision and body.member_token in {None, found.token}
        return _answer(found) if is_repeat else Answer.of(NOT_WAITING)
    if body.member_token is not None and body.member_token not in found.tokens:
        return Answer.of(WRONG_TOKEN)
    today = (await store_decisions.share_clock(connection)).business_on
    async with seeing(connection, ALL_TENANTS):
        await store_members.lock_persons(connection, found.tokens)
        if await store_doubtful.lock_state(connection, doubtful_id) != WAITING:
            return Answer.of(NOT_WAITING)
        decided, changes = Decided(decision, body.member_token, frozenset(found.tokens)), tuple[str, ...]()
        if decision != REFUSED:
            file = await store_files.load_file(connection, found.file_id)
            assert file is not None, "files are never deleted"
            result, token = await handlers.on_decided_row(work, file, found.roster_row, decided, today)
            if token is None:
                return Answer.of(GONE)
            decided, changes = decided._replace(token=token), result.changes
        await store_doubtful.save_decision(connection, doubtful_id, decided, changes, principal.subject, body.reason)
    tokens = [decided.token] if decided.token else []
    await audit.record(connection, principal, _ACTIONS[decision], "doubtful-row", [doubtful_id, *tokens])
    after = await store_doubtful.load_one(connection, doubtful_id)
    assert after is not None, "doubtful rows are never deleted"
    return _answer(after)


def _answer(found: Shown) -> Answer:
    return Answer(200, DoubtfulRowOut(**_told(found)).model_dump(mode="json"))


def _told(one: Shown) -> dict[str, Any]:
    fields = one._asdict()
    del fields["document"]
    return fields | {"state": _STATES[one.state], "may_be": fields.pop("tokens"), "member_token": fields.pop("token")}
