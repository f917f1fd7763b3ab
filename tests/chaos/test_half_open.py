"""A database connection whose other end is gone without a word must not hold up a service for ever."""

import asyncio
import time
from collections.abc import Callable

import asyncpg
import pytest

from deploy.local.ports import free_port
from services.kit.health import Health
from services.kit.postgres import ALL_TENANTS, connect, create_pool, is_fault, transaction
from tests.chaos.proxy import Proxies
from tests.chaos.scene import FALLS_WITHIN_S, RETURNS_WITHIN_S, until
from tests.servers import OpenDatabase

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(120)]


async def test_a_statement_that_nobody_answers_ends_as_a_fault(database: OpenDatabase) -> None:
    """The server's own limits can't reach a client that it has lost: the client gives up by itself a little later, and
    the pool's next connection works."""
    opened = await database("kit")
    port = int(opened.dsn.rpartition("/")[0].rpartition(":")[2])
    proxies = Proxies()
    proxy = proxies.add("waffles", port, free_port(), is_postgres=True)
    dsn = opened.dsn.replace(f":{port}/", f":{proxy.port}/")
    settings = opened.settings(dsn=dsn, statement_timeout_s=1.0, acquire_timeout_s=1.0)
    pool, alone = await create_pool(settings), await connect(settings)
    async with transaction(pool, ALL_TENANTS) as connection:
        await connection.fetchval("select 1")
    await proxies.call(proxy.half_open())
    began = time.monotonic()
    for ask in (lambda: _in_transaction(pool), lambda: alone.fetchval("select 1")):
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError), check=is_fault):
            async with asyncio.timeout(28):
                await ask()
    assert time.monotonic() - began < 25
    assert await _in_transaction(pool) == 1
    alone.terminate()
    pool.terminate()
    proxies.close()


async def _in_transaction(pool: asyncpg.Pool) -> int:
    async with transaction(pool, ALL_TENANTS) as connection:
        return int(await connection.fetchval("select 1"))


async def test_a_black_hole_is_noticed(database: OpenDatabase) -> None:
    """A database that swallows everything makes the service unready within its time, and its return is seen."""
    opened = await database("kit")
    port = int(opened.dsn.rpartition("/")[0].rpartition(":")[2])
    proxies = Proxies()
    proxy = proxies.add("waffles", port, free_port(), is_postgres=True)
    settings = opened.settings(dsn=opened.dsn.replace(f":{port}/", f":{proxy.port}/"))
    pool = await create_pool(settings)
    health = Health(settings, pool)
    asking = asyncio.create_task(health.run())
    await _until(lambda: health.reason("postgres") is None, 10)
    await proxies.call(proxy.set_mode("black-hole"))
    await _until(lambda: health.reason("postgres") is not None, FALLS_WITHIN_S)
    await asyncio.sleep(20)
    await proxies.call(proxy.set_mode("pass"))
    await _until(lambda: health.reason("postgres") is None, RETURNS_WITHIN_S)
    health.stop()
    await asking
    pool.terminate()
    proxies.close()


async def _until(holds: Callable[[], bool], timeout_s: float) -> None:
    await until(holds, timeout_s, AssertionError("not in time"))
