"""Benchmark: the whole chain, from an 834 at the front door to the report's coverage cells, with four services, Kafka
and Postgres on this machine.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from deploy.demo.population import generate
from deploy.groups import services
from deploy.local.backlog import Watch
from deploy.local.plan import SERVICES
from tests.flow.stack import Stack
from tests.flow.world import World
from tests.load.chain_figures import MESSAGES, ROSTERS, Leg, Pass, result_of
from tests.load.chain_stack import processes, running_services
from tests.load.feeds import SEED, WEEKS, files_of_first_day
from tests.load.report import Result
from tests.load.rounds import Options
from tests.load.sampling import Sampler
from tests.load.stage import Stage, stage

SIZES, QUICK_SIZES = (10_000, 50_000), (2_000,)
FILE_TIMEOUT_S = DRAIN_TIMEOUT_S = 900.0
POLL_S = 0.2
FILES = "select count(*) as waiting from feed_file where state in ('received', 'processing')"
ROWS = "select count(*) from feed_row where row > 0"
IN_CELLS = "select coalesce(sum(members), 0) from coverage_cell"
CELLS = "select * from coverage_cell order by programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group"
SIZE = "select pg_database_size(current_database()) as size"
ENROLMENTS = "select count(*) from enrolment"
STATEMENTS = """
select datname, calls, total_exec_time / 1000 as seconds, left(regexp_replace(query, '\\s+', ' ', 'g'), 60) as query
from pg_stat_statements join pg_database on dbid = oid order by total_exec_time desc limit 12
"""


def run(options: Options) -> Result:
    sizes = options.members or (QUICK_SIZES if options.quick else SIZES)
    return result_of([_pass(options, members, with_doses=members == min(sizes)) for members in sizes])


def _pass(options: Options, members: int, *, with_doses: bool) -> Pass:
    with stage() as servers:
        folder = servers.folder / "feeds"
        ledger = generate(folder, members, SEED, WEEKS)
        rosters, messages = files_of_first_day(folder, ledger)
        files = {ROSTERS: rosters, **({MESSAGES: messages} if with_doses else {})}
        with running_services(servers) as stack, _profiled(options.profile, stack):
            return asyncio.run(_measure(servers, stack, members, files))


async def _measure(servers: Stage, stack: Stack, members: int, files: Mapping[str, Sequence[Path]]) -> Pass:
    async with World.of(stack) as world, Watch(services()) as watch:
        await watch.drain(60)
        await _reset_statements(servers)
        legs = [await _leg(servers, stack, world, watch, what, paths) for what, paths in files.items()]
        await _check(world)
        statements = await _statements(servers)
        return Pass(members, legs, statements, *await _rebuild(world, watch))


async def _leg(servers: Stage, stack: Stack, world: World, watch: Watch, what: str, paths: Sequence[Path]) -> Leg:
    """Submit these files, and wait until nobody has anything left to do."""
    before, log_end = await _disk(world, servers), (await watch.look()).log_end
    rows = (await world.rows("eligibility", ROWS))[0]["count"]
    sampler = Sampler(processes(stack, servers))
    sampling = asyncio.create_task(sampler.run())
    began = time.monotonic()
    for path in paths:
        status, answer = await world.send(path.read_bytes())
        assert status < 300, answer
    await _until_read(world)
    read_s = time.monotonic() - began
    end = await watch.drain(DRAIN_TIMEOUT_S)
    wall_s = time.monotonic() - began
    sampler.stop()
    await sampling
    rows = (await world.rows("eligibility", ROWS))[0]["count"] - rows
    grown = {name: size - before[name] for name, size in (await _disk(world, servers)).items()}
    return Leg(what, rows, wall_s, read_s, sampler.looks, grown, end.log_end - log_end)


async def _until_read(world: World) -> None:
    deadline = time.monotonic() + FILE_TIMEOUT_S
    while (await world.rows("eligibility", FILES))[0]["waiting"]:
        assert time.monotonic() < deadline, "the files are not read yet"
        await asyncio.sleep(POLL_S)


async def _check(world: World) -> None:
    """Everybody whom eligibility decided about has come to the end of the chain."""
    counts = {
        name: (await world.rows(name, ENROLMENTS))[0]["count"] for name in ("eligibility", "outreach", "reporting")
    }
    assert len(set(counts.values())) == 1, counts
    assert (await world.rows("reporting", IN_CELLS))[0]["coalesce"] > 0


async def _rebuild(world: World, watch: Watch) -> tuple[int, float]:
    """Wipe reporting and read the log again: how many records, and how long until the cells are the same."""
    before, began = await world.rows("reporting", CELLS), time.monotonic()
    operator = world.ask("reporting", "operator")
    status, answer = await operator.post("/rebuild", world.key())
    assert status == 202, answer
    while (await operator.get("/rebuild"))["records_behind"] != 0:
        assert time.monotonic() - began < DRAIN_TIMEOUT_S, "the log is not read again yet"
        await asyncio.sleep(POLL_S)
    rebuild_s = time.monotonic() - began
    assert [dict(row) for row in await world.rows("reporting", CELLS)] == [dict(row) for row in before]
    return (await watch.look()).log_end, rebuild_s


async def _disk(world: World, servers: Stage) -> dict[str, int]:
    """Bytes of each database and of the log."""
    sizes = {name: (await world.rows(name, SIZE))[0]["size"] for name in SERVICES}
    log = sum(path.stat().st_size for path in (servers.folder / "kafka").rglob("vcc.*/*.log"))
    return {**sizes, "log": log}


@contextmanager
def _profiled(folder: Path | None, stack: Stack) -> Iterator[None]:
    """py-spy beside each service, if it was asked for."""
    spies = []
    for name in SERVICES if folder and shutil.which("py-spy") else ():
        output = str(folder / f"chain-{name}.txt") if folder else ""
        command = ["py-spy", "record", "--format", "raw", "--output", output, "--pid", str(stack.pid(name)),
                   "--duration", "3600", "--rate", "50", "--nonblocking"]  # fmt: skip
        spies.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    try:
        yield
    finally:
        for spy in spies:
            spy.send_signal(2)
            spy.wait(30)


async def _reset_statements(servers: Stage) -> None:
    if servers.counts_statements:
        connection = await asyncpg.connect(servers.admin_dsn)
        await connection.execute("create extension if not exists pg_stat_statements")
        await connection.execute("select pg_stat_statements_reset()")
        await connection.close()


async def _statements(servers: Stage) -> list[str]:
    if not servers.counts_statements:
        return []
    connection = await asyncpg.connect(servers.admin_dsn)
    rows = await connection.fetch(STATEMENTS)
    await connection.close()
    return [f"{row['seconds']:.1f} s, {row['calls']} calls, {row['datname']}: {row['query']}" for row in rows]
