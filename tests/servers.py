"""Real servers for tests: from a Docker Engine that answers and has the images, else from the embedded stack."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import asyncpg

from deploy.acls import ADMIN, user_of
from deploy.local import postgres
from deploy.local.kafka import HOST, Kafka
from deploy.local.kafka_access import Access
from deploy.local.kafka_users import provide_users
from deploy.local.plan import SERVICES as SERVICE_NAMES
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.process import Spec, end, identity, start, tail
from deploy.local.state import Folder
from services.kit.migrations import KIT_FOLDER, migrate
from services.kit.postgres import Pool, hold, prepare
from services.kit.rights import rights_of
from services.kit.sealed import KeyRing, Seals
from services.kit.settings import KafkaSettings, Settings
from tests import used_again
from tests.keys import RING

SERVICES = Path(__file__).parents[1] / "services"
START_TIMEOUT_S = 180
POSTGRES_IMAGE = os.environ.get("VCC_TEST_POSTGRES_IMAGE", "postgres:18")
KAFKA_IMAGE = os.environ.get("VCC_TEST_KAFKA_IMAGE", "apache/kafka:4.3.1")


async def prepare_tests(connection: asyncpg.Connection) -> None:
    """What a test's own connection gets first."""
    await hold(connection, Seals(KeyRing.parse(RING), topics=KeyRing.parse(RING)))
    await prepare(connection)


@dataclass(frozen=True, slots=True)
class Database:
    """A fresh database of one service: `pool` works as the service does, `owner` may change tables and look at the
    trail."""

    service: str
    dsn: str
    pool: Pool
    owner: Pool

    @property
    def owner_dsn(self) -> str:
        return as_role(self.dsn, "owner_dsn", self.service)

    @property
    def audit_dsn(self) -> str:
        return as_role(self.dsn, "audit_dsn", self.service)

    def settings(self, bootstrap: str = "127.0.0.1:1", **overrides: Any) -> Settings:
        """The service's settings with this database; without a broker nothing answers on port 1."""
        kafka = KafkaSettings(bootstrap_servers=bootstrap)
        given = {
            "service": self.service, "kafka": kafka, "dsn": self.dsn, "audit_dsn": self.audit_dsn,
            "oidc_issuer": "http://127.0.0.1:1", "key_ring": RING, "topic_key_ring": RING,
        }  # fmt: skip
        return Settings.model_validate({**given, **overrides})


OpenDatabase = Callable[[str], Awaitable[Database]]


@dataclass(slots=True)
class PostgresServer:
    """One server for the whole run. A service's template is migrated once; every test gets a copy of it, or one that
    was given back and emptied."""

    port: int
    password: str
    _templates: dict[str, str] = field(default_factory=dict)
    _given_back: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _beside: dict[str, Sequence[object]] = field(default_factory=dict)
    _made: int = 0

    async def create(self, service: str) -> str:
        """The DSN of a database that is as the service's migrated template."""
        if self._given_back[service]:
            return self._given_back[service].pop()
        async with self._as_admin("postgres") as admin:
            template = self._templates.get(service) or await self._make_template(admin, service)
            self._made += 1
            name = f"{service}_{self._made}"
            owner = postgres.roles_of(service)["owner_dsn"]
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{owner}" {await _how(admin)}')
            await postgres.open_to_its_roles(admin, name, service)
            self._beside[service] = await used_again.look_beside(admin, name)
        return self.dsn(service, name)

    async def give_back(self, dsn: str, service: str) -> None:
        """For the next test, unless this one has altered what emptying does not bring back."""
        name = dsn.rpartition("/")[2]
        async with self._as_admin(name) as admin:
            is_beside_as_new = await used_again.look_beside(admin, name) == self._beside[service]
            is_as_new = await used_again.is_as_new(admin) and is_beside_as_new
        if is_as_new:
            self._given_back[service].append(dsn)
        else:
            await self.drop(dsn)

    async def drop(self, dsn: str) -> None:
        async with self._as_admin("postgres") as admin:
            await admin.execute(f'DROP DATABASE IF EXISTS "{dsn.rpartition("/")[2]}" WITH (FORCE)')

    @asynccontextmanager
    async def _as_admin(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        admin = await asyncpg.connect(self.dsn(postgres.ADMIN, database), timeout=10)
        try:
            yield admin
        finally:
            await admin.close()

    async def _make_template(self, admin: asyncpg.Connection, service: str) -> str:
        name = f"template_{service}"
        for role in postgres.roles_of(service).values():
            await postgres.make_role(admin, role, self.password)
        dsn = self.dsn(service, name)
        await admin.execute(f'CREATE DATABASE "{name}" OWNER "{postgres.roles_of(service)["owner_dsn"]}"')
        owner_dsn = as_role(dsn, "owner_dsn")
        rights = rights_of(owner_dsn, dsn, as_role(dsn, "audit_dsn"))
        await migrate(owner_dsn, _folders(service), rights=rights)
        await _open_what_tests_make(owner_dsn, service)
        async with self._as_admin(name) as inside:
            await used_again.note_as_it_is(inside)
        self._templates[service] = name
        return name

    def dsn(self, role: str, database: str) -> str:
        return postgres.dsn(role, self.password, self.port, database)


def as_role(dsn: str, setting: str, service: str = "") -> str:
    """The same database, entered as another role of its service: a test's server knows one password for all."""
    role = dsn.partition("://")[2].partition(":")[0]
    return dsn.replace(f"//{role}:", f"//{postgres.roles_of(service or role)[setting]}:")


OPEN = """
alter default privileges in schema public {0} select, insert, update, delete on tables {1};
alter default privileges in schema public {0} usage, select on sequences {1};
"""


async def _open_what_tests_make(owner_dsn: str, service: str) -> None:
    """A test's own tables, which no migration makes, are open to its service. (Those of a deployment are not.)"""
    owner = await asyncpg.connect(owner_dsn, timeout=10)
    try:
        await owner.execute(OPEN.format("grant", f'to "{service}"'))
    finally:
        await owner.close()


async def _how(admin: asyncpg.Connection) -> str:
    """Copying files takes a third of the time, where nobody waits for the disk."""
    is_fast = await admin.fetchval("show fsync") == "off" and admin.get_server_version() >= (15,)
    return "STRATEGY file_copy" if is_fast else ""


def _folders(service: str) -> list[tuple[str, Path]]:
    own = SERVICES / service / "migrations"
    return [("kit", KIT_FOLDER), *([(service, own)] if service != "kit" and own.is_dir() else [])]


async def open_database(server: PostgresServer, service: str) -> Database:
    dsn = await server.create(service)
    return await enter(service, dsn)


async def enter(service: str, dsn: str) -> Database:
    pool = await Pool(dsn, max_size=8, timeout=10, init=prepare_tests)
    owner = await Pool(as_role(dsn, "owner_dsn"), max_size=2, timeout=10, init=prepare_tests)
    return Database(service, dsn, pool, owner)


async def close_database(server: PostgresServer, database: Database) -> None:
    database.pool.terminate()
    database.owner.terminate()
    await server.give_back(database.dsn, database.service)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    port, password = free_port(), postgres.new_password()
    variables = {"POSTGRES_USER": postgres.ADMIN, "POSTGRES_PASSWORD": password, "POSTGRES_DB": "postgres"}
    with _container(POSTGRES_IMAGE, {5432: port}, variables) as contained, open_folder() as folder:
        server = Postgres(folder / "data", port, folder / "postgres.log", password, durable=False)
        if contained:
            _wait(_first_connection(server), alive=lambda: True, log=server.log)
            yield PostgresServer(port, password)
        else:
            with running(server.prepare()):
                yield PostgresServer(port, password)


@dataclass(frozen=True, slots=True)
class WatchedKafka(Kafka):
    """The embedded broker, with a second listener by which the tests' own tools see and write everything. Services
    never come by it: they have their own users, whose rights hold."""

    watched_port: int = 0

    @property
    def watched(self) -> str:
        return f"{HOST}:{self.watched_port}"

    def properties(self) -> dict[str, str]:
        known = super(WatchedKafka, self).properties()
        return {
            **known,
            "listeners": f"{known['listeners']},WATCHED://{self.watched}",
            "advertised.listeners": f"{known['advertised.listeners']},WATCHED://{self.watched}",
            "listener.security.protocol.map": f"{known['listener.security.protocol.map']},WATCHED:PLAINTEXT",
            "super.users": f"{known['super.users']};User:ANONYMOUS",
        }

    def variables(self) -> dict[str, str]:
        """The same for a container, which is reached by its published ports."""
        outside = {**self.properties()}
        outside["listeners"] = outside["listeners"].replace(HOST, "")
        return {_variable(name): value for name, value in outside.items()}

    def provide_users(self) -> None:
        asyncio.run(provide_users(self.access, self.port, self.controller_port))

    def environment(self) -> dict[str, str]:
        """What a supervisor is told that uses this broker: each service's user, and the admin for itself."""
        told = self.access.environment(ADMIN, self.port)
        for name in SERVICE_NAMES:
            for setting, value in self.access.environment(user_of(name), self.port).items():
                told[setting.replace("VCC_KAFKA_", f"VCC_{name.upper()}_KAFKA_")] = value
        return told


def _variable(name: str) -> str:
    """The image's own rule for the names of settings."""
    return "KAFKA_" + name.replace("_", "__").replace("-", "___").replace(".", "_").upper()


def watched_kafka(path: Path, taken: Sequence[int] = (), *, durable: bool = False) -> WatchedKafka:
    """Not started yet. Its data, users and log are in `path`."""
    ports = list(taken)
    for _ in range(3):
        ports.append(free_port(ports))
    port, controller_port, watched_port = ports[-3:]
    folder = Folder(path / "state")
    folder.make()
    return WatchedKafka(
        path / "kafka", port, controller_port, folder.log("kafka"), Access(folder), durable=durable,
        watched_port=watched_port,
    )  # fmt: skip


@contextmanager
def running_kafka() -> Iterator[WatchedKafka]:
    with open_folder() as path:
        broker = watched_kafka(path)
        ports = (broker.port, broker.controller_port, broker.watched_port)
        with _container(KAFKA_IMAGE, {one: one for one in ports}, broker.variables()) as contained:
            if contained:
                _wait(broker.missing, alive=lambda: True, log=broker.log)
                broker.provide_users()
                yield broker
            else:
                with running(broker.prepare()):
                    broker.provide_users()
                    yield broker


@contextmanager
def running(spec: Spec) -> Iterator[subprocess.Popen[bytes]]:
    """The process of `spec`, once it is ready; it ends with this block, and also when the test run is killed."""
    process = start(spec)
    leash = subprocess.Popen(
        ["/bin/sh", "-c", f"read _; kill -{spec.stop_signal.value} {process.pid}"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    who = identity(process.pid)
    try:
        _wait(spec.ready, alive=lambda: process.poll() is None, log=spec.log)
        yield process
    finally:
        leash.kill()
        leash.communicate()
        if who is not None:
            end(who, spec.stop_signal, spec.grace_s)
        process.wait()


def _wait(missing: Callable[[], str], *, alive: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while reason := missing():
        if not alive() or time.monotonic() > deadline:
            raise RuntimeError(f"{log.stem} did not start ({reason}):\n{tail(log)}")
        time.sleep(0.02)


def _first_connection(server: Postgres) -> Callable[[], str]:
    """A container's first server only prepares the second: a login is the proof."""

    async def login() -> None:
        await (await asyncpg.connect(server.admin_dsn, timeout=2)).close()

    return lambda: _attempt(login)


def _attempt(action: Callable[[], Coroutine[Any, Any, None]]) -> str:
    try:
        asyncio.run(action())
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        return type(error).__name__
    return ""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Not pytest's own: root's Postgres runs as another user, who must get there."""
    folder = Path(tempfile.mkdtemp(prefix="vcc-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _container(image: str, ports: dict[int, int], variables: dict[str, str]) -> Iterator[bool]:
    """Whether a container of `image` now runs: only where an engine answers and has the image already."""
    if not _engine_answers():
        yield False
        return
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.docker_client import DockerClient

    images = DockerClient().client.images
    if not images.list(image):
        yield False
        return
    # It ends what a killed run leaves; without its image there is no pulling it, and the run ends its own.
    testcontainers_config.ryuk_disabled = not images.list(testcontainers_config.ryuk_image)
    container = DockerContainer(image)
    for inside, outside in ports.items():
        container.ports[f"{inside}/tcp"] = ("127.0.0.1", outside)  # type: ignore[assignment]  # docker-py takes both
    for name, value in variables.items():
        container.with_env(name, value)
    with container:
        yield True


def _engine_answers() -> bool:
    """Asked once, by the plain socket, so that a machine without Docker loses no time."""
    path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    if not Path(path).exists():
        return path.startswith("tcp://")
    connection = HTTPConnection("docker", timeout=1)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(1)
    try:
        connection.sock.connect(path)
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
