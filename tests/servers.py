"""Real servers for tests: from a Docker Engine that answers and has the images, else from the embedded stack."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import postgres
from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.process import Spec, end, identity, start, tail
from services.kit.migrations import KIT_FOLDER, migrate
from services.kit.postgres import Pool, prepare
from services.kit.settings import KafkaSettings, Settings

SERVICES = Path(__file__).parents[1] / "services"
START_TIMEOUT_S = 60
POSTGRES_IMAGE = os.environ.get("VCC_TEST_POSTGRES_IMAGE", "postgres:18")
KAFKA_IMAGE = os.environ.get("VCC_TEST_KAFKA_IMAGE", "apache/kafka:4.3.1")


@dataclass(frozen=True, slots=True)
class Database:
    """A fresh database of one service, entered as that service's own role."""

    service: str
    dsn: str
    pool: Pool

    def settings(self, bootstrap: str = "127.0.0.1:1", **overrides: Any) -> Settings:
        """The service's settings with this database; without a broker nothing answers on port 1."""
        kafka = KafkaSettings(bootstrap_servers=bootstrap)
        given = {"service": self.service, "kafka": kafka, "dsn": self.dsn, "oidc_issuer": "http://127.0.0.1:1"}
        return Settings.model_validate({**given, **overrides})


OpenDatabase = Callable[[str], Awaitable[Database]]


@dataclass(slots=True)
class PostgresServer:
    """One server for the whole run. A service's template is migrated once; every test gets a copy of it."""

    port: int
    password: str
    _templates: dict[str, str] = field(default_factory=dict)
    _made: int = 0

    async def create(self, service: str) -> str:
        """The DSN of a new copy of the service's migrated template."""
        admin = await asyncpg.connect(self.dsn(postgres.ADMIN, "postgres"), timeout=10)
        try:
            template = self._templates.get(service) or await self._make_template(admin, service)
            self._made += 1
            name = f"{service}_{self._made}"
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{service}" {await _how(admin)}')
        finally:
            await admin.close()
        return self.dsn(service, name)

    async def drop(self, dsn: str) -> None:
        admin = await asyncpg.connect(self.dsn(postgres.ADMIN, "postgres"), timeout=10)
        try:
            await admin.execute(f'DROP DATABASE "{dsn.rpartition("/")[2]}" WITH (FORCE)')
        finally:
            await admin.close()

    async def _make_template(self, admin: asyncpg.Connection, service: str) -> str:
        name = f"template_{service}"
        await postgres.make_role(admin, service, self.password)
        await admin.execute(f'CREATE DATABASE "{name}" OWNER "{service}"')
        await migrate(self.dsn(service, name), _folders(service))
        self._templates[service] = name
        return name

    def dsn(self, role: str, database: str) -> str:
        return postgres.dsn(role, self.password, self.port, database)


async def _how(admin: asyncpg.Connection) -> str:
    """Copying files takes a third of the time, where nobody waits for the disk."""
    is_fast = await admin.fetchval("show fsync") == "off" and admin.get_server_version() >= (15,)
    return "STRATEGY file_copy" if is_fast else ""


def _folders(service: str) -> list[tuple[str, Path]]:
    own = SERVICES / service / "migrations"
    return [("kit", KIT_FOLDER), *([(service, own)] if service != "kit" and own.is_dir() else [])]


async def open_database(server: PostgresServer, service: str) -> Database:
    dsn = await server.create(service)
    pool = await Pool(dsn, max_size=8, timeout=10, init=prepare)
    return Database(service, dsn, pool)


async def close_database(server: PostgresServer, database: Database) -> None:
    database.pool.terminate()
    await server.drop(database.dsn)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    port, password = free_port(), postgres.new_password()
    variables = {"POSTGRES_USER": postgres.ADMIN, "POSTGRES_PASSWORD": password, "POSTGRES_DB": "postgres"}
    with _container(POSTGRES_IMAGE, {5432: port}, variables) as contained, _folder() as folder:
        server = Postgres(folder / "data", port, folder / "postgres.log", password, durable=False)
        if contained:
            _wait(_first_connection(server), alive=lambda: True, log=server.log)
            yield PostgresServer(port, password)
        else:
            with running(server.prepare()):
                yield PostgresServer(port, password)


@contextmanager
def running_kafka() -> Iterator[str]:
    port = free_port()
    controller_port = free_port([port])
    variables = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    with _container(KAFKA_IMAGE, {port: port}, variables) as contained, _folder() as folder:
        broker = Kafka(folder, port, controller_port, folder / "kafka.log", durable=False)
        if contained:
            _wait(broker.missing, alive=lambda: True, log=broker.log)
            yield broker.bootstrap
        else:
            with running(broker.prepare()):
                yield broker.bootstrap


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
def _folder() -> Iterator[Path]:
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
