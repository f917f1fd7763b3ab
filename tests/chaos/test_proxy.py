"""The proxy between a client and a real database: what each of its faults looks like from the client's side."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local.ports import free_port
from tests.chaos.proxy import Proxies, Proxy
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


@pytest.fixture
async def behind(database: OpenDatabase) -> AsyncIterator[tuple[Proxies, Proxy, str, Database]]:
    """A proxy before a fresh database, and the DSN that leads through it."""
    opened = await database("kit")
    port = int(opened.dsn.rpartition("/")[0].rpartition(":")[2])
    proxies = Proxies()
    proxy = proxies.add("waffles", port, free_port(), is_postgres=True)
    yield proxies, proxy, opened.dsn.replace(f":{port}/", f":{proxy.port}/"), opened
    proxies.close()


async def asked(dsn: str) -> int:
    """What a new connection is told."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return int(await connection.fetchval("select 1"))
    finally:
        await connection.close()


Behind = tuple[Proxies, Proxy, str, Database]


async def test_a_cut_commit_is_done_and_nobody_is_told(behind: Behind) -> None:
    """The client loses its connection at COMMIT; the row is there."""
    _, proxy, dsn, opened = behind
    await opened.owner.execute("create table syrup (litres integer)")
    connection = await asyncpg.connect(dsn, timeout=5)
    proxy.commits_until_cut = 1
    with pytest.raises(AWAY):
        async with connection.transaction():
            await connection.execute("insert into syrup values ($1)", 7)
    assert (proxy.cuts, await opened.pool.fetchval("select litres from syrup")) == (1, 7)


async def test_a_black_hole_answers_nothing_until_it_ends(behind: Behind) -> None:
    """A query hangs without an error; when the hole ends the connection is reset, and a new one works."""
    proxies, proxy, dsn, _ = behind
    connection = await asyncpg.connect(dsn, timeout=5)
    await proxies.call(proxy.set_mode("black-hole"))
    asking = asyncio.create_task(connection.fetchval("select 1"))
    done, _ = await asyncio.wait([asking], timeout=0.5)
    assert not done
    await proxies.call(proxy.set_mode("pass"))
    with pytest.raises(AWAY):
        await asking
    assert await asked(dsn) == 1


async def test_refused_means_refused(behind: Behind) -> None:
    """Old connections are reset and new ones fail, until it ends."""
    proxies, proxy, dsn, _ = behind
    connection = await asyncpg.connect(dsn, timeout=5)
    await proxies.call(proxy.set_mode("refuse"))
    with pytest.raises(AWAY):
        await connection.fetchval("select 1")
    with pytest.raises(AWAY):
        await asked(dsn)
    await proxies.call(proxy.set_mode("pass"))
    assert await asked(dsn) == 1


async def test_a_half_open_connection_says_nothing(behind: Behind) -> None:
    """The server has lost its end; the client's end stands and swallows, while a new connection works."""
    proxies, proxy, dsn, _ = behind
    connection = await asyncpg.connect(dsn, timeout=5)
    assert await proxies.call(proxy.half_open()) == 1
    asking = asyncio.create_task(connection.fetchval("select 1"))
    done, _ = await asyncio.wait([asking], timeout=0.5)
    assert not done
    assert await asked(dsn) == 1
    await proxies.call(proxy.forget_dead())
    with pytest.raises(AWAY):
        await asking


async def test_a_vanished_machine_leaves_its_session_open(behind: Behind) -> None:
    """The client is gone and the server goes on holding its lock, until the proxy lets go."""
    proxies, proxy, dsn, opened = behind
    connection = await asyncpg.connect(dsn, timeout=5)
    await connection.execute("select pg_advisory_lock(7)")
    assert await proxies.call(proxy.vanish()) == 1
    connection.terminate()
    assert not await opened.pool.fetchval("select pg_try_advisory_lock(7)")
    assert await asked(dsn) == 1
    await proxies.call(proxy.forget_vanished())
    async with asyncio.timeout(60):
        while not await opened.pool.fetchval("select pg_try_advisory_lock(7)"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
