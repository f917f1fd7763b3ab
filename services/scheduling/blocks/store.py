"""All SQL of sites, weekly blocks, slots and their places. Connection first; nobody here commits."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from services.kit.postgres import Connection
from services.scheduling.appointments.rules import Pool, Site, Slot
from services.scheduling.blocks.rules import Promised, Times

SAVE_SITE = """
    insert into site (site_id, name, zip5, time_zone, kind, described_by) values ($1, $2, $3, $4, $5, $6)
    on conflict (site_id) do update set
        name = excluded.name, zip5 = excluded.zip5, time_zone = excluded.time_zone, kind = excluded.kind
"""
SAVE_PRODUCTS = """
    with gone as (delete from site_product where site_id = $1 and cvx <> all($2::text[]))
    insert into site_product (site_id, cvx, vaccine_group)
    select $1, cvx, vaccine_group from unnest($2::text[], $3::text[]) as new (cvx, vaccine_group) order by cvx
    on conflict (site_id, cvx) do update set vaccine_group = excluded.vaccine_group
"""
LOAD_SITE = """
    select site_id, name, zip5, time_zone, kind, coalesce(
        (select jsonb_object_agg(cvx, vaccine_group) from site_product where site_id = site.site_id), '{}') as gives
    from site where site_id = $1 for share
"""
LOCK_SITE_ID = "select pg_advisory_xact_lock($1, hashtext($2))"
SITES = 0x73697465
LOCK_SITE = "select described_by from site where site_id = $1 for update"
HAS_BLOCKS = "select exists (select from block where site_id = $1)"

INSERT_BLOCK = """
    insert into block (
        block_id, site_id, week_on, cvx, vaccine_group, reserved_for, held_for, capacity, released, changed_on
    ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (site_id, week_on, reserved_for, cvx) do nothing
    returning block_id
"""
INSERT_SLOTS = """
    with opened as (
        insert into slot (slot_id, block_id, held_for, start_at, end_at, start_on, capacity)
        select slot_id, $1, held_for, start_at, end_at, start_on, capacity
        from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::date[], $7::int[])
            as new (slot_id, held_for, start_at, end_at, start_on, capacity)
        returning slot_id, capacity
    )
    insert into slot_place (slot_id, place) select slot_id, generate_series(1, capacity) from opened
"""
# Of the same plan and product, in the weeks around: a night's slot may end in the next one.
OVERLAPS = """
    select exists (
        select from slot
            join block using (block_id)
            join unnest($5::timestamptz[], $6::timestamptz[]) as new (start_at, end_at)
                on slot.start_at < new.end_at and new.start_at < slot.end_at
        where site_id = $1 and cvx = $2 and reserved_for is not distinct from $3
            and week_on between $4::date - 7 and $4 + 7 and week_on <> $4
    )
"""
PLAN_IS_KNOWN = "select plan_is_known($1)"
LIST_PROMISED = "select * from blocks_from($1, $2)"

LOAD_SLOT = """
    select slot.*, block.site_id, block.cvx, block.vaccine_group, exists (
        select from site_product as gives
        where (gives.site_id, gives.cvx, gives.vaccine_group) = (block.site_id, block.cvx, block.vaccine_group)
    ) as is_given
    from slot join block using (block_id) where slot_id = $1
"""
IS_HELD_FOR_ANOTHER = "select slot_held_for_another($1)"
LOCK_BLOCKS = "select from block where block_id = any($1) order by block_id for update"
FIND_PLACE = """
    select place from slot_place where slot_id = $1 and appointment_id is null order by place limit 1 for update
"""
TAKE_PLACE = """
    update slot_place set appointment_id = $3 where slot_id = $1 and place = $2 and appointment_id is null
"""
FREE_PLACES = "update slot_place set appointment_id = null where appointment_id = any($1)"

CHANGE_POOLS = """
    with changed as (
        update block set
            booked = block.booked + new.booked, fulfilled = block.fulfilled + new.fulfilled,
            version = version + 1, changed_on = $4
        from unnest($1::uuid[], $2::int[], $3::int[]) as new (block_id, booked, fulfilled)
        where block.block_id = new.block_id
        returning block.*
    )
    select changed.*, site.zip5 from changed join site using (site_id) order by block_id
"""

LOCK_RELEASABLE = """
    select block_id from block
    where block_id in (select block_id from slot where held_for is not null and start_on <= $1)
    order by block_id for update
"""
RELEASE_SLOTS = """
    with freed as (
        update slot set held_for = null
        where block_id = any($1) and held_for is not null and start_on <= $2
        returning block_id, slot_id, capacity
    ), counted as (
        select block_id, sum(capacity) as places, array_agg(slot_id) as slots from freed group by block_id
    ), changed as (
        update block set
            released = released + places, version = version + 1, changed_on = $3,
            held_for = case when exists (
                select from slot
                where slot.block_id = block.block_id and slot.held_for is not null and slot_id <> all(slots)
            ) then held_for end
        from counted where block.block_id = counted.block_id
        returning block.*
    )
    select changed.*, site.zip5 from changed join site using (site_id) order by block_id
"""

LIST_FREE = """
    select slot.*, block.site_id, block.cvx, block.vaccine_group, true as is_given,
        site.name, site.zip5, site.time_zone, site.kind, free.places
    from slot
        join block using (block_id)
        join site using (site_id)
        join site_product using (site_id, cvx, vaccine_group)
        cross join lateral (
            select count(*) as places from slot_place
            where slot_place.slot_id = slot.slot_id and appointment_id is null
        ) as free
    where free.places > 0 and slot.start_on >= $1 and ($7::timestamptz is null or slot.start_at > $7)
        and ($2::text is null or block.site_id = $2)
        and ($3::date is null or block.week_on = $3)
        and ($4::text is null or site.zip5 = $4)
        and ($5::text is null or block.vaccine_group = $5)
    order by slot.start_at, slot_id
    limit $6
"""


class FreeSlot(NamedTuple):
    """A slot with room, and where it is."""

    slot: Slot
    site: Site
    free: int


class Wanted(NamedTuple):
    """Which slots somebody looks for; what is not named does not matter."""

    site_id: str | None = None
    week_on: date | None = None
    zip5: str | None = None
    vaccine_group: str | None = None


async def save_site(connection: Connection, site: Site, tenant: str) -> None:
    """A new site of this tenant, or the new description of a known one."""
    await connection.execute(SAVE_SITE, site.site_id, site.name, site.zip5, site.time_zone, site.kind, tenant)
    await connection.execute(SAVE_PRODUCTS, site.site_id, list(site.gives), list(site.gives.values()))


async def load_site(connection: Connection, site_id: str) -> Site | None:
    """The site as it stays until the end of the transaction."""
    row = await connection.fetchrow(LOAD_SITE, site_id)
    return None if row is None else Site(**row)


async def lock_site(connection: Connection, site_id: str) -> str | None:
    """Before it is described anew: two who had both read it could not both go on to write it. Gives the tenant that
    described it first, if that is known."""
    await connection.execute(LOCK_SITE_ID, SITES, site_id)  # a new site has no row to be locked
    tenant: str | None = await connection.fetchval(LOCK_SITE, site_id)
    return tenant


async def has_blocks(connection: Connection, site_id: str) -> bool:
    return bool(await connection.fetchval(HAS_BLOCKS, site_id))


async def insert_block(connection: Connection, pool: Pool, reserved_for: str | None, slots: Sequence[Slot]) -> bool:
    """False if there is such a block already: the same site, week, plan and product."""
    row = (
        pool.block_id, pool.site_id, pool.week_on, pool.cvx, pool.vaccine_group, reserved_for, pool.held_for,
        pool.capacity, pool.released, pool.changed_on,
    )  # fmt: skip
    if await connection.fetchval(INSERT_BLOCK, *row) is None:
        return False
    rows = [(s.slot_id, s.held_for, s.start_at, s.end_at, s.start_on, s.capacity) for s in slots]
    await connection.execute(INSERT_SLOTS, pool.block_id, *map(list, zip(*rows, strict=True)))
    return True


async def overlaps(
    connection: Connection, site_id: str, cvx: str, plan: str | None, week_on: date, times: Sequence[Times]
) -> bool:
    """Whether the site has a slot for this plan and product at one of these times, in a block of a week beside."""
    starts, ends = [one.start_at for one in times], [one.end_at for one in times]
    return bool(await connection.fetchval(OVERLAPS, site_id, cvx, plan, week_on, starts, ends))


async def plan_is_known(connection: Connection, plan: str) -> bool:
    """Whether a member of it was ever heard of."""
    return bool(await connection.fetchval(PLAN_IS_KNOWN, plan))


async def list_promised(connection: Connection, site_id: str, from_on: date) -> list[Promised]:
    """The site's blocks with a slot from this day on, of all plans."""
    return [Promised(*row) for row in await connection.fetch(LIST_PROMISED, site_id, from_on)]


async def load_slot(connection: Connection, slot_id: UUID) -> Slot | None:
    """None too if it is held for a plan that is not the tenant's."""
    row = await connection.fetchrow(LOAD_SLOT, slot_id)
    return None if row is None else _slot(row)


async def is_held_for_another(connection: Connection, slot_id: UUID) -> bool:
    """Whether a slot that `load_slot` did not find is there nevertheless."""
    return bool(await connection.fetchval(IS_HELD_FOR_ANOTHER, slot_id))


async def lock_blocks(connection: Connection, block_ids: Sequence[UUID]) -> None:
    """From here on nobody else changes who holds their places; a block's news leave in the order of their commits."""
    await connection.execute(LOCK_BLOCKS, block_ids)


async def find_place(connection: Connection, slot_id: UUID) -> int | None:
    """A free place of the slot."""
    found: int | None = await connection.fetchval(FIND_PLACE, slot_id)
    return found


async def take_place(connection: Connection, slot_id: UUID, place: int, appointment_id: UUID) -> None:
    """Exactly one row: the place was found free in this transaction and is locked."""
    tag = await connection.execute(TAKE_PLACE, slot_id, place, appointment_id)
    assert tag == "UPDATE 1", "a place that was found free and locked can't be taken"


async def free_places(connection: Connection, appointment_ids: Sequence[UUID]) -> None:
    await connection.execute(FREE_PLACES, appointment_ids)


async def change_pools(connection: Connection, changes: Mapping[UUID, tuple[int, int]], today: date) -> list[Pool]:
    """Add to the counts of booked and fulfilled; the blocks as they are now."""
    booked, fulfilled = [b for b, _ in changes.values()], [f for _, f in changes.values()]
    return [_pool(row) for row in await connection.fetch(CHANGE_POOLS, list(changes), booked, fulfilled, today)]


async def release_slots(connection: Connection, until_on: date, today: date) -> list[Pool]:
    """Open to all plans what starts by then and is held for one; the blocks that this changed."""
    blocks = [row["block_id"] for row in await connection.fetch(LOCK_RELEASABLE, until_on)]
    return [_pool(row) for row in await connection.fetch(RELEASE_SLOTS, blocks, until_on, today)]


async def list_free(
    connection: Connection, wanted: Wanted, from_on: date, after: datetime | None, limit: int
) -> list[FreeSlot]:
    """Slots with room that the tenant may book, soonest first; none that began before the hour, where one is known."""
    rows = await connection.fetch(LIST_FREE, from_on, *wanted, limit, after)
    return [FreeSlot(_slot(row), _listed_site(row), row["places"]) for row in rows]


def _listed_site(row: Record) -> Site:
    return Site(row["site_id"], row["name"], row["zip5"], row["time_zone"], row["kind"], {})


def _slot(row: Record) -> Slot:
    return Slot(**{name: row[name] for name in Slot.__slots__})


def _pool(row: Record) -> Pool:
    return Pool(**{name: row[name] for name in Pool.__slots__})
