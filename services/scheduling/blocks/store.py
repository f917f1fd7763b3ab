"""All SQL of weekly blocks, slots and their places. Connection first; nobody here commits."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from schemas.envelope import Event
from schemas.scheduling_v1 import SlotPoolChangedV1
from services.kit.next_page import Place
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.rows import columns, into
from services.scheduling.blocks.rules import Block, FreeSlot, OfferedBlock, Slot, SlotSearch, SlotTime
from services.scheduling.sites.rules import Site

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
LIST_OFFERED = "select * from blocks_from($1, $2)"

LOAD_SLOT = """
    select slot.*, block.site_id, block.cvx, block.vaccine_group, exists (
        select from site_product as gives
        where (gives.site_id, gives.cvx, gives.vaccine_group) = (block.site_id, block.cvx, block.vaccine_group)
    ) as is_given, slot.closure_id is not null as is_closed
    from slot join block using (block_id) where slot_id = $1
"""
IS_HELD_FOR_ANOTHER = "select slot_held_for_another($1)"
LOCK_BLOCKS = "select from block where block_id = any($1) order by block_id for update"
FIND_PLACE = """
    select place from slot_place
    where slot_id = $1 and appointment_id is null
        and exists (select from slot where slot.slot_id = $1 and closure_id is null)
    order by place limit 1 for update
"""
TAKE_PLACE = """
    update slot_place set appointment_id = $3 where slot_id = $1 and place = $2 and appointment_id is null
"""
CLOSE_SLOTS = "update slot set closure_id = $2 where slot_id = any($1)"
FREE_PLACES = "update slot_place set appointment_id = null where appointment_id = any($1)"

CHANGE_COUNTS = """
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
    select slot.*, block.site_id, block.cvx, block.vaccine_group, true as is_given, false as is_closed,
        site.name, site.zip5, site.time_zone, site.kind, free.places
    from slot
        join block using (block_id)
        join site using (site_id)
        join site_product using (site_id, cvx, vaccine_group)
        cross join lateral (
            select count(*) as places from slot_place
            where slot_place.slot_id = slot.slot_id and appointment_id is null
        ) as free
    where free.places > 0 and slot.closure_id is null
        and case when $7::timestamptz is null then slot.start_on >= $1 else slot.start_at > $7 end
        and ($2::text is null or block.site_id = $2)
        and ($3::date is null or block.week_on = $3)
        and ($4::text is null or site.zip5 = $4)
        and ($5::text is null or block.vaccine_group = $5)
        and ($8::timestamptz is null or (slot.start_at, slot_id) > ($8, $9::uuid))
    order by slot.start_at, slot_id
    limit $6
"""

OWNED: Mapping[type[Event], Owned] = {SlotPoolChangedV1: Owned.by_version("block", "block_id")}


async def has_blocks(connection: Connection, site_id: str) -> bool:
    """Whether the site ever had a block."""
    return bool(await connection.fetchval(HAS_BLOCKS, site_id))


async def insert_block(connection: Connection, block: Block, reserved_for: str | None, slots: Sequence[Slot]) -> bool:
    """Keep a new block with its slots and their places. False if there is such a block already: the same site, week,
    plan and product."""
    values = (
        block.block_id, block.site_id, block.week_on, block.cvx, block.vaccine_group, reserved_for, block.held_for,
        block.capacity, block.released, block.changed_on,
    )  # fmt: skip
    if await connection.fetchval(INSERT_BLOCK, *values) is None:
        return False
    new = columns(slots, "slot_id", "held_for", "start_at", "end_at", "start_on", "capacity")
    await connection.execute(INSERT_SLOTS, block.block_id, *new)
    return True


async def overlaps(
    connection: Connection, site_id: str, cvx: str, plan: str | None, week_on: date, times: Sequence[SlotTime]
) -> bool:
    """Whether the site has a slot for this plan and product at one of these times, in a block of a week beside."""
    starts, ends = [time.start_at for time in times], [time.end_at for time in times]
    return bool(await connection.fetchval(OVERLAPS, site_id, cvx, plan, week_on, starts, ends))


async def list_offered(connection: Connection, site_id: str, from_on: date) -> list[OfferedBlock]:
    """The site's blocks with a slot from this day on, of all plans."""
    return [into(OfferedBlock, row) for row in await connection.fetch(LIST_OFFERED, site_id, from_on)]


async def load_slot(connection: Connection, slot_id: UUID) -> Slot | None:
    """The slot; None too if it is held for a plan that is not the tenant's."""
    row = await connection.fetchrow(LOAD_SLOT, slot_id)
    return None if row is None else _slot(row)


async def is_held_for_another(connection: Connection, slot_id: UUID) -> bool:
    """Whether a slot that `load_slot` did not find is there nevertheless."""
    return bool(await connection.fetchval(IS_HELD_FOR_ANOTHER, slot_id))


async def lock_blocks(connection: Connection, block_ids: Sequence[UUID]) -> None:
    """Lock these blocks: from here on nobody else changes who has their places, and what is told of a block leaves in
    the order of its commits."""
    await connection.execute(LOCK_BLOCKS, block_ids)


async def find_place(connection: Connection, slot_id: UUID) -> int | None:
    """Lock a free place of the slot and give its number; None if the slot is full, or was closed."""
    found: int | None = await connection.fetchval(FIND_PLACE, slot_id)
    return found


async def take_place(connection: Connection, slot_id: UUID, place: int, appointment_id: UUID) -> None:
    """Give a place that was found free in this transaction, and is locked, to an appointment."""
    tag = await connection.execute(TAKE_PLACE, slot_id, place, appointment_id)
    assert tag == "UPDATE 1", "a place that was found free and locked can't be taken"


async def close_slots(connection: Connection, slot_ids: Sequence[UUID], closure_id: UUID | None) -> None:
    """From here on nobody takes a place of these slots, whose blocks are locked."""
    await connection.execute(CLOSE_SLOTS, slot_ids, closure_id)


async def free_places(connection: Connection, appointment_ids: Sequence[UUID]) -> None:
    """Free the places that these appointments have."""
    await connection.execute(FREE_PLACES, appointment_ids)


async def change_counts(connection: Connection, changes: Mapping[UUID, tuple[int, int]], today: date) -> list[Block]:
    """Add to the counts of booked and fulfilled; gives the blocks as they are now."""
    booked, fulfilled = [count for count, _ in changes.values()], [count for _, count in changes.values()]
    return [_block(row) for row in await connection.fetch(CHANGE_COUNTS, list(changes), booked, fulfilled, today)]


async def release_slots(connection: Connection, until_on: date, today: date) -> list[Block]:
    """Open to all plans what starts by then and is held for one; gives the blocks that this changed."""
    blocks = [row["block_id"] for row in await connection.fetch(LOCK_RELEASABLE, until_on)]
    return [_block(row) for row in await connection.fetch(RELEASE_SLOTS, blocks, until_on, today)]


async def list_free(
    connection: Connection, search: SlotSearch, from_on: date, hour: datetime | None, after: Place, limit: int
) -> list[FreeSlot]:
    """Slots with room that the tenant may book, soonest first; none that began before the hour, where one is known."""
    rows = await connection.fetch(LIST_FREE, from_on, *search, limit, hour, *after)
    return [FreeSlot(_slot(row), _listed_site(row), row["places"]) for row in rows]


def _listed_site(row: Record) -> Site:
    return into(Site, row, gives={})


def _slot(row: Record) -> Slot:
    return into(Slot, row)


def _block(row: Record) -> Block:
    return into(Block, row)
