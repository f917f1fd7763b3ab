"""HTTP for coordinators, sites and the State. Each write is one transaction, once per idempotency key; each look at
members is audited. Sites and slots are in `blocks/api`."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from schemas.envelope import Code, Day
from services.kit.idempotency import Identity
from services.kit.next_page import PAGED, After, end_of, link_next, place_of, text_of
from services.kit.problem import refuse
from services.kit.requests import Pool, reading
from services.scheduling.appointments.api.writing import CHANGED, CREATED, write_outcome
from services.scheduling.appointments.flow import bookings, looks, visits
from services.scheduling.appointments.flow.looks import Seen
from services.scheduling.appointments.rules import OverdueSearch
from services.scheduling.appointments.shapes import (
    AppointmentOut,
    BookingIn,
    CancelIn,
    CorrectionIn,
    FulfilIn,
    NothingMoreIn,
    OverdueOut,
    RescheduleIn,
    WalkInIn,
)
from services.scheduling.blocks.api import problems
from services.scheduling.blocks.api.access import (
    Booker,
    Canceller,
    Clock,
    Own,
    Reader,
    SiteStaff,
    Teller,
    is_site_staff,
)
from services.scheduling.blocks.api.problems import responses
from services.scheduling.refusals import RefusalCode

MAX_LISTED = 1000

routes = APIRouter(tags=["scheduling"])


@routes.post("/appointments", status_code=201, responses=CREATED)
async def book(body: BookingIn, pool: Pool, identity: Identity, principal: Booker, clock: Clock) -> Response:
    """A place in a slot for a member: one live booking per person for a vaccine, and under a programme, over all plans.

    Refusals: full, already-booked (with `appointment_id` if it is one's own plan's), ineligible (with `reasons`),
    vaccinated, death-reported, block-held-for-another-plan, past-slot, other-vaccine, not-given-here, unknown-slot,
    programme-needed; unknown-enrolment, programme-not-published and day-not-open may be asked again with the same
    key."""
    member, moment = body.member(), body.moment(clock)
    return await write_outcome(
        pool, identity, principal, lambda work: bookings.book(work, member, body.slot_id, moment), status=201
    )


@routes.post("/appointments/{appointment_id}/cancel", responses=CHANGED)
async def cancel(
    appointment_id: UUID, body: CancelIn, pool: Pool, identity: Identity, principal: Canceller, clock: Clock
) -> Response:
    """Ends a live booking and frees its place. On the day itself or later it is marked as late, never refused. Because
    the member died (`pat-dec`) is a report, too: the person gets no seat until eligibility has weighed it."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: bookings.cancel(work, appointment_id, body.reason, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/reschedule", responses=CHANGED)
async def reschedule(
    appointment_id: UUID, body: RescheduleIn, pool: Pool, identity: Identity, principal: Booker, clock: Clock
) -> Response:
    """Moves a live booking to another slot, three times at most. It asks of the member and the slot all that booking
    asks. If the slot is full, everything stays as it was."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: bookings.reschedule(work, appointment_id, body.slot_id, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/fulfil", responses=CHANGED)
async def fulfil(
    appointment_id: UUID, body: FulfilIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """The member came, an hour early at most, and got this dose: a product that the site gives, of the vaccine that was
    booked. A dose of this vaccine and day that stands already is `already-recorded`."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: visits.fulfil(work, appointment_id, body.dose_record(), body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/noshow", responses=CHANGED)
async def noshow(
    appointment_id: UUID,
    body: NothingMoreIn,
    pool: Pool,
    identity: Identity,
    principal: Teller,
    own: Own,
    clock: Clock,
) -> Response:
    """Nobody came at the hour. The site says so; once the outcome is overdue for long enough to be escalated, a
    supervisor of the plan or the State may."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: bookings.miss(
            work, appointment_id, body.moment(clock), own.escalate_days, partial(is_site_staff, principal)
        ),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/entered-in-error", responses=CHANGED)
async def enter_in_error(
    appointment_id: UUID, body: NothingMoreIn, pool: Pool, identity: Identity, principal: Canceller, clock: Clock
) -> Response:
    """It should not have been recorded, says the site. If a dose was recorded with it, that dose was never given. A
    cancellation that was a mistake is taken back by anybody who may cancel, and a report of death with it; the place
    may be another's by now, so the member is booked anew."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: bookings.retract(
            work, appointment_id, body.moment(clock), partial(is_site_staff, principal)
        ),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/dose-corrections", responses=CHANGED)
async def correct_dose(
    appointment_id: UUID, body: CorrectionIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """Something of the dose was recorded wrongly: the appointment stands, its dose is told anew as it was given in
    truth, and what is asked of any dose is asked again. Live bookings whose need it met are cancelled; what the dose
    ended before stays ended."""
    return await write_outcome(
        pool, identity, principal,
        lambda work: visits.correct_dose(work, appointment_id, body.dose_record(), body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/walk-ins", status_code=201, responses=CREATED)
async def walk_in(body: WalkInIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock) -> Response:
    """A dose given to somebody who came without an appointment, also when every place is taken. Live bookings of theirs
    whose need it met are cancelled. A dose of this vaccine and day that stands already is `already-recorded`, with the
    appointment if it is one's own to see."""
    member, moment = body.member(), body.moment(clock)
    return await write_outcome(
        pool, identity, principal,
        lambda work: visits.walk_in(work, member, body.site_id, body.dose_record(), moment), status=201,
    )  # fmt: skip


@routes.get("/appointments/overdue", responses=PAGED)
async def list_overdue(
    request: Request,
    response: Response,
    pool: Pool,
    principal: Reader,
    own: Own,
    clock: Clock,
    site: Code | None = None,
    least_days: Annotated[int, Query(ge=1, le=3650, description="Overdue for so many days at least.")] = 1,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = MAX_LISTED,
    after: After = None,
) -> list[OverdueOut]:
    """Bookings whose day is over and of which nobody has said what came of them, oldest first: of one's sites, of one's
    plan, page by page (`Link`). They stay until somebody does. The look is audited."""
    async with reading(pool, principal) as work:
        seen = await looks.list_overdue(work, principal, clock, OverdueSearch(least_days, site), place_of(after), limit)
    _link_next(request, response, seen, limit)
    return [
        OverdueOut.of(
            appointment, death_reported=appointment.appointment_id in seen.reported_dead,
            days_overdue=days, escalated=days >= own.escalate_days,
        )
        for appointment, days in zip(seen.appointments, seen.days_overdue, strict=True)
    ]  # fmt: skip


@routes.get("/appointments/{appointment_id}", response_model=AppointmentOut, responses=responses(403, 404))
async def read_appointment(appointment_id: UUID, pool: Pool, principal: Reader) -> Response | AppointmentOut:
    """One appointment. The look is audited, also one for another plan's or another site's appointment."""
    async with reading(pool, principal) as work:
        seen = await looks.read_one(work, principal, appointment_id)
    if not seen.appointments:
        return refuse(problems.problem_of(RefusalCode.UNKNOWN_APPOINTMENT))
    return AppointmentOut.of(seen.appointments[0], death_reported=bool(seen.reported_dead))


@routes.get("/appointments", responses=PAGED)
async def list_appointments(
    request: Request,
    response: Response,
    pool: Pool,
    principal: Reader,
    site: Code,
    on: Day,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = MAX_LISTED,
    after: After = None,
) -> list[AppointmentOut]:
    """A day's appointments at a site, walk-ins too, in the order of their times, page by page (`Link`). The look is
    audited."""
    async with reading(pool, principal) as work:
        seen = await looks.list_of_day(work, principal, site, on, place_of(after), limit)
    _link_next(request, response, seen, limit)
    return [
        AppointmentOut.of(appointment, death_reported=appointment.appointment_id in seen.reported_dead)
        for appointment in seen.appointments
    ]


def _link_next(request: Request, response: Response, seen: Seen, limit: int) -> None:
    places = [(appointment.start_at, appointment.appointment_id) for appointment in seen.appointments]
    link_next(request, response, after=text_of(end_of(places, limit)))
