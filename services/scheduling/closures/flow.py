"""A day or a block of a site is closed: lock, load, decide, save, announce, in one transaction."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.kit.auth import Principal
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS, Connection
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.replicas.persons import store as persons
from services.scheduling.appointments.flow.bookings import save
from services.scheduling.appointments.flow.locking import load_site_day
from services.scheduling.appointments.flow.looks import record_look
from services.scheduling.appointments.rules import Appointment
from services.scheduling.blocks import store as blocks
from services.scheduling.closures import rules, store
from services.scheduling.closures.rules import Closed, Closing, ClosingSlot, OthersBooked
from services.scheduling.days.rules import Moment, is_far
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites import store as sites


async def close(
    work: UnitOfWork, principal: Principal, closing: Closing, moment: Moment, *, is_dry_run: bool
) -> Closed | OthersBooked | RefusalCode:
    """Nobody books any more in what is to come of the day or block, and its bookings are off for the reason, if they
    are as many as is expected. A dry run changes nothing and expects nothing."""
    today = await days.load_day(work.connection)
    if today is None:
        return RefusalCode.DAY_NOT_OPEN
    slots = await _slots(work.connection, principal, closing, moment, today)
    if isinstance(slots, RefusalCode):
        return slots
    bookings = await _lock_bookings(work.connection, [slot.slot_id for slot in slots])
    await record_look(work, principal, [booking.appointment_id for booking in bookings])
    day = await load_site_day(work.connection, closing.site_id, moment, today)
    changes, came = rules.cancelled(bookings, closing.reason, day)
    closed = Closed(closing, [after for _, after in changes], came)
    if is_dry_run:
        return closed
    done = await _close(work.connection, closed, slots, moment)
    if isinstance(done, Closed):
        await save(work, changes, today, moment.at)
    return done


async def reopen(
    work: UnitOfWork, principal: Principal, site_id: str, closure_id: UUID, moment: Moment
) -> RefusalCode | None:
    """What was closed may be booked again; what was cancelled stays so."""
    if principal.tenant != ALL_TENANTS:
        return RefusalCode.OTHER_TENANT
    if not await store.reopen(work.connection, site_id, closure_id, moment.at):
        return RefusalCode.UNKNOWN_CLOSURE
    closed = await store.load_closed(work.connection, closure_id)
    await blocks.lock_blocks(work.connection, sorted({block_id for _, block_id in closed}))
    await blocks.close_slots(work.connection, [slot_id for slot_id, _ in closed], None)
    return None


async def _slots(
    connection: Connection, principal: Principal, closing: Closing, moment: Moment, today: date
) -> Sequence[ClosingSlot] | RefusalCode:
    """What is to come of the day or block, for who acts for all plans."""
    if await sites.load_site(connection, closing.site_id) is None:
        return RefusalCode.UNKNOWN_SITE
    if principal.tenant != ALL_TENANTS:
        return RefusalCode.OTHER_TENANT
    if is_far(moment, today):
        return RefusalCode.FAR_INSTANT
    found = await store.load_slots(connection, closing.site_id, closing.closed_on, closing.block_id)
    return rules.to_come(found, moment, today) or RefusalCode.NOTHING_TO_CLOSE


async def _lock_bookings(connection: Connection, slot_ids: Sequence[UUID]) -> list[Appointment]:
    person_of = await persons.lock_persons(connection, await store.load_booked(connection, slot_ids))
    return await store.lock_bookings(connection, slot_ids, {*person_of, *person_of.values()})


async def _close(
    connection: Connection, closed: Closed, slots: Sequence[ClosingSlot], moment: Moment
) -> Closed | OthersBooked:
    """Close the slots, unless somebody else is booked there: since the dry run, or since the bookings were locked."""
    slot_ids = [slot.slot_id for slot in slots]
    await blocks.lock_blocks(connection, sorted({slot.block_id for slot in slots}))
    booked = await store.count_booked(connection, slot_ids)
    if not booked == closed.bookings == closed.closing.expected:
        return OthersBooked(booked)
    done = closed._replace(closure_id=new_id())
    await store.insert_closure(connection, done, moment.at)
    await blocks.close_slots(connection, slot_ids, done.closure_id)
    return done
