"""What requests hold and what answers say: the interface's own words, checked at the door."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Cvx, Day, Instant, Zip5
from schemas.scheduling_v1 import AppointmentStatus, DoseGiven
from schemas.time_zones import is_time_zone
from services.scheduling.blocks import Described, Opened
from services.scheduling.booking import Shot
from services.scheduling.domain import Appointment, Cancellation, Site
from services.scheduling.openings import Promised
from services.scheduling.places import FreeSlot
from services.scheduling.sense import Moment

MONDAY = 1
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=12)  # of a slot: a window, not a day
NO_LOTS = frozenset({
    "unknown", "unk", "none", "na", "nil", "null", "lot", "nolot", "lotno", "lotnumber", "test", "tbd", "notknown",
    "notavailable", "notrecorded", "notgiven", "pending", "missing",
})  # fmt: skip
"""What people write where they have no lot, without blanks and signs; zeros and crosses beside."""


def _known_zone(name: str) -> str:
    if not is_time_zone(name):
        raise PydanticCustomError("time_zone", "a name of the IANA time zone database")
    return name


def _monday(day: date) -> date:
    if day.isoweekday() != MONDAY:
        raise PydanticCustomError("monday", "the Monday of a week")
    return day


Monday = Annotated[Day, AfterValidator(_monday)]
TimeZone = Annotated[str, AfterValidator(_known_zone), Field(max_length=64, examples=["America/Chicago"])]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Write(_Body):
    occurred_at: Instant | None = Field(default=None, description="The instant of the fact; now, if not given.")

    def moment(self, clock: datetime) -> Moment:
        return Moment(self.occurred_at or clock, clock)


class SiteKind(StrEnum):
    """Where a dose is given."""

    MASS = "mass"
    PHARMACY = "pharmacy"
    MOBILE = "mobile"
    HOME = "home"


class ProductIn(_Body):
    """A product that the site gives, and the vaccine group it counts for."""

    cvx: Cvx = Field(examples=["208"])
    vaccine_group: Code = Field(examples=["covid-19"])


class SiteIn(_Body):
    """A site, new or described anew."""

    site_id: Code = Field(examples=["united-center"])
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)] = Field(
        examples=["United Center"]
    )
    zip5: Zip5 = Field(examples=["60612"])
    time_zone: TimeZone
    kind: SiteKind
    gives: list[ProductIn] = Field(min_length=1, max_length=100)
    withdraw: bool = Field(
        default=False, description="Products that are left out end, although blocks and bookings to come are for them."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len({one.cvx for one in self.gives}) < len(self.gives):
            raise PydanticCustomError("products", "each product once")
        return self


class SlotIn(_Body):
    """A time with its places."""

    start_at: Instant = Field(examples=["2021-03-15T09:00:00-05:00"])
    end_at: Instant = Field(examples=["2021-03-15T09:30:00-05:00"])
    capacity: int = Field(ge=1, le=10_000)

    @model_validator(mode="after")
    def _lasts_hours(self) -> Self:
        if not SHORTEST <= self.end_at - self.start_at <= LONGEST:
            raise PydanticCustomError("slot_end", "end_at between one minute and 12 hours after start_at")
        return self


class BlockIn(_Write):
    """A week of slots at a site for one product, held for a plan or open to all."""

    site_id: Code = Field(examples=["united-center"])
    week_on: Monday = Field(description="The Monday of the week.", examples=["2021-03-15"])
    plan: Code | None = Field(default=None, description="The tenant it is held for; nobody if not given.")
    new_plan: bool = Field(default=False, description="No member of the plan was heard of yet, and it is meant so.")
    cvx: Cvx = Field(examples=["208"])
    slots: list[SlotIn] = Field(min_length=1, max_length=2_000)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if sum(slot.capacity for slot in self.slots) > 50_000:
            raise PydanticCustomError("places", "at most 50,000 places in a block")
        return self


class _ForMember(_Write):
    enrolment_id: UUID
    programme_id: Code | None = Field(default=None, description="Needed if the enrolment is in several programmes.")


class BookingIn(_ForMember):
    """A place in a slot for a member."""

    slot_id: UUID


class LateReason(StrEnum):
    """Why a dose is recorded so late."""

    PAPER_RECORD = "paper-record"
    SYSTEM_OUTAGE = "system-outage"
    TOLD_LATE = "told-late"
    CORRECTION = "correction"
    OTHER = "other"


def _lot(text: str) -> str:
    said = "".join(one for one in text.lower() if one.isalnum())
    if said in NO_LOTS or not said.strip("0") or not said.strip("x"):
        raise PydanticCustomError("lot", "the lot number that stands on the vial")
    return text


Lot = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ./_#-]{0,30}[A-Za-z0-9])?$"),
    AfterValidator(_lot),
]
"""A manufacturer's lot: letters and digits, with signs only between them, at most 32."""


class DoseIn(DoseGiven):
    """The dose that was given."""

    lot: Lot = Field(examples=["EN6201"])
    administered_on: Day


class _WithDose(_Write):
    dose: DoseIn
    late_reason: LateReason | None = Field(
        default=None, description="Needed for a dose of more than 30 days ago, or of before its programme began."
    )

    def shot(self) -> Shot:
        return Shot(self.dose, self.late_reason)


class WalkInIn(_ForMember, _WithDose):
    """A dose given to somebody who came without an appointment."""

    site_id: Code


class CancelIn(_Write):
    """Why it is cancelled."""

    reason: Cancellation = Field(description="HL7 appointment-cancellation-reason.", examples=["pat-lt"])


class RescheduleIn(_Write):
    """Where it is moved."""

    slot_id: UUID


class FulfilIn(_WithDose):
    """What was given."""


class NothingMoreIn(_Write):
    """Nothing has to be said but when."""


class BrokenBlock(BaseModel):
    """A block whose product the site gives no longer, and how many live bookings are in it."""

    block_id: UUID
    week_on: date
    cvx: Cvx
    vaccine_group: Code
    bookings: int

    @classmethod
    def all_of(cls, blocks: Iterable[Promised]) -> list[Self]:
        return [cls.model_validate(one, from_attributes=True) for one in blocks]


class SiteOut(BaseModel):
    """The site as it stands."""

    site_id: Code
    name: str
    zip5: Zip5
    time_zone: str
    kind: SiteKind
    gives: dict[Cvx, Code] = Field(description="Vaccine group by CVX.")
    broken: list[BrokenBlock] = Field(
        default=[], description="Blocks that offer a product withdrawn just now: nobody books there any more."
    )

    @classmethod
    def of(cls, done: Described) -> Self:
        known = {name: getattr(done.site, name) for name in Site.__slots__}
        return cls(**known, broken=BrokenBlock.all_of(done.broken))


class OpenedSlotOut(BaseModel):
    """A slot of the new block."""

    slot_id: UUID
    start_at: datetime
    start_on: date
    capacity: int


class BlockOut(BaseModel):
    """The new block and its slots, in the order given."""

    block_id: UUID
    site_id: Code
    week_on: date
    plan: Code | None
    cvx: Cvx
    capacity: int
    released: int = Field(description="Of the capacity: so near that every plan may book it at once.")
    slots: list[OpenedSlotOut]


class SlotOut(BaseModel):
    """A slot with room."""

    slot_id: UUID
    block_id: UUID
    site_id: Code
    site_name: str
    zip5: Zip5
    kind: SiteKind
    time_zone: str
    start_at: datetime = Field(description="With the site's own offset.")
    end_at: datetime
    start_on: date
    cvx: Cvx
    vaccine_group: Code
    capacity: int
    free: int
    held_for: Code | None

    @classmethod
    def of(cls, found: FreeSlot) -> Self:
        slot, site, free = found
        zone = ZoneInfo(site.time_zone)
        return cls(
            slot_id=slot.slot_id, block_id=slot.block_id, site_id=site.site_id, site_name=site.name, zip5=site.zip5,
            kind=SiteKind(site.kind), time_zone=site.time_zone, start_at=slot.start_at.astimezone(zone),
            end_at=slot.end_at.astimezone(zone), start_on=slot.start_on, cvx=slot.cvx,
            vaccine_group=slot.vaccine_group, capacity=slot.capacity, free=free, held_for=slot.held_for,
        )  # fmt: skip


class AppointmentOut(BaseModel):
    """An appointment as it stands."""

    appointment_id: UUID
    version: int
    status: AppointmentStatus
    enrolment_id: UUID
    member_token: UUID
    tenant_id: Code
    programme_id: Code
    vaccine_group: Code
    site_id: Code
    slot_id: UUID | None
    block_id: UUID | None
    start_at: datetime
    start_on: date
    walk_in: bool
    changes: int
    cancellation_reason: Cancellation | None
    cancelled_late: bool = Field(description="Cancelled by somebody on the day itself or later.")
    by_rule: bool = Field(description="No person did what was done last: the news did, or the day that passed.")
    outcome_overdue: bool = Field(description="Still booked although the day is over: the site has to say who came.")
    death_reported: bool = Field(default=False, description="Booked, and somebody reported that the member died.")
    booked_on: date = Field(description="The business day on which it was booked.")
    late_reason: LateReason | None
    dose: DoseGiven | None

    @classmethod
    def of(cls, appointment: Appointment, **more: Any) -> Self:
        known = {name: getattr(appointment, name) for name in Appointment.__slots__ if name in cls.model_fields}
        return cls(**known, **more)


class OverdueOut(AppointmentOut):
    """An appointment whose day is over, and of which nobody has said what came of it."""

    days_overdue: int = Field(description="Business days since its own.")
    escalated: bool = Field(
        description="So long that the plan's supervisors and the State may say it in the site's place."
    )


class ProblemOut(BaseModel):
    """A refusal (RFC 9457). `type` ends in the refusal's code."""

    type: str = Field(examples=["urn:vcc:problem:full"])
    title: str
    status: int
    detail: str | None = None
    appointment_id: UUID | None = Field(default=None, description="The appointment in the way, where it may be named.")
    reasons: list[Code] | None = Field(
        default=None, description="Why the member is not eligible, by eligibility's codes."
    )
    blocks: list[BrokenBlock] | None = Field(default=None, description="What the description of a site would break.")
    correlation_id: str


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation, for its documentation."""
    says = {403: "None of the roles may do this", 404: "Not there", 409: "Refused", 422: "The request does not fit"}
    return {status: {"model": ProblemOut, "description": says[status]} for status in statuses}


def block_out(opened: Opened, plan: str | None) -> BlockOut:
    pool, slots = opened
    return BlockOut(
        block_id=pool.block_id, site_id=pool.site_id, week_on=pool.week_on, plan=plan, cvx=pool.cvx,
        capacity=pool.capacity, released=pool.released,
        slots=[OpenedSlotOut.model_validate(slot, from_attributes=True) for slot in slots],
    )  # fmt: skip
