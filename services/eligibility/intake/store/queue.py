"""Which file is next, for the one worker of a deployment. All SQL of it."""

from services.eligibility.intake.store.absence import AbsenceState
from services.eligibility.intake.store.files import FILE_COLUMNS, FeedFile
from services.kit.postgres import Connection

LOAD_NEXT = f"""
select {FILE_COLUMNS} from feed_file where state in ('received', 'processing') order by file_no limit 1
"""
LOAD_RELEASED = f"""
select {FILE_COLUMNS} from feed_file
where exists (select from feed_absence where feed_absence.file_id = feed_file.file_id and absence = $1)
order by file_no limit 1
"""
WAITING = "select count(*) from feed_file where state in ('received', 'processing')"
"""Files that are not read to their end."""
INTAKE_ID = 0x7663635F696E  # "vcc_in"
LOCK_INTAKE = "select pg_try_advisory_lock($1)"
KEEP_LOCK = "select 1"


async def lock_intake(connection: Connection) -> bool:
    """True for the one worker that takes files in, as long as its connection lives."""
    is_ours: bool = await connection.fetchval(LOCK_INTAKE, INTAKE_ID)
    return is_ours


async def keep_lock(connection: Connection) -> None:
    """A fault if the connection, and the lock with it, is gone."""
    await connection.execute(KEEP_LOCK)


async def load_next(connection: Connection) -> FeedFile | None:
    """The file to work on: the first one in the order of submission that isn't done."""
    row = await connection.fetchrow(LOAD_NEXT)
    return None if row is None else FeedFile(*row)


async def load_released(connection: Connection) -> FeedFile | None:
    """A file of which a person released what it says of those who are not in it."""
    row = await connection.fetchrow(LOAD_RELEASED, AbsenceState.RELEASED)
    return None if row is None else FeedFile(*row)
