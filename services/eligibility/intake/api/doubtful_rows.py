"""Rows of rosters of which it is doubtful whom they mean: the list, both sides at once, and a person's decision."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.feeds.records import RosterRecord
from services.eligibility.intake.flow.doubtful import Candidate, Ruling, look, on_decision
from services.eligibility.intake.shapes import (
    STATES,
    CandidateOut,
    ComparedOut,
    CoverageOut,
    DeathSaidOut,
    DoubtfulDecisionIn,
    DoubtfulPage,
    DoubtfulRowDetail,
    DoubtfulRowOut,
    HeldOut,
    State,
)
from services.eligibility.people.doubtful import (
    ANOTHER_PERSON,
    REFUSED,
    SAME_PERSON,
    WITHDRAWN,
    Decided,
    DoubtfulRow,
)
from services.eligibility.people.doubtful_sides import compare
from services.eligibility.people.identity import Doubt
from services.eligibility.people.store import doubtful as doubtful_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store.doubtful import Shown
from services.eligibility.vital.rules import Word
from services.kit import audit
from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import ALL_TENANTS, Connection, seeing
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

NOTHING = UUID(int=0)
NO_ROW = Refusal(
    "unknown-doubtful-row", "Unknown Doubtful Row", "There is no such doubtful row, or it is another plan's.", 404
)
NOT_WAITING = Refusal(
    "doubtful-row-closed", "Row Closed", "It was decided otherwise, or a newer row has taken its place.", 409
)
WRONG_TOKEN = Refusal(
    "doubtful-row-token", "Whom It May Mean", "Expected one of the tokens whom the row may mean (`may_be`).", 422
)
GONE = Refusal("doubtful-row-member", "Member Gone", "This member is no more in the row's plan: look again.", 409)
NOT_DECIDED = Refusal("doubtful-row-undecided", "Not Decided", "There is no decision of this row to withdraw.", 409)
LOOK_AGAIN = Refusal(
    "doubtful-row-candidates", "Look Again", "Somebody else comes into question by now: look at the row again, which "
    "shows all of them, before it is decided.", 409,
)  # fmt: skip
UNREADABLE = Refusal(
    "doubtful-row-unreadable", "Row Unreadable", "It was kept by another version, which can read it; or refuse it.", 409
)

Onlooker = Annotated[Principal, may("doubtful-rows.list")]
Decider = Annotated[Principal, may("doubtful-rows.decide")]

_ACTIONS: dict[str, Literal["same-person", "another-person", "discarded", "withdrawn"]] = {
    SAME_PERSON: "same-person", ANOTHER_PERSON: "another-person", REFUSED: "discarded", WITHDRAWN: "withdrawn",
}  # fmt: skip
_WORDS = {"same-person": SAME_PERSON, "another-person": ANOTHER_PERSON, "refuse": REFUSED, "withdraw": WITHDRAWN}
_STORED: dict[str, str] = {told: stored for stored, told in STATES.items()}

routes = APIRouter()


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
    async with reading(pool, principal) as work:
        found = await doubtful_store.load_page(work.connection, after, _STORED.get(state), file_id, limit)
    return DoubtfulPage(
        rows=[DoubtfulRowOut(**_told(row)) for row in found],
        next_after=found[-1].doubtful_id if len(found) == limit else None,
    )


@routes.get("/doubtful-rows/{doubtful_id}", response_model=DoubtfulRowDetail)
async def read_doubtful_row(pool: Pool, principal: Decider, doubtful_id: UUID) -> Response | DoubtfulRowDetail:
    """The row beside each member whom it may mean today: what agrees, what differs, and what is said of a death on
    either side. Who has come into question since it came is shown, and noted as such. Once it is closed what it held is
    gone. Audited."""
    async with reading(pool, principal) as work:
        connection = work.connection
        found = await doubtful_store.load_one(connection, doubtful_id)
        if found is None:
            return refuse(NO_ROW)
        row, waiting = found.roster_row, await doubtful_store.load_waiting(connection, doubtful_id)
        if row is None or waiting is None:
            return DoubtfulRowDetail(**_told(found), maintenance=None, said_at=None, coverages=[], candidates=[])
        today = (await clock_store.share_clock(connection)).business_on
        async with seeing(connection, ALL_TENANTS):
            candidates = await look(connection, waiting, today)
        found = await _again(connection, doubtful_id)
        await audit.record(work, principal, "read", "doubtful-row", [doubtful_id, *found.tokens])
    return DoubtfulRowDetail(
        **_told(found),
        maintenance=row.record.maintenance.value,
        said_at=row.said.at,
        coverages=[
            CoverageOut(
                insurance_line=coverage.insurance_line, description=coverage.description,
                maintenance=coverage.maintenance.value, begin_on=coverage.begin_on, end_on=coverage.end_on,
            ) for coverage in row.record.coverages
        ],
        candidates=[_candidate(row.record, candidate) for candidate in candidates],
    )  # fmt: skip


def _candidate(record: RosterRecord, one: Candidate) -> CandidateOut:
    known, by_row = one.known, one.by_row
    return CandidateOut(
        member_token=known.member_token,
        death=one.death.holds,
        death_said=[DeathSaidOut.model_validate(said) for said in one.death.said],
        death_by_row="deceased" if by_row is Word.DECEASED else "alive" if by_row is Word.ALIVE else None,
        said_at=known.said_at,
        coverages=[
            HeldOut(kind=span.kind, product=span.product, begin_on=span.begin_on, end_on=span.end_on)
            for span in known.spans
        ],
        fields=[ComparedOut(**field._asdict()) for field in compare(record, known)],
    )


@routes.post("/doubtful-rows/{doubtful_id}/decision", response_model=DoubtfulRowOut)
async def decide_doubtful_row(
    pool: Pool, principal: Decider, identity: Identity, doubtful_id: UUID, body: DoubtfulDecisionIn
) -> Response:
    """Say whom the row means, or refuse it. It takes effect at once, as if it had been clear when it came: what was
    said since stands. All that waits and says the same of who it is about is decided with it, and what says so later
    goes by this decision, until it is withdrawn; what was done by it stays. Audited."""
    return await write(pool, identity, lambda work: _decide(work, principal, doubtful_id, body))


async def _decide(work: UnitOfWork, principal: Decider, doubtful_id: UUID, body: DoubtfulDecisionIn) -> Answer:
    connection, decision = work.connection, _WORDS[body.decision]
    found = await doubtful_store.load_one(connection, doubtful_id)
    if found is None:
        return Answer.of(NO_ROW)
    today = (await clock_store.share_clock(connection)).business_on
    async with seeing(connection, ALL_TENANTS):
        await people_store.lock_persons(connection, found.tokens)
        alike = await doubtful_store.lock_alike(connection, doubtful_id)
        found = await _again(connection, doubtful_id)
        if decision == WITHDRAWN and found.state in {SAME_PERSON, ANOTHER_PERSON, REFUSED}:
            await doubtful_store.withdraw(connection, doubtful_id, principal.subject, body.reason)
        elif doubtful_id not in alike:
            is_repeat = found.state == decision and body.member_token in {None, found.member_token}
            return _answer(found) if is_repeat else Answer.of(NOT_WAITING)
        elif decision == WITHDRAWN:
            return Answer.of(NOT_DECIDED)
        elif body.member_token is not None and body.member_token not in found.tokens:
            return Answer.of(WRONG_TOKEN)
        else:
            word = Ruling(Decided(decision, body.member_token, frozenset(found.tokens)), principal.subject, body.reason)
            if (refusal := await _say(work, doubtful_id, alike, word, today)) is not None:
                return Answer.of(refusal)
        after = await _again(connection, doubtful_id)
    subjects = [doubtful_id, *dict.fromkeys([*([after.member_token] if after.member_token else []), *found.tokens])]
    await audit.record(work, principal, _ACTIONS[decision], "doubtful-row", subjects)
    return _answer(after)


async def _say(
    work: UnitOfWork, doubtful_id: UUID, alike: Mapping[UUID, DoubtfulRow | None], word: Ruling, today: date
) -> Refusal | None:
    """Take the word, or say why not: then nobody was changed."""
    if word.decided.decision == REFUSED:
        for row_id in alike:
            await doubtful_store.save_decision(work.connection, row_id, word.decided, (), word.by, word.reason)
        return None
    chosen = alike[doubtful_id]
    if chosen is None:
        return UNREADABLE
    rows = [row for row in alike.values() if row is not None]
    settled = await on_decision(work, chosen, rows, word, today)
    if isinstance(settled, Doubt):
        return LOOK_AGAIN
    return GONE if settled is None else None


async def _again(connection: Connection, doubtful_id: UUID) -> Shown:
    found = await doubtful_store.load_one(connection, doubtful_id)
    assert found is not None, "doubtful rows are never deleted"
    return found


def _answer(found: Shown) -> Answer:
    return Answer(200, DoubtfulRowOut(**_told(found)).model_dump(mode="json"))


def _told(one: Shown) -> dict[str, Any]:
    fields = one._asdict()
    del fields["document"]
    return fields | {
        "state": STATES[one.state],
        "may_be": fields.pop("tokens"),
        "member_token": fields.pop("member_token"),
    }
