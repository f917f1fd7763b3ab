"""SQL of contacts with members of whom nothing was heard yet, until a fact shows whose they are."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.rows import into
from services.outreach.attempts.rules import WaitingContact

SAVE_WAITING = """
insert into waiting_contact (attempt_id, tenant_id, enrolment_id, programme_id, worker_id, entry, logged_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_WAITING = "attempt_id, tenant_id, enrolment_id, programme_id, worker_id, entry, logged_at"
# Only what the plan says of its own member: another plan's enrolment under the same id never comes.
TAKE_KNOWN = f"""
delete from waiting_contact where attempt_id in (
    select attempt_id from waiting_contact as waits join enrolment as known using (enrolment_id, tenant_id)
    where waits.enrolment_id = any($1) and waits.retracted_at is null
        and (waits.programme_id is null or waits.programme_id = known.programme_id)
)
returning {_WAITING}
"""
LOAD_WAITING = f"select {_WAITING} from waiting_contact where attempt_id = $1"
RETRACT_WAITING = """
update waiting_contact set retracted_by = $2, retracted_for = $3, retracted_at = $4
where attempt_id = $1 and retracted_at is null
"""
ASK_CLOCK = "select clock_timestamp()"
WAITING = "select count(*) from waiting_contact where retracted_at is null"


async def ask_clock(connection: Connection) -> datetime:
    """The database clock."""
    now: datetime = await connection.fetchval(ASK_CLOCK)
    return now


async def save_waiting(connection: Connection, contact: WaitingContact) -> None:
    """Keep a contact until its member is known."""
    await connection.execute(SAVE_WAITING, *(getattr(contact, name) for name in WaitingContact.__slots__))


async def take_known(connection: Connection, enrolment_ids: Collection[UUID]) -> list[WaitingContact]:
    """Those that wait for these enrolments and need wait no longer, in the order in which they were logged."""
    rows = await connection.fetch(TAKE_KNOWN, list(enrolment_ids))
    return sorted((into(WaitingContact, row) for row in rows), key=lambda contact: contact.logged_at)


async def load_waiting(connection: Connection, attempt_id: UUID) -> WaitingContact | None:
    """A contact that waits, or was taken back while it did; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_WAITING, attempt_id)
    return None if row is None else into(WaitingContact, row)


async def retract_waiting(connection: Connection, attempt_id: UUID, by: str, reason: str, at: datetime) -> None:
    """Mark it as entered in error, unless it is already."""
    await connection.execute(RETRACT_WAITING, attempt_id, by, reason, at)
