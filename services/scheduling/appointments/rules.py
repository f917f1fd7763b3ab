"""What an appointment may become, and what it means for the block that it is in. Who may have a seat is in `seats.py`.
Pure: "today" is the business day, handed in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from schemas.scheduling_v1 import AppointmentStatus as Status
from schemas.scheduling_v1 import DoseGiven
from services.replicas.programmes.rules import Programme
from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.site_steps import AT_THE_SITE, CAME_IN_VAIN, NotGiven, SiteStep
from services.scheduling.blocks.rules import Slot
from services.scheduling.days.rules import SiteDay
from services.scheduling.doses.rules import DoseRecord, check_age, check_existed, check_product, check_visit, is_late
from services.scheduling.members.rules import Enrolment, Standing
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites.rules import Site

MAX_CHANGES = 3  # as in DIVOC; the table's check says it too
NEXT_DOSE_AFTER = timedelta(days=17)  # no series is shorter: three weeks less CDC's four days of grace


class MemberRef(NamedTuple):
    """The member whom a request is about: an enrolment, under its programme if it has several."""

    enrolment_id: UUID
    programme_id: str | None


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment. A walk-in has no slot and no block, and takes nobody's place. `since_no` tells the moment of the
    booking or, once fulfilled, of that, against what else became known of the person; `booked_on` is the day on which
    it was made, by the site. `by_rule`: no person did what was done last. `late_reason` is why its dose was recorded
    so late. `booking_code`: by what the member is found at the site; a walk-in has none. `site_step`: how far
    who came has got, or that he came in vain."""

    appointment_id: UUID
    version: int
    status: Status
    tenant_id: str
    enrolment_id: UUID
    member_token: UUID
    programme_id: str
    vaccine_group: str
    site_id: str
    slot_id: UUID | None
    block_id: UUID | None
    start_at: datetime
    start_on: date
    walk_in: bool
    changes: int
    cancellation_reason: str | None
    cancelled_late: bool
    dose: DoseGiven | None
    since_no: int
    changed_on: date
    booked_on: date
    by_rule: bool = False
    outcome_overdue: bool = False
    late_reason: str | None = None
    booking_code: str | None = None
    site_step: SiteStep | None = None
    not_given_reason: NotGiven | None = None
    dose_route: str | None = None
    dose_body_site: str | None = None
    dose_corrections: int = 0

    @property
    def holds_place(self) -> bool:
        """Whether a place of its slot is taken by it."""
        came_in_vain = self.status is Status.CANCELLED and self.site_step in CAME_IN_VAIN
        return self.slot_id is not None and (self.status in _HOLDING or came_in_vain)


class LiveBooking(NamedTuple):
    """A live booking beside what is now known of its member. `survivor` is the token of the person as merged;
    `death_to_be_checked`: as eligibility's newest answer says."""

    appointment: Appointment
    standing: Standing | None
    survivor: UUID
    began_on: date
    death_to_be_checked: bool = False


class OverdueSearch(NamedTuple):
    """Which missing outcomes somebody looks for: for so many days at least, at one site or at all."""

    least_days: int
    site_id: str | None


class Overdue(NamedTuple):
    """A booking whose outcome is missing, for so many of its site's own days."""

    appointment: Appointment
    days: int


Change = tuple[Appointment, Appointment]
"""An appointment before and after."""

_HOLDING = frozenset({Status.BOOKED, Status.FULFILLED, Status.NOSHOW})

NEXT: Mapping[Status, frozenset[Status]] = {
    Status.BOOKED: frozenset({Status.FULFILLED, Status.CANCELLED, Status.NOSHOW, Status.ENTERED_IN_ERROR}),
    Status.FULFILLED: frozenset({Status.ENTERED_IN_ERROR}),
    Status.NOSHOW: frozenset({Status.ENTERED_IN_ERROR}),
    Status.CANCELLED: frozenset({Status.ENTERED_IN_ERROR}),
    Status.ENTERED_IN_ERROR: frozenset(),
}


def book(appointment_id: UUID, enrolment: Enrolment, slot: Slot, day: SiteDay, code: str) -> Appointment:
    """A new booking; its number is the store's to give."""
    return Appointment(
        appointment_id, 1, Status.BOOKED, enrolment.tenant_id, enrolment.enrolment_id, enrolment.member_token,
        enrolment.programme_id, slot.vaccine_group, slot.site_id, slot.slot_id, slot.block_id, slot.start_at,
        slot.start_on, walk_in=False, changes=0, cancellation_reason=None, cancelled_late=False, dose=None,
        since_no=0, changed_on=day.business_on, booked_on=day.own_on, booking_code=code,
    )  # fmt: skip


def change(appointment: Appointment, status: Status, today: date) -> Appointment:
    """The appointment in another state that it may come to."""
    assert status in NEXT[appointment.status], "the caller asks first"
    return replace(
        appointment, version=appointment.version + 1, status=status, changed_on=today, by_rule=False,
        outcome_overdue=False, site_step=None, not_given_reason=None,
    )  # fmt: skip


def cancel(appointment: Appointment, reason: Cancellation, day: SiteDay) -> Appointment | RefusalCode:
    """The booking as cancelled. On the day itself or later, at the site, it is late: marked, never refused, because it
    still frees a place."""
    if refusal := _may_not_end(appointment, day.own_on):
        return refusal
    late = appointment.start_on <= day.own_on
    return replace(_cancelled(appointment, reason, day.business_on), cancelled_late=late)


def _may_not_end(appointment: Appointment, on: date) -> RefusalCode | None:
    """What becomes of somebody who stands at the site is said there, until the appointment's day is over."""
    if appointment.status is not Status.BOOKED:
        return RefusalCode.NOT_BOOKED
    stands_there = appointment.site_step in AT_THE_SITE and appointment.start_on >= on
    return RefusalCode.ARRIVED if stands_there else None


def _cancelled(booking: Appointment, reason: Cancellation, today: date) -> Appointment:
    return replace(change(booking, Status.CANCELLED, today), cancellation_reason=reason)


def reschedule(appointment: Appointment, slot: Slot, today: date) -> Appointment | RefusalCode:
    """The same appointment at another time; the caller asks whether the member may have that seat, and finds it."""
    if refusal := _may_not_end(appointment, today):
        return refusal
    if appointment.slot_id == slot.slot_id:
        return RefusalCode.SAME_SLOT
    if appointment.changes >= MAX_CHANGES:
        return RefusalCode.TOO_MANY_CHANGES
    if appointment.vaccine_group != slot.vaccine_group:
        return RefusalCode.OTHER_VACCINE
    return replace(
        appointment, version=appointment.version + 1, changes=appointment.changes + 1, site_id=slot.site_id,
        slot_id=slot.slot_id, block_id=slot.block_id, start_at=slot.start_at, start_on=slot.start_on, changed_on=today,
        by_rule=False, outcome_overdue=False, site_step=None,
    )  # fmt: skip


def fulfil(appointment: Appointment, site: Site, record: DoseRecord, day: SiteDay) -> Appointment | RefusalCode:
    """The member came and got the dose, on the appointment's day or (they came late) after it."""
    dose, late_reason = record.dose, record.late_reason
    if appointment.status is not Status.BOOKED:
        return RefusalCode.NOT_BOOKED
    if refusal := check_product(site.gives, appointment.vaccine_group, dose, day):
        return refusal
    if refusal := check_visit(appointment.start_on, appointment.start_at, dose.administered_on, day):
        return refusal
    if refusal := check_existed(dose):
        return refusal
    if is_late(dose.administered_on, day.own_on) and late_reason is None:
        return RefusalCode.LATE_DOSE
    after = change(appointment, Status.FULFILLED, day.business_on)
    return replace(
        after, dose=dose, late_reason=late_reason, dose_route=record.route, dose_body_site=record.body_site
    )  # fmt: skip


def miss(appointment: Appointment, day: SiteDay) -> Appointment | RefusalCode:
    """The booking as a no-show: nobody came. The place stays taken: its time is over."""
    if refusal := _may_not_end(appointment, day.own_on):
        return refusal
    # By the hour, where one is known: a site's day may begin before the business day, and end after it.
    if day.hour < appointment.start_at if day.hour is not None else appointment.start_on > day.own_on:
        return RefusalCode.NOT_YET
    return change(appointment, Status.NOSHOW, day.business_on)


def is_escalated(appointment: Appointment, day: SiteDay, escalate_days: int) -> bool:
    """Whether its outcome is missing for so long that the plan and the State may say it in the site's place."""
    return (day.own_on - appointment.start_on).days >= escalate_days


def fall_due(appointment: Appointment, today: date) -> Appointment:
    """The booking as overdue: its day is over and nobody has said what came of it. It stays booked until somebody
    does."""
    assert appointment.status is Status.BOOKED
    return replace(
        appointment, version=appointment.version + 1, outcome_overdue=True, by_rule=True, changed_on=today
    )  # fmt: skip


def retract(appointment: Appointment, today: date) -> Appointment | RefusalCode:
    """The appointment as entered in error: it should never have been recorded; a dose with it was never given, a
    cancellation says nothing. What the news cancelled nobody entered."""
    is_by_news = appointment.status is Status.CANCELLED and appointment.by_rule
    if Status.ENTERED_IN_ERROR not in NEXT[appointment.status] or is_by_news:
        return RefusalCode.NOT_BOOKED
    after = change(appointment, Status.ENTERED_IN_ERROR, today)
    return replace(after, cancellation_reason=None, cancelled_late=False)


def walk_in(
    appointment_id: UUID, enrolment: Enrolment, site: Site, record: DoseRecord, programme: Programme,
    day: SiteDay,
) -> Appointment | RefusalCode:  # fmt: skip
    """An appointment born fulfilled, whatever eligibility says: somebody stood there and has had the dose."""
    dose, late_reason = record.dose, record.late_reason
    if refusal := check_product(site.gives, programme.vaccine_group, dose, day):
        return refusal
    age = check_age(dose.administered_on, programme.began_on, day.own_on, late_reason)
    if refusal := age or check_existed(dose):
        return refusal
    return Appointment(
        appointment_id, 1, Status.FULFILLED, enrolment.tenant_id, enrolment.enrolment_id, enrolment.member_token,
        enrolment.programme_id, programme.vaccine_group, site.site_id, None, None, site.noon(dose.administered_on),
        dose.administered_on, walk_in=True, changes=0, cancellation_reason=None, cancelled_late=False, dose=dose,
        since_no=0, changed_on=day.business_on, booked_on=day.own_on, late_reason=late_reason,
        dose_route=record.route, dose_body_site=record.body_site,
    )  # fmt: skip


def meets_need(given_on: date, groups: Iterable[str], booking: Appointment) -> bool:
    """Whether a dose met the very need that a booking was made for: of its vaccine, and not given before the day on
    which it was made. An older one was given when somebody booked: what it leaves to be done, eligibility says. So was
    one of the same day, if the booking is for a day on which the next can be due."""
    is_for_next = given_on == booking.booked_on and booking.start_on - given_on >= NEXT_DOSE_AFTER
    return booking.vaccine_group in groups and given_on >= booking.booked_on and not is_for_next


def overtaken(live: Iterable[Appointment], fulfilled: Appointment, today: date) -> list[Change]:
    """The person's other live bookings whose need the dose met that was given just now: cancelled, as (before, after).
    One whose day had passed before is left to the site, which knows whether somebody came."""
    assert fulfilled.dose is not None
    given_on = fulfilled.dose.administered_on
    return [
        (booking, cancel_for(booking, Cancellation.PAT, today))
        for booking in live
        if meets_need(given_on, (fulfilled.vaccine_group,), booking) and booking.start_on >= given_on
        and booking.appointment_id != fulfilled.appointment_id
    ]  # fmt: skip


def cancel_for(booking: Appointment, reason: Cancellation, today: date) -> Appointment:
    """The booking as cancelled by the news, and by nobody who could have cancelled earlier: never late."""
    assert booking.status is Status.BOOKED, "only live bookings come here"
    return replace(_cancelled(booking, reason, today), by_rule=True)


def count_changes(changed: Iterable[tuple[Appointment | None, Appointment]]) -> dict[UUID, tuple[int, int]]:
    """By how much each block's booked and fulfilled counts change, from appointments before and after. Blocks whose
    appointments merely changed otherwise are not named."""
    totals: dict[UUID, tuple[int, int]] = {}
    for before, after in changed:
        for appointment, sign in ((before, -1), (after, 1)):
            if appointment is None or appointment.block_id is None:
                continue
            booked, fulfilled = totals.get(appointment.block_id, (0, 0))
            booked += sign * (appointment.status is Status.BOOKED)
            fulfilled += sign * (appointment.status is Status.FULFILLED)
            totals[appointment.block_id] = (booked, fulfilled)
    return {block_id: totals[block_id] for block_id in sorted(totals) if totals[block_id] != (0, 0)}
