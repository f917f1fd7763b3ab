"""What the State and the sites do: describe a site, open a week's block with its slots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.kit.auth import Principal
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.appointments import events as facts
from services.scheduling.appointments.rules import Pool, Site, Slot
from services.scheduling.blocks import rules as openings
from services.scheduling.blocks import store as places
from services.scheduling.blocks.rules import Promised, Times
from services.scheduling.days.rules import Moment, is_far
from services.scheduling.members import store as heard
from services.scheduling.refusals import No


class BlockAsked(NamedTuple):
    """A block to be opened; `plan` is whom it is held for. `new_plan`: one of whom no member was heard yet."""

    site_id: str
    week_on: date
    plan: str | None
    cvx: str
    times: Sequence[Times]
    new_plan: bool = False


class Opened(NamedTuple):
    pool: Pool
    slots: Sequence[Slot]


class Described(NamedTuple):
    """The site as it stands now, and the blocks whose product it gives no longer."""

    site: Site
    broken: Sequence[Promised]


@dataclass(frozen=True, slots=True)
class Breaks:
    """The description would break what these blocks promise."""

    blocks: Sequence[Promised]


async def describe_site(
    work: UnitOfWork, principal: Principal, site: Site, *, withdraw: bool
) -> Described | Breaks | No:
    """New, or described anew: by whoever did so first, or acts for all, for plans share sites. Its time zone stays once
    days were counted in it; a product stays while blocks offer it, unless it is to be withdrawn all the same."""
    if not principal.acts_at(site.site_id):
        return No.UNKNOWN_SITE
    described_by = await places.lock_site(work.connection, site.site_id)
    known = await places.load_site(work.connection, site.site_id)
    if known is None:
        await places.save_site(work.connection, site, principal.tenant)
        return Described(site, ())
    if principal.tenant not in {ALL_TENANTS, described_by}:
        return No.OTHER_TENANT
    if known.time_zone != site.time_zone and await places.has_blocks(work.connection, site.site_id):
        return No.ZONE_IN_USE
    today = await heard.load_day(work.connection) or date.min
    promised = await places.list_promised(work.connection, site.site_id, today)
    broken = openings.broken(promised, known.gives, site.gives)
    if broken and not withdraw:
        return Breaks(broken)
    await places.save_site(work.connection, site, principal.tenant)
    return Described(site, broken)


async def open_block(
    work: UnitOfWork, principal: Principal, asked: BlockAsked, release_days: int, moment: Moment
) -> Opened | No:
    """The block and its slots with all their places, announced as empty; what is so near that it is nobody's to hold is
    open to every plan from the first moment."""
    today = await heard.load_day(work.connection)
    described_by = await places.lock_site(work.connection, asked.site_id)
    site = await places.load_site(work.connection, asked.site_id)
    if today is None or site is None:
        return No.DAY_NOT_OPEN if today is None else No.UNKNOWN_SITE
    if is_far(moment, today):
        return No.FAR_INSTANT
    refusal = _whose(principal, described_by, asked) or await _refused(work, principal, asked, site, today)
    if refusal is not None:
        return refusal
    pool, slots = _plan(asked, site, today, release_days)
    if not await places.insert_block(work.connection, pool, asked.plan, slots):
        return No.BLOCK_EXISTS
    await work.announce([facts.pool_changed(pool, moment.at)])
    return Opened(pool, slots)


def _whose(principal: Principal, described_by: str | None, asked: BlockAsked) -> No | None:
    """A plan's staff open blocks for their own plan, at sites that are their own plan's."""
    is_own = principal.tenant == asked.plan and principal.tenant == described_by
    return None if principal.tenant == ALL_TENANTS or is_own else No.OTHER_TENANT


async def _refused(work: UnitOfWork, principal: Principal, asked: BlockAsked, site: Site, today: date) -> No | None:
    if asked.cvx not in site.gives:
        return No.NOT_GIVEN_HERE
    if refusal := openings.check_week(site, asked.week_on, asked.times, today):
        return refusal
    # Its own staff's token says that a plan is one.
    is_known = asked.plan in {None, principal.tenant} or asked.new_plan
    if not is_known and not await places.plan_is_known(work.connection, asked.plan or ""):
        return No.UNKNOWN_PLAN
    taken = await places.overlaps(work.connection, asked.site_id, asked.cvx, asked.plan, asked.week_on, asked.times)
    return No.OVERLAP if taken else None


def _plan(asked: BlockAsked, site: Site, today: date, release_days: int) -> tuple[Pool, list[Slot]]:
    block_id: UUID = new_id()
    days = [site.day_of(one.start_at) for one in asked.times]
    slots = [
        Slot(
            new_id(), block_id, site.site_id, openings.held_for(asked.plan, day, today, release_days), one.start_at,
            one.end_at, day, one.capacity, asked.cvx, site.gives[asked.cvx],
        )
        for one, day in zip(asked.times, days, strict=True)
    ]  # fmt: skip
    capacity = sum(slot.capacity for slot in slots)
    held = sum(slot.capacity for slot in slots if slot.held_for is not None)
    pool = Pool(
        block_id, 1, site.site_id, site.zip5, asked.week_on, asked.plan if held else None, asked.cvx,
        site.gives[asked.cvx], capacity, 0, 0, capacity - held if asked.plan else 0, today,
    )  # fmt: skip
    return pool, slots
