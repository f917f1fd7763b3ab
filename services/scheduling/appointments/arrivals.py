"""What becomes of the booking of somebody who came to the site, up to a dose. Pure."""

from dataclasses import replace

from schemas.scheduling_v1 import AppointmentStatus as Status
from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.rules import Appointment, change
from services.scheduling.appointments.site_steps import AT_THE_SITE, FOLLOWS, NotGiven, SiteStep
from services.scheduling.days.rules import SiteDay
from services.scheduling.doses.rules import check_visit
from services.scheduling.refusals import RefusalCode


def check_in(booking: Appointment, day: SiteDay) -> Appointment | RefusalCode:
    """The member stands at the desk: at most as long before the appointment's hour as a dose may be given, else
    somebody moves him to an earlier one; what was written down is entered later."""
    if booking.status is not Status.BOOKED:
        return RefusalCode.NOT_BOOKED
    if check_visit(booking.start_on, booking.start_at, day.own_on, day) is not None:
        return RefusalCode.NOT_YET
    return RefusalCode.ARRIVED if booking.site_step is not None else _at(booking, SiteStep.ARRIVED, day)


def take_back(booking: Appointment, day: SiteDay) -> Appointment | RefusalCode:
    """It was another one who came: the booking stands as it did."""
    return _of_arrived(booking) or _at(booking, None, day)


def screen(booking: Appointment, day: SiteDay) -> Appointment | RefusalCode:
    """The member has answered what is asked before a dose, for the first time or anew."""
    return _of_arrived(booking) or _at(booking, SiteStep.SCREENED, day)


def not_given(booking: Appointment, reason: NotGiven, day: SiteDay) -> Appointment | RefusalCode:
    """The member came and was not vaccinated: the booking is over and its place was used."""
    if refusal := _of_arrived(booking):
        return refusal
    return replace(_in_vain(booking, FOLLOWS[reason], SiteStep.NOT_GIVEN, day), not_given_reason=reason)


def leave(booking: Appointment, day: SiteDay) -> Appointment | RefusalCode:
    """The member came, and went away before anybody could vaccinate him."""
    return _of_arrived(booking) or _in_vain(booking, Cancellation.PAT, SiteStep.LEFT, day)


def _of_arrived(booking: Appointment) -> RefusalCode | None:
    if booking.status is not Status.BOOKED:
        return RefusalCode.NOT_BOOKED
    return None if booking.site_step in AT_THE_SITE else RefusalCode.NOT_ARRIVED


def _at(booking: Appointment, step: SiteStep | None, day: SiteDay) -> Appointment:
    return replace(
        booking, version=booking.version + 1, site_step=step, by_rule=False, changed_on=day.business_on
    )  # fmt: skip


def _in_vain(booking: Appointment, reason: Cancellation, step: SiteStep, day: SiteDay) -> Appointment:
    after = change(booking, Status.CANCELLED, day.business_on)
    return replace(after, cancellation_reason=reason, site_step=step)
