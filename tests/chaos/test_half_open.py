"""A database connection whose other end is gone without a word must not hold up a service for ever."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import asyncpg
import pytest

from deploy.local.ports import free_port
from services.kit import health
from services.kit.health import Health
from services.kit.postgres import ALL_TENANTS, connect, create_pool, is_fault, transaction
from tests.chaos.proxy import Proxies
from tests.chaos.scene import FALLS_WITHIN_S, RETURNS_WITHIN_S, until
from tests.kafka import calendars
from tests.servers import OpenDatabase

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(120)]
STARTS_WITHIN_S = 60.0
COUNT_ASLEEP = "select count(*) from pg_stat_activity where state = 'active' and query = 'select pg_sleep(2)'"


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


@pytest.mark.parametrize("is_amid", [False, True])
async def test_a_black_hole_is_noticed(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch, is_amid: bool) -> None:
    """A database that swallows everything, between two questions or in the middle of one, makes the service unready
    within its time, and its return is seen."""
    if is_amid:
        monkeypatch.setattr(health, "ANSWERS", "select pg_sleep(2)")
    opened = await database("kit")
    port = int(opened.dsn.rpartition("/")[0].rpartition(":")[2])
    async with AsyncExitStack() as stack:
        proxies = Proxies()
        stack.callback(proxies.close)
        proxy = proxies.add("waffles", port, free_port(), is_postgres=True)
        settings = opened.settings(dsn=opened.dsn.replace(f":{port}/", f":{proxy.port}/"))
        pool = await create_pool(settings)
        stack.callback(pool.terminate)
        asked = Health(settings, pool)
        asking = asyncio.create_task(asked.run())
        stack.push_async_callback(_end, asked, asking)
        await _until(lambda: asked.reason("postgres") is None, STARTS_WITHIN_S)

        async def is_its_moment() -> bool:
            return not is_amid or bool(await opened.pool.fetchval(COUNT_ASLEEP))

        await calendars.until(is_its_moment)
        await proxies.call(proxy.set_mode("black-hole"))
        await _until(lambda: asked.reason("postgres") is not None, FALLS_WITHIN_S)
        await proxies.call(proxy.set_mode("pass"))
        await _until(lambda: asked.reason("postgres") is None, RETURNS_WITHIN_S)


async def _end(asked: Health, asking: asyncio.Task[None]) -> None:
    asked.stop()
    await asking


async def _until(holds: Callable[[], bool], timeout_s: float) -> None:
    await until(holds, timeout_s, AssertionError("not in time"))
