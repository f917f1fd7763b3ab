"""Who is not in a full file has left: what is believed of it at once, and what waits for a person."""

from datetime import date

from services.eligibility.clock import store as clock_store
from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.feeds.records import (
    FeedSummary,
    RosterHeader,
)
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.coverage import cut
from services.eligibility.people.precedence import Stamp
from services.eligibility.people.roster import stamped
from services.eligibility.people.store import members as people_store
from services.kit.postgres import ALL_TENANTS, Pool, transaction
from services.kit.unit_of_work import UnitOfWork

PER_BATCH = 1000
SHARE = 0.25
"""A full file that would end the coverage of this much of a plan, or more, waits: somebody must look at it."""

APPLIED, INCOMPLETE, TOO_MANY = "applied", "incomplete", "too-many"


def is_believed(absent: int, insured: int) -> bool:
    """A quarter is a quarter in a plan of any size."""
    return absent == 0 or absent < SHARE * insured


async def end_absent(pool: Pool, file: FeedFile, header: RosterHeader, plan: str, summary: FeedSummary) -> None:
    """Somebody of whom a rejected row may speak is absent only if the full file before did not list him either."""
    async with transaction(pool, ALL_TENANTS) as connection:
        file = await file_store.lock_file(connection, file.file_id)
        today = (await clock_store.share_clock(connection)).business_on
        said_on = min(header.created_at.date(), today) if header.created_at else today
        previous = await file_store.load_previous_full(connection, plan, file.file_no)
        before_no = previous if summary.unidentified else file.file_no
        absent, insured = await people_store.count_absent(
            connection, plan, before_no, said_on, file.said_at, file.file_no
        )
        absence = APPLIED if summary.is_complete else INCOMPLETE
        if absence == APPLIED and file.absent_ended == 0 and not is_believed(absent, insured):
            absence = TOO_MANY
        await file_store.save_absence(connection, file.file_id, absence, before_no, said_on)
    if absence == APPLIED:
        await _end(pool, file, plan, before_no, said_on)


async def end_released(pool: Pool, file: FeedFile) -> None:
    """What a person released is ended, but for those who came back or of whom something newer was said since."""
    assert file.plan is not None, "a full file names its plan"
    assert file.absent_before is not None, "released is what was counted"
    assert file.absent_on is not None, "released is what was counted"
    await _end(pool, file, file.plan, file.absent_before, file.absent_on)
    async with transaction(pool, ALL_TENANTS) as connection:
        await file_store.end_release(connection, file.file_id)


async def _end(pool: Pool, file: FeedFile, plan: str, before_no: int, said_on: date) -> None:
    ended = 1
    while ended:
        async with transaction(pool, ALL_TENANTS) as connection:
            await file_store.lock_file(connection, file.file_id)
            today = (await clock_store.share_clock(connection)).business_on
            said = Stamp(file.said_at)
            work = UnitOfWork(connection)
            ended = await end_coverage(work, plan, before_no, said_on, today, PER_BATCH, said)
            await file_store.save_absent(connection, file.file_id, ended)


async def end_coverage(
    work: UnitOfWork, plan: str, before_no: int, said_on: date, today: date, limit: int, said: Stamp
) -> int:
    """End the coverage of some members whom a full file no longer lists. Gives how many; 0: nobody is left."""
    tokens = await people_store.load_absent(work.connection, plan, before_no, said_on, limit, said.at)
    await people_store.lock_persons(work.connection, tokens)
    absent = [one for one in await people_store.load_enrolments(work.connection, tokens) if one.tenant_id == plan]
    ended = [stamped(one._replace(spans=cut(one.spans, said_on - ONE_DAY)), said) for one in absent]
    await people_store.save_enrolments(work.connection, ended)
    await redecide(work, tokens, today)
    return len(ended)
