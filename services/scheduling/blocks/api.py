"""HTTP for whoever describes sites and opens weeks of slots, and for whoever looks for a slot."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from schemas.envelope import Code, Zip5
from services.kit.idempotency import Answer, Identity
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.scheduling import problems as refusals
from services.scheduling.access import Anybody, Chosen, Clock, Provider
from services.scheduling.appointments.rules import Site
from services.scheduling.appointments.shapes import (
    BlockIn,
    BlockOut,
    BrokenBlock,
    Monday,
    SiteIn,
    SiteOut,
    SlotOut,
    block_out,
    responses,
)
from services.scheduling.blocks import flow as blocks
from services.scheduling.blocks import store as places
from services.scheduling.blocks.flow import BlockAsked, Breaks
from services.scheduling.blocks.rules import Times
from services.scheduling.blocks.store import Wanted
from services.scheduling.days import rules as sense
from services.scheduling.days.rules import Moment
from services.scheduling.members import store as heard
from services.scheduling.refusals import No

MAX_LISTED = 1000

routes = APIRouter(tags=["scheduling"])


@routes.post("/sites", responses={200: {"model": SiteOut}, **responses(403, 404, 409, 422)})
async def describe_site(body: SiteIn, pool: Pool, identity: Identity, principal: Provider) -> Response:
    """A new site, or a known one described anew, by the tenant that described it first or by whoever acts for all. Its
    time zone can't change once it has blocks. Leaving out a product that blocks to come offer is refused with those
    blocks (`product-in-use`); with `withdraw` it ends, the answer names them, and nobody books there any more: the
    bookings stay until somebody moves or cancels them."""
    gives = {one.cvx: one.vaccine_group for one in body.gives}
    site = Site(body.site_id, body.name, body.zip5, body.time_zone, body.kind, gives)

    async def effect(work: UnitOfWork) -> Answer:
        done = await blocks.describe_site(work, principal, site, withdraw=body.withdraw)
        if isinstance(done, No):
            return refusals.answer(done)
        if isinstance(done, Breaks):
            named = [one.model_dump(mode="json") for one in BrokenBlock.all_of(done.blocks)]
            return refusals.answer(No.PRODUCT_IN_USE, blocks=named)
        return _answer(200, SiteOut.of(done))

    return await write(pool, identity.bound_to(principal), effect)


@routes.post("/blocks", status_code=201, responses={201: {"model": BlockOut}, **responses(403, 404, 409, 422)})
async def open_block(
    body: BlockIn, pool: Pool, identity: Identity, principal: Provider, rules: Chosen, clock: Clock
) -> Response:
    """A week's slots at a site for one product, held for a plan or open to all. A plan's own site staff do it for their
    plan at their plan's sites. Slots of one plan and product take turns. What starts within the days of the release is
    open to every plan at once."""
    times = [Times(one.start_at, one.end_at, one.capacity) for one in body.slots]
    asked = BlockAsked(body.site_id, body.week_on, body.plan, body.cvx, times, body.new_plan)

    async def effect(work: UnitOfWork) -> Answer:
        done = await blocks.open_block(work, principal, asked, rules.release_days, body.moment(clock))
        return refusals.answer(done) if isinstance(done, No) else _answer(201, block_out(done, asked.plan))

    return await write(pool, identity.bound_to(principal), effect)


@routes.get("/slots")
async def list_slots(
    pool: Pool,
    principal: Anybody,
    clock: Clock,
    site: Code | None = None,
    week: Monday | None = None,
    zip5: Annotated[Zip5 | None, Query(alias="zip")] = None,
    vaccine_group: Code | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 200,
) -> list[SlotOut]:
    """Slots with room that have not begun, soonest first: those held for one's own plan, and those open to all."""
    async with reading(pool, principal) as connection:
        today = await heard.load_day(connection) or date.max
        wanted, hour = Wanted(site, week, zip5, vaccine_group), sense.hour(Moment(clock, clock), today)
        return [SlotOut.of(one) for one in await places.list_free(connection, wanted, today, hour, limit)]


def _answer(status: int, body: BaseModel) -> Answer:
    return Answer(status, body.model_dump(mode="json"))
