"""How fast everybody is decided again: `python -m tests.service.eligibility.bench_redecide --members 50000`.

Members of one plan with three doses each and a forecast programme (zoster). Measured are the first decision, which
forecasts everybody as another release of CDC's rules does, and a second one from stored forecasts that changes nobody.
"""

import argparse
import asyncio
import gc
import resource
import time
from datetime import date

import psutil

from services.eligibility.decisions.flow import days
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.programmes.documents import parse_programme
from services.kit.app import GC_THRESHOLDS
from services.kit.postgres import ALL_TENANTS, transaction
from tests import servers
from tests.servers import Database
from tests.service.eligibility.programmes import ZOSTER

DAY = date(2025, 12, 1)
PEOPLE = """
insert into person (member_token)
select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid from generate_series(1, $1::int) n
"""
ENROLMENTS = """
insert into enrolment (enrolment_id, member_token, tenant_id, member_id, group_number, family, given, middle, suffix,
    birth_on, sex, races, language, street, unit, city, state, zip5, tract, county, phones, email, is_restricted, spans,
    is_retired, seen_file_no)
select ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, member_token, 'lakeshore', 'LS' || n, '',
    'Sesame', 'Count', '', '', date '1930-01-01' + (n * 7919 % 18000)::int, case n % 2 when 0 then 'F' else 'M' end,
    array['2054-5'], 'spa', n || ' Sesame St', '', 'Los Angeles', 'CA',
    (array['90011','90012','94301','60612'])[1 + n % 4], '', '', array[]::text[], '', false,
    '[["medicaid", "2020-01-01", null, null]]'::jsonb, false, 1
from (select member_token, row_number() over (order by member_token) as n from person) as numbered
"""
DOSES = """
insert into dose (dose_id, member_token, vaccine_group, cvx, mvx, lot, administered_on, is_partial, is_retracted,
    sources, version, is_announced, known_on)
select gen_random_uuid(), member_token, (array['zoster','flu','covid-19'])[k], (array['187','140','309'])[k], '', '',
    date '2024-01-01' + ((n * 31 + k * 97) % 600)::int, false, false, array['iis'], 1, true, date '2025-12-01'
from (select member_token, row_number() over (order by member_token) as n from person) as numbered,
    generate_series(1, 3) k
where k > 1 or n % 3 > 0
"""


async def fill(database: Database, members: int) -> None:
    await days.begin(database.pool, DAY, [parse_programme(ZOSTER)])
    async with transaction(database.pool, ALL_TENANTS) as connection:
        await connection.execute("set local statement_timeout = 0")
        await connection.execute(PEOPLE, members)
        await connection.execute(ENROLMENTS)
        await connection.execute(DOSES)
        await decision_store.ask_everybody(connection)
    async with database.pool.acquire() as connection:
        await connection.execute("vacuum analyze", timeout=600)


async def measure(database: Database, name: str, members: int) -> None:
    started, python, postgres = time.perf_counter(), time.process_time(), _children_s()
    facts = await days.redecide_due(database.pool)
    took = time.perf_counter() - started
    python, postgres = time.process_time() - python, _children_s() - postgres
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = [round(1e6 * one / members) for one in (python, postgres)]
    print(f"{name}: {members / took:.0f} members/s on the wall's clock, {facts} facts, {memory:.0f} MB")
    print(f"  processor time a member: Python {each[0]} µs, Postgres {each[1]} µs;")
    print(f"  a million on two cores that do nothing else: {max(each)} s")


def _children_s() -> float:
    """Processor time of the database server's processes."""
    times = [one.cpu_times() for one in psutil.Process().children(recursive=True)]
    return sum(one.user + one.system for one in times)


async def bench(members: int) -> None:
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)  # as in the running service
    with servers.running_postgres() as server:
        database = await servers.open_database(server, "eligibility")
        await fill(database, members)
        await measure(database, "forecast and decide", members)
        async with transaction(database.pool, ALL_TENANTS) as connection:
            await decision_store.ask_everybody(connection)
        await measure(database, "decide from stored forecasts", members)
        await servers.close_database(server, database)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=50_000)
    asyncio.run(bench(parser.parse_args().members))
