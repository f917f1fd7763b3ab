"""The database over TLS: only who has a certificate of the authority that is named, for the name in the DSN."""

import asyncio
import shutil
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.local import postgres
from deploy.local.account import unprivileged_account
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.process import Spec
from services.kit.migrations import KIT_FOLDER, migrate
from services.kit.postgres import connect, create_pool
from services.kit.rights import rights_of
from services.kit.settings import Settings, read_settings
from tests.certificates import Authority, Served
from tests.servers import PostgresServer, open_folder, running

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]

IS_ENCRYPTED = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that shows a certificate for localhost. `another` authority has nothing to do with it."""

    dsns: Mapping[str, str]
    authority: Authority
    another: Authority

    def settings(self, cafile: Path | None, host: str = "localhost") -> Settings:
        """As a service reads them that is told this authority and this name."""
        told = {
            "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "VCC_OIDC_ISSUER": "http://127.0.0.1:1",
            **{f"VCC_OUTREACH_{name.upper()}": dsn.replace(postgres.HOST, host) for name, dsn in self.dsns.items()},
        }
        return read_settings("outreach", told | ({"VCC_OUTREACH_POSTGRES_CAFILE": str(cafile)} if cafile else {}))


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """A server of this module's own: the others' has no certificate."""
    with open_folder() as folder:
        authority, another = Authority.make(folder, "authority"), Authority.make(folder, "another")
        server = Postgres(folder / "data", free_port(), folder / "log", postgres.new_password(), durable=False)
        with running(_with_certificate(server.prepare(), authority.vouches_for("localhost"))):
            password = postgres.new_password()
            dsns = asyncio.run(postgres.provide(server, "outreach", lambda _role: password))
            yield Guarded(dsns, authority, another)


def _with_certificate(spec: Spec, served: Served) -> Spec:
    """The server insists that its key is its own."""
    if account := unprivileged_account():
        shutil.chown(served.key, account)
    files: dict[str, str | Path] = {"ssl": "on", "ssl_cert_file": served.certificate, "ssl_key_file": served.key}
    return replace(spec, command=[*spec.command, *(part for pair in files.items() for part in _switch(*pair))])


def _switch(name: str, value: str | Path) -> tuple[str, str]:
    return "-c", f"{name}={value}"


async def test_a_database_is_proved_by_the_authority_that_is_named(guarded: Guarded) -> None:
    """With the authority's file the connection of every role is encrypted: the owner's, who migrates, the service's and
    that of who reads the trail (v5.0.0-12.3.2)."""
    settings = guarded.settings(guarded.authority.file)
    assert settings.owner_dsn is not None
    assert settings.audit_dsn is not None
    dsns = [one.get_secret_value() for one in (settings.owner_dsn, settings.dsn, settings.audit_dsn)]
    assert await migrate(dsns[0], [("kit", KIT_FOLDER)], rights=rights_of(*dsns))
    reader = await create_pool(settings.model_copy(update={"dsn": settings.audit_dsn}), holds_keys=False)
    connection = await connect(settings)
    try:
        assert await connection.fetchval(IS_ENCRYPTED)
        assert await reader.fetchval(IS_ENCRYPTED)
    finally:
        await connection.close()
        reader.terminate()


async def test_a_database_of_another_authority_is_not_entered(guarded: Guarded) -> None:
    """Whoever shows a certificate of another authority gets no login."""
    with pytest.raises(ssl.SSLCertVerificationError):
        await connect(guarded.settings(guarded.another.file))


async def test_a_database_of_another_name_is_not_entered(guarded: Guarded) -> None:
    """A certificate of the right authority for another name gets no login either."""
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for '127\.0\.0\.1'"):
        await connect(guarded.settings(guarded.authority.file, "127.0.0.1"))


async def test_a_database_without_a_certificate_is_not_entered(
    postgres_server: PostgresServer, guarded: Guarded
) -> None:
    """A server that knows no TLS is refused where an authority is named: nothing falls back to plain text."""
    plain = replace(guarded, dsns={"dsn": postgres_server.dsn("outreach", "outreach")})
    with pytest.raises(ConnectionError, match="SSL"):
        await connect(plain.settings(guarded.authority.file))
