"""One round: fresh databases and topics, generated members, the driver's three weeks, faults meanwhile, then quiet, and
then the checker."""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from deploy.demo.population import generate
from deploy.local.plan import SERVICES
from tests.chaos import settled, verdict
from tests.chaos.conductor import Conductor, Struck
from tests.chaos.driver import Driver
from tests.chaos.fleet import Fleet, Seen
from tests.chaos.ledger import Ledger
from tests.chaos.scene import Scene
from tests.chaos.schedule import Planned
from tests.chaos.servers import Servers

WEEKS = 3
SETTLE_S = 150.0
RSS_FACTOR = 1.5
WARM_S = 6.0
ROUND_TIMEOUT_S = 600.0


@dataclass(slots=True)
class Result:
    """What came of a round; `divergences` are sentences, empty when all is well."""

    seed: int
    members: int
    planned: Sequence[Planned]
    struck: list[Struck] = field(default_factory=list)
    divergences: list[str] = field(default_factory=list)
    measured: dict[str, list[float]] = field(default_factory=dict)
    requests: int = 0
    unknown: int = 0
    log_end: int = 0
    took_s: dict[str, float] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def faults(self) -> int:
        return sum(not one.missed for one in self.struck)

    def line(self) -> str:
        missed = sum(bool(one.missed) for one in self.struck)
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.took_s.items())
        verdict = f"{len(self.divergences)} divergences" if self.divergences else "equal"
        return (
            f"seed {self.seed}: {self.faults} faults" + (f" (+{missed} missed)" if missed else "")
            + f", {self.members} members, {self.requests} requests ({self.unknown} unknown), {self.log_end} records: "
            f"{verdict}  [{spent}]"
        )  # fmt: skip

    def as_json(self) -> dict[str, object]:
        raw = asdict(self)
        return {**raw, "folder": str(self.folder), "faults": self.faults}


async def one_round(
    servers: Servers, run: Path, seed: int, members: int, planned: Sequence[Planned],
    told: Mapping[str, str] | None = None,
) -> Result:  # fmt: skip
    """`run` becomes the run folder: feeds, ledger, logs."""
    result = Result(seed, members, planned, folder=run)
    began = time.monotonic()
    truth = await asyncio.to_thread(generate, run / "feeds", members, seed, WEEKS)
    await servers.renew()
    fleet = Fleet(servers, run, truth.first_day.isoformat(), dict(told or {}))
    async with fleet:
        _note_time(result, "start", began)
        with Ledger(run) as ledger:
            conductor = Conductor(planned)
            driver = Driver(servers, fleet, ledger, run, truth, Random(f"{seed}:driver"), conductor.moment, f"s{seed}")
            scene = Scene(servers, fleet, driver, run, Random(f"{seed}:scene"))
            conductor.scene = scene
            try:
                async with asyncio.timeout(ROUND_TIMEOUT_S):
                    await _run(result, servers, scene, conductor)
            except TimeoutError:
                scene.found(f"the round did not end within {ROUND_TIMEOUT_S:.0f} s")
            finally:
                await driver.close()
            result.struck, result.unknown = conductor.struck, driver.unknown
        result.requests = ledger.requests
        _check_memory(scene)
        result.divergences, result.measured = scene.findings, scene.measured
    return result


async def _run(result: Result, servers: Servers, scene: Scene, conductor: Conductor) -> None:
    began = time.monotonic()
    await scene.driver.drive()
    await conductor.finish()
    _note_time(result, "drive", began)
    began = time.monotonic()
    try:
        result.log_end = (await settled.until_settled(servers.bootstrap, servers.dsns, SETTLE_S)).log_end
    except settled.NotSettledError as late:
        scene.found(str(late))
    _note_time(result, "settle", began)
    began = time.monotonic()
    names = {one.planned.fault for one in conductor.struck if not one.missed}
    scene.findings += await verdict.check(servers, scene, names)
    _note_time(result, "check", began)
    await asyncio.gather(*(scene.drain(one) for service in SERVICES for one in scene.fleet.of(service)))


def _check_memory(scene: Scene) -> None:
    """Backlogs may not grow a process: of each service the peak against the middle of all warm looks."""
    for service in SERVICES:
        seen = [
            look
            for one in scene.fleet.instances
            if one.service == service
            for look in one.seen
            if look.rss_mb and look.at - _first(one.seen, look.pid) > WARM_S
        ]
        if len(seen) < 5:
            continue
        steady, peak = statistics.median(look.rss_mb for look in seen), max(look.rss_mb for look in seen)
        scene.measure(f"rss of {service}, MB", peak)
        if peak > RSS_FACTOR * steady:
            scene.found(f"{service} held {peak:.0f} MB at its peak, {steady:.0f} MB in the middle")


def _first(seen: Sequence[Seen], pid: int) -> float:
    return next(look.at for look in seen if look.pid == pid)


def _note_time(result: Result, name: str, began: float) -> None:
    result.took_s[name] = time.monotonic() - began
