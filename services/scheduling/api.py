"""HTTP for coordinators, sites and the State. Each write is one transaction, once per idempotency key; each look at
members is audited."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from schemas.envelope import Code, Day, Zip5
from services.kit import audit
from services.kit.auth import Principal, require
from services.kit.idempotency import Answer, Identity
from services.kit.problem import refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.scheduling import blocks, booking, domain, heard, places, refusals, store
from services.scheduling.blocks import BlockAsked, Times
from services.scheduling.booking import Asked, Outcome, Refused
from services.scheduling.domain import No, Site
from services.scheduling.models import (
    AppointmentOut,
    BlockIn,
    BlockOut,
    BookingIn,
    CancelIn,
    FulfilIn,
    Monday,
    NothingMoreIn,
    OpenedSlotOut,
    RescheduleIn,
    SiteIn,
    SiteOut,
    SlotOut,
    WalkInIn,
    block_out,
    responses,
)
from services.scheduling.places import Wanted

MAX_LISTED = 1000
CREATED = {201: {"model": AppointmentOut}, **responses(403, 404, 409, 422)}
CHANGED = {200: {"model": AppointmentOut}, **responses(403, 404, 409, 422)}

Provider = Annotated[Principal, require("state", "site")]
SiteStaff = Annotated[Principal, require("site")]
Coordinator = Annotated[Principal, require("coordinator", "supervisor", "chw")]
Anybody = Annotated[Principal, require("coordinator", "supervisor", "chw", "site", "state")]

routes = APIRouter(tags=["scheduling"])


@routes.post("/sites", responses={200: {"model": SiteOut}, **responses(403, 409, 422)})
async def describe_site(body: SiteIn, pool: Pool, identity: Identity, principal: Provider) -> Response:
    """A new site, or a known one described anew, by the tenant that described it first or by whoever acts for all. Its
    time zone can't change once it has blocks."""
    gives = {one.cvx: one.vaccine_group for one in body.gives}
    site = Site(body.site_id, body.name, body.zip5, body.time_zone, body.kind, gives)

    async def effect(work: UnitOfWork) -> Answer:
        done = await blocks.describe_site(work, principal.tenant, site)
        return refusals.answer(done) if isinstance(done, No) else _answer(200, SiteOut.of(done))

    return await write(pool, identity, effect)


@routes.post("/blocks", status_code=201, responses={201: {"model": BlockOut}, **responses(403, 404, 409, 422)})
async def open_block(body: BlockIn, pool: Pool, identity: Identity, principal: Provider) -> Response:
    """A week's slots at a site for one product, held for a plan or open to all."""
    times = [Times(one.start_at, one.end_at, one.capacity) for one in body.slots]
    asked = BlockAsked(body.site_id, body.week_on, body.plan, body.cvx, times)

    async def effect(work: UnitOfWork) -> Answer:
        done = await blocks.open_block(work, principal.tenant, asked, body.at)
        if isinstance(done, No):
            return refusals.answer(done)
        slots = [OpenedSlotOut.model_validate(slot, from_attributes=True) for slot in done.slots]
        return _answer(201, block_out(done.pool, slots))

    return await write(pool, identity, effect)


@routes.get("/slots")
async def list_slots(
    pool: Pool,
    principal: Anybody,
    site: Code | None = None,
    week: Monday | None = None,
    zip5: Annotated[Zip5 | None, Query(alias="zip")] = None,
    vaccine_group: Code | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 200,
) -> list[SlotOut]:
    """Slots with room from today on, soonest first: those held for one's own plan, and those open to all."""
    async with reading(pool, principal) as connection:
        today = await heard.load_day(connection) or date.max
        wanted = Wanted(site, week, zip5, vaccine_group)
        return [SlotOut.of(one) for one in await places.list_free(connection, wanted, today, limit)]


@routes.post("/appointments", status_code=201, responses=CREATED)
async def book(body: BookingIn, pool: Pool, identity: Identity, principal: Coordinator) -> Response:
    """A place in a slot for a member: one live booking per person and programme, over all plans.

    Refusals: full, already-booked (with `appointment_id` if it is one's own plan's), ineligible, vaccinated,
    block-held-for-another-plan, past-slot, other-vaccine, unknown-slot, programme-needed; unknown-enrolment,
    unknown-programme and day-not-open may be asked again with the same key."""
    asked = Asked(body.enrolment_id, body.programme_id)
    return await _write(pool, identity, lambda work: booking.book(work, asked, body.slot_id, body.at), 201)


@routes.post("/appointments/{appointment_id}/cancel", responses=CHANGED)
async def cancel(appointment_id: UUID, body: CancelIn, pool: Pool, identity: Identity, principal: Anybody) -> Response:
    """Ends a live booking and frees its place. On the day itself or later it is marked as late, never refused."""
    return await _write(
        pool, identity,
        lambda work: booking.change(
            work, appointment_id, lambda one, today: domain.cancel(one, body.reason, today), body.at
        ),
        looked_at=(principal, appointment_id),
    )  # fmt: skip


@routes.post(
    "/appointments/{appointment_id}/reschedule",
    responses=CHANGED,
)
async def reschedule(
    appointment_id: UUID, body: RescheduleIn, pool: Pool, identity: Identity, principal: Coordinator
) -> Response:
    """Moves a live booking to another slot, three times at most. If that is full, everything stays as it was."""
    return await _write(
        pool,
        identity,
        lambda work: booking.reschedule(work, appointment_id, body.slot_id, body.at),
        looked_at=(principal, appointment_id),
    )


@routes.post("/appointments/{appointment_id}/fulfil", responses=CHANGED)
async def fulfil(
    appointment_id: UUID, body: FulfilIn, pool: Pool, identity: Identity, principal: SiteStaff
) -> Response:
    """The member came and got this dose: a product that the site gives, of the vaccine that was booked."""
    return await _write(
        pool,
        identity,
        lambda work: booking.fulfil(work, appointment_id, body.dose, body.at),
        looked_at=(principal, appointment_id),
    )


@routes.post("/appointments/{appointment_id}/noshow", responses=CHANGED)
async def noshow(
    appointment_id: UUID, body: NothingMoreIn, pool: Pool, identity: Identity, principal: SiteStaff
) -> Response:
    """Nobody came on the day."""
    return await _write(
        pool,
        identity,
        lambda work: booking.change(work, appointment_id, domain.miss, body.at),
        looked_at=(principal, appointment_id),
    )


@routes.post(
    "/appointments/{appointment_id}/entered-in-error",
    responses=CHANGED,
)
async def enter_in_error(
    appointment_id: UUID, body: NothingMoreIn, pool: Pool, identity: Identity, principal: SiteStaff
) -> Response:
    """It should not have been recorded. If a dose was recorded with it, that dose was never given."""
    return await _write(
        pool,
        identity,
        lambda work: booking.change(work, appointment_id, domain.retract, body.at),
        looked_at=(principal, appointment_id),
    )


@routes.post("/walk-ins", status_code=201, responses=CREATED)
async def walk_in(body: WalkInIn, pool: Pool, identity: Identity, principal: SiteStaff) -> Response:
    """A dose given to somebody who came without an appointment, also when every place is taken. A live booking of
    theirs for the same vaccine is cancelled."""
    asked = Asked(body.enrolment_id, body.programme_id)
    return await _write(
        pool, identity, lambda work: booking.walk_in(work, asked, body.site_id, body.dose, body.at), 201
    )


@routes.get("/appointments/{appointment_id}", response_model=AppointmentOut, responses=responses(403, 404))
async def read_appointment(appointment_id: UUID, pool: Pool, principal: Anybody) -> Response | AppointmentOut:
    """One appointment. The look is audited, also one for another plan's appointment."""
    async with reading(pool, principal) as connection:
        await audit.record(connection, principal, "read", "appointment", [appointment_id])
        found = await store.load_appointment(connection, appointment_id)
    return AppointmentOut.of(found) if found else refuse(refusals.refusal(No.UNKNOWN_APPOINTMENT))


@routes.get("/appointments")
async def list_appointments(
    pool: Pool, principal: Anybody, site: Code, on: Day, limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = MAX_LISTED
) -> list[AppointmentOut]:
    """A day's appointments at a site, walk-ins too, in the order of their times. The look is audited."""
    async with reading(pool, principal) as connection:
        found = await store.list_appointments(connection, site, on, limit)
        await audit.record(connection, principal, "read", "appointment", [one.appointment_id for one in found])
    return [AppointmentOut.of(one) for one in found]


async def _write(
    pool: Pool,
    identity: Identity,
    act: Callable[[UnitOfWork], Awaitable[Outcome]],
    status: int = 200,
    looked_at: tuple[Principal, UUID] | None = None,
) -> Response:
    """`looked_at`: who names which appointment, which the answer may tell of."""

    async def effect(work: UnitOfWork) -> Answer:
        if looked_at is not None:
            await audit.record(work.connection, looked_at[0], "read", "appointment", [looked_at[1]])
        outcome = await act(work)
        if isinstance(outcome, Refused):
            return refusals.answer(outcome.no, outcome.appointment_id)
        return _answer(status, AppointmentOut.of(outcome))

    return await write(pool, identity, effect)


def _answer(status: int, body: BaseModel) -> Answer:
    return Answer(status, body.model_dump(mode="json"))
