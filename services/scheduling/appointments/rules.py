"""The words of booking, and what an appointment may become. Who may have a seat is in `seats.py`.

Pure: "today" is the business day, handed in. Nothing here knows of a database or of HTTP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.eligibility_v1 import EligibilityStatus, MemberEligibilityDecidedV1
from schemas.scheduling_v1 import AppointmentStatus as Status
from schemas.scheduling_v1 import DoseGiven
from services.scheduling.days import rules as sense
from services.scheduling.refusals import No

MAX_CHANGES = 3  # as in DIVOC; the table's check says it too
DEATH_REPORTED = "death-reported"
"""The reason of eligibility's answer while a report of the member's death is to be checked."""


class Standing(StrEnum):
    """What an eligibility fact means for booking."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    VACCINATED = "vaccinated"
    DISENROLLED = "disenrolled"
    DECEASED = "deceased"
    MERGED = "merged"


class Cancellation(StrEnum):
    """The whole of HL7's appointment-cancellation-reason code system (FHIR R4)."""

    PAT = "pat"
    PAT_CRS = "pat-crs"
    PAT_CPP = "pat-cpp"
    PAT_DEC = "pat-dec"
    PAT_FB = "pat-fb"
    PAT_LT = "pat-lt"
    PAT_MT = "pat-mt"
    PAT_MV = "pat-mv"
    PAT_PREG = "pat-preg"
    PAT_SWL = "pat-swl"
    PAT_UCP = "pat-ucp"
    PROV = "prov"
    PROV_PERS = "prov-pers"
    PROV_DCH = "prov-dch"
    PROV_EDU = "prov-edu"
    PROV_HOSP = "prov-hosp"
    PROV_LABS = "prov-labs"
    PROV_MRI = "prov-mri"
    PROV_ONC = "prov-onc"
    MAINT = "maint"
    MEDS_INC = "meds-inc"
    OTHER = "other"
    OTH_CMS = "oth-cms"
    OTH_ERR = "oth-err"
    OTH_FIN = "oth-fin"
    OTH_IV = "oth-iv"
    OTH_INT = "oth-int"
    OTH_MU = "oth-mu"
    OTH_ROOM = "oth-room"
    OTH_OERR = "oth-oerr"
    OTH_SWIE = "oth-swie"
    OTH_WEATH = "oth-weath"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The copy of an eligibility fact."""

    enrolment_id: UUID
    programme_id: str
    tenant_id: str
    member_token: UUID
    version: int
    standing: Standing
    reasons: tuple[str, ...] = ()
    death_reports_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """The version in effect. `began_on` is the first day of the first one: an older dose was not given for it."""

    programme_id: str
    version: int
    vaccine_group: str
    began_on: date


@dataclass(frozen=True, slots=True)
class Dose:
    """A canonical dose as heard; one that was given in part stands as `retracted`: no dose. `heard_no` tells whether a
    booking was made before it became known here. `vaccine_groups` are those of a combination vaccine."""

    dose_id: UUID
    version: int
    member_token: UUID
    vaccine_group: str
    administered_on: date
    retracted: bool
    appointment_id: UUID | None
    heard_no: int = 0
    vaccine_groups: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        return self.vaccine_groups or (self.vaccine_group,)


@dataclass(frozen=True, slots=True)
class Site:
    """`gives` is the vaccine group of each product (CVX) that the site gives."""

    site_id: str
    name: str
    zip5: str
    time_zone: str
    kind: str
    gives: Mapping[str, str]

    def day_of(self, instant: datetime) -> date:
        """The site's own calendar day."""
        return instant.astimezone(ZoneInfo(self.time_zone)).date()

    def noon(self, day: date) -> datetime:
        """For a walk-in, whose hour nobody recorded."""
        return datetime.combine(day, time(12), ZoneInfo(self.time_zone))


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at a site with its block's site and vaccine. `held_for` is the plan it is held for, if any; `is_given`:
    the site still gives the block's product."""

    slot_id: UUID
    block_id: UUID
    site_id: str
    held_for: str | None
    start_at: datetime
    end_at: datetime
    start_on: date
    capacity: int
    cvx: str
    vaccine_group: str
    is_given: bool = True


@dataclass(frozen=True, slots=True)
class Pool:
    """A weekly block and how full it is."""

    block_id: UUID
    version: int
    site_id: str
    zip5: str
    week_on: date
    held_for: str | None
    cvx: str
    vaccine_group: str
    capacity: int
    booked: int
    fulfilled: int
    released: int
    changed_on: date


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment. A walk-in has no slot and no block, and takes nobody's place. `since_no` tells the moment of the
    booking or, once fulfilled, of that, against what else became known of the person; `booked_on` is the day on which
    it was made. `by_rule`: no person did what was done last. `late_reason` is why its dose was recorded so late."""

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

    @property
    def holds_place(self) -> bool:
        return self.slot_id is not None and self.status in _HOLDING


Change = tuple[Appointment, Appointment]
"""An appointment before and after."""

_HOLDING = frozenset({Status.BOOKED, Status.FULFILLED, Status.NOSHOW})

NEXT: Mapping[Status, frozenset[Status]] = {
    Status.BOOKED: frozenset({Status.FULFILLED, Status.CANCELLED, Status.NOSHOW, Status.ENTERED_IN_ERROR}),
    Status.FULFILLED: frozenset({Status.ENTERED_IN_ERROR}),
    Status.NOSHOW: frozenset({Status.ENTERED_IN_ERROR}),
    Status.CANCELLED: frozenset(),
    Status.ENTERED_IN_ERROR: frozenset(),
}


def standing(fact: MemberEligibilityDecidedV1) -> Standing:
    """An eligible member may have had doses before (a series, a booster): eligible wins over vaccinated. Who is out
    only because a death is to be checked may have had doses as well, and still need one."""
    if fact.merged_into is not None:
        return Standing.MERGED
    if fact.status is EligibilityStatus.ELIGIBLE:
        return Standing.ELIGIBLE
    if "deceased" in fact.reasons:
        return Standing.DECEASED
    if not fact.enrolled:
        return Standing.DISENROLLED
    return Standing.VACCINATED if fact.vaccinated and fact.reasons != (DEATH_REPORTED,) else Standing.INELIGIBLE


def book(appointment_id: UUID, enrolment: Enrolment, slot: Slot, today: date) -> Appointment:
    """A new booking; its number is the store's to give."""
    return Appointment(
        appointment_id, 1, Status.BOOKED, enrolment.tenant_id, enrolment.enrolment_id, enrolment.member_token,
        enrolment.programme_id, slot.vaccine_group, slot.site_id, slot.slot_id, slot.block_id, slot.start_at,
        slot.start_on, walk_in=False, changes=0, cancellation_reason=None, cancelled_late=False, dose=None,
        since_no=0, changed_on=today, booked_on=today,
    )  # fmt: skip


def _change(appointment: Appointment, status: Status, today: date) -> Appointment:
    assert status in NEXT[appointment.status], "the caller asks first"
    return replace(
        appointment, version=appointment.version + 1, status=status, changed_on=today, by_rule=False,
        outcome_overdue=False,
    )  # fmt: skip


def cancel(appointment: Appointment, reason: Cancellation, today: date) -> Appointment | No:
    """On the day itself or later it is late: marked, never refused, because it still frees a place."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    late = appointment.start_on <= today
    return replace(_change(appointment, Status.CANCELLED, today), cancellation_reason=reason, cancelled_late=late)


def reschedule(appointment: Appointment, slot: Slot, today: date) -> Appointment | No:
    """The same appointment at another time; the caller asks whether the member may have that seat, and finds it."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    if appointment.slot_id == slot.slot_id:
        return No.SAME_SLOT
    if appointment.changes >= MAX_CHANGES:
        return No.TOO_MANY_CHANGES
    if appointment.vaccine_group != slot.vaccine_group:
        return No.OTHER_VACCINE
    return replace(
        appointment, version=appointment.version + 1, changes=appointment.changes + 1, site_id=slot.site_id,
        slot_id=slot.slot_id, block_id=slot.block_id, start_at=slot.start_at, start_on=slot.start_on, changed_on=today,
        by_rule=False, outcome_overdue=False,
    )  # fmt: skip


def fulfil(
    appointment: Appointment, site: Site, dose: DoseGiven, today: date, hour: datetime | None = None,
    late_reason: str | None = None,
) -> Appointment | No:  # fmt: skip
    """The member came and got the dose, on the appointment's day or (they came late) after it."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    if refusal := sense.check_dose(site.gives, appointment.vaccine_group, dose, today):
        return refusal
    if refusal := sense.check_visit(appointment.start_on, appointment.start_at, dose.administered_on, today, hour):
        return refusal
    if sense.is_late(dose.administered_on, today) and late_reason is None:
        return No.LATE_DOSE
    return replace(_change(appointment, Status.FULFILLED, today), dose=dose, late_reason=late_reason)


def miss(appointment: Appointment, today: date, hour: datetime | None = None) -> Appointment | No:
    """Nobody came. The place stays taken: its time is over."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    begins_later = hour is not None and hour < appointment.start_at  # a site's day may end after the business day
    if appointment.start_on > today or begins_later:
        return No.NOT_YET
    return _change(appointment, Status.NOSHOW, today)


def fall_due(appointment: Appointment, today: date) -> Appointment:
    """Its day is over and nobody has said what came of it: that is told, and it stays booked until somebody does."""
    assert appointment.status is Status.BOOKED
    return replace(
        appointment, version=appointment.version + 1, outcome_overdue=True, by_rule=True, changed_on=today
    )  # fmt: skip


def retract(appointment: Appointment, today: date) -> Appointment | No:
    """It should never have been recorded; a dose with it was never given."""
    if Status.ENTERED_IN_ERROR not in NEXT[appointment.status]:
        return No.NOT_BOOKED
    return _change(appointment, Status.ENTERED_IN_ERROR, today)


def walk_in(
    appointment_id: UUID, enrolment: Enrolment, site: Site, dose: DoseGiven, programme: Programme, today: date,
    late_reason: str | None = None,
) -> Appointment | No:  # fmt: skip
    """Born fulfilled, whatever eligibility says: somebody stood there and has had the dose."""
    if refusal := sense.check_dose(site.gives, programme.vaccine_group, dose, today):
        return refusal
    if refusal := sense.check_age(dose.administered_on, programme.began_on, today, late_reason):
        return refusal
    return Appointment(
        appointment_id, 1, Status.FULFILLED, enrolment.tenant_id, enrolment.enrolment_id, enrolment.member_token,
        enrolment.programme_id, programme.vaccine_group, site.site_id, None, None, site.noon(dose.administered_on),
        dose.administered_on, walk_in=True, changes=0, cancellation_reason=None, cancelled_late=False, dose=dose,
        since_no=0, changed_on=today, booked_on=today, late_reason=late_reason,
    )  # fmt: skip


def meets_need(given_on: date, groups: Iterable[str], booking: Appointment) -> bool:
    """Whether a dose met the very need that a booking was made for: of its vaccine, and not given before the day on
    which it was made. An older one was given when somebody booked: what it leaves to be done, eligibility says."""
    return booking.vaccine_group in groups and given_on >= booking.booked_on


def overtaken(
    live: Iterable[Appointment], fulfilled: Appointment, today: date
) -> list[tuple[Appointment, Appointment]]:
    """The person's other live bookings whose need the dose met that was given just now: cancelled, as (before, after).
    One whose day had passed before is left to the site, which knows whether somebody came."""
    assert fulfilled.dose is not None
    given_on = fulfilled.dose.administered_on
    return [
        (one, cancel_for(one, Cancellation.PAT, today))
        for one in live
        if meets_need(given_on, (fulfilled.vaccine_group,), one) and one.start_on >= given_on
        and one.appointment_id != fulfilled.appointment_id
    ]  # fmt: skip


def cancel_for(booking: Appointment, reason: Cancellation, today: date) -> Appointment:
    """By the news, and by no decision of anybody who could have taken it earlier: never late."""
    after = cancel(booking, reason, today)
    assert isinstance(after, Appointment), "only live bookings come here"
    return replace(after, cancelled_late=False, by_rule=True)


def pool_changes(changed: Iterable[tuple[Appointment | None, Appointment]]) -> dict[UUID, tuple[int, int]]:
    """By how much each block's booked and fulfilled counts change, from (before, after). Blocks whose appointments
    merely changed otherwise are not named."""
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
