"""Benchmark: how long it takes from an API write until the report's tables hold it, at a fifth of what the chain bears.

Two writes: a contact attempt (outreach, then reporting), and a dose given to a walk-in (scheduling, eligibility, then
reporting), which changes a coverage cell in the transaction that writes the dose down.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from datetime import time as clock
from statistics import quantiles
from typing import Any

import asyncpg

from deploy.demo.population import generate
from tests.bodies import a_dose, at
from tests.flow.stack import Stack
from tests.flow.world import SITE, World
from tests.load import restart
from tests.load.chain_stack import processes, running_services
from tests.load.feeds import SEED, WEEKS, files_of_first_day
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options
from tests.load.stage import Stage, machine_s, processor_s, stage

MEMBERS, QUICK_MEMBERS = 12_000, 3_000
SHARE = 0.2
CLIENTS = 12
POLL_S = 0.005
SEEN_WITHIN_S = 60.0
ATTEMPTS_SEEN = "select attempt_id as id from contact_attempt where attempt_id = any($1::uuid[])"
DOSES_SEEN = "select appointment_id as id from dose where appointment_id = any($1::uuid[])"
# One of each person: whoever is in two plans is given a dose once.
CASES = """
select distinct on (member_token) case_id, enrolment_id, tenant_id from outreach_case where status = 'open'
order by member_token, case_id
"""

Write = Callable[[dict[str, Any]], Awaitable[Any]]


@dataclass(slots=True)
class Watcher:
    """Sees ids appear in reporting, and when."""

    database: asyncpg.Connection
    query: str
    sent: dict[Any, float] = field(default_factory=dict)
    seen_s: list[float] = field(default_factory=list)
    last_at: float = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        deadline = time.monotonic() + SEEN_WITHIN_S
        while self.sent or not stopping.is_set():
            rows = await self.database.fetch(self.query, list(self.sent)) if self.sent else []
            now = time.monotonic()
            for row in rows:
                self.seen_s.append(now - self.sent.pop(str(row["id"])))
                self.last_at = now
            deadline = deadline if stopping.is_set() else now + SEEN_WITHIN_S
            assert now < deadline, f"{len(self.sent)} writes are not in the report"
            await asyncio.sleep(POLL_S)


class Others:
    """How many cores somebody else uses, from its making on."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._began_at, self._began_s = time.monotonic(), self._used_s()

    def cores(self) -> float:
        return (self._used_s() - self._began_s) / (time.monotonic() - self._began_at)

    def _used_s(self) -> float:
        return machine_s() - sum(processor_s(pid) for pid in self._pids) - time.process_time()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of write: how it is sent, and where it is looked for."""

    name: str
    seen: str
    write: Write


def run(options: Options) -> Result:
    members, seconds = (QUICK_MEMBERS, 5.0) if options.quick else (MEMBERS, 30.0)
    with stage(options.profile) as servers:
        folder = servers.folder / "feeds"
        ledger = generate(folder, members, SEED, WEEKS)
        rosters, _ = files_of_first_day(folder, ledger)
        with running_services(servers) as stack:
            figures = asyncio.run(_measure(stack, servers, [path.read_bytes() for path in rosters], seconds))
        figures += restart.measure(servers, rounds=1 if options.quick else 3)
    return Result("latency", "From an API write to the report, and gaps after a restart", figures, {"members": members})


async def _measure(stack: Stack, servers: Stage, rosters: Sequence[bytes], seconds: float) -> list[Figure]:
    async with World.of(stack) as world:
        for roster in rosters:
            await world.submit(roster)
        await world.settle()
        await world.open_site()
        cases = iter([dict(row) for row in await world.rows("outreach", CASES)])
        today = await world.today()
        figures: list[Figure] = []
        for kind in (_attempts(world, today), _walk_ins(world, today)):
            others = Others([one.pid for one in processes(stack, servers).values()])
            figures += await _measure_kind(stack, kind, cases, seconds)
            figures.append(Figure(f"{kind.name}, others on this machine meanwhile", others.cores(), "cores"))
            await world.settle()
    return figures


async def _measure_kind(stack: Stack, kind: Kind, cases: Iterator[dict[str, Any]], seconds: float) -> list[Figure]:
    capacity, _ = await _drive(stack, kind, cases, seconds / 3, None)
    _, waited = await _drive(stack, kind, cases, seconds, SHARE * capacity)
    cuts = quantiles(waited, n=100)
    note = f"{len(waited)} writes at {SHARE * capacity:.0f}/s"
    return [
        Figure(f"{kind.name}, most that gets through", capacity, "writes/s", note=f"{CLIENTS} clients"),
        Figure(f"{kind.name} to report, p50", cuts[49], "s", note=note),
        Figure(f"{kind.name} to report, p99", cuts[98], "s", Aim("at most", 1.0), f"slowest {max(waited):.3f} s"),
    ]


async def _drive(
    stack: Stack, kind: Kind, cases: Iterator[dict[str, Any]], seconds: float, rate: float | None
) -> tuple[float, list[float]]:
    """Write at this rate (None: as fast as the answers come); how many a second got to the report, and after what."""
    database = await asyncpg.connect(stack.dsns["reporting"], server_settings={"vcc.tenant": "*"})
    watcher, stopping = Watcher(database, kind.seen), asyncio.Event()
    watching = asyncio.create_task(watcher.run(stopping))
    began = time.monotonic()

    async def one() -> None:
        sent_at = time.monotonic()
        watcher.sent[str(await kind.write(next(cases)))] = sent_at

    if rate is None:
        await asyncio.gather(*(_repeat(one, began + seconds) for _ in range(CLIENTS)))
    else:
        await _at_rate(one, rate, seconds)
    stopping.set()
    await watching
    await database.close()
    return len(watcher.seen_s) / (watcher.last_at - began), watcher.seen_s


async def _repeat(one: Callable[[], Awaitable[None]], until: float) -> None:
    while time.monotonic() < until:
        await one()


async def _at_rate(one: Callable[[], Awaitable[None]], rate: float, seconds: float) -> None:
    """Open loop: a write is due at its time, whether or not those before were answered."""
    began, tasks = time.monotonic(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.ensure_future(one()))
    await asyncio.gather(*tasks)


def _attempts(world: World, today: date) -> Kind:
    at_ten = at(today, clock(10)).isoformat()
    body = {"channel": "phone", "disposition": "initial-refusal", "refusal_domain": "motivation", "claim": True,
            "attempted_at": at_ten}  # fmt: skip

    async def write(case: dict[str, Any]) -> Any:
        asker = world.ask("outreach", f"coordinator-{case['tenant_id']}")
        status, answer = await asker.post(f"/cases/{case['case_id']}/attempts", world.key(), body)
        assert status == 201, answer
        return answer["attempt_id"]

    return Kind("contact attempt", ATTEMPTS_SEEN, write)


def _walk_ins(world: World, today: date) -> Kind:
    async def write(case: dict[str, Any]) -> Any:
        body = {"enrolment_id": str(case["enrolment_id"]), "site_id": SITE, "dose": a_dose(today)}
        status, answer = await world.ask("scheduling", "site").post("/walk-ins", world.key(), body)
        assert status == 201, answer
        return answer["appointment_id"]

    return Kind("walk-in dose", DOSES_SEEN, write)
