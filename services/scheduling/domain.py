"""The rules of booking: who may book what, and what an appointment may become.

Pure: "today" is the business day, handed in. Nothing here knows of a database or of HTTP.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.eligibility_v1 import EligibilityStatus, MemberEligibilityDecidedV1
from schemas.scheduling_v1 import AppointmentStatus as Status
from schemas.scheduling_v1 import DoseGiven

MAX_CHANGES = 3  # as in DIVOC; the table's check says it too


class Standing(StrEnum):
    """What an eligibility fact means for booking."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    VACCINATED = "vaccinated"
    DISENROLLED = "disenrolled"
    DECEASED = "deceased"
    MERGED = "merged"


class No(StrEnum):
    """Why a request is refused."""

    UNKNOWN_ENROLMENT = "unknown-enrolment"
    UNKNOWN_PROGRAMME = "unknown-programme"
    DAY_NOT_OPEN = "day-not-open"
    PROGRAMME_NEEDED = "programme-needed"
    INELIGIBLE = "ineligible"
    VACCINATED = "vaccinated"
    UNKNOWN_SITE = "unknown-site"
    UNKNOWN_SLOT = "unknown-slot"
    UNKNOWN_APPOINTMENT = "unknown-appointment"
    HELD = "block-held-for-another-plan"
    PAST_SLOT = "past-slot"
    OTHER_VACCINE = "other-vaccine"
    FULL = "full"
    ALREADY_BOOKED = "already-booked"
    ALREADY_RECORDED = "already-recorded"
    NOT_BOOKED = "not-booked"
    SAME_SLOT = "same-slot"
    TOO_MANY_CHANGES = "too-many-changes"
    NOT_YET = "not-yet"
    FUTURE_DOSE = "future-dose"
    EARLY_DOSE = "early-dose"
    NOT_GIVEN_HERE = "not-given-here"
    OTHER_TENANT = "other-tenant"
    BLOCK_EXISTS = "block-exists"
    OUTSIDE_WEEK = "slot-outside-week"
    ZONE_IN_USE = "time-zone-in-use"


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
    booking was made before it became known here."""

    dose_id: UUID
    version: int
    member_token: UUID
    vaccine_group: str
    administered_on: date
    retracted: bool
    appointment_id: UUID | None
    heard_no: int = 0


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
    """A time at a site with its block's site and vaccine. `held_for` is the plan it is held for, if any."""

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
    booking or, once fulfilled, of that, against what else became known of the person."""

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
    """An eligible member may have had doses before (a series, a booster): eligible wins over vaccinated."""
    if fact.merged_into is not None:
        return Standing.MERGED
    if fact.status is EligibilityStatus.ELIGIBLE:
        return Standing.ELIGIBLE
    if "deceased" in fact.reasons:
        return Standing.DECEASED
    if not fact.enrolled:
        return Standing.DISENROLLED
    return Standing.VACCINATED if fact.vaccinated else Standing.INELIGIBLE


def choose(enrolments: Sequence[Enrolment], programme_id: str | None) -> Enrolment | No:
    """The enrolment under the programme that was named, or under the only one there is. One that was just merged
    will be restated under the surviving token: until then nothing is known of it."""
    usable = [one for one in enrolments if one.standing is not Standing.MERGED]
    named = [one for one in usable if programme_id in {None, one.programme_id}]
    if not named:
        return No.UNKNOWN_ENROLMENT
    return named[0] if len(named) == 1 else No.PROGRAMME_NEEDED


def may_book(enrolment: Enrolment, vaccine_group: str, slot: Slot, today: date) -> No | None:
    """Whether this enrolment may have a place in this slot, if there is one."""
    if enrolment.standing is Standing.VACCINATED:
        return No.VACCINATED
    if enrolment.standing is not Standing.ELIGIBLE:
        return No.INELIGIBLE
    return may_use(enrolment.tenant_id, vaccine_group, slot, today)


def may_use(tenant_id: str, vaccine_group: str, slot: Slot, today: date) -> No | None:
    """Whether the slot is for this plan, this vaccine, and not over. Days, not hours: no clock takes part."""
    if slot.held_for not in {None, tenant_id}:
        return No.HELD
    if slot.vaccine_group != vaccine_group:
        return No.OTHER_VACCINE
    return No.PAST_SLOT if slot.start_on < today else None


def book(appointment_id: UUID, enrolment: Enrolment, slot: Slot, today: date) -> Appointment:
    """A new booking; its number is the store's to give."""
    return Appointment(
        appointment_id, 1, Status.BOOKED, enrolment.tenant_id, enrolment.enrolment_id, enrolment.member_token,
        enrolment.programme_id, slot.vaccine_group, slot.site_id, slot.slot_id, slot.block_id, slot.start_at,
        slot.start_on, walk_in=False, changes=0, cancellation_reason=None, cancelled_late=False, dose=None,
        since_no=0, changed_on=today,
    )  # fmt: skip


def _change(appointment: Appointment, status: Status, today: date) -> Appointment:
    assert status in NEXT[appointment.status], "the caller asks first"
    return replace(appointment, version=appointment.version + 1, status=status, changed_on=today)


def cancel(appointment: Appointment, reason: Cancellation, today: date) -> Appointment | No:
    """On the day itself or later it is late: marked, never refused, because it still frees a place."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    late = appointment.start_on <= today
    return replace(_change(appointment, Status.CANCELLED, today), cancellation_reason=reason, cancelled_late=late)


def reschedule(appointment: Appointment, slot: Slot, today: date) -> Appointment | No:
    """The same appointment at another time; the caller finds the place."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    if appointment.slot_id == slot.slot_id:
        return No.SAME_SLOT
    if appointment.changes >= MAX_CHANGES:
        return No.TOO_MANY_CHANGES
    if refusal := may_use(appointment.tenant_id, appointment.vaccine_group, slot, today):
        return refusal
    return replace(
        appointment, version=appointment.version + 1, changes=appointment.changes + 1, site_id=slot.site_id,
        slot_id=slot.slot_id, block_id=slot.block_id, start_at=slot.start_at, start_on=slot.start_on, changed_on=today,
    )  # fmt: skip


def check_dose(site: Site, vaccine_group: str, dose: DoseGiven, today: date) -> No | None:
    """The product must be one that the site gives, against what the member came for, and already given."""
    if dose.cvx not in site.gives:
        return No.NOT_GIVEN_HERE
    if site.gives[dose.cvx] != vaccine_group:
        return No.OTHER_VACCINE
    return No.FUTURE_DOSE if dose.administered_on > today else None


def fulfil(appointment: Appointment, site: Site, dose: DoseGiven, today: date) -> Appointment | No:
    """The member came and got the dose, on the appointment's day or (they came late) after it."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    if refusal := check_dose(site, appointment.vaccine_group, dose, today):
        return refusal
    if dose.administered_on < appointment.start_on:
        return No.EARLY_DOSE
    return replace(_change(appointment, Status.FULFILLED, today), dose=dose)


def miss(appointment: Appointment, today: date) -> Appointment | No:
    """Nobody came. The place stays taken: its time is over."""
    if appointment.status is not Status.BOOKED:
        return No.NOT_BOOKED
    return No.NOT_YET if appointment.start_on > today else _change(appointment, Status.NOSHOW, today)


def retract(appointment: Appointment, today: date) -> Appointment | No:
    """It should never have been recorded; a dose with it was never given."""
    if Status.ENTERED_IN_ERROR not in NEXT[appointment.status]:
        return No.NOT_BOOKED
    return _change(appointment, Status.ENTERED_IN_ERROR, today)


def walk_in(
    appointment_id: UUID, enrolment: Enrolment, site: Site, dose: DoseGiven, vaccine_group: str, today: date
) -> Appointment | No:
    """Born fulfilled, whatever eligibility says: somebody stood there and has had the dose."""
    if refusal := check_dose(site, vaccine_group, dose, today):
        return refusal
    return Appointment(
        appointment_id, 1, Status.FULFILLED, enrolment.tenant_id, enrolment.enrolment_id, enrolment.member_token,
        enrolment.programme_id, vaccine_group, site.site_id, None, None, site.noon(dose.administered_on),
        dose.administered_on, walk_in=True, changes=0, cancellation_reason=None, cancelled_late=False, dose=dose,
        since_no=0, changed_on=today,
    )  # fmt: skip


def overtaken(
    live: Iterable[Appointment], fulfilled: Appointment, today: date
) -> list[tuple[Appointment, Appointment]]:
    """The person's other live bookings for the vaccine that was given just now: cancelled, as (before, after). One
    whose day had passed before is left to the site, which knows whether somebody came."""
    assert fulfilled.dose is not None
    return [
        (one, cancel_for(one, Cancellation.PAT, today))
        for one in live
        if one.vaccine_group == fulfilled.vaccine_group and one.start_on >= fulfilled.dose.administered_on
        and one.appointment_id != fulfilled.appointment_id
    ]  # fmt: skip


def cancel_for(booking: Appointment, reason: Cancellation, today: date) -> Appointment:
    """By no decision of anybody who could have taken it earlier: never late."""
    after = cancel(booking, reason, today)
    assert isinstance(after, Appointment), "only live bookings come here"
    return replace(after, cancelled_late=False)


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


def opens_in_week(site: Site, week_on: date, starts: Iterable[datetime]) -> bool:
    """Whether every start lies in the week of that Monday, in the site's own days."""
    return all(week_on <= site.day_of(start) < week_on + timedelta(days=7) for start in starts)
