"""Who seals the trail, beside the requests."""

import asyncio
import math
from collections.abc import AsyncIterator

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.kit import audit, audit_seal
from services.kit.app import create
from services.kit.auth import Principal
from services.kit.postgres import Pool, create_pool, transaction
from services.kit.trail_chain import PERIOD_S, RETRY_S, TrailChain
from services.kit.unit_of_work import working
from tests.servers import Database, OpenDatabase
from tests.service.kit.test_app import SERVICE

pytestmark = pytest.mark.postgres
TEACHER = Principal("minerva", frozenset({"teacher"}), frozenset({"hogwarts"}), "hogwarts")


@pytest.fixture
async def archive(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Its batches hold two rows."""
    monkeypatch.setattr(audit_seal, "BATCH_ROWS", 2)
    return await database("kit")


@pytest.fixture
async def reader(archive: Database) -> AsyncIterator[Pool]:
    pool = await create_pool(archive.settings(dsn=archive.audit_dsn, pool_size=2), holds_keys=False)
    yield pool
    pool.terminate()


async def told(archive: Database, *pupils: str) -> None:
    for pupil in pupils:
        async with working(archive.pool, "hogwarts") as work:
            await audit.record(work, TEACHER, "read", "pupil", [pupil])


async def seals(reader: Pool) -> list[tuple[int, int]]:
    async with transaction(reader, "*") as connection:
        rows = await connection.fetch("select number, through_id from audit_seal order by number")
    return [(row["number"], row["through_id"]) for row in rows]


async def test_all_that_is_closed_is_sealed_in_a_turn_and_told(archive: Database, reader: Pool) -> None:
    """Batch by batch; the log has the head of each, by which a removed end is found."""
    await told(archive, "harry", "ron", "hermione")
    with capture_logs() as logs:
        assert await TrailChain(reader).turn() == PERIOD_S
    assert await seals(reader) == [(1, 2), (2, 3)]
    async with transaction(reader, "*") as connection:
        heads = [row["sha256"].hex() for row in await connection.fetch("select sha256 from audit_seal order by number")]
    assert [line["head"] for line in logs if line["event"] == "trail sealed"] == heads


async def test_each_batch_is_committed_by_itself(
    archive: Database, reader: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long trail is sealed in many short transactions: what was sealed before the end of the process stays, and
    between two of them it stops when it is told to."""
    await told(archive, *map(str, range(6)))
    chain, digest = TrailChain(reader), audit_seal.digest

    async def stop_at_the_second(*given: object) -> audit_seal.Seal:
        made = await digest(*given)  # type: ignore[arg-type]
        if made.number == 2:
            chain.stop()
        return made

    monkeypatch.setattr(audit_seal, "digest", stop_at_the_second)
    await chain.turn()
    assert await seals(reader) == [(1, 2), (2, 4)]


async def test_two_instances_seal_each_row_once(archive: Database, reader: Pool) -> None:
    """Whichever comes first, the chain is one."""
    await told(archive, *map(str, range(7)))
    one, other = TrailChain(reader), TrailChain(reader)
    await asyncio.gather(one.turn(), other.turn())
    await asyncio.gather(one.turn(), other.turn())
    assert await seals(reader) == [(1, 2), (2, 4), (3, 6), (4, 7)]


async def test_a_transaction_that_wrote_is_waited_for(archive: Database, reader: Pool) -> None:
    """The turn ends at once and comes again soon; meanwhile it is told how long the oldest row waits."""
    chain = TrailChain(reader)
    async with working(archive.pool, "hogwarts") as work:
        await audit.record(work, TEACHER, "read", "pupil", ["harry"])
        await told(archive, "ron")
        assert await chain.turn() == RETRY_S
        assert await seals(reader) == []
        assert 0 < chain.waiting_s() < 60
    assert await chain.turn() == PERIOD_S
    assert await seals(reader) == [(1, 2)]
    await chain.turn()
    assert chain.waiting_s() == 0


async def test_who_cannot_ask_does_not_say_that_nothing_waits(archive: Database, reader: Pool) -> None:
    """While the trail can't be read its age grows by the clock, and the metric with it."""
    now = [0.0]
    chain = TrailChain(reader, lambda: now[0])
    await chain.turn()
    now[0] = PERIOD_S
    assert REGISTRY.get_sample_value("vcc_trail_unsealed_seconds") == 0
    now[0] = PERIOD_S + 500
    assert REGISTRY.get_sample_value("vcc_trail_unsealed_seconds") == 500


async def test_whatever_is_met_is_outlived(archive: Database, reader: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number out of range, which elsewhere is a record's fault, does not end the service; and the mark that was taken
    before a fault is forgotten, for the next server knows other transactions."""
    await told(archive, "harry")
    chain, load_last = TrailChain(reader), audit_seal.load_last
    marks = list[object]()

    async def out_of_range(_connection: object) -> audit_seal.Seal:
        marks.append(chain._mark)
        raise asyncpg.NumericValueOutOfRangeError("a number")

    monkeypatch.setattr(audit_seal, "load_last", out_of_range)
    running = asyncio.create_task(chain.run())
    async with asyncio.timeout(20):
        while not marks or chain._mark is not None:  # noqa: ASYNC110 - the worker is watched
            await asyncio.sleep(0.01)
    assert marks[0] is not None
    assert not running.done()
    monkeypatch.setattr(audit_seal, "load_last", load_last)
    async with asyncio.timeout(20):
        while not await seals(reader):  # noqa: ASYNC110 - the database is asked
            await asyncio.sleep(0.01)
    chain.stop()
    await asyncio.wait_for(running, 20)


async def test_without_a_role_that_seals_it_is_told(archive: Database) -> None:
    """At the start by a warning that names the setting, and to who measures for as long as it runs."""
    app = create(SERVICE, archive.settings(audit_dsn=None))
    with capture_logs() as logs:
        async with app.router.lifespan_context(app):
            assert REGISTRY.get_sample_value("vcc_trail_unsealed_seconds") == math.inf
    [told_once] = [line for line in logs if line["event"] == "trail not sealed"]
    assert (told_once["log_level"], told_once["reason"]) == ("warning", "VCC_KIT_AUDIT_DSN is not set")
