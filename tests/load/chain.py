"""Benchmark: the whole chain, from an 834 at the front door to the report's coverage cells, with four services, Kafka
and Postgres on this machine.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.demo.population import generate
from deploy.groups import topic_by_group
from deploy.local.backlog import Watch
from deploy.local.plan import SERVICES
from tests.flow.stack import Stack
from tests.flow.world import World
from tests.load.chain_stack import processes, running_services
from tests.load.feeds import SEED, WEEKS, files_of_first_day
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options
from tests.load.sampling import Look, Sampler
from tests.load.stage import Stage, stage

SIZES, QUICK_SIZES = (10_000, 50_000), (2_000,)
RSS_LIMIT_MB = 300
FILE_TIMEOUT_S = DRAIN_TIMEOUT_S = 900.0
POLL_S = 0.2
FILES = "select count(*) as ended from feed_file where state in ('processed', 'refused')"
IN_CELLS = "select coalesce(sum(members), 0) from coverage_cell"
CELLS = "select * from coverage_cell order by programme_id, tenant_id, zip5, age_band, race_ethnicity, svi_group"
SIZE = "select pg_database_size(current_database()) as size"
ENROLMENTS = "select count(*) from enrolment"
STATEMENTS = """
select datname, calls, total_exec_time / 1000 as seconds, left(regexp_replace(query, '\\s+', ' ', 'g'), 60) as query
from pg_stat_statements join pg_database on dbid = oid order by total_exec_time desc limit 12
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """One size: from the submission until the last cell is right, with all looks in between."""

    members: int
    enrolments: int
    wall_s: float
    read_s: float
    looks: Sequence[Look]
    statements: Sequence[str]
    disk_bytes: Mapping[str, int]
    events: int
    rebuild_s: float

    @property
    def per_second(self) -> float:
        return self.enrolments / self.wall_s


def run(options: Options) -> Result:
    sizes = options.members or (QUICK_SIZES if options.quick else SIZES)
    return _result([_pass(options, members) for members in sizes])


def _pass(options: Options, members: int) -> Pass:
    with stage() as servers:
        folder = servers.folder / "feeds"
        ledger = generate(folder, members, SEED, WEEKS)
        rosters, _ = files_of_first_day(folder, ledger)
        with running_services(servers) as stack, _profiled(options.profile, stack):
            return asyncio.run(_measure(servers, stack, members, rosters))


async def _measure(servers: Stage, stack: Stack, members: int, rosters: Sequence[Path]) -> Pass:
    async with World.of(stack) as world, Watch(topic_by_group()) as watch:
        await watch.drain(60)
        empty = await _disk(world, servers)
        sampler = Sampler(processes(stack, servers))
        sampling = asyncio.create_task(sampler.run())
        await _reset_statements(servers)
        began = time.monotonic()
        for roster in rosters:
            status, answer = await world.send(roster.read_bytes())
            assert status < 300, answer
        await _until_read(world, len(rosters))
        read_s = time.monotonic() - began
        await watch.drain(DRAIN_TIMEOUT_S)
        wall_s = time.monotonic() - began
        sampler.stop()
        await sampling
        await _check(world)
        statements = await _statements(servers)
        grown = {name: size - empty[name] for name, size in (await _disk(world, servers)).items()}
        events, rebuild_s = await _rebuild(world, watch)
        (found,) = await world.rows("reporting", ENROLMENTS)
        return Pass(members, found["count"], wall_s, read_s, sampler.looks, statements, grown, events, rebuild_s)


async def _until_read(world: World, files: int) -> None:
    deadline = time.monotonic() + FILE_TIMEOUT_S
    while (await world.rows("eligibility", FILES))[0]["ended"] < files:
        assert time.monotonic() < deadline, "the rosters are not read yet"
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


def _result(passes: Sequence[Pass]) -> Result:
    figures: list[Figure] = []
    for one in passes:
        figures += _figures(one)
    per_member = [one.wall_s / one.enrolments for one in passes]
    spread = max(per_member) / min(per_member) - 1
    if len(passes) > 1:
        figures.append(Figure("time per member, largest / smallest - 1", spread, "", Aim("at most", 0.2)))
    details = {f"statements at {one.members:,}": one.statements for one in passes}
    return Result("chain", "Whole chain: 834 to the report's cells", figures, {"members": "…".join(
        f"{one.members:,}" for one in passes)}, details)  # fmt: skip


def _figures(one: Pass) -> list[Figure]:
    first, last, at = one.looks[0], one.looks[-1], f"{one.members:,}: "
    figures = [
        Figure(f"{at}834 to report", one.per_second, "enrolments/s", note=f"{one.enrolments:,} in {one.wall_s:.1f} s"),
        Figure(f"{at}834 to eligibility", one.enrolments / one.read_s, "enrolments/s"),
    ]
    for group in sorted(last.counts):
        count = last.counts[group] - first.counts.get(group, 0)
        active = [look.at for before, look in zip(one.looks, one.looks[1:], strict=False)
                  if look.counts.get(group, 0) != before.counts.get(group, 0)]  # fmt: skip
        if count >= one.enrolments / 10:
            ended_s = active[-1] - first.at
            figures.append(Figure(f"{at}{group}", count / ended_s, "events/s", note=f"{count:,} by {ended_s:.1f} s"))
    for name in last.cpu_s:
        spent = last.cpu_s[name] - first.cpu_s[name]
        figures.append(Figure(f"{at}{name}, processor", spent / one.enrolments * 1e6, "µs/enrolment",
                              note=f"{spent / one.wall_s:.0%} of a core"))  # fmt: skip
    figures.append(Figure(f"{at}reporting, rebuilt from the log", one.events / one.rebuild_s, "events/s",
                          note=f"{one.events:,} in {one.rebuild_s:.1f} s"))  # fmt: skip
    for name, size in one.disk_bytes.items():
        unit, count = ("bytes/event", one.events) if name == "log" else ("bytes/enrolment", one.enrolments)
        figures.append(Figure(f"{at}{name}, disk", size / count, unit))
    for name in SERVICES:
        resident = [look.rss_mb[name] for look in one.looks]
        half = resident[: len(resident) // 2]
        note = f"start {resident[0]:.0f}, first half at most {max(half):.0f}, end {resident[-1]:.0f}"
        figures.append(Figure(f"{at}{name}, memory at most", max(resident), "MB", Aim("at most", RSS_LIMIT_MB), note))
    return figures
