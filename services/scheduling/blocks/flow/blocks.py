"""Weeks of slots are opened, released and looked for: lock, load, decide, save, announce. Refusals are values."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from services.kit.auth import Principal
from services.kit.ids import new_id
from services.kit.next_page import Place
from services.kit.postgres import ALL_TENANTS, Connection
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.scheduling.blocks import rules, store
from services.scheduling.blocks.events import slot_pool_changed
from services.scheduling.blocks.rules import Block, BlockOpened, BlockRequest, FreeSlot, Slot, SlotSearch, SlotTime
from services.scheduling.days.rules import Moment, SiteDay, hour_of, is_far, site_day
from services.scheduling.members import store as members
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites import store as sites
from services.scheduling.sites.rules import Site


async def open_block(
    work: UnitOfWork, principal: Principal, request: BlockRequest, release_days: int, moment: Moment
) -> BlockOpened | RefusalCode:
    """The block and its slots with all their places, announced as empty; what is so near that it is nobody's to hold is
    open to every plan from the first moment. Of a week that has begun it is what is to come."""
    today = await days.load_day(work.connection)
    described_by = await sites.lock_site(work.connection, request.site_id)
    site = await sites.load_site(work.connection, request.site_id)
    if today is None or site is None:
        return RefusalCode.DAY_NOT_OPEN if today is None else RefusalCode.UNKNOWN_SITE
    if is_far(moment, today):
        return RefusalCode.FAR_INSTANT
    if not _may_open(principal, described_by, request.plan):
        return RefusalCode.OTHER_TENANT
    kept = request._replace(times=rules.to_come(site, request.times, moment, today))
    day = site_day(site.time_zone, moment, today)
    if refusal := await _check(work, principal, request, kept, site, day):
        return refusal
    opened = _new_block(kept, site, today, release_days)._replace(left_out=_left_out(request, kept))
    if not await store.insert_block(work.connection, opened.block, request.plan, opened.slots):
        return RefusalCode.BLOCK_EXISTS
    await announce(work, [opened.block], moment.at)
    return opened


def _may_open(principal: Principal, described_by: str | None, plan: str | None) -> bool:
    """Whether somebody acts for all, or for the plan of the block at a site that this plan described."""
    is_own = principal.tenant == plan and principal.tenant == described_by
    return principal.tenant == ALL_TENANTS or is_own


def _left_out(request: BlockRequest, kept: BlockRequest) -> list[SlotTime]:
    stays = frozenset(kept.times)
    return [time for time in request.times if time not in stays]


async def _check(
    work: UnitOfWork, principal: Principal, request: BlockRequest, kept: BlockRequest, site: Site, day: SiteDay
) -> RefusalCode | None:
    """Why this block can't be opened at the site: its product, its week, its plan, slots at the same times, or nothing
    of it is to come."""
    if request.cvx not in site.gives:
        return RefusalCode.NOT_GIVEN_HERE
    if refusal := rules.check_week(site, request.week_on, request.times, day.own_on):
        return refusal
    if not kept.times:
        return RefusalCode.PAST_SLOT
    # Its own staff's token says that a plan is one.
    is_known = request.plan in {None, principal.tenant} or request.new_plan
    if not is_known and not await members.plan_is_known(work.connection, request.plan or ""):
        return RefusalCode.UNKNOWN_PLAN
    taken = await store.overlaps(
        work.connection, request.site_id, request.cvx, request.plan, request.week_on, kept.times
    )
    return RefusalCode.OVERLAP if taken else None


def _new_block(request: BlockRequest, site: Site, today: date, release_days: int) -> BlockOpened:
    """The block with its slots, each held for the plan unless its day is inside of the release window."""
    block_id: UUID = new_id()
    start_days = [site.day_of(time.start_at) for time in request.times]
    slots = [
        Slot(
            new_id(), block_id, site.site_id, rules.held_for(request.plan, start_on, today, release_days),
            time.start_at, time.end_at, start_on, time.capacity, request.cvx, site.gives[request.cvx],
        )
        for time, start_on in zip(request.times, start_days, strict=True)
    ]  # fmt: skip
    capacity = sum(slot.capacity for slot in slots)
    held = sum(slot.capacity for slot in slots if slot.held_for is not None)
    block = Block(
        block_id, 1, site.site_id, site.zip5, request.week_on, request.plan if held else None, request.cvx,
        site.gives[request.cvx], capacity, 0, 0, capacity - held if request.plan else 0, today,
    )  # fmt: skip
    return BlockOpened(block, slots)


async def release(work: UnitOfWork, today: date, release_days: int, at: datetime) -> None:
    """Open to every plan what is held for one and starts within so many days, and announce those blocks."""
    await announce(work, await store.release_slots(work.connection, today + timedelta(days=release_days), today), at)


async def announce(work: UnitOfWork, blocks: Sequence[Block], at: datetime) -> None:
    """Tell how full these blocks are."""
    await work.announce([slot_pool_changed(block, at) for block in blocks])


async def list_free_slots(
    connection: Connection, search: SlotSearch, clock: datetime, after: Place, limit: int
) -> list[FreeSlot]:
    """Slots with room that the tenant may book and that have not begun, soonest first."""
    today = await days.load_day(connection) or date.max
    hour = hour_of(Moment(clock, clock), today)
    return await store.list_free(connection, search, today, hour, after, limit)
