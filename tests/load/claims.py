"""Benchmark: 200 workers claim from 100,000 open cases at once, a third of them assigned, through one process's pool.
Of each claim the time in its transaction, and with the wait for one of the pool's connections."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from services.kit.unit_of_work import working
from services.outreach.claims.flow import claim_cases
from services.outreach.claims.rules import Wish
from services.outreach.policy import POLICY
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options
from tests.servers import Database, PostgresServer, close_database, open_database, running_postgres

PLAN, COUNT, CONNECTIONS = "lakeshore", 5, 8
SETUP = """
insert into business_day (business_on) values ('2021-03-01');
insert into person (member_token, person_token)
select id, id from (select md5('member ' || n)::uuid as id from generate_series(1, {cases}) as n) as made;
insert into enrolment (enrolment_id, programme_id, tenant_id, member_token, version, eligible, vaccinated, doses_valid,
    enrolled, contact_protected, reasons, priority, decided_on)
select md5('enrolment ' || n)::uuid, 'illinois', '{plan}', md5('member ' || n)::uuid, 1, true, false, 0, true, false,
    '', n % 1000, '2021-03-01'
from generate_series(1, {cases}) as n;
insert into outreach_case (case_id, enrolment_id, programme_id, tenant_id, member_token, version, status, opened_on,
    changed_on, priority, zip_bonus, noshow_bonus, attempts, attempt_penalty, needs_language, assigned_to)
select md5('case ' || n)::uuid, md5('enrolment ' || n)::uuid, 'illinois', '{plan}', md5('member ' || n)::uuid, 1,
    'open', '2021-03-01', '2021-03-01', n % 1000, 0, 0, 0, 0, false, case when n % 3 = 0 then 'w-' || n % {workers} end
from generate_series(1, {cases}) as n;
insert into avoidance (avoidance_id, tenant_id, enrolment_id, kind, code, reason, recorded_by)
select md5('avoidance ' || n)::uuid, '{plan}', md5('enrolment ' || n)::uuid, 'worker', 'w-' || n % {workers},
    'mistreatment', 'sue'
from generate_series(1, {cases}, 100) as n;
"""
WITHIN = Aim("at most", 50)
NONE_TWICE = Aim("at most", 0)


@dataclass(slots=True)
class _Claimed:
    """What came of all claims: whose cases, and how many milliseconds each took."""

    holders: Counter[str] = field(default_factory=Counter)
    inside_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)


def run(options: Options) -> Result:
    cases, workers = (5_000, 20) if options.quick else (100_000, 200)
    with running_postgres() as server:
        claimed = asyncio.run(_claim_all(server, cases, workers))
    twice = sum(count > 1 for count in claimed.holders.values())
    figures = [
        Figure("claimed twice", twice, "cases", NONE_TWICE, f"of {len(claimed.holders):,}"),
        Figure("a claim, p50", _quantile(claimed.inside_ms, 0.5), "ms"),
        Figure("a claim, p99", _quantile(claimed.inside_ms, 0.99), "ms", WITHIN, f"{len(claimed.inside_ms):,} claims"),
        Figure("with the wait for a connection, p99", _quantile(claimed.whole_ms, 0.99), "ms"),
    ]
    return Result("claims", "Claims at once", figures, {"cases": cases, "workers": workers, "count": COUNT})


async def _claim_all(server: PostgresServer, cases: int, workers: int) -> _Claimed:
    database = await open_database(server, "outreach")
    async with database.owner.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('vcc.tenant', '*', true)")
        await connection.execute(SETUP.format(cases=cases, workers=workers, plan=PLAN))
    async with database.owner.acquire() as connection:
        await connection.execute("analyze")
    claimed, places = _Claimed(), asyncio.Semaphore(CONNECTIONS)
    await asyncio.gather(*(_claim(database, f"w-{number}", places, claimed) for number in range(workers)))
    await close_database(server, database)
    return claimed


async def _claim(database: Database, worker_id: str, places: asyncio.Semaphore, claimed: _Claimed) -> None:
    """Until the worker holds as many as he may."""
    for _ in range(POLICY.max_claims // COUNT):
        asked = time.perf_counter()
        async with places, working(database.pool, PLAN) as work:
            begun = time.perf_counter()
            cases = await claim_cases(work.connection, Wish(worker_id, COUNT))
        done = time.perf_counter()
        claimed.holders.update(str(case.case_id) for case in cases)
        claimed.inside_ms.append((done - begun) * 1000)
        claimed.whole_ms.append((done - asked) * 1000)


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
