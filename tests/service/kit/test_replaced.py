"""A server that was promoted or restored while the process ran."""

import pytest

from services.kit import app, postgres
from services.kit.postgres import ReplacedError, create_pool, is_fault
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres


async def test_no_connection_to_another_timeline(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of the first timeline are given; one of another is refused as a fault, and told."""
    opened = await database("kit")
    told: list[str] = []
    pool = await create_pool(opened.settings(), lambda: told.append("replaced"))
    assert await pool.fetchval("select 1") == 1
    await pool.expire_connections()
    assert await pool.fetchval("select 1") == 1
    monkeypatch.setattr(postgres, "LOAD_TIMELINE", "select '0000ABCD'")
    await pool.expire_connections()
    with pytest.raises(ReplacedError) as refused:
        await pool.fetchval("select 1")
    assert is_fault(refused.value)
    assert told == ["replaced"]
    pool.terminate()


async def test_a_server_that_tells_no_timeline_is_used(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the role may not ask, the pool works as without the question."""
    opened = await database("kit")
    monkeypatch.setattr(postgres, "LOAD_TIMELINE", "select pg_read_file('secret')")
    pool = await create_pool(opened.settings(), lambda: pytest.fail("nothing was replaced"))
    assert await pool.fetchval("select 1") == 1
    pool.terminate()


async def test_every_pool_of_a_service_notices(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the role that reads the trail too: what they sealed or marked may be forgotten with the rest."""
    opened = await database("kit")
    ended: list[str] = []
    monkeypatch.setattr(app, "_end_process_on_replacement", lambda: ended.append("replaced"))
    pools = await app._create_audit_pools(opened.settings())
    for pool in pools:
        assert await pool.fetchval("select 1") == 1
    monkeypatch.setattr(postgres, "LOAD_TIMELINE", "select '0000ABCD'")
    for pool in pools:
        await pool.expire_connections()
        with pytest.raises(ReplacedError):
            await pool.fetchval("select 1")
        pool.terminate()
    assert ended == ["replaced"] * 2
