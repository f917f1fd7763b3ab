"""The checker against a real stack: silent after a quiet season, and no longer so once rows are changed by hand."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from deploy.demo.population import generate
from tests.chaos.checker import Evidence, examine, gather, quiescent
from tests.chaos.checker.tables import read_tables
from tests.flow.season import Season
from tests.flow.stack import Stack, running_stack
from tests.flow.world import PROGRAMME
from tests.servers import PostgresServer
from tests.unit.chaos.checker.recording import RecordingWorld, RunFolder

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(600)]
MEMBERS, SEED, WEEKS = 1500, 7, 3
QUIET_S = 60.0
LEAST_LISTED = 11

BY_HAND = [
    ("eligibility", "enrolment", "enrolment_id", "set zip5 = '00501'", "members_are_as_stated"),
    ("eligibility", "feed_row", "(file_id, row)", "", "every_row_ends_once"),
    ("eligibility", "dose", "dose_id", "set is_retracted = true", "doses_are_as_reported"),
    ("outreach", "attempt", "attempt_id", "", "attempts_are_as_asked"),
    ("outreach", "outreach_case", "case_id", "set priority = 999", "cases_are_as_decided"),
    ("outreach", "inbox", "event_id", "", "marks_are_of_the_log"),
    ("scheduling", "block", "block_id", "set booked = booked + 1", "pools_count_their_appointments"),
    ("scheduling", "slot_place", "appointment_id", "set appointment_id = null", "no_slot_is_oversold"),
    ("scheduling", "idempotency_key", "key", "", "answers_are_given_once"),
    ("reporting", "coverage_cell", "zip5", "set vaccinated = vaccinated + 1", "cells_are_as_counted"),
    ("reporting", "enrolment_version", "enrolment_id", "", "reporting_is_of_the_log"),
]


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


@pytest.mark.parametrize(("service", "table", "key", "change", "invariant"), BY_HAND, ids=[row[4] for row in BY_HAND])
async def test_a_row_changed_by_hand_is_found(
    held: Held, service: str, table: str, key: str, change: str, invariant: str
) -> None:
    """A row of one database changed or deleted by hand, and the invariant that this breaks says so."""
    one = f"where {key} = (select {key.strip('()')} from {table} where {key} is not null order by 1 limit 1)"
    before = {str(one) for one in examine(_now(held))}
    await _execute(
        held.stack.dsns[service], f"update {table} {change} {one}" if change else f"delete from {table} {one}"
    )
    found = [one for one in examine(_now(held)) if str(one) not in before]
    assert invariant in {one.invariant for one in found}


def _now(held: Held) -> Evidence:
    known = held.evidence
    return Evidence(known.ledger, known.records, read_tables(held.stack.dsns), known.report, known.behind)


async def _execute(dsn: str, statement: str) -> None:
    database = await asyncpg.connect(dsn, server_settings={"vcc.tenant": "*"})
    try:
        assert (await database.execute(statement)).split()[-1] != "0", "the statement found a row"
    finally:
        await database.close()
