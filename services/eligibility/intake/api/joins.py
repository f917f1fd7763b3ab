"""Members who were joined, by a person's word on a pair or by a plan's correction, and taking that back. For whoever
may act for all plans."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.eligibility.clock import store as clock_store
from services.eligibility.intake.flow.joins import NO_JOIN, withdraw
from services.eligibility.people.parting import Join
from services.eligibility.people.shapes import JoinOut, JoinPage, JoinWithdrawalIn
from services.eligibility.people.store import joins as join_store
from services.kit import audit
from services.kit.auth import Principal, may_for_all
from services.kit.idempotency import Answer, Identity
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork

Onlooker = Annotated[Principal, may_for_all("possibly-one.list")]
Decider = Annotated[Principal, may_for_all("possibly-one.decide")]

routes = APIRouter()


@routes.get("/joins")
async def list_joins(
    pool: Pool,
    principal: Onlooker,
    withdrawn: Annotated[bool, Query(description="Those that were taken back, too")] = False,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The number that the page before ended with")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> JoinPage:
    """Which two tokens stand for one person since when, and by whose word; the oldest first, by tokens alone. Whoever
    was one before joins were kept is not among them."""
    async with reading(pool, principal) as work:
        found = await join_store.load_page(work.connection, after, is_any=withdrawn, limit=limit)
    joins = [JoinOut(**_told(join)) for join in found]
    return JoinPage(joins=joins, next_after=found[-1].join_no if len(found) == limit else None)


@routes.post("/joins/{join_id}/withdrawal", response_model=JoinOut)
async def withdraw_join(
    pool: Pool, principal: Decider, identity: Identity, join_id: UUID, body: JoinWithdrawalIn
) -> Response:
    """Let both be two again, each with what is his: enrolments, doses, observations, deaths and consents. Of several
    joins of one person the newest is taken back first. A plan's correction that was taken back joins the two no more;
    a pair waits again. Audited."""
    return await write(pool, identity, lambda work: _withdraw(work, principal, join_id, body))


async def _withdraw(work: UnitOfWork, principal: Principal, join_id: UUID, body: JoinWithdrawalIn) -> Answer:
    today = (await clock_store.share_clock(work.connection)).business_on
    refused = await withdraw(work, join_id, principal.subject, body.reason, today)
    if refused is not None:
        return Answer.of(refused)
    after = await join_store.load_join(work.connection, join_id)
    if after is None:
        return Answer.of(NO_JOIN)
    await audit.record(work, principal, "withdrawn", "join", [join_id, after.survivor, after.retired], body.reason)
    return Answer(200, JoinOut(**_told(after)).model_dump(mode="json"))


def _told(join: Join) -> dict[str, Any]:
    fields = join._asdict()
    members = [fields.pop("survivor"), fields.pop("retired")]
    return {name: fields[name] for name in JoinOut.model_fields if name in fields} | {
        "members": members,
        "said_by": "person" if join.pair_id is not None else "plan",
        "plan": None if join.tenant_id == "*" else join.tenant_id,
    }
