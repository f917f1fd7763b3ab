"""A handful of rounds, one for each kind of fault, and a mutant that must not pass."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import launcher
from tests.chaos.main import made
from tests.chaos.mutants import MUTANTS
from tests.chaos.rounds import Result, one_round
from tests.chaos.schedule import schedule
from tests.chaos.servers import Servers, start_servers

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(600)]
MEMBERS = 150
KINDS = {
    "still": ("a relay stands still between reading and sending",
              "SIGSTOP of an owner across a rebalance, then SIGCONT"),
    "kills": ("kill after a batch's commit", "kill after the send, before the mark", "kill before a slice's commit",
              "kill after a request's commit", "kill everything at once"),
    "processes": ("instances start and stop", "a handler bug for a few members", "clock ten minutes off"),
    "network": ("connection cut at COMMIT's reply", "half-open connections", "slow line", "connections refused"),
    "records": ("poison: null-header", "poison: two-megabytes", "poison: tombstone", "an incompatible producer",
                "poison: wrong-source", "a send fails in the middle"),
    "restores": ("a database restored from an old backup alone", "reporting is rebuilt"),
    "liveness": ("a cancellation leaks into the relay", "a machine vanishes", "a flood of garbage"),
    "servers": ("broker is killed", "database is killed", "the whole log is delivered again"),
}  # fmt: skip
# In these seeds the handler bug strikes while all members arrive, and the others find something to hit.
SEEDS = {
    "still": 5,
    "kills": 5,
    "processes": 17,
    "network": 5,
    "records": 5,
    "restores": 5,
    "liveness": 5,
    "servers": 5,
}


@pytest.fixture(scope="module")
def standing() -> Iterator[Servers]:
    """One set for all rounds. Not in pytest's own folder: root's Postgres runs as another user, who must get there."""
    folder = Path(tempfile.mkdtemp(prefix="vcc-chaos-"))
    running = asyncio.run(start_servers(made(folder / "servers")))
    yield running
    asyncio.run(running.close())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def servers(standing: Servers) -> Servers:
    """Up, whatever a round before this one may have broken down with."""
    await standing.heal()
    return standing


def told(result: Result) -> str:
    """What a failure shows, and `-rP` of any round."""
    said = "\n".join([result.line(), *map(str, result.struck), *result.divergences])
    print(said)
    return said


@pytest.mark.capability("F3", "F8")
@pytest.mark.parametrize("kind", KINDS)
async def test_the_end_is_as_the_input_asks_for(servers: Servers, kind: str, tmp_path: Path) -> None:
    """Whatever strikes meanwhile: every row, event, booking and cell is what the feeds and the requests ask for."""
    planned = schedule(SEEDS[kind], len(KINDS[kind]), KINDS[kind])
    result = await one_round(servers, tmp_path / kind, SEEDS[kind], MEMBERS, planned)
    said = told(result)
    assert result.faults >= 2, said
    assert not result.divergences, said


async def test_a_service_that_applies_twice_is_found_out(servers: Servers, tmp_path: Path) -> None:
    """The check bites: without deduplication a log that is delivered again does not go unnoticed."""
    mutant = MUTANTS["no-deduplication"]
    planned = schedule(5, 2, mutant.faults)
    result = await one_round(servers, tmp_path / mutant.name, 5, MEMBERS, planned, {launcher.MUTANT: mutant.name})
    said = told(result)
    assert any("effects apply once" in one for one in result.divergences), said
