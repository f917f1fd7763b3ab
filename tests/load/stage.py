"""The servers that a benchmark runs against: as durable as in earnest, on ports and in a folder of their own."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import psutil
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import postgres
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from services.kit.contract import Record
from tests.servers import PostgresServer, WatchedKafka, as_role, running, watched_kafka

STATEMENTS = ("shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top")


@dataclass(slots=True)
class Stage:
    """A broker, a database server, and the processes to be charged with the time."""

    folder: Path
    kafka: WatchedKafka
    server: PostgresServer
    admin_dsn: str
    pids: Mapping[str, int]
    counts_statements: bool
    profile: Path | None = None
    _made: int = field(default=0)

    @property
    def bootstrap(self) -> str:
        """Where a path of the benchmark reads and writes without a login."""
        return self.kafka.watched

    def database(self, service: str, setup: Sequence[str] = ()) -> str:
        """The DSN of a new database of this service, in which `setup` has been executed."""
        return asyncio.run(self.make_database(service, setup))

    async def make_database(self, service: str, setup: Sequence[str]) -> str:
        dsn = await self.server.create(service)
        connection = await asyncpg.connect(as_role(dsn, "owner_dsn"))
        for statement in ("select set_config('vcc.tenant', '*', false)", *setup):
            await connection.execute(statement)
        await connection.close()
        return dsn

    def drop(self, dsn: str) -> None:
        asyncio.run(self.server.drop(dsn))

    def topic(self, name: str, records: Sequence[Record], partitions: int = 4) -> None:
        """A new topic that holds these records, in their order."""
        asyncio.run(self.make_topic(name, records, partitions))

    async def make_topic(self, name: str, records: Sequence[Record], partitions: int = 4) -> None:
        await _fill(self.bootstrap, name, records, partitions)

    def new_name(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}.{self._made}"


@contextmanager
def stage(profile: Path | None = None) -> Iterator[Stage]:
    """Servers for the length of this block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(_folder()))
        port, password = free_port(), postgres.new_password()
        broker = watched_kafka(folder / "broker", [port], durable=True)
        server = Postgres(folder / "data", port, folder / "postgres.log", password)
        spec, counts = server.prepare(), _has_statements()
        if counts:
            switches = [part for setting in STATEMENTS for part in ("-c", setting)]
            spec = replace(spec, command=[*spec.command, *switches])
        database = stack.enter_context(running(spec))
        kafka = stack.enter_context(running(broker.prepare()))
        pids = {"postgres": database.pid, "kafka": kafka.pid}
        broker.provide_users()
        yield Stage(folder, broker, PostgresServer(port, password), server.admin_dsn, pids, counts, profile)


def _has_statements() -> bool:
    from deploy.local.postgres_binaries import binaries

    programs = Path(binaries(None))
    return any(programs.parent.glob("**/pg_stat_statements.so"))


@contextmanager
def _folder() -> Iterator[str]:
    """Root's Postgres runs as another user, who must get there."""
    path = Path(tempfile.mkdtemp(prefix="vcc-bench-"))
    path.chmod(0o711)
    try:
        yield str(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


async def _fill(bootstrap: str, topic: str, records: Sequence[Record], partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, partitions, 1)])
    await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=1 << 17
    )
    await producer.start()
    for start in range(0, len(records), 2000):
        part = records[start : start + 2000]
        sent = [await producer.send(topic, one.value, one.key, headers=list(one.headers)) for one in part]
        await asyncio.gather(*sent)
    await producer.stop()


def machine_s() -> float:
    """Processor seconds that anybody on this machine has used."""
    times = psutil.cpu_times()
    idle: float = times.idle + getattr(times, "iowait", 0.0)
    return sum(times[:8]) - idle  # what follows is contained in these (guests)


def processor_s(pid: int) -> float:
    """Processor seconds of this process and everything it started, since it began."""
    parent = psutil.Process(pid)
    own = parent.cpu_times()
    total: float = own.user + own.system + own.children_user + own.children_system
    for child in parent.children(recursive=True):
        try:
            times = child.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total
