"""What requests hold and what answers say: the interface's own words, checked at the door."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Cvx, Day, Instant, Zip5
from schemas.scheduling_v1 import AppointmentStatus, DoseGiven
from services.scheduling.domain import Appointment, Cancellation, Pool, Site
from services.scheduling.places import FreeSlot

MONDAY = 1


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("time_zone", "a name of the IANA time zone database") from None
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

    @property
    def at(self) -> datetime:
        return self.occurred_at or datetime.now(UTC)


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
    name: str = Field(min_length=1, max_length=120, examples=["United Center"])
    zip5: Zip5 = Field(examples=["60612"])
    time_zone: TimeZone
    kind: SiteKind
    gives: list[ProductIn] = Field(min_length=1, max_length=100)


class SlotIn(_Body):
    """A time with its places."""

    start_at: Instant = Field(examples=["2021-03-15T09:00:00-05:00"])
    end_at: Instant = Field(examples=["2021-03-15T09:30:00-05:00"])
    capacity: int = Field(ge=1, le=10_000)

    @model_validator(mode="after")
    def _ends_after_start(self) -> "SlotIn":
        if self.end_at <= self.start_at:
            raise PydanticCustomError("slot_end", "end_at after start_at")
        return self


class BlockIn(_Write):
    """A week of slots at a site for one product, held for a plan or open to all."""

    site_id: Code = Field(examples=["united-center"])
    week_on: Monday = Field(description="The Monday of the week.", examples=["2021-03-15"])
    plan: Code | None = Field(default=None, description="The tenant it is held for; nobody if not given.")
    cvx: Cvx = Field(examples=["208"])
    slots: list[SlotIn] = Field(min_length=1, max_length=2_000)

    @model_validator(mode="after")
    def _bounded(self) -> "BlockIn":
        if sum(slot.capacity for slot in self.slots) > 50_000:
            raise PydanticCustomError("places", "at most 50,000 places in a block")
        return self


class _ForMember(_Write):
    enrolment_id: UUID
    programme_id: Code | None = Field(default=None, description="Needed if the enrolment is in several programmes.")


class BookingIn(_ForMember):
    """A place in a slot for a member."""

    slot_id: UUID


class DoseIn(DoseGiven):
    """The dose that was given."""

    administered_on: Day


class WalkInIn(_ForMember):
    """A dose given to somebody who came without an appointment."""

    site_id: Code
    dose: DoseIn


class CancelIn(_Write):
    """Why it is cancelled."""

    reason: Cancellation = Field(description="HL7 appointment-cancellation-reason.", examples=["pat-lt"])


class RescheduleIn(_Write):
    """Where it is moved."""

    slot_id: UUID


class FulfilIn(_Write):
    """What was given."""

    dose: DoseIn


class NothingMoreIn(_Write):
    """Nothing has to be said but when."""


class SiteOut(BaseModel):
    """The site as it stands."""

    site_id: Code
    name: str
    zip5: Zip5
    time_zone: str
    kind: SiteKind
    gives: dict[Cvx, Code] = Field(description="Vaccine group by CVX.")

    @classmethod
    def of(cls, site: Site) -> "SiteOut":
        return cls.model_validate(site, from_attributes=True)


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
    def of(cls, found: FreeSlot) -> "SlotOut":
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
    dose: DoseGiven | None

    @classmethod
    def of(cls, appointment: Appointment) -> "AppointmentOut":
        return cls.model_validate(appointment, from_attributes=True)


class ProblemOut(BaseModel):
    """A refusal (RFC 9457). `type` ends in the refusal's code."""

    type: str = Field(examples=["urn:vcc:problem:full"])
    title: str
    status: int
    detail: str | None = None
    appointment_id: UUID | None = Field(default=None, description="The appointment in the way, where it may be named.")
    correlation_id: str


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation, for its documentation."""
    says = {403: "None of the roles may do this", 404: "Not there", 409: "Refused", 422: "The request does not fit"}
    return {status: {"model": ProblemOut, "description": says[status]} for status in statuses}


def block_out(pool: Pool, slots: list[OpenedSlotOut]) -> BlockOut:
    return BlockOut(
        block_id=pool.block_id, site_id=pool.site_id, week_on=pool.week_on, plan=pool.held_for, cvx=pool.cvx,
        capacity=pool.capacity, slots=slots,
    )  # fmt: skip
