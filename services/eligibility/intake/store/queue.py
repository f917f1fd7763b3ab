"""Which file is next, for the one worker of a deployment. All SQL of it."""

from collections.abc import Collection
from uuid import UUID

from services.eligibility.intake.store.absence import AbsenceState
from services.eligibility.intake.store.files import FILE_COLUMNS, FeedFile
from services.kit.postgres import Connection
from services.kit.rows import into

# The first file of each lane. One that may speak of everybody's members, as a registry's for all plans does, waits for
# what was handed in for all plans before it; plans' files never wait for it.
LOAD_NEXT = f"""
select {FILE_COLUMNS} from feed_file
where state in ('received', 'processing') and ($1 or file_id = any($2::uuid[]))
    and not exists (
        select from feed_file as ahead
        where ahead.state in ('received', 'processing') and ahead.file_no < feed_file.file_no
            and (
                coalesce(ahead.lane, ahead.tenant_id) = coalesce(feed_file.lane, feed_file.tenant_id)
                or ahead.tenant_id = '*' and coalesce(feed_file.lane, feed_file.tenant_id) = '*'
            )
    )
order by (
    select coalesce(max(served), 0) from feed_file as lane_mate
    where coalesce(lane_mate.lane, lane_mate.tenant_id) = coalesce(feed_file.lane, feed_file.tenant_id)
), file_no
limit 1
"""
LOAD_OPEN = """
select file_id from feed_file where file_id = any($1::uuid[]) and state in ('received', 'processing')
"""
SERVE = "update feed_file set served = nextval('feed_turn') where file_id = $1"
LOAD_RELEASED = f"""
select {FILE_COLUMNS} from feed_file
where exists (select from feed_absence where feed_absence.file_id = feed_file.file_id and absence = $1)
order by file_no limit 1
"""
WAITING = "select count(*) from feed_file where state in ('received', 'processing')"
"""Files that are not read to their end."""
OLDEST_WAITING = """
select coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::float8 as value
from feed_file where state in ('received', 'processing')
"""
"""How old the oldest of them is, in seconds."""
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


async def load_next(connection: Connection, begun: Collection[UUID], *, may_begin: bool) -> FeedFile | None:
    """The file to work on, the first of its lane: whose lane waits longest for its turn, of several that had none yet
    the one that was submitted first. Only of those that are `begun`, unless another one may begin."""
    row = await connection.fetchrow(LOAD_NEXT, may_begin, list(begun))
    return None if row is None else into(FeedFile, row)


async def load_open(connection: Connection, begun: Collection[UUID]) -> set[UUID]:
    """Which of these are still to be read; a person may have cancelled others."""
    return {row["file_id"] for row in await connection.fetch(LOAD_OPEN, list(begun))}


async def serve(connection: Connection, file_id: UUID) -> None:
    """The file's lane had its turn; it has the next one when all others had theirs."""
    await connection.execute(SERVE, file_id)


async def load_released(connection: Connection) -> FeedFile | None:
    """A file of which a person released what it says of those who are not in it."""
    row = await connection.fetchrow(LOAD_RELEASED, AbsenceState.RELEASED)
    return None if row is None else into(FeedFile, row)
