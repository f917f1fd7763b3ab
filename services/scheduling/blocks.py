"""What the State and the sites do: describe a site, open a week's block with its slots."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS
from services.kit.unit_of_work import UnitOfWork
from services.scheduling import domain, facts, heard, places
from services.scheduling.domain import No, Pool, Site, Slot


class Times(NamedTuple):
    """A slot to be opened."""

    start_at: datetime
    end_at: datetime
    capacity: int


class BlockAsked(NamedTuple):
    """A block to be opened; `plan` is whom it is held for."""

    site_id: str
    week_on: date
    plan: str | None
    cvx: str
    times: Sequence[Times]


class Opened(NamedTuple):
    pool: Pool
    slots: Sequence[Slot]


async def describe_site(work: UnitOfWork, tenant: str, site: Site) -> Site | No:
    """New, or described anew: by whoever did so first, or acts for all, for plans share sites. Its time zone stays once
    days were counted in it."""
    described_by = await places.lock_site(work.connection, site.site_id)
    known = await places.load_site(work.connection, site.site_id)
    if known is not None and tenant not in {ALL_TENANTS, described_by}:
        return No.OTHER_TENANT
    if (
        known is not None
        and known.time_zone != site.time_zone
        and await places.has_blocks(work.connection, site.site_id)
    ):
        return No.ZONE_IN_USE
    await places.save_site(work.connection, site, tenant)
    return site


async def open_block(work: UnitOfWork, tenant: str, asked: BlockAsked, at: datetime) -> Opened | No:
    """The block and its slots with all their places, announced as empty."""
    today = await heard.load_day(work.connection)
    site = await places.load_site(work.connection, asked.site_id)
    if today is None or site is None:
        return No.DAY_NOT_OPEN if today is None else No.UNKNOWN_SITE
    if refusal := _refused(tenant, asked, site):
        return refusal
    pool, slots = _plan(asked, site, today)
    if not await places.insert_block(work.connection, pool, slots):
        return No.BLOCK_EXISTS
    await work.announce([facts.pool_changed(pool, at)])
    return Opened(pool, slots)


def _refused(tenant: str, asked: BlockAsked, site: Site) -> No | None:
    if tenant not in {ALL_TENANTS, asked.plan}:
        return No.OTHER_TENANT
    if asked.cvx not in site.gives:
        return No.NOT_GIVEN_HERE
    fits = domain.opens_in_week(site, asked.week_on, [one.start_at for one in asked.times])
    return None if fits else No.OUTSIDE_WEEK


def _plan(asked: BlockAsked, site: Site, today: date) -> tuple[Pool, list[Slot]]:
    block_id: UUID = new_id()
    slots = [
        Slot(
            new_id(), block_id, site.site_id, asked.plan, one.start_at, one.end_at, site.day_of(one.start_at),
            one.capacity, asked.cvx, site.gives[asked.cvx],
        )
        for one in asked.times
    ]  # fmt: skip
    capacity = sum(slot.capacity for slot in slots)
    pool = Pool(
        block_id, 1, site.site_id, site.zip5, asked.week_on, asked.plan, asked.cvx, site.gives[asked.cvx], capacity,
        0, 0, 0, today,
    )  # fmt: skip
    return pool, slots
