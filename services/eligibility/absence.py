"""Who is not in a plan's full list has left: what is believed of it at once, and what waits for a person."""

from collections.abc import Iterable

import asyncpg

from services.eligibility import handlers, store_absence, store_decisions, store_files, store_members
from services.eligibility.feeds.records import FeedSummary
from services.eligibility.full_lists import FullList
from services.eligibility.said import Said
from services.eligibility.store_absence import Absence, AbsenceState
from services.eligibility.store_files import FeedFile
from services.kit.postgres import ALL_TENANTS, Connection, transaction
from services.kit.unit_of_work import UnitOfWork

PER_BATCH = 1000
SHARE = 0.25
"""A full list that would end the coverage of this much of a plan, or more, waits: somebody must look at it."""


def is_believed(absent: int, insured: int) -> bool:
    """A quarter is a quarter in a plan of any size."""
    return absent == 0 or absent < SHARE * insured


async def end_absent(pool: asyncpg.Pool, file: FeedFile, lists: Iterable[FullList], summary: FeedSummary) -> None:
    """Each plan's list is judged by itself."""
    for one in lists:
        async with transaction(pool, ALL_TENANTS) as connection:
            file = await store_files.lock_file(connection, file.file_id)
            known = {it.plan: it for it in await store_absence.load_absences(connection, file.file_id)}
            judged = known.get(one.plan) or await _judged(connection, file, one, summary)
            await store_absence.save_absence(connection, file.file_id, judged)
        if judged.absence == AbsenceState.APPLIED:
            await _end(pool, file, judged)


async def _judged(connection: Connection, file: FeedFile, one: FullList, summary: FeedSummary) -> Absence:
    """Somebody of whom a rejected row may speak is absent only if the full file before did not list him either."""
    today = (await store_decisions.share_clock(connection)).business_on
    said_on = min(one.said_on, today) if one.said_on else today
    before_no = file.file_no
    if summary.unidentified:
        before_no = await store_absence.load_previous_full(connection, one.plan, file.file_no)
    absent, insured = await store_members.count_absent(
        connection, one.plan, before_no, said_on, one.said_at, file.file_no
    )
    absence = AbsenceState.APPLIED if summary.is_complete else AbsenceState.INCOMPLETE
    if absence == AbsenceState.APPLIED and not is_believed(absent, insured):
        absence = AbsenceState.TOO_MANY
    return Absence(one.plan, one.said_at, said_on, before_no, absence)


async def end_released(pool: asyncpg.Pool, file: FeedFile) -> None:
    """What a person released is ended, but for those who came back or of whom something newer was said since."""
    async with transaction(pool, ALL_TENANTS) as connection:
        found = await store_absence.load_absences(connection, file.file_id)
    for one in found or _of_before(file):
        if one.absence == AbsenceState.RELEASED:
            await _end(pool, file, one)
    async with transaction(pool, ALL_TENANTS) as connection:
        await store_absence.end_release(connection, file.file_id)
        await store_files.end_release(connection, file.file_id)


def _of_before(file: FeedFile) -> list[Absence]:
    """As code wrote it that kept one list of a file."""
    if file.plan is None or file.absent_on is None or file.absent_before is None:
        return []
    return [Absence(file.plan, file.said_at, file.absent_on, file.absent_before, AbsenceState.RELEASED)]


async def _end(pool: asyncpg.Pool, file: FeedFile, one: Absence) -> None:
    ended = 1
    while ended:
        async with transaction(pool, ALL_TENANTS) as connection:
            await store_files.lock_file(connection, file.file_id)
            today = (await store_decisions.share_clock(connection)).business_on
            work = UnitOfWork(connection)
            ended = await handlers.end_absent(
                work, one.plan, one.before_no, file.file_no, one.said_on, today, PER_BATCH, Said(one.said_at)
            )
            await store_files.save_absent(connection, file.file_id, ended)
            await store_absence.add_ended(connection, file.file_id, one.plan, ended)
