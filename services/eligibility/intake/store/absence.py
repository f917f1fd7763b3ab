"""What was made of the members whom a plan's full list left out, list by list. All SQL of it."""

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.eligibility.intake.lists_in_parts import Part, Said
from services.eligibility.people.precedence import Stamp
from services.kit.postgres import Connection
from services.kit.rows import into


class AbsenceState(StrEnum):
    """What was made of those whom a full list left out, the most urgent first; a person releases or refuses what
    waits."""

    TOO_MANY = "too-many"
    RELEASED = "released"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    PART = "part"  # of a list in several files: the one that completes it tells
    APPLIED = "applied"


# The most urgent first; a file tells of its lists together: that one waits before that one was not complete.
URGENCY = ", ".join(f"'{state}'" for state in AbsenceState)
TOLD_OF_FILE = f"""(
    select absence from feed_absence where feed_absence.file_id = feed_file.file_id
    order by array_position(array[{URGENCY}], absence) limit 1
) as absence"""
ENDED_OF_FILE = """(
    select coalesce(sum(ended), 0)::integer from feed_absence where feed_absence.file_id = feed_file.file_id
) as absent_ended"""

COLUMNS = "plan, said_at, said_on, before_no, absence, said_by, said_no, ended"
LOAD = f"select {COLUMNS} from feed_absence where file_id = $1 order by plan"
SAVE = f"""
insert into feed_absence (file_id, {COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, 0) on conflict do nothing
"""
JUDGE_LIST = f"""
insert into feed_absence as part (file_id, {COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, 0)
on conflict (file_id, plan) do update set
    said_at = excluded.said_at, said_on = excluded.said_on, before_no = excluded.before_no,
    absence = excluded.absence, said_by = excluded.said_by, said_no = excluded.said_no
where part.absence = 'part'
"""
LOAD_PARTS = """
select file_no, part, parts from feed_file
where tenant_id = $1 and list_name = $2 and (state = 'processed' or file_id = $3)
    and exists (select from feed_absence where feed_absence.file_id = feed_file.file_id)
order by file_no
"""
LOAD_SAID = """
select file_no, said.plan, said.said_at, said.said_on, said.before_no, said.absence, said.said_by, said.said_no
from feed_absence as said join feed_file using (file_id)
where tenant_id = $1 and list_name = $2 and (state = 'processed' or file_id = $3) order by said.plan, file_no
"""
ADD_ENDED = "update feed_absence set ended = ended + $3 where file_id = $1 and plan = $2"
DECIDE = "update feed_absence set absence = $2 where file_id = $1 and absence = $3"
# Of a list in several files the one that completed it counts, and is as long ago as the first of them.
LOAD_PREVIOUS_FULL = """
select case when list_name is null then file_no else coalesce((
    select before_no from feed_absence where feed_absence.file_id = feed_file.file_id and feed_absence.plan = $1
), file_no) end
from feed_file
where file_no < $2 and state = 'processed'
    and not exists (
        select from feed_absence
        where feed_absence.file_id = feed_file.file_id and feed_absence.plan = $1 and absence = any($3::text[])
    )
    and case when exists (select from feed_transaction as any_one where any_one.file_id = feed_file.file_id)
        then exists (
            select from feed_transaction as full_one
            where full_one.file_id = feed_file.file_id and full_one.plan = $1 and full_one.is_full and repeats is null
        )
        else feed_file.plan = $1 and is_full
    end
order by file_no desc limit 1
"""
LOAD_LATER = """
select said_at, said_on from feed_absence
where plan = $1 and absence = 'applied' and before_no > $2 and said_at > $3
order by said_at limit 1
"""


class Absence(NamedTuple):
    """Whom a plan's list left out, and what was made of it: `before_no` is the first file in which one must stand,
    `said_on` the day from which one is not covered."""

    plan: str
    said_at: datetime | None
    said_on: date
    before_no: int
    absence: str
    said_by: str = ""
    said_no: int = 0
    ended: int = 0

    @property
    def said(self) -> Stamp:
        return Stamp(self.said_at, self.said_by, self.said_no)


async def load_absences(connection: Connection, file_id: UUID) -> list[Absence]:
    return [into(Absence, row) for row in await connection.fetch(LOAD, file_id)]


async def save_absence(connection: Connection, file_id: UUID, one: Absence) -> None:
    """Say once what was made of it."""
    said = one.said_at, one.said_on, one.before_no, one.absence, one.said_by, one.said_no
    await connection.execute(SAVE, file_id, one.plan, *said)


async def add_ended(connection: Connection, file_id: UUID, plan: str, ended: int) -> None:
    await connection.execute(ADD_ENDED, file_id, plan, ended)


async def decide(connection: Connection, file_id: UUID, decision: str) -> None:
    """A person decided of all that waits of the file."""
    await connection.execute(DECIDE, file_id, decision, AbsenceState.TOO_MANY)


async def end_release(connection: Connection, file_id: UUID) -> None:
    await connection.execute(DECIDE, file_id, AbsenceState.APPLIED, AbsenceState.RELEASED)


async def load_previous_full(connection: Connection, plan: str, file_no: int) -> int:
    """The number of the last complete file before this one that listed everybody of the plan; 0 if there is none."""
    unjudged = [AbsenceState.INCOMPLETE, AbsenceState.PART]
    return await connection.fetchval(LOAD_PREVIOUS_FULL, plan, file_no, unjudged) or 0


async def load_parts(connection: Connection, tenant: str, list_name: str, file_id: UUID) -> list[Part]:
    """The files of a list that were read to their end, and this one."""
    return [into(Part, row) for row in await connection.fetch(LOAD_PARTS, tenant, list_name, file_id)]


async def load_said(connection: Connection, tenant: str, list_name: str, file_id: UUID) -> list[Said]:
    """What they say of each plan."""
    rows = await connection.fetch(LOAD_SAID, tenant, list_name, file_id)
    return [
        Said(
            row["file_no"], row["plan"], Stamp(row["said_at"], row["said_by"], row["said_no"]), row["said_on"],
            row["before_no"], row["absence"] != AbsenceState.INCOMPLETE,
        )
        for row in rows
    ]  # fmt: skip


async def judge_list(connection: Connection, file_id: UUID, one: Absence) -> None:
    """Say with the part that completed the list, once, what was made of it."""
    said = one.said_at, one.said_on, one.before_no, one.absence, one.said_by, one.said_no
    await connection.execute(JUDGE_LIST, file_id, one.plan, *said)


class LaterList(NamedTuple):
    """A list in which somebody does not stand: he is covered no more from `said_on` on."""

    said_at: datetime
    said_on: date


async def load_later(connection: Connection, plan: str, file_no: int, said_at: datetime | None) -> LaterList | None:
    """The first list of the plan that was judged, is newer than this statement, and lists nobody last seen in this
    file."""
    row = await connection.fetchrow(LOAD_LATER, plan, file_no, said_at)
    return into(LaterList, row) if row is not None else None
