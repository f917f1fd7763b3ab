"""SQL of matching: what is asked of workers and borne by them, and what is assigned to whom. Runs as the plan, so
row-level security hides other plans' rows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.kit.postgres import Connection
from services.kit.rows import columns, into, names, unnested
from services.outreach.matching.members import OnRecord, OpenCase
from services.outreach.matching.rules import Avoided
from services.outreach.matching.standing import Assignment, Ended, NewAssignment, Scope

HARD = """exists (
    select from person as hers join attempt as tried on tried.member_token = hers.member_token
    where hers.person_token = {person} and tried.hard_call
        and not exists (select from attempt_retraction as taken where taken.attempt_id = tried.attempt_id)
)"""
"""Whether a call with the person weighed on whoever made it."""
COUNT_HARD_CALLS = """
select count(*) from attempt where hard_call and worker_id = $1 and attempted_on = $2
    and not exists (select from attempt_retraction as taken where taken.attempt_id = attempt.attempt_id)
"""
LOAD_OPEN = """
select held.case_id, known.person_token, held.programme_id, held.rank, held.language, held.needs_language,
    whose.interpreter_needed, held.zip5
from outreach_case as held
join person as known on known.member_token = held.member_token
join enrolment as whose using (enrolment_id, programme_id)
where held.status = 'open' and (held.case_id = $4
        or held.assigned_to is null and held.held_by is null and held.callback_at is null
        and (held.lease_until is null or held.lease_until <= clock_timestamp()))
    and ($1::text is null or held.programme_id = $1) and ($2::text is null or held.zip5 = $2)
    and ($4::uuid is null or held.case_id = $4)
order by held.rank desc, held.case_id desc limit $3
"""
LOAD_WISHES = """
select person_token, manager, cultures from wish
join (select distinct enrolment_id, member_token from enrolment) as whose using (enrolment_id)
join person using (member_token) where $1::uuid is null or person_token = $1 order by told_at
"""
LOAD_AVOIDED = """
select distinct person_token, kind, code from avoidance join enrolment using (enrolment_id)
join person using (member_token) where retracted_at is null and ($1::uuid is null or person_token = $1)
"""
LOAD_LAST_WORKERS = """
select distinct on (person_token) person_token, worker_id from attempt join person using (member_token)
where disposition = any($2) and ($1::uuid is null or person_token = $1)
    and not exists (select from attempt_retraction as taken where taken.attempt_id = attempt.attempt_id)
order by person_token, attempted_at desc, attempt_id
"""
LOAD_HARD = """
select distinct person_token from attempt join person using (member_token)
where hard_call and ($1::uuid is null or person_token = $1)
    and not exists (select from attempt_retraction as taken where taken.attempt_id = attempt.attempt_id)
"""
LOAD_LOADS = """
select worker_id, sum(weight)::int as load, (count(*) filter (where is_hard))::int as hard_load
from assignment join outreach_case using (case_id)
where ended_at is null and status = 'open' group by 1
"""
# What a batch was made from: whoever assigns meanwhile, or tells of a worker or a member, makes it another.
LOAD_STAND = """
select concat_ws(' ',
    (select count(*) || ' ' || max(assigned_at) || ' ' || count(ended_at) from assignment),
    (select count(*) || ' ' || sum(version) from worker), (select max(told_at) from worker_training),
    (select count(*) || ' ' || count(retracted_at) from avoidance))
"""
LOCK_ASSIGNING = "select pg_advisory_xact_lock($1, hashtext(current_setting('vcc.tenant')))"
ASSIGNING = 0x61736E
SAVE = f"""
insert into assignment ({", ".join(names(NewAssignment))})
select * from unnest({unnested(NewAssignment)})
"""
END = """
update assignment set ended_at = clock_timestamp(), ended_for = $2 where case_id = any($1) and ended_at is null
"""
LOAD_RUN_OUT = "select case_id from assignment where ended_at is null and until_on < $1 order by case_id limit $2"
LOAD_CASES_OF = "select case_id from assignment where ended_at is null and worker_id = $1"
LOAD_AVOIDED_CASES = """
select assignment.case_id from assignment join outreach_case using (case_id) join person using (member_token)
where assignment.ended_at is null
    and person_token in (select person_token from enrolment join person using (member_token) where enrolment_id = $1)
    and ($2 = 'worker' and assignment.worker_id = $3 or $2 = 'organization'
        and assignment.worker_id in (select worker_id from worker where organization = $3))
"""
LOAD_ASSIGNMENTS = f"""
select {", ".join(names(Assignment))} from assignment where case_id = $1 order by assigned_at, assignment_id
"""


async def count_hard_calls(connection: Connection, worker_id: str, day: date) -> int:
    """How many calls of that day weighed on the worker."""
    return int(await connection.fetchval(COUNT_HARD_CALLS, worker_id, day))


async def load_open(connection: Connection, scope: Scope) -> list[OpenCase]:
    """Open cases that are assigned to nobody, by rank."""
    wanted = (scope.programme_id, scope.zip5, scope.limit, scope.case_id)
    return [into(OpenCase, row) for row in await connection.fetch(LOAD_OPEN, *wanted)]


async def load_on_record(connection: Connection, spoke: Sequence[str], person: UUID | None) -> OnRecord:
    """What is on record of the plan's persons, or of this one; whoever logged one of these dispositions spoke
    with the member."""
    workers: dict[UUID, set[str]] = defaultdict(set)
    organizations: dict[UUID, set[str]] = defaultdict(set)
    for row in await connection.fetch(LOAD_AVOIDED, person):
        (workers if row["kind"] == "worker" else organizations)[row["person_token"]].add(row["code"])
    wishes = await connection.fetch(LOAD_WISHES, person)
    return OnRecord(
        managers={row["person_token"]: row["manager"] for row in wishes if row["manager"]},
        cultures={row["person_token"]: row["cultures"] for row in wishes},
        last_workers={
            row["person_token"]: row["worker_id"]
            for row in await connection.fetch(LOAD_LAST_WORKERS, person, list(spoke))
        },
        avoided={
            whose: Avoided(frozenset(workers[whose]), frozenset(organizations[whose]))
            for whose in {*workers, *organizations}
        },
        with_hard_calls={row["person_token"] for row in await connection.fetch(LOAD_HARD, person)},
    )


async def load_loads(connection: Connection) -> dict[str, tuple[int, int]]:
    """By worker, the weight of open cases that are assigned to him, and how many hard ones."""
    return {row["worker_id"]: (row["load"], row["hard_load"]) for row in await connection.fetch(LOAD_LOADS)}


async def load_stand(connection: Connection) -> str:
    """By what it is known whether anything was assigned or told in between."""
    stand: str = await connection.fetchval(LOAD_STAND)
    return stand


async def lock_assigning(connection: Connection) -> None:
    """Wait until nobody else assigns cases of the plan."""
    await connection.execute(LOCK_ASSIGNING, ASSIGNING)


async def save_assignments(connection: Connection, assignments: Sequence[NewAssignment]) -> None:
    """Keep them, each of a case that is assigned to nobody."""
    values = columns(assignments, *names(NewAssignment))
    await connection.execute(SAVE, *values)


async def end(connection: Connection, case_ids: Sequence[UUID], ended: Ended) -> None:
    """What stands of these cases does so no longer, and stays on record."""
    await connection.execute(END, list(case_ids), ended)


async def load_run_out(connection: Connection, day: date, limit: int) -> list[UUID]:
    """Cases whose assignment held until a day before this one."""
    return [row["case_id"] for row in await connection.fetch(LOAD_RUN_OUT, day, limit)]


async def load_cases_of(connection: Connection, worker_id: str) -> list[UUID]:
    """The cases that are assigned to the worker."""
    return [row["case_id"] for row in await connection.fetch(LOAD_CASES_OF, worker_id)]


async def load_avoided_cases(connection: Connection, enrolment_id: UUID, kind: str, code: str) -> list[UUID]:
    """The cases of this enrolment's person that are assigned to that worker, or to somebody of that organisation."""
    return [row["case_id"] for row in await connection.fetch(LOAD_AVOIDED_CASES, enrolment_id, kind, code)]


async def load_assignments(connection: Connection, case_id: UUID) -> list[Assignment]:
    """To whom the case was assigned, the first first, and why."""
    return [into(Assignment, row) for row in await connection.fetch(LOAD_ASSIGNMENTS, case_id)]
