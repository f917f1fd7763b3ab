"""HTTP for coordinators, sites and the State. Each write is one transaction, once per idempotency key; each look at
members is audited. Sites and slots are in `api_places.py`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import Request

from schemas.envelope import Code, Day
from services.kit import audit
from services.kit.auth import Principal
from services.kit.idempotency import Answer, Identity
from services.kit.postgres import Connection
from services.kit.problem import refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.scheduling import problems as refusals
from services.scheduling.access import Anybody, Chosen, Clock, Coordinator, SiteStaff, Teller
from services.scheduling.appointments import flow as booking
from services.scheduling.appointments import rules as domain
from services.scheduling.appointments import store
from services.scheduling.appointments.flow import Asked, Outcome, Refused
from services.scheduling.appointments.rules import Appointment
from services.scheduling.appointments.shapes import (
    AppointmentOut,
    BookingIn,
    CancelIn,
    FulfilIn,
    NothingMoreIn,
    OverdueOut,
    RescheduleIn,
    WalkInIn,
    responses,
)
from services.scheduling.blocks import api as api_places
from services.scheduling.members import store as heard
from services.scheduling.refusals import No
from services.scheduling.settings import Rules

MAX_LISTED = 1000
CREATED = {201: {"model": AppointmentOut}, **responses(403, 404, 409, 422)}
CHANGED = {200: {"model": AppointmentOut}, **responses(403, 404, 409, 422)}

routes = APIRouter(tags=["scheduling"])


def router(rules: Rules) -> APIRouter:
    """All routes, with the deployment's rules."""

    async def choose(request: Request) -> None:
        request.state.rules = rules

    chosen = APIRouter(dependencies=[Depends(choose)])
    chosen.include_router(api_places.routes)
    chosen.include_router(routes)
    return chosen


@routes.post("/appointments", status_code=201, responses=CREATED)
async def book(body: BookingIn, pool: Pool, identity: Identity, principal: Coordinator, clock: Clock) -> Response:
    """A place in a slot for a member: one live booking per person and programme, over all plans.

    Refusals: full, already-booked (with `appointment_id` if it is one's own plan's), ineligible (with `reasons`),
    vaccinated, death-reported, block-held-for-another-plan, past-slot, other-vaccine, not-given-here, unknown-slot,
    programme-needed; unknown-enrolment, unknown-programme and day-not-open may be asked again with the same key."""
    asked, moment = Asked(body.enrolment_id, body.programme_id), body.moment(clock)
    return await _write(
        pool, identity, principal, lambda work: booking.book(work, asked, body.slot_id, moment), status=201
    )


@routes.post("/appointments/{appointment_id}/cancel", responses=CHANGED)
async def cancel(
    appointment_id: UUID, body: CancelIn, pool: Pool, identity: Identity, principal: Anybody, clock: Clock
) -> Response:
    """Ends a live booking and frees its place. On the day itself or later it is marked as late, never refused. Because
    the member died (`pat-dec`) is a report, too: the person gets no seat until eligibility has weighed it."""
    return await _write(
        pool, identity, principal,
        lambda work: booking.change(
            work, appointment_id, lambda one, today, _: domain.cancel(one, body.reason, today), body.moment(clock)
        ),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/reschedule", responses=CHANGED)
async def reschedule(
    appointment_id: UUID, body: RescheduleIn, pool: Pool, identity: Identity, principal: Coordinator, clock: Clock
) -> Response:
    """Moves a live booking to another slot, three times at most. It asks of the member and the slot all that booking
    asks. If the slot is full, everything stays as it was."""
    return await _write(
        pool, identity, principal,
        lambda work: booking.reschedule(work, appointment_id, body.slot_id, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/fulfil", responses=CHANGED)
async def fulfil(
    appointment_id: UUID, body: FulfilIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """The member came, an hour early at most, and got this dose: a product that the site gives, of the vaccine that was
    booked. A dose of this vaccine and day that stands already is `already-recorded`."""
    return await _write(
        pool, identity, principal,
        lambda work: booking.fulfil(work, appointment_id, body.shot(), body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/noshow", responses=CHANGED)
async def noshow(
    appointment_id: UUID,
    body: NothingMoreIn,
    pool: Pool,
    identity: Identity,
    principal: Teller,
    rules: Chosen,
    clock: Clock,
) -> Response:
    """Nobody came at the hour. The site says so; once the outcome is overdue for long enough to be escalated, a
    supervisor of the plan or the State may."""

    def rule(one: Appointment, today: date, hour: datetime | None) -> Appointment | No:
        may_tell = _is_staff_of(principal, one.site_id) or one.start_on <= _escalated_until(rules, today)
        return domain.miss(one, today, hour) if may_tell else No.SITE_FIRST

    return await _write(
        pool, identity, principal,
        lambda work: booking.change(work, appointment_id, rule, body.moment(clock)),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/appointments/{appointment_id}/entered-in-error", responses=CHANGED)
async def enter_in_error(
    appointment_id: UUID, body: NothingMoreIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock
) -> Response:
    """It should not have been recorded. If a dose was recorded with it, that dose was never given."""
    return await _write(
        pool, identity, principal,
        lambda work: booking.change(
            work, appointment_id, lambda one, today, _: domain.retract(one, today), body.moment(clock)
        ),
        looked_at=appointment_id,
    )  # fmt: skip


@routes.post("/walk-ins", status_code=201, responses=CREATED)
async def walk_in(body: WalkInIn, pool: Pool, identity: Identity, principal: SiteStaff, clock: Clock) -> Response:
    """A dose given to somebody who came without an appointment, also when every place is taken. Live bookings of theirs
    whose need it met are cancelled. A dose of this vaccine and day that stands already is `already-recorded`, with the
    appointment if it is one's own to see."""
    asked, moment = Asked(body.enrolment_id, body.programme_id), body.moment(clock)
    return await _write(
        pool, identity, principal,
        lambda work: booking.walk_in(work, asked, body.site_id, body.shot(), moment), status=201,
    )  # fmt: skip


@routes.get("/appointments/overdue")
async def list_overdue(
    pool: Pool,
    principal: Anybody,
    rules: Chosen,
    site: Code | None = None,
    least_days: Annotated[int, Query(ge=1, le=3650, description="Overdue for so many days at least.")] = 1,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = MAX_LISTED,
) -> list[OverdueOut]:
    """Bookings whose day is over and of which nobody has said what came of them, oldest first: of one's sites, of one's
    plan. They stay until somebody does. The look is audited."""
    async with reading(pool, principal) as connection:
        today = await heard.load_day(connection) or date.min + timedelta(days=least_days)
        found = await store.list_overdue(connection, today - timedelta(days=least_days), site, limit)
        reported = await _looked_at(connection, principal, found)
    until = _escalated_until(rules, today)
    return [
        OverdueOut.of(
            one, death_reported=one.appointment_id in reported, days_overdue=(today - one.start_on).days,
            escalated=one.start_on <= until,
        )
        for one in found
    ]  # fmt: skip


@routes.get("/appointments/{appointment_id}", response_model=AppointmentOut, responses=responses(403, 404))
async def read_appointment(appointment_id: UUID, pool: Pool, principal: Anybody) -> Response | AppointmentOut:
    """One appointment. The look is audited, also one for another plan's or another site's appointment."""
    async with reading(pool, principal) as connection:
        await audit.record(connection, principal, "read", "appointment", [appointment_id])
        found = await store.load_appointment(connection, appointment_id)
        if found is None:
            return refuse(refusals.refusal(No.UNKNOWN_APPOINTMENT))
        reported = await store.load_reported_dead(connection, [found])
    return AppointmentOut.of(found, death_reported=bool(reported))


@routes.get("/appointments")
async def list_appointments(
    pool: Pool, principal: Anybody, site: Code, on: Day, limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = MAX_LISTED
) -> list[AppointmentOut]:
    """A day's appointments at a site, walk-ins too, in the order of their times. The look is audited."""
    async with reading(pool, principal) as connection:
        found = await store.list_appointments(connection, site, on, limit)
        reported = await _looked_at(connection, principal, found)
    return [AppointmentOut.of(one, death_reported=one.appointment_id in reported) for one in found]


async def _looked_at(connection: Connection, principal: Principal, found: Sequence[Appointment]) -> set[UUID]:
    """The look at these is recorded. Which of them are for somebody of whom a death was reported."""
    await audit.record(connection, principal, "read", "appointment", [one.appointment_id for one in found])
    return await store.load_reported_dead(connection, found)


def _is_staff_of(principal: Principal, site_id: str) -> bool:
    staff = frozenset({"site"})
    return bool(staff & principal.roles) and principal.within(staff).acts_at(site_id)


def _escalated_until(rules: Rules, today: date) -> date:
    """The last day whose missing outcomes are escalated."""
    return today - timedelta(days=rules.escalate_days)


async def _write(
    pool: Pool,
    identity: Identity,
    principal: Principal,
    act: Callable[[UnitOfWork], Awaitable[Outcome]],
    *,
    status: int = 200,
    looked_at: UUID | None = None,
) -> Response:
    """`looked_at`: the appointment that is named, which the answer may tell of."""

    async def effect(work: UnitOfWork) -> Answer:
        if looked_at is not None:
            await audit.record(work.connection, principal, "read", "appointment", [looked_at])
        outcome = await act(work)
        if isinstance(outcome, Refused):
            return refusals.answer(outcome.no, outcome.appointment_id, reasons=list(outcome.reasons))
        return Answer(status, AppointmentOut.of(outcome).model_dump(mode="json"))

    return await write(pool, identity.bound_to(principal), effect)
