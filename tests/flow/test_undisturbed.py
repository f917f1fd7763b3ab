"""What is left of kill -9 and of a log that is delivered twice: nothing. The tables equal those of a quiet run."""

import asyncio
import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord

from deploy.demo.population import Ledger
from deploy.groups import topic_by_group
from deploy.local.plan import SERVICES
from tests.chaos.checker import examine, gather, quiescent
from tests.flow import kafka_log
from tests.flow.chain import LEAST_LISTED, list_targets
from tests.flow.feeds import a_member, a_roster
from tests.flow.recording import RecordingWorld, RunFolder
from tests.flow.season import MEMBERS, Season, population
from tests.flow.stack import Stack, running_stack
from tests.flow.strikes import LISTENERS, Strikes
from tests.flow.tables import Dump, dump
from tests.flow.world import World
from tests.servers import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(600)]
SHOWN_LINES, QUIET_S = 40, 60.0
SMALL_BATCHES = {f"VCC_{name.upper()}_BATCH_RECORDS": "40" for name in ("eligibility", *LISTENERS)}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    folder = tmp_path_factory.mktemp("population")
    return folder, population(folder)


@pytest.fixture
def fresh_stack(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Its batches are small, so that a blow falls between two of them."""
    with running_stack(postgres_server, SMALL_BATCHES) as running:
        monkeypatch.setenv("VCC_STATE_DIR", str(running.folder.path))
        yield running


async def never_applied(world: World, records: Sequence[ConsumerRecord]) -> dict[str, int]:
    """By group, how many events of its topic it has no mark of. A later snapshot of the same entity hides a lost one
    from the tables, not from this."""
    missing = {}
    for group, topic in topic_by_group().items():
        there = {dict(one.headers)["ce_id"].decode() for one in records if one.topic == topic}
        rows = await world.rows(group.partition(".")[0], "select event_id from inbox where consumer = $1", group)
        if lost := there - {str(row["event_id"]) for row in rows}:
            missing[group] = len(lost)
    return missing


def applied_lines(stack: Stack) -> Counter[tuple[str, str]]:
    """By group and kind, how many records the services have said to have applied, or dropped as applied before."""
    said: Counter[tuple[str, str]] = Counter()
    for name in SERVICES:
        for line in stack.folder.log(name).read_text().splitlines():
            if '"batch applied"' in line:
                one = json.loads(line)
                said.update({(one["group"], kind): one[kind] for kind in ("fresh", "duplicates")})
    return said


def differences(quiet: Dump, other: Dump) -> str:
    """The first lines of what differs, table by table."""
    lines = [
        f"{table}: {line}"
        for table in sorted(quiet.keys() | other.keys())
        for line in difflib.unified_diff(quiet.get(table, []), other.get(table, []), n=0, lineterm="")
    ]
    return "\n".join(lines[:SHOWN_LINES])


async def divergences(world: RecordingWorld, run: Path) -> str:
    """What the checker finds, once enough people have moved into one ZIP to make a list of target ZIPs."""
    stack, today = world.stack, await world.today()
    await world.news(a_roster(today, *(a_member() for _ in range(5 * LEAST_LISTED))))
    assert await list_targets(world, today)
    report = await world.ask("reporting", "state").get("/reports/weekly")
    await asyncio.to_thread(quiescent, stack.bootstrap, stack.dsns, QUIET_S)
    evidence = await asyncio.to_thread(gather, run, stack.bootstrap, stack.dsns, report)
    assert len(evidence.pairs) > MEMBERS
    return "\n".join(str(one) for one in examine(evidence)[:SHOWN_LINES])


@pytest.fixture(scope="module")
def quiet() -> Dump:
    """Filled by the first test: what the tables say after a run in which nothing went wrong."""
    return {}


async def test_a_quiet_run(fresh_stack: Stack, files: tuple[Path, Ledger], quiet: Dump, tmp_path: Path) -> None:
    """Three weeks of the programme bring forth cases, attempts, appointments of every outcome and doses. Members,
    answers, cases, attempts, appointments, places, doses, cells, target ZIPs and figures are all as the checker, which
    starts from the feeds and the requests alone, recomputes them."""
    async with RecordingWorld.recorded(fresh_stack, RunFolder(tmp_path)) as world:
        await Season(world, *files).run()
        quiet |= await dump(fresh_stack)
        assert await never_applied(world, await kafka_log.read(fresh_stack.bootstrap)) == {}
        assert not (found := await divergences(world, tmp_path)), found
    kinds = {"fulfilled", "noshow", "cancelled", "entered-in-error"}
    appointments = quiet["scheduling.appointment"]
    assert {kind for kind in kinds if any(f'"status": "{kind}"' in one for one in appointments)} == kinds
    assert min(len(quiet[table]) for table in ("outreach.outreach_case", "reporting.coverage_cell")) > 50
    assert not quiet["eligibility.dead_letter"]


async def test_killed_services_leave_no_trace(fresh_stack: Stack, files: tuple[Path, Ledger], quiet: Dump) -> None:
    """Each service is killed while files, requests, a backlog and a batch are under way, every request comes twice, and
    then the whole log is delivered once more: every event was applied, and none a second time; the tables say what they
    say after the quiet run."""
    assert quiet, "the quiet run comes first"
    folder, ledger = files
    async with World.of(fresh_stack) as world:
        strikes = Strikes(world, ledger.first_day)
        await Season(world, folder, ledger, strikes.at, times=2).run()
        assert len(strikes.hits) == 12, strikes.hits
        records = await kafka_log.read(fresh_stack.bootstrap)
        assert await never_applied(world, records) == {}
        assert not (found := differences(quiet, await dump(fresh_stack))), found
        before = applied_lines(fresh_stack)
        await kafka_log.repeat(fresh_stack.bootstrap, records)
        await world.settle()
        again = Counter(record.topic for record in records)
        told = applied_lines(fresh_stack) - before
        assert {group: told[group, "fresh"] for group in topic_by_group()} == dict.fromkeys(topic_by_group(), 0)
        expected = {group: again[topic] for group, topic in topic_by_group().items()}
        assert {group: told[group, "duplicates"] for group in topic_by_group()} == expected
        assert not (found := differences(quiet, await dump(fresh_stack))), found
