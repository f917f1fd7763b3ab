"""The checker against a real stack: it has nothing to say after a quiet season of the programme."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.demo.population import generate
from tests.bodies import PROGRAMME
from tests.chaos.checker import Evidence, examine, gather, quiescent
from tests.flow.season import Season
from tests.flow.stack import Stack, running_stack
from tests.servers import PostgresServer
from tests.unit.chaos.checker.recording import RecordingWorld, RunFolder

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(600)]
MEMBERS, SEED, WEEKS = 1500, 7, 3
QUIET_S = 60.0
LEAST_LISTED = 11


@dataclass(frozen=True, slots=True)
class Held:
    """A stack after its season, and what was found."""

    stack: Stack
    evidence: Evidence


@pytest.fixture(scope="module")
def held(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    with running_stack(postgres_server) as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("VCC_STATE_DIR", str(stack.folder.path))
        run = tmp_path_factory.mktemp("run")
        report = asyncio.run(_season(stack, run))
        quiescent(stack.bootstrap, stack.dsns, QUIET_S)
        yield Held(stack, gather(run, stack.bootstrap, stack.dsns, report))


async def _season(stack: Stack, run: Path) -> dict[str, object]:
    """Three weeks by the book, a list of target ZIPs, and the weekly report."""
    truth = generate(run / "population", MEMBERS, SEED, WEEKS)
    async with RecordingWorld.recorded(stack, RunFolder(run)) as world:
        await Season(world, run / "population", truth).run()
        monday = truth.last_day - timedelta(days=truth.last_day.weekday())
        wish = {"programme_id": PROGRAMME, "week_on": monday.isoformat(), "least_unvaccinated": LEAST_LISTED}
        status, listing = await world.ask("reporting", "state").post("/target-zips", world.key(), wish)
        assert (status, bool(listing["listed"])) == (201, True)
        await world.settle()
        return dict(await world.ask("reporting", "state").get("/reports/weekly"))


def test_a_quiet_season_diverges_in_nothing(held: Held) -> None:
    """Members, doses, answers, cases, attempts, appointments, places, cells and figures are all as recomputed."""
    assert not [str(one) for one in examine(held.evidence)][:20]
    assert len(held.evidence.pairs) > MEMBERS
    assert len(held.evidence.table("scheduling", "appointment")) > WEEKS
