"""All SQL of closures. Connection first; nobody here commits."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.rows import into
from services.scheduling.appointments.rules import Appointment
from services.scheduling.appointments.store import appointment_of
from services.scheduling.closures.rules import Closed, ClosingSlot

LOAD_SLOTS = """
    select slot_id, block_id, start_at, start_on from slot join block using (block_id)
    where site_id = $1 and ($2::date is null or start_on = $2) and ($3::uuid is null or block_id = $3)
        and closure_id is null
"""
LOAD_BOOKED = "select distinct member_token from appointment where slot_id = any($1) and status = 'booked'"
LOCK_BOOKINGS = """
    select * from appointment where slot_id = any($1) and status = 'booked' and member_token = any($2)
    order by appointment_id for update
"""
COUNT_BOOKED = "select count(*) from appointment where slot_id = any($1) and status = 'booked'"
INSERT_CLOSURE = """
    insert into closure (closure_id, site_id, closed_on, block_id, reason, cancelled, closed_at)
    values ($1, $2, $3, $4, $5, $6, $7)
"""
REOPEN = """
    update closure set reopened_at = $3 where closure_id = $1 and site_id = $2 and reopened_at is null returning true
"""
LOAD_CLOSED = "select slot_id, block_id from slot where closure_id = $1"


async def reopen(connection: Connection, site_id: str, closure_id: UUID, at: datetime) -> bool:
    """Whether this was a closure of the site; from now on it is none."""
    return bool(await connection.fetchval(REOPEN, closure_id, site_id, at))


async def load_closed(connection: Connection, closure_id: UUID) -> list[tuple[UUID, UUID]]:
    """The slots that it closed, each with its block."""
    return [(row["slot_id"], row["block_id"]) for row in await connection.fetch(LOAD_CLOSED, closure_id)]


async def load_slots(
    connection: Connection, site_id: str, closed_on: date | None, block_id: UUID | None
) -> list[ClosingSlot]:
    """The slots of a day or block of the site that are not closed."""
    return [into(ClosingSlot, row) for row in await connection.fetch(LOAD_SLOTS, site_id, closed_on, block_id)]


async def load_booked(connection: Connection, slot_ids: Collection[UUID]) -> set[UUID]:
    """Who has a live booking in these slots."""
    return {row["member_token"] for row in await connection.fetch(LOAD_BOOKED, list(slot_ids))}


async def lock_bookings(
    connection: Connection, slot_ids: Collection[UUID], member_tokens: Iterable[UUID]
) -> list[Appointment]:
    """Lock the live bookings in these slots of these members, who are locked."""
    rows = await connection.fetch(LOCK_BOOKINGS, list(slot_ids), list(member_tokens))
    return [appointment_of(row) for row in rows]


async def count_booked(connection: Connection, slot_ids: Collection[UUID]) -> int:
    """How many live bookings are in these slots."""
    found: int = await connection.fetchval(COUNT_BOOKED, list(slot_ids))
    return found


async def insert_closure(connection: Connection, closed: Closed, at: datetime) -> None:
    one = closed.closing
    await connection.execute(
        INSERT_CLOSURE, closed.closure_id, one.site_id, one.closed_on, one.block_id, one.reason.value,
        len(closed.cancelled), at,
    )  # fmt: skip
