"""Two plans' members who are possibly one person: the list, both sides at once, and a person's decision. For whoever
may act for all plans: no plan sees that another one lists somebody, too."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.intake.flow.possibly_one import (
    Comparison,
    Entry,
    compare_pair,
    join_pair,
    part_pair,
    still_possible,
)
from services.eligibility.people.possibly_one import ONE_PERSON, TWO_PERSONS, WAITING
from services.eligibility.people.shapes import (
    ComparisonOut,
    EntryOut,
    PairDecisionIn,
    PairFieldOut,
    PairState,
    PossiblyOneDetail,
    PossiblyOneOut,
    PossiblyOnePage,
)
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import possibly_one as pair_store
from services.eligibility.people.store.possibly_one import Told
from services.kit import audit
from services.kit.auth import Principal, may_for_all
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

NOTHING = UUID(int=0)
NO_PAIR = Refusal("unknown-pair", "Unknown Pair", "There is no such pair of members.", 404)
PAIR_CLOSED = Refusal(
    "pair-closed",
    "Pair Closed",
    "It was decided otherwise: withdraw that first.",
    409,
)
NOT_ALIKE = Refusal(
    "pair-not-alike", "Not Alike", "Name and birth date agree no more, or one plan lists both by now: two persons.", 409
)

Onlooker = Annotated[Principal, may_for_all("possibly-one.list")]
Decider = Annotated[Principal, may_for_all("possibly-one.decide")]

_ACTIONS: dict[str, Literal["same-person", "another-person", "withdrawn"]] = {
    ONE_PERSON: "same-person", TWO_PERSONS: "another-person", WAITING: "withdrawn",
}  # fmt: skip
_STATES = {"one-person": ONE_PERSON, "two-persons": TWO_PERSONS, "withdraw": WAITING}

routes = APIRouter()


@routes.get("/possibly-one")
async def list_pairs(
    pool: Pool,
    principal: Onlooker,
    state: Annotated[PairState | Literal["any"], Query(description="Waiting, unless another is said")] = "waiting",
    after: Annotated[UUID, Query(description="The pair that the page before ended with")] = NOTHING,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> PossiblyOnePage:
    """Two plans' members who agree in name, birth date and ZIP, or did, and bear the same name and birth date still:
    the oldest pair first, by tokens alone. A page may hold fewer than asked for and still be followed by another."""
    async with reading(pool, principal) as work:
        found = await pair_store.load_page(work.connection, after, None if state == "any" else state, limit)
        shown = await still_possible(work.connection, found)
    next_after = found[-1].pair_id if len(found) == limit else None
    return PossiblyOnePage(pairs=[PossiblyOneOut(**_told(told)) for told in shown], next_after=next_after)


@routes.get("/possibly-one/{pair_id}", response_model=PossiblyOneDetail)
async def read_pair(pool: Pool, principal: Decider, pair_id: UUID) -> Response | PossiblyOneDetail:
    """What each plan says of the one, beside what another says of the other, field by field. Audited."""
    async with reading(pool, principal) as work:
        found = await pair_store.load_one(work.connection, pair_id)
        if found is None:
            return refuse(NO_PAIR)
        today = (await clock_store.share_clock(work.connection)).business_on
        compared = await compare_pair(work.connection, found.pair, today)
        await audit.record(work, principal, "read", "possibly-one", [pair_id, *found.pair])
    return PossiblyOneDetail(**_told(found), comparisons=[_comparison(comparison) for comparison in compared])


@routes.post("/possibly-one/{pair_id}/decision", response_model=PossiblyOneOut)
async def decide_pair(
    pool: Pool, principal: Decider, identity: Identity, pair_id: UUID, body: PairDecisionIn
) -> Response:
    """Say that both are one person, or two. One: the older token survives, and has the doses, statements and
    enrolments of both from now on. Two: no row joins them. Either can be withdrawn: then the pair waits again, and who
    was one is two, each with his own. Audited."""
    return await write(pool, identity, lambda work: _decide(work, principal, pair_id, body))


async def _decide(work: UnitOfWork, principal: Principal, pair_id: UUID, body: PairDecisionIn) -> Answer:
    connection, wanted = work.connection, _STATES[body.decision]
    found = await pair_store.load_one(connection, pair_id)
    if found is None:
        return Answer.of(NO_PAIR)
    await clock_store.share_clock(connection)  # before anybody is locked, as everywhere
    await people_store.lock_persons(connection, found.pair)
    found = await pair_store.lock_one(connection, pair_id)
    if found is None:
        return Answer.of(NO_PAIR)
    if found.state == wanted:
        return _answer(found)
    refused = await _take(work, found, wanted, principal.subject, body.reason)
    if refused is not None:
        return Answer.of(refused)
    await audit.record(work, principal, _ACTIONS[wanted], "possibly-one", [pair_id, *found.pair])
    after = await pair_store.load_one(connection, pair_id)
    assert after is not None, "pairs that were decided are never deleted"
    return _answer(after)


async def _take(work: UnitOfWork, found: Told, wanted: str, by: str, reason: str) -> Refusal | None:
    """Let the decision take effect, or say why it can't."""
    if WAITING not in {found.state, wanted}:
        return PAIR_CLOSED
    today = (await clock_store.share_clock(work.connection)).business_on
    if found.state == ONE_PERSON:
        return await part_pair(work, found, by, reason, today)
    if wanted == ONE_PERSON:
        return None if await join_pair(work, found, by, reason, today) else NOT_ALIKE
    await pair_store.save_decision(work.connection, found.pair_id, wanted, by, reason)
    return None


def _comparison(compared: Comparison) -> ComparisonOut:
    fields = [
        PairFieldOut.model_validate({"field": field, "one": mine, "other": theirs, "how": how})
        for field, mine, theirs, how in compared.side.fields
    ]
    return ComparisonOut(one=_entry(compared.one), other=_entry(compared.other), fields=fields)


def _entry(entry: Entry) -> EntryOut:
    known = entry.known
    return EntryOut(
        member_token=known.member_token, plan=known.tenant_id, said_at=known.said_at, death=entry.death,
        covered_until=entry.covered_until, is_covered=entry.is_covered,
    )  # fmt: skip


def _answer(found: Told) -> Answer:
    return Answer(200, PossiblyOneOut(**_told(found)).model_dump(mode="json"))


def _told(told: Told) -> dict[str, Any]:
    fields = told._asdict()
    return fields | {"members": [fields.pop("member_token"), fields.pop("other")]}
