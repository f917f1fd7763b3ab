"""HTTP for whoever describes sites and opens weeks of slots, and for whoever looks for a slot."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from schemas.envelope import Code, Zip5
from services.kit.idempotency import Answer, Identity
from services.kit.next_page import PAGED, After, end_of, link_next, place_of, text_of
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.blocks.api import problems
from services.scheduling.blocks.api.access import Clock, Own, Provider, SiteKeeper, SlotReader
from services.scheduling.blocks.api.problems import responses
from services.scheduling.blocks.flow import blocks, describing
from services.scheduling.blocks.rules import ProductInUse, SlotSearch
from services.scheduling.blocks.shapes import BlockIn, BlockOut, BrokenBlock, Monday, SiteOut, SlotOut
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites.shapes import SiteIn

MAX_LISTED = 1000

routes = APIRouter(tags=["scheduling"])


@routes.post("/sites", responses={200: {"model": SiteOut}, **responses(403, 404, 409, 422)})
async def describe_site(body: SiteIn, pool: Pool, identity: Identity, principal: SiteKeeper, clock: Clock) -> Response:
    """A new site, or a known one described anew, by the tenant that described it first or by whoever acts for all. Its
    time zone can't change once it has blocks. Leaving out a product that blocks to come offer is refused with those
    blocks (`product-in-use`); with `withdraw` it ends, the answer names them, and nobody books there any more: the
    bookings stay until somebody moves or cancels them."""

    async def effect(work: UnitOfWork) -> Answer:
        described = await describing.describe_site(work, principal, body.site(), clock, withdraw=body.withdraw)
        if isinstance(described, RefusalCode):
            return problems.answer(described)
        if isinstance(described, ProductInUse):
            broken = [block.model_dump(mode="json") for block in BrokenBlock.all_of(described.blocks)]
            return problems.answer(RefusalCode.PRODUCT_IN_USE, blocks=broken)
        return _answer(200, SiteOut.of(described))

    return await write(pool, identity.bound_to(principal), effect)


@routes.post("/blocks", status_code=201, responses={201: {"model": BlockOut}, **responses(403, 404, 409, 422)})
async def open_block(
    body: BlockIn, pool: Pool, identity: Identity, principal: Provider, own: Own, clock: Clock
) -> Response:
    """A week's slots at a site for one product, held for a plan or open to all. A plan's own site staff do it for their
    plan at their plan's sites. Slots of one plan and product take turns. What starts within the days of the release is
    open to every plan at once. Of a week that has begun the slots that have are left out (`left_out`); if all of them
    have, there is no block (`past-slot`)."""
    request, moment = body.request(), body.moment(clock)

    async def effect(work: UnitOfWork) -> Answer:
        opened = await blocks.open_block(work, principal, request, own.release_days, moment)
        return (
            problems.answer(opened) if isinstance(opened, RefusalCode) else _answer(201, BlockOut.of(opened, body.plan))
        )

    return await write(pool, identity.bound_to(principal), effect)


@routes.get("/slots", responses=PAGED)
async def list_slots(
    request: Request,
    response: Response,
    pool: Pool,
    principal: SlotReader,
    clock: Clock,
    site: Code | None = None,
    week: Monday | None = None,
    zip5: Annotated[Zip5 | None, Query(alias="zip")] = None,
    vaccine_group: Code | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 200,
    after: After = None,
) -> list[SlotOut]:
    """Slots with room that have not begun, soonest first, page by page (`Link`): those held for one's own plan, and
    those open to all."""
    search = SlotSearch(site, week, zip5, vaccine_group)
    async with reading(pool, principal) as work:
        found = await blocks.list_free_slots(work.connection, search, clock, place_of(after), limit)
    places = [(row.slot.start_at, row.slot.slot_id) for row in found]
    link_next(request, response, after=text_of(end_of(places, limit)))
    return [SlotOut.of(slot) for slot in found]


def _answer(status: int, body: BaseModel) -> Answer:
    return Answer(status, body.model_dump(mode="json"))
