"""SQL of workers, their trainings and cohorts. Runs as the plan, so row-level security hides other plans' rows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

import asyncpg

from services.kit.postgres import Connection
from services.kit.rows import into
from services.outreach.workers.rules import (
    Absence,
    Cohort,
    Discipline,
    Grade,
    Level,
    OrganizationKind,
    Training,
    Worker,
)

INSERT_WORKER = """
insert into worker (tenant_id, worker_id, version, discipline, organization, organization_kind, grade, languages,
    cultures, zips, working_days, capacity, absences, changed_by)
values ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict do nothing returning version
"""
UPDATE_WORKER = """
update worker set version = version + 1, discipline = $3, organization = $4, organization_kind = $5, grade = $6,
    languages = $7, cultures = $8, zips = $9, working_days = $10, capacity = $11, absences = $12, changed_by = $13,
    changed_at = clock_timestamp()
where (tenant_id, worker_id, version) = ($1, $2, $14) returning version
"""
LOAD_WORKERS = """
select tenant_id, worker_id, version, discipline, organization, organization_kind, grade, languages, cultures, zips,
    working_days, capacity, absences
from worker where $1::text is null or worker_id = $1 order by worker_id
"""
LOAD_TRAININGS = """
select worker_id, course, from_on, cohort_id, completed_on, expires_on from worker_training
where $1::text is null or worker_id = $1 order by worker_id, from_on, course
"""
SAVE_TRAINING = """
insert into worker_training (tenant_id, worker_id, course, from_on, cohort_id, completed_on, expires_on, told_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant_id, worker_id, course, from_on) do update set cohort_id = excluded.cohort_id,
    completed_on = excluded.completed_on, expires_on = excluded.expires_on, told_by = excluded.told_by,
    told_at = clock_timestamp()
"""
SAVE_COHORT = """
insert into cohort (tenant_id, cohort_id, course, begins_on, ends_on) values ($1, $2, $3, $4, $5)
on conflict (tenant_id, cohort_id) do update
    set course = excluded.course, begins_on = excluded.begins_on, ends_on = excluded.ends_on
"""
LOAD_COHORTS = "select cohort_id, course, begins_on, ends_on from cohort order by begins_on desc, cohort_id"
LOAD_COHORT = "select cohort_id, course, begins_on, ends_on from cohort where cohort_id = $1"
ANYBODY_DESCRIBED = "select exists (select from worker)"
LOAD_TODAY = "select coalesce((select business_on from business_day), current_date)"


async def save_worker(
    connection: Connection, tenant_id: str, worker: Worker, version: int | None, by: str
) -> int | None:
    """Keep a new worker, or the new description of the one of this version. Gives the version that stands now; None
    where another stood, or a new one was there already."""
    absences = [{name: day.isoformat() for name, day in asdict(one).items()} for one in worker.absences]
    values = [
        tenant_id, worker.worker_id, worker.discipline, worker.organization, worker.organization_kind, worker.grade,
        {language: level.name for language, level in worker.languages.items()}, sorted(worker.cultures),
        sorted(worker.zips), {str(day): hours for day, hours in worker.working_days.items()}, worker.capacity,
        absences, by,
    ]  # fmt: skip
    query, *known = (INSERT_WORKER,) if version is None else (UPDATE_WORKER, version)
    saved: int | None = await connection.fetchval(query, *values, *known)
    return saved


async def load_workers(connection: Connection, worker_id: str | None = None) -> dict[str, tuple[Worker, int]]:
    """The plan's workers with their trainings and versions, by their codes; or this one."""
    trainings: dict[str, list[Training]] = defaultdict(list)
    for row in await connection.fetch(LOAD_TRAININGS, worker_id):
        trainings[row["worker_id"]].append(into(Training, row))
    rows = await connection.fetch(LOAD_WORKERS, worker_id)
    return {row["worker_id"]: (_worker(row, trainings[row["worker_id"]]), row["version"]) for row in rows}


def _worker(row: asyncpg.Record, trainings: Sequence[Training]) -> Worker:
    return into(
        Worker,
        row,
        discipline=Discipline(row["discipline"]),
        organization_kind=OrganizationKind(row["organization_kind"]),
        grade=Grade(row["grade"]),
        languages={language: Level[level] for language, level in row["languages"].items()},
        cultures=frozenset(row["cultures"]),
        zips=frozenset(row["zips"]),
        working_days={int(day): hours for day, hours in row["working_days"].items()},
        absences=tuple(_absence(one) for one in row["absences"]),
        trainings=tuple(trainings),
    )


def _absence(told: dict[str, str]) -> Absence:
    return Absence(date.fromisoformat(told["from_on"]), date.fromisoformat(told["until_on"]))


async def save_training(connection: Connection, tenant_id: str, worker_id: str, told: Training, by: str) -> None:
    """Keep how far a worker, who is there, is with a course."""
    dates = (told.from_on, told.cohort_id, told.completed_on, told.expires_on)
    await connection.execute(SAVE_TRAINING, tenant_id, worker_id, told.course, *dates, by)


async def save_cohort(connection: Connection, tenant_id: str, cohort: Cohort) -> None:
    """Keep a cohort, new or told anew."""
    await connection.execute(SAVE_COHORT, tenant_id, cohort.cohort_id, cohort.course, cohort.begins_on, cohort.ends_on)


async def load_cohorts(connection: Connection) -> list[Cohort]:
    """The plan's cohorts, the latest first."""
    return [into(Cohort, row) for row in await connection.fetch(LOAD_COHORTS)]


async def load_cohort(connection: Connection, cohort_id: str) -> Cohort | None:
    """One of them."""
    row = await connection.fetchrow(LOAD_COHORT, cohort_id)
    return None if row is None else into(Cohort, row)


async def is_anybody_described(connection: Connection) -> bool:
    """Whether the plan has described any worker."""
    return bool(await connection.fetchval(ANYBODY_DESCRIBED))


async def load_today(connection: Connection) -> date:
    """The open business day; the database's before the first was opened."""
    today: date = await connection.fetchval(LOAD_TODAY)
    return today
