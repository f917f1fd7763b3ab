"""What requests about blocks and slots hold and what their answers say, checked at the door."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelope import Code, Cvx, Day, Instant, Zip5
from services.scheduling.blocks.rules import BlockOpened, BlockRequest, FreeSlot, SiteDescribed, SlotTime
from services.scheduling.days.shapes import Body, SaidCvx, Write
from services.scheduling.sites.rules import Site
from services.scheduling.sites.shapes import SiteKind

MONDAY = 1
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=12)  # of a slot: a window, not a day


def _monday(day: date) -> date:
    if day.isoweekday() != MONDAY:
        raise PydanticCustomError("monday", "the Monday of a week")
    return day


Monday = Annotated[Day, AfterValidator(_monday)]


class SlotIn(Body):
    """A time with its places."""

    start_at: Instant = Field(examples=["2021-03-15T09:00:00-05:00"])
    end_at: Instant = Field(examples=["2021-03-15T09:30:00-05:00"])
    capacity: StrictInt = Field(ge=1, le=10_000)

    @model_validator(mode="after")
    def _lasts_hours(self) -> Self:
        if not SHORTEST <= self.end_at - self.start_at <= LONGEST:
            raise PydanticCustomError("slot_end", "end_at between one minute and 12 hours after start_at")
        return self


class BlockIn(Write):
    """A week of slots at a site for one product, held for a plan or open to all."""

    site_id: Code = Field(examples=["united-center"])
    week_on: Monday = Field(description="The Monday of the week.", examples=["2021-03-15"])
    plan: Code | None = Field(default=None, description="The tenant it is held for; nobody if not given.")
    new_plan: StrictBool = Field(
        default=False, description="No member of the plan was heard of yet, and it is meant so."
    )
    cvx: SaidCvx = Field(examples=["208"])
    slots: list[SlotIn] = Field(min_length=1, max_length=2_000)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if sum(slot.capacity for slot in self.slots) > 50_000:
            raise PydanticCustomError("places", "at most 50,000 places in a block")
        return self

    def request(self) -> BlockRequest:
        """The block that is to be opened."""
        times = [SlotTime(slot.start_at, slot.end_at, slot.capacity) for slot in self.slots]
        return BlockRequest(self.site_id, self.week_on, self.plan, self.cvx, times, self.new_plan)


class BrokenBlock(BaseModel):
    """A block whose product the site gives no longer, and how many live bookings are in it."""

    block_id: UUID
    week_on: date
    cvx: Cvx
    vaccine_group: Code
    bookings: int

    @classmethod
    def all_of(cls, blocks: Iterable[object]) -> list[Self]:
        return [cls.model_validate(block, from_attributes=True) for block in blocks]


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
    def of(cls, described: SiteDescribed) -> Self:
        """The site, and what its description broke."""
        known = {field.name: getattr(described.site, field.name) for field in fields(Site)}
        return cls(**known, broken=BrokenBlock.all_of(described.broken))


class OpenedSlotOut(BaseModel):
    """A slot of the new block."""

    slot_id: UUID
    start_at: datetime
    start_on: date
    capacity: int


class LeftOutOut(BaseModel):
    """A time that was asked for and had begun."""

    start_at: datetime
    end_at: datetime


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
    left_out: list[LeftOutOut] = Field(
        default=[], description="Slots that had begun, which no capacity counts: there are none of them."
    )

    @classmethod
    def of(cls, opened: BlockOpened, plan: str | None) -> Self:
        """The block that was opened for this plan, or for nobody."""
        block, slots, left_out = opened
        return cls(
            block_id=block.block_id, site_id=block.site_id, week_on=block.week_on, plan=plan, cvx=block.cvx,
            capacity=block.capacity, released=block.released,
            slots=[OpenedSlotOut.model_validate(slot, from_attributes=True) for slot in slots],
            left_out=[LeftOutOut.model_validate(time, from_attributes=True) for time in left_out],
        )  # fmt: skip


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
    def of(cls, free_slot: FreeSlot) -> Self:
        """The slot, its times with the offset of its site."""
        slot, site, free = free_slot
        zone = ZoneInfo(site.time_zone)
        return cls(
            slot_id=slot.slot_id, block_id=slot.block_id, site_id=site.site_id, site_name=site.name, zip5=site.zip5,
            kind=SiteKind(site.kind), time_zone=site.time_zone, start_at=slot.start_at.astimezone(zone),
            end_at=slot.end_at.astimezone(zone), start_on=slot.start_on, cvx=slot.cvx,
            vaccine_group=slot.vaccine_group, capacity=slot.capacity, free=free, held_for=slot.held_for,
        )  # fmt: skip
