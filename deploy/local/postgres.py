"""One real Postgres server on loopback: which binaries, its first initdb, its settings, and a database per service."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.errors import StackError
from deploy.local.account import OWN_SERVER, group_of, unprivileged_account
from deploy.local.postgres_binaries import binaries, major_of
from deploy.local.process import Spec, plain_environment
from services.kit.private_channels import DSNS

HOST = "127.0.0.1"
ADMIN = "vcc_admin"
INITDB_TIMEOUT_S = 120
PROBE_TIMEOUT_S = 1.0
# A login's first message; a server that recovers refuses it (E), one that serves asks for the password (R).
LOGIN = struct.pack("!I", 196608) + f"user\0{ADMIN}\0database\0postgres\0\0".encode()

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "5s",  # tables that a first roster fills from nothing are planned for as they are
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    # The server's log must not quote rows: DETAIL and failing statements hold values.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
ROLES = dict(zip(DSNS, ("{}", "{}_owner", "{}_audit"), strict=True))
"""The roles of a service's database, by the setting that names their DSN (services/kit/rights.py)."""
# Whoever comes gives his password, and comes by the loopback: there is no socket. Written at each start, so that a
# folder of before has it too.
WHO_ENTERS = f"host all all {HOST}/32 scram-sha-256\n"
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Postgres:
    data: Path
    port: int
    log: Path
    password: str
    durable: bool = True

    @property
    def admin_dsn(self) -> str:
        return dsn(ADMIN, self.password, self.port, "postgres")

    def prepare(self) -> Spec:
        """Makes the data folder on first use, and says how to start the server."""
        account = unprivileged_account()
        programs = binaries(major_of(self.data))
        if not (self.data / "PG_VERSION").exists():
            self._initdb(programs, account)
        self._close(account)
        settings = {**SETTINGS, **({} if self.durable else FORGETFUL), "port": str(self.port)}
        switches = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Spec(
            name="postgres",
            command=[programs / "postgres", "-D", self.data, *switches],
            log=self.log,
            account=account,
            folder=Path("/"),
            environment={**plain_environment(), "LC_ALL": "C", "PGTZ": "UTC"},
            stop_signal=signal.SIGINT,  # "fast": sessions end, what was committed is on the disk
            grace_s=20.0,
            ready=self.missing,
        )

    def _initdb(self, programs: Path, account: str | None) -> None:
        """Into a folder beside the final one: a killed initdb leaves nothing that looks like a database."""
        half = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True, mode=0o700)
        password_file = half.with_suffix(".password")
        try:
            password_file.touch(mode=0o600)
            password_file.write_text(self.password)
            _give(account, half, password_file)
            _run_initdb(programs, half, password_file, account, durable=self.durable)
        finally:
            password_file.unlink(missing_ok=True)
        half.rename(self.data)

    def _close(self, account: str | None) -> None:
        entrance = self.data / "pg_hba.conf"
        entrance.unlink(missing_ok=True)
        entrance.touch(mode=0o600)
        entrance.write_text(WHO_ENTERS)
        _give(account, entrance)

    def missing(self) -> str:
        try:
            with socket.create_connection((HOST, self.port), PROBE_TIMEOUT_S) as connection:
                connection.settimeout(PROBE_TIMEOUT_S)
                connection.sendall(struct.pack("!I", len(LOGIN) + 4) + LOGIN)
                answered = connection.recv(1)
        except OSError as error:
            return f"no answer on port {self.port} ({type(error).__name__})"
        return "" if answered == b"R" else "not yet accepting logins"


def dsn(role: str, password: str, port: int, database: str) -> str:
    return f"postgresql://{role}:{password}@{HOST}:{port}/{database}"


async def provide(server: Postgres, service: str, password_of: Callable[[str], str]) -> dict[str, str]:
    """The DSNs of a service's own database by setting: of its owner, and of the roles that may enter it beside."""
    admin = await asyncpg.connect(server.admin_dsn, timeout=10)
    try:
        dsns = {}
        for setting, role in roles_of(service).items():
            await make_role(admin, role, password := password_of(role))
            dsns[setting] = dsn(role, password, server.port, service)
        owner = roles_of(service)["owner_dsn"]
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", service):
            await admin.execute(f'CREATE DATABASE "{service}" OWNER "{owner}"')
        await open_to_its_roles(admin, service, service)
    finally:
        await admin.close()
    await _leave_to_owner(dsn(ADMIN, server.password, server.port, service), service, owner)
    return dsns


def roles_of(service: str) -> dict[str, str]:
    return {setting: role.format(service) for setting, role in ROLES.items()}


async def open_to_its_roles(admin: asyncpg.Connection, database: str, service: str) -> None:
    entering = ", ".join(f'"{role}"' for role in roles_of(service).values())
    await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    await admin.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO {entering}')


async def _leave_to_owner(admin_dsn: str, service: str, owner: str) -> None:
    """A database of before belongs to the role that the service works as."""
    admin = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        await admin.execute(f'REASSIGN OWNED BY "{service}" TO "{owner}"')
    finally:
        await admin.close()


async def make_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    rights = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
    await admin.execute(f"{'ALTER' if known else 'CREATE'} ROLE \"{role}\" {rights} PASSWORD '{password}'")


def new_password() -> str:
    return secrets.token_hex(24)  # safe in a DSN and in SQL without quoting rules


def _give(account: str | None, *paths: Path) -> None:
    if account:
        for path in paths:
            os.chown(path, pwd.getpwnam(account).pw_uid, group_of(account) or -1)


def _run_initdb(programs: Path, data: Path, password_file: Path, account: str | None, *, durable: bool) -> None:
    switches = ["--username", ADMIN, "--pwfile", str(password_file), "--auth", "scram-sha-256", "--no-instructions"]
    switches += ["--encoding", "UTF8", "--no-locale", "--data-checksums", *([] if durable else ["--no-sync"])]
    made = subprocess.run(
        [programs / "initdb", "-D", data, *switches],
        capture_output=True,
        text=True,
        cwd="/",
        timeout=INITDB_TIMEOUT_S,
        check=False,
        user=account,
        group=group_of(account),
        extra_groups=[] if account else None,
        env={**os.environ, "LC_ALL": "C"},
    )
    if made.returncode:
        raise StackError(f"initdb could not make {data}: {made.stderr.strip()}", f"free disk space, {OWN_SERVER}")
