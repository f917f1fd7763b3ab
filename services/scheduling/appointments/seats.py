"""Who may have a seat: one rule for every way into one. Pure."""

from datetime import date
from typing import NamedTuple

from services.scheduling.blocks.rules import Slot
from services.scheduling.days.rules import Moment, has_begun
from services.scheduling.members.rules import DEATH_REPORTED, Enrolment, Standing
from services.scheduling.refusals import RefusalCode

OF_THE_MEMBER = frozenset({RefusalCode.INELIGIBLE, RefusalCode.VACCINATED, RefusalCode.DEATH_REPORTED})
"""The refusals that speak of the member, and not of the slot."""


class Seeker(NamedTuple):
    """The member who is to have a seat: what is known of the person, and the vaccine that the programme is about.
    `is_reported_dead`: somebody said that the person died, and eligibility has not weighed it."""

    enrolment: Enrolment
    vaccine_group: str
    is_reported_dead: bool


def may_take(seeker: Seeker, slot: Slot, today: date, moment: Moment) -> RefusalCode | None:
    """Whether this member may have a place in this slot, if there is one: a new booking and one that is moved."""
    return may_be_seated(seeker) or may_use(seeker.enrolment.tenant_id, seeker.vaccine_group, slot, today, moment)


def may_be_seated(seeker: Seeker) -> RefusalCode | None:
    """Whether the member needs a dose now, as eligibility answered last, and is not said to be dead."""
    standing, reasons = seeker.enrolment.standing, seeker.enrolment.reasons
    if standing is Standing.VACCINATED:
        return RefusalCode.VACCINATED
    is_open = standing is Standing.ELIGIBLE or reasons == (DEATH_REPORTED,)
    if not is_open:
        return RefusalCode.INELIGIBLE
    return RefusalCode.DEATH_REPORTED if seeker.is_reported_dead or DEATH_REPORTED in reasons else None


def may_use(tenant_id: str, vaccine_group: str, slot: Slot, today: date, moment: Moment) -> RefusalCode | None:
    """Whether the slot is for this plan and this vaccine, given there still, and to come."""
    if slot.held_for not in {None, tenant_id}:
        return RefusalCode.HELD
    if slot.vaccine_group != vaccine_group:
        return RefusalCode.OTHER_VACCINE
    if slot.is_closed:
        return RefusalCode.CLOSED
    if not slot.is_given:
        return RefusalCode.NOT_GIVEN_HERE
    return RefusalCode.PAST_SLOT if has_begun(slot.start_at, slot.start_on, moment, today) else None
