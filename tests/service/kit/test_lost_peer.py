"""A database session whose other end has vanished without a word ends within seconds, on both sides."""

import asyncio
import socket
import time
from typing import Any

import asyncpg
import pytest

from services.kit.fencing import LOCK_NAMESPACE, TRY_LOCK
from services.kit.lost_peer import patience
from services.kit.postgres import connect, create_pool, is_fault
from tests.servers import Database, OpenDatabase
from tests.silence import fall_silent

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(90)]
LOST_PEER_S = 3.0
SHOWN = "select name, setting from pg_settings where name like 'tcp\\_%'"


def _socket(connection: asyncpg.Connection) -> Any:
    return connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]


@pytest.fixture
async def kit(database: OpenDatabase) -> Database:
    return await database("kit")


async def test_a_vanished_machine_gives_its_locks_away(kit: Database) -> None:
    """Another relay gets the shard seconds after its holder's machine is gone, and not hours."""
    settings = kit.settings(lost_peer_s=LOST_PEER_S)
    lost, next_one = await connect(settings), await connect(settings)
    assert await lost.fetchval(TRY_LOCK, LOCK_NAMESPACE, 0)
    assert not await next_one.fetchval(TRY_LOCK, LOCK_NAMESPACE, 0)
    fall_silent(_socket(lost))
    began = time.monotonic()
    while not await next_one.fetchval(TRY_LOCK, LOCK_NAMESPACE, 0):
        assert time.monotonic() - began < 4 * LOST_PEER_S, "the session of the vanished machine still holds the shard"
        await asyncio.sleep(0.05)
    lost.terminate()
    await next_one.close()


async def test_a_vanished_server_is_noticed_before_any_statement_times_out(kit: Database) -> None:
    """A relay that waits for an answer has a fault after seconds, not after the statement's own limit."""
    connection = await connect(kit.settings(lost_peer_s=LOST_PEER_S))
    fall_silent(_socket(connection), asks=True)
    began = time.monotonic()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError), check=is_fault):
        await connection.fetchval("select 1")
    assert time.monotonic() - began < 4 * LOST_PEER_S
    connection.terminate()


async def test_every_connection_of_a_service_says_so(kit: Database) -> None:
    """Those of the pool and those outside of it, at the server and at our own end."""
    settings = kit.settings(lost_peer_s=30)
    pool, alone = await create_pool(settings), await connect(settings)
    async with pool.acquire() as pooled:
        for connection in (pooled._con, alone):  # type: ignore[attr-defined]
            shown = {row["name"]: row["setting"] for row in await connection.fetch(SHOWN)}
            assert shown == {
                "tcp_keepalives_idle": "15", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
                "tcp_user_timeout": "30000",
            }  # fmt: skip
            assert _socket(connection).getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert _socket(connection).getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    await alone.close()
    pool.terminate()


@pytest.mark.parametrize("seconds", [3, 4, 10, 30, 600])
def test_the_probes_add_up_to_the_setting(seconds: int) -> None:
    """Silence, then three questions: together as long as was asked for, or a second more."""
    told = patience(seconds)
    assert seconds <= told.idle_s + 3 * told.interval_s <= seconds + 1
