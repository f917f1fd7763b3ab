"""What a service says when its database is none to serve with."""

import asyncio
import os
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.kit import direct, starting
from services.kit.migrations import KIT_FOLDER
from services.kit.postgres import connect
from services.kit.starting import Schema, why_not_start
from tests.servers import SERVICES, Database, OpenDatabase

pytestmark = pytest.mark.postgres
KIT = [("kit", KIT_FOLDER)]
SCHEDULING = SERVICES / "scheduling" / "migrations"
ENVIRONMENT = {"VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "VCC_OIDC_ISSUER": "http://127.0.0.1:1"}


@asynccontextmanager
async def _pooled(opened: Database) -> AsyncIterator[str]:
    """The database behind something that names its own session, as a pooler does: the DSN of that."""
    server = urlsplit(opened.dsn)
    wires: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, sink = await asyncio.open_connection(server.hostname, server.port)
        try:
            await asyncio.gather(_pump(reader, sink), _pump(source, writer, rewrite=True))
        finally:
            sink.close()
            writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wires.add(asyncio.create_task(serve(reader, writer)))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield server._replace(netloc=server.netloc.replace(f":{server.port}", f":{port}")).geturl()
    finally:
        listener.close()
        await asyncio.wait_for(asyncio.gather(*wires), 10)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, rewrite: bool = False) -> None:
    while data := await reader.read(65536):
        at = data.find(b"K" + struct.pack(">i", 12)) if rewrite else -1
        if at >= 0:  # BackendKeyData: the process that Postgres would name
            data, rewrite = data[: at + 5] + struct.pack(">i", 77) + data[at + 9 :], False
        writer.write(data)
    writer.write_eof()


async def test_a_pooler_between_is_refused(database: OpenDatabase) -> None:
    """A session that is not the one that was opened is noticed: locks and prepared statements would be another's."""
    opened = await database("kit")
    async with _pooled(opened) as dsn:
        why = await why_not_start(opened.settings(dsn=dsn), KIT)
    assert why is not None
    assert "pooler" in why
    assert await why_not_start(opened.settings(), KIT) is None


async def test_limits_that_did_not_arrive_are_refused(database: OpenDatabase) -> None:
    """What drops the parameters of a connection (`ignore_startup_parameters`) drops every limit with them."""
    opened = await database("kit")
    connection = await connect(opened.settings(statement_timeout_s=7))
    await direct.require(connection, 7)
    await connection.execute("reset statement_timeout")
    await direct.require(connection, 7)
    await connection.execute("set statement_timeout = 0")
    with pytest.raises(direct.PooledError, match="limits"):
        await direct.require(connection, 7)
    await connection.close()


async def test_a_database_that_is_away_hinders_nobody(database: OpenDatabase) -> None:
    """A service starts without it, and waits."""
    opened = await database("kit")
    assert await why_not_start(opened.settings(dsn="postgresql://kit@127.0.0.1:1/kit"), KIT) is None


async def test_a_database_that_breaks_off_hinders_nobody(
    database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one that goes away while it is looked at: no traceback, the service starts and waits."""
    opened = await database("kit")

    async def broken(*_: object) -> list[str]:
        raise asyncpg.ConnectionDoesNotExistError

    monkeypatch.setattr(starting, "load_missing", broken)
    assert await why_not_start(opened.settings(), KIT) is None


@pytest.mark.expects_error_log("database not ready")
async def test_who_started_without_a_database_looks_once_it_is_there(database: OpenDatabase) -> None:
    """Nothing is served before. A database that lacks a migration ends the process, and the reason names the command;
    one that lacks none is served with."""
    opened = await database("kit")
    ended: list[str] = []
    away = Schema(opened.settings(dsn="postgresql://kit@127.0.0.1:1/kit"), KIT, lambda: ended.append("away"))
    with pytest.raises(OSError, match="127"):
        await away.turn()
    assert (away.trouble, ended) == (starting.NOT_LOOKED_AT, [])
    well = Schema(opened.settings(), KIT, lambda: ended.append("well"))
    well.stop()
    await well.turn()
    assert (well.trouble, ended) == (None, [])
    await opened.owner.execute("delete from schema_migration where number = 8")
    late = Schema(opened.settings(), KIT, lambda: ended.append("late"))
    late.stop()
    await late.turn()
    assert ended == ["late"]
    assert "migrate pre): kit/0008" in (late.trouble or "")


async def _run(opened: Database, *arguments: str, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.scheduling.app", *arguments,
        env={
            "PATH": os.environ["PATH"], "VCC_SCHEDULING_DSN": opened.dsn, "VCC_SCHEDULING_MAY_RUN_AS_ROOT": "true",
            **environment,
        },
        cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode()


async def test_a_service_before_its_migration_says_so(database: OpenDatabase) -> None:
    """With its tables missing, or one file of them, it ends with 3 and a sentence that says what to do. `migrate` needs
    to be told of the database only, as the owner and as whom it lets in."""
    opened = await database("scheduling")
    await opened.owner.execute("delete from schema_migration where component = 'scheduling' and number = 1")
    status, out = await _run(opened, **ENVIRONMENT)
    assert (status, "Traceback" in out) == (3, False)
    assert "migrate first (python -m services.scheduling.app migrate pre): scheduling/0001" in out
    await opened.owner.execute("drop owned by current_user")
    status, out = await _run(opened, **ENVIRONMENT)
    assert (status, "migrate first" in out, "Traceback" in out) == (3, True, False)
    roles = {"VCC_SCHEDULING_OWNER_DSN": opened.owner_dsn, "VCC_SCHEDULING_AUDIT_DSN": opened.audit_dsn}
    status, out = await _run(opened, "migrate", **roles)
    assert (status, "migrated" in out) == (0, True)
    assert await why_not_start(opened.settings(), [*KIT, ("scheduling", SCHEDULING)]) is None


async def test_a_service_is_not_told_how_to_own_its_tables(database: OpenDatabase) -> None:
    """It does not serve where its environment names the owner, nor where who writes the trail reads it; the setting is
    named, and no password (v5.0.0-13.2.2)."""
    opened = await database("scheduling")
    for named in ({"VCC_SCHEDULING_OWNER_DSN": opened.owner_dsn}, {"VCC_SCHEDULING_AUDIT_DSN": opened.dsn}):
        status, out = await _run(opened, **ENVIRONMENT, **named)
        assert (status, next(iter(named)) in out, "Traceback" in out) == (1, True, False)
        assert opened.dsn.split(":")[2].partition("@")[0] not in out


async def test_a_migration_by_one_role_for_all_is_refused(database: OpenDatabase) -> None:
    """Whoever names one role twice is told so, and nothing is granted or taken (v5.0.0-13.2.2)."""
    opened = await database("scheduling")
    status, out = await _run(opened, "migrate", VCC_SCHEDULING_OWNER_DSN=opened.dsn)
    assert (status, "two DSNs name one role" in out, "Traceback" in out) == (1, True, False)
