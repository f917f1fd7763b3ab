"""Who may have a seat: one rule for every way into one. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.scheduling.appointments.rules import DEATH_REPORTED, Enrolment, Slot, Standing
from services.scheduling.refusals import No

OF_THE_MEMBER = frozenset({No.INELIGIBLE, No.VACCINATED, No.DEATH_REPORTED})
"""The refusals that speak of the member, and not of the slot."""


class Seeker(NamedTuple):
    """The member who is to have a seat: what is known of the person, and the vaccine that the programme is about.
    `is_reported`: somebody said that the person died, and eligibility has not weighed it."""

    enrolment: Enrolment
    vaccine_group: str
    is_reported: bool


def choose(enrolments: Sequence[Enrolment], programme_id: str | None) -> Enrolment | No:
    """The enrolment under the programme that was named, or under the only one there is. One that was just merged
    will be restated under the surviving token: until then nothing is known of it."""
    usable = [one for one in enrolments if one.standing is not Standing.MERGED]
    named = [one for one in usable if programme_id in {None, one.programme_id}]
    if not named:
        return No.UNKNOWN_ENROLMENT
    return named[0] if len(named) == 1 else No.PROGRAMME_NEEDED


def may_take(seeker: Seeker, slot: Slot, today: date, hour: datetime | None) -> No | None:
    """Whether this member may have a place in this slot, if there is one: a new booking and one that is moved."""
    return may_be_seated(seeker) or may_use(seeker.enrolment.tenant_id, seeker.vaccine_group, slot, today, hour)


def may_be_seated(seeker: Seeker) -> No | None:
    """Whether the member needs a dose now, as eligibility answered last, and is not said to be dead."""
    standing, reasons = seeker.enrolment.standing, seeker.enrolment.reasons
    if standing is Standing.VACCINATED:
        return No.VACCINATED
    is_open = standing is Standing.ELIGIBLE or reasons == (DEATH_REPORTED,)
    if not is_open:
        return No.INELIGIBLE
    return No.DEATH_REPORTED if seeker.is_reported or DEATH_REPORTED in reasons else None


def may_use(tenant_id: str, vaccine_group: str, slot: Slot, today: date, hour: datetime | None) -> No | None:
    """Whether the slot is for this plan and this vaccine, given there still, and to come: by the open day, and by the
    hour where one is known."""
    if slot.held_for not in {None, tenant_id}:
        return No.HELD
    if slot.vaccine_group != vaccine_group:
        return No.OTHER_VACCINE
    if not slot.is_given:
        return No.NOT_GIVEN_HERE
    return No.PAST_SLOT if slot.start_on < today or (hour is not None and slot.start_at <= hour) else None
