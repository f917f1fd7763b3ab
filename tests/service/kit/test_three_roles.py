"""From one role that owns and runs to three."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from deploy.local import postgres
from deploy.local.postgres import Postgres, make_role, provide, roles_of
from deploy.local.postgres_binaries import binaries, version_of
from services.kit.audit_seal import seal_next
from services.kit.audit_verify import verify
from services.kit.migrations import KIT_FOLDER, migrate
from services.kit.postgres import create_pool, transaction
from services.kit.rights import rights_of
from services.kit.row_security import RowSecurityBypassedError
from services.kit.settings import KafkaSettings, Settings
from tests.servers import PostgresServer

pytestmark = pytest.mark.postgres
FOLDERS = [("kit", KIT_FOLDER)]
TELL = """
insert into audit (tenant_id, principal, roles, action, kind, subjects, correlation_id)
values ('*', $1, '{}', 'read', 'k', '{harry}', '')
"""


@pytest.fixture
async def admin(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    admin = await asyncpg.connect(postgres_server.dsn(postgres.ADMIN, "postgres"))
    yield admin
    await admin.execute('drop database "manor" with (force)')
    for role in roles_of("manor").values():
        await admin.execute(f'drop role "{role}"')
    await admin.close()


def settings(dsn: str) -> Settings:
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    return Settings(service="manor", kafka=kafka, dsn=SecretStr(dsn), oidc_issuer="http://127.0.0.1:1")


async def enter(dsn: str) -> None:
    """As a service does. Raises what keeps it out."""
    pool = await create_pool(settings(dsn))
    try:
        async with transaction(pool, "*") as connection:
            await connection.execute(TELL, "after")
            await connection.execute("delete from inbox")
    finally:
        pool.terminate()


@pytest.mark.expects_error_log("row-level security bypassed")
async def test_a_database_of_before_is_moved_and_keeps_what_it_holds(
    postgres_server: PostgresServer, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """What one role owned belongs to the owner then; that role works on, and can't change the trail any more, which the
    audit role reads and seals, the rows of before too. Moved again, nothing changes."""
    await make_role(admin, "manor", postgres_server.password)
    await admin.execute('create database "manor" owner "manor"')
    before = postgres_server.dsn("manor", "manor")
    await migrate(before, [("kit", _released(tmp_path / "released"))])
    alone = await asyncpg.connect(before, server_settings={"vcc.tenant": "*"})
    await alone.execute(TELL, "before")
    await alone.close()
    with pytest.raises(RowSecurityBypassedError, match="owner of its tables"):
        await enter(before)
    server = Postgres(tmp_path, postgres_server.port, tmp_path / "log", postgres_server.password)
    for _ in range(2):
        dsns = await provide(server, "manor", lambda _role: postgres_server.password)
        assert dsns["dsn"] == before
        await migrate(dsns["owner_dsn"], FOLDERS, rights=rights_of(dsns["owner_dsn"], before, dsns["audit_dsn"]))
    await enter(before)
    reader = await asyncpg.connect(dsns["audit_dsn"], server_settings={"vcc.tenant": "*"})
    told = await reader.fetch("select principal from audit order by audit_id")
    found = await reader.fetch("select audit_id from audit_subject where subject = 'harry' order by audit_id")
    async with reader.transaction():
        assert (await seal_next(reader, 2)) is not None
    verdict = await verify(reader)
    await reader.close()
    assert [row["principal"] for row in told] == ["before", "after"]
    assert [row["audit_id"] for row in found] == [1, 2]
    assert (verdict.rows, verdict.unsealed, verdict.broken) == (2, 0, None)


def _released(folder: Path) -> Path:
    """The migrations from before there were three roles and seals."""
    folder.mkdir()
    for file in sorted(KIT_FOLDER.glob("*.sql")):
        if file.name < "0008":
            shutil.copy(file, folder)
    return folder


async def test_a_new_database_is_nobody_elses(
    postgres_server: PostgresServer, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """A role of another service does not get in."""
    server = Postgres(tmp_path, postgres_server.port, tmp_path / "log", postgres_server.password)
    await provide(server, "manor", lambda _role: postgres_server.password)
    await make_role(admin, "burglar", postgres_server.password)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgres_server.dsn("burglar", "manor"))
    await admin.execute("drop role burglar")


def test_a_folder_of_before_is_closed(tmp_path: Path) -> None:
    """However somebody could get in before: at the next start passwords are asked of everybody, by scram-sha-256."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text(f"{version_of(binaries(None))}\n")
    entrance = data / "pg_hba.conf"
    entrance.write_text("local all all trust\nhost all all 0.0.0.0/0 md5\n")
    Postgres(data, 1, tmp_path / "log", "secret").prepare()
    assert entrance.read_text().split() == ["host", "all", "all", "127.0.0.1/32", "scram-sha-256"]
    assert entrance.stat().st_mode & 0o777 == 0o600
