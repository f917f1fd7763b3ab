"""Who is not in a plan's full list has left: what is believed of it at once, and what waits for a person."""

from collections.abc import Iterable
from datetime import date

from services.eligibility.clock import store as clock_store
from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.intake.full_lists import FullList
from services.eligibility.intake.lists_in_parts import Said, is_whole, together
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store.absence import Absence, AbsenceState
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.coverage import cut
from services.eligibility.people.restatement import stamped
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store.members import LeftOut
from services.kit.postgres import ALL_TENANTS, Connection, Pool, transaction
from services.kit.unit_of_work import UnitOfWork, working

PER_BATCH = 1000
SHARE = 0.25
"""A full list that would end the coverage of this much of a plan, or more, waits: somebody must look at it."""


def is_believed(absent: int, insured: int) -> bool:
    """Whether so many absent members may be ended without a person: less than a quarter of those who were insured
    before this file."""
    return absent == 0 or absent < SHARE * insured


async def end_absent(pool: Pool, file: FeedFile, lists: Iterable[FullList]) -> None:
    """Each plan's list is judged by itself; one that comes in several files with the file that completes it."""
    if file.list_name is not None:
        await _end_absent_of_parts(pool, file, file.list_name, lists)
        return
    for full_list in lists:
        async with transaction(pool, ALL_TENANTS) as connection:
            file = await file_store.lock_file(connection, file.file_id)
            if file.state == "cancelled":
                return
            known = {absence.plan: absence for absence in await absence_store.load_absences(connection, file.file_id)}
            judged = known.get(full_list.plan) or await _judged(connection, file, full_list)
            await absence_store.save_absence(connection, file.file_id, judged)
        if judged.absence == AbsenceState.APPLIED:
            await _end(pool, file, judged)


async def _end_absent_of_parts(pool: Pool, file: FeedFile, list_name: str, lists: Iterable[FullList]) -> None:
    """Keep what this part says; if none lacks, judge what all say together."""
    async with transaction(pool, ALL_TENANTS) as connection:
        file = await file_store.lock_file(connection, file.file_id)
        if file.state == "cancelled":
            return
        for full_list in lists:
            await absence_store.save_absence(connection, file.file_id, await _part_of(connection, file, full_list))
        parts = await absence_store.load_parts(connection, file.tenant_id, list_name, file.file_id)
        if is_whole(parts):
            said = await absence_store.load_said(connection, file.tenant_id, list_name, file.file_id)
            for merged in (each for each in together(parts, said) if each.is_complete):
                await absence_store.judge_list(
                    connection, file.file_id, await _judged_together(connection, file, merged)
                )
        judged = await absence_store.load_absences(connection, file.file_id)
    for one_plan in judged:
        if one_plan.absence == AbsenceState.APPLIED:
            await _end(pool, file, one_plan)


async def _part_of(connection: Connection, file: FeedFile, one: FullList) -> Absence:
    today = (await clock_store.share_clock(connection)).business_on
    said_on = min(one.said_on, today) if one.said_on else today
    before_no = await _first_to_stand_in(connection, file, one)
    absence = AbsenceState.PART if one.is_complete else AbsenceState.INCOMPLETE
    return Absence(one.plan, one.said.at, said_on, before_no, absence, one.said.by, one.said.no)


async def _judged_together(connection: Connection, file: FeedFile, one: Said) -> Absence:
    """Newcomers of any part make a quarter no smaller."""
    left_out = LeftOut(one.plan, one.before_no, file.file_no, one.said_on, one.said)
    counts = await people_store.count_absent(connection, left_out, 0, (), one.file_no)
    is_fine = all(is_believed(absent, insured) for absent, insured in counts)
    absence = AbsenceState.APPLIED if is_fine else AbsenceState.TOO_MANY
    return Absence(one.plan, one.said.at, one.said_on, one.before_no, absence, one.said.by, one.said.no)


async def _judged(connection: Connection, file: FeedFile, one: FullList) -> Absence:
    today = (await clock_store.share_clock(connection)).business_on
    said_on = min(one.said_on, today) if one.said_on else today
    before_no = await _first_to_stand_in(connection, file, one)
    left_out = LeftOut(one.plan, before_no, file.file_no, said_on, one.said)
    counts = await people_store.count_absent(connection, left_out, one.overtaken, one.overtaken_in)
    absence = AbsenceState.APPLIED if one.is_complete else AbsenceState.INCOMPLETE
    if absence == AbsenceState.APPLIED and not all(is_believed(absent, insured) for absent, insured in counts):
        absence = AbsenceState.TOO_MANY
    return Absence(one.plan, one.said.at, said_on, before_no, absence, one.said.by, one.said.no)


async def _first_to_stand_in(connection: Connection, file: FeedFile, one: FullList) -> int:
    """Who stands in this file, or a later one, is present. Somebody of whom a rejected row may speak is absent only if
    the full file before did not list him either; a part that was read before is part of the list."""
    first = min(file.file_no, one.read_in or file.file_no)
    if one.is_certain:
        return first
    return min(first, await absence_store.load_previous_full(connection, one.plan, file.file_no))


async def end_released(pool: Pool, file: FeedFile) -> None:
    """What a person released is ended, but for those who came back or of whom something newer was said since."""
    async with transaction(pool, ALL_TENANTS) as connection:
        found = await absence_store.load_absences(connection, file.file_id)
    for absence in found:
        if absence.absence == AbsenceState.RELEASED:
            await _end(pool, file, absence)
    async with transaction(pool, ALL_TENANTS) as connection:
        await absence_store.end_release(connection, file.file_id)


async def _end(pool: Pool, file: FeedFile, one: Absence) -> None:
    ended = 1
    while ended:
        async with working(pool) as work:
            connection = work.connection
            await file_store.lock_file(connection, file.file_id)
            today = (await clock_store.share_clock(connection)).business_on
            left_out = LeftOut(one.plan, one.before_no, file.file_no, one.said_on, one.said)
            ended = await end_coverage(work, left_out, today, PER_BATCH)
            await absence_store.add_ended(connection, file.file_id, one.plan, ended)


async def end_coverage(work: UnitOfWork, left_out: LeftOut, today: date, limit: int) -> int:
    """End the coverage of some members whom a plan's full list leaves out. Gives how many; 0: nobody is left."""
    plan, said = left_out.plan, left_out.said
    tokens = await people_store.load_absent(work.connection, left_out, limit)
    await people_store.lock_persons(work.connection, tokens)
    absent = [
        enrolment
        for enrolment in await people_store.load_enrolments(work.connection, tokens)
        if enrolment.tenant_id == plan
    ]
    ended = [
        stamped(enrolment._replace(spans=cut(enrolment.spans, left_out.said_on - ONE_DAY)), said)
        for enrolment in absent
    ]
    await people_store.save_enrolments(work.connection, ended)
    await redecide(work, tokens, today)
    return len(ended)
