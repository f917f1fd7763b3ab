"""Which weeks of slots may be opened at a site, and what of them is open to every plan at once. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from services.scheduling.days.rules import Moment, has_begun
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites.rules import Site

WEEK = timedelta(days=7)
FURTHEST = timedelta(weeks=52)


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at a site with its block's site and vaccine. `held_for` is the plan it is held for, if any; `is_given`:
    the site still gives the block's product; `is_closed`: the site is closed then."""

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
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A week of slots at a site for one product, and how full they are."""

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


class SlotTime(NamedTuple):
    """When a slot that is to be opened begins and ends, and how many places it has."""

    start_at: datetime
    end_at: datetime
    capacity: int


class BlockRequest(NamedTuple):
    """A block to be opened; `plan` is whom it is held for. `new_plan`: one of whom no member was heard yet."""

    site_id: str
    week_on: date
    plan: str | None
    cvx: str
    times: Sequence[SlotTime]
    new_plan: bool = False


class BlockOpened(NamedTuple):
    """A new block and its slots; `left_out` are times that were asked for and had begun."""

    block: Block
    slots: Sequence[Slot]
    left_out: Sequence[SlotTime] = ()


class OfferedBlock(NamedTuple):
    """A block that is not over, what it offers, and how many live bookings are in it."""

    block_id: UUID
    week_on: date
    cvx: str
    vaccine_group: str
    bookings: int


class SiteDescribed(NamedTuple):
    """The site as described now, and the blocks whose product it gives no longer."""

    site: Site
    broken: Sequence[OfferedBlock]


@dataclass(frozen=True, slots=True)
class ProductInUse:
    """A description of a site that is refused: it would leave out what these blocks offer."""

    blocks: Sequence[OfferedBlock]


class FreeSlot(NamedTuple):
    """A slot with free places, and where it is."""

    slot: Slot
    site: Site
    free: int


class SlotSearch(NamedTuple):
    """Which slots somebody looks for; what is not named does not matter."""

    site_id: str | None = None
    week_on: date | None = None
    zip5: str | None = None
    vaccine_group: str | None = None


def check_week(site: Site, week_on: date, times: Sequence[SlotTime], on: date) -> RefusalCode | None:
    """A week that is not over on this day of the site, at most a year ahead, and slots that start in it and take turns:
    those of one plan and product are the same chairs, so no two of them at once."""
    if week_on + WEEK <= on:
        return RefusalCode.PAST_WEEK
    if week_on > on + FURTHEST:
        return RefusalCode.FAR_WEEK
    if not opens_in_week(site, week_on, [time.start_at for time in times]):
        return RefusalCode.OUTSIDE_WEEK
    return RefusalCode.OVERLAP if overlap(times) else None


def to_come(site: Site, times: Iterable[SlotTime], moment: Moment, today: date) -> list[SlotTime]:
    """Those that have not begun, by the site's own days: a seat of a time that is over is nobody's to take."""
    return [time for time in times if not has_begun(time.start_at, site.day_of(time.start_at), moment, today)]


def opens_in_week(site: Site, week_on: date, starts: Iterable[datetime]) -> bool:
    """Whether every start lies in the week of that Monday, in the site's own days."""
    return all(week_on <= site.day_of(start) < week_on + WEEK for start in starts)


def overlap(times: Iterable[SlotTime]) -> bool:
    """Whether any two of the slots share a moment. One that begins when another ends does not."""
    return any(later.start_at < earlier.end_at for earlier, later in pairwise(sorted(times)))


def held_for(plan: str | None, start_on: date, today: date, release_days: int) -> str | None:
    """The plan that a new slot is held for: inside of the release window none, everybody may have it at once."""
    return plan if start_on > today + timedelta(days=release_days) else None


def no_longer_given(
    offered: Iterable[OfferedBlock], before: Mapping[str, str], after: Mapping[str, str]
) -> list[OfferedBlock]:
    """The blocks whose product the site gave for their vaccine, and will not by its new description."""
    return [
        block
        for block in offered
        if before.get(block.cvx) == block.vaccine_group and after.get(block.cvx) != block.vaccine_group
    ]
