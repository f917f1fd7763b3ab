"""The servers below the services, for rounds of faults: a Postgres and a Kafka that can be killed and come back, the
token issuer, and a proxy between each service and each server. One set serves many rounds."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import httpx
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from deploy.acls import user_of
from deploy.groups import topic_by_group
from deploy.local import postgres, probes
from deploy.local.access import Client
from deploy.local.kafka import HOST
from deploy.local.kafka_access import MECHANISM, PROTOCOL, SCRAM_MODULE, Access
from deploy.local.kafka_users import provide_users
from deploy.local.plan import SERVICES
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.process import Spec, end, identity, plain_environment, start
from deploy.local.state import ROOT, Folder
from deploy.topics import provide_topics
from schemas.catalog import TOPICS
from tests.chaos.nursery import Nursery
from tests.chaos.proxy import Proxies, Proxy
from tests.servers import PostgresServer, WatchedKafka

START_TIMEOUT_S = 180.0
POLL_S, AGAIN_S = 0.03, 0.3
PLANS = ("lakeshore", "prairie")
# What was committed outlives a killed server; only a machine that loses its power could take it back.
CRASH_SAFE = ("-c", "synchronous_commit=on", "-c", "wal_keep_size=4GB")


@dataclass(frozen=True, slots=True)
class BehindProxies(WatchedKafka):
    """A broker with a listener for each service, which tells that service to come by its own proxy."""

    listeners: tuple[tuple[str, int, int], ...] = ()  # name, port, the proxy's port

    def properties(self) -> dict[str, str]:
        known = super(BehindProxies, self).properties()
        added = {
            "listeners": [f"{name}://{HOST}:{port}" for name, port, _ in self.listeners],
            "advertised.listeners": [f"{name}://{HOST}:{proxy}" for name, _, proxy in self.listeners],
            "listener.security.protocol.map": [f"{name}:{PROTOCOL}" for name, _, _ in self.listeners],
        }
        joined = {name: ",".join((known[name], *more)) for name, more in added.items()}
        logins = [_login(name.lower()) for name, _, _ in self.listeners]
        # for poison that is larger than any service sends
        return {**known, **joined, **{k: v for one in logins for k, v in one.items()}, "message.max.bytes": "4000000"}


def _login(listener: str) -> dict[str, str]:
    begin = f"listener.name.{listener}"
    return {
        f"{begin}.sasl.enabled.mechanisms": MECHANISM,
        f"{begin}.{MECHANISM.lower()}.sasl.jaas.config": f"{SCRAM_MODULE} required;",
    }


@dataclass(slots=True)
class Server:
    """One server process, started as often as it takes on the same data."""

    spec: Spec
    nursery: Nursery
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it serves. What a killed server left behind may keep the next one out for a moment."""
        self.process = self._launched()
        async with asyncio.timeout(START_TIMEOUT_S):
            while await asyncio.to_thread(self.spec.ready):
                await asyncio.sleep(POLL_S)
                if self.process.poll() is not None:
                    await asyncio.sleep(AGAIN_S)
                    self.process = self._launched()

    def _launched(self) -> subprocess.Popen[bytes]:
        process = start(self.spec)
        self.nursery.adopt(process.pid, self.spec.stop_signal)
        return process

    async def end(self, number: signal.Signals) -> None:
        """Returns when it is gone."""
        assert self.process is not None
        self.process.send_signal(number)
        await asyncio.to_thread(self.process.wait, START_TIMEOUT_S)

    def stop(self) -> None:
        if self.process is not None and (who := identity(self.process.pid)):
            end(who, self.spec.stop_signal, self.spec.grace_s)
            self.process.wait()


@dataclass(slots=True)
class Servers:
    """All of them. `dsns` are the real databases of the round at hand; the services know only their proxies."""

    folder: Path
    postgres: Server
    kafka: Server
    issuer: Server
    databases: PostgresServer
    broker: BehindProxies
    issuer_url: str
    proxies: Proxies
    nursery: Nursery
    dsns: dict[str, str] = field(default_factory=dict)

    def proxy(self, service: str, to: str) -> Proxy:
        """`to`: postgres or kafka."""
        return self.proxies.by_name[f"{service}-{to}"]

    def dsn_by_proxy(self, service: str) -> str:
        return self.dsns[service].replace(f":{self.databases.port}/", f":{self.proxy(service, 'postgres').port}/")

    @property
    def bootstrap(self) -> str:
        """Where the round's own tools may see and write everything."""
        return self.broker.watched

    def kafka_by_proxy(self, service: str) -> dict[str, str]:
        """What the service is told of the broker: its own user, at its own proxy."""
        return self.broker.access.environment(user_of(service), self.proxy(service, "kafka").port)

    async def renew(self) -> None:
        """Fresh databases and topics, while no service runs."""
        for dsn in self.dsns.values():
            with contextlib.suppress(asyncpg.InvalidCatalogNameError):  # a round broke down in the middle of a restore
                await self.databases.drop(dsn)
        self.dsns = {name: await self.databases.create(name) for name in SERVICES}
        await asyncio.to_thread(self._delete_log)
        await provide_topics({"VCC_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap})

    def _delete_log(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        groups = [one.group_id for one in admin.list_consumer_groups().result().valid]
        for group in groups:
            _delete_empty(admin, group)
        known = [name for name in admin.list_topics(timeout=10).topics if name.startswith("vcc.")]
        for deleted in admin.delete_topics(known).values() if known else ():
            deleted.result()

    def token(self, name: str) -> str:
        """A fresh token of this client."""
        clients: Mapping[str, Mapping[str, str]] = json.loads((self.folder / "issuer" / "clients.json").read_text())
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": clients[name]["secret"]}
        answer = httpx.post(f"{self.issuer_url}/token", data=form, timeout=10)
        return str(answer.raise_for_status().json()["access_token"])

    async def heal(self) -> None:
        """After a round that broke down: whatever it left in a bad way stands again."""
        for proxy in self.proxies.by_name.values():
            proxy.delay_s, proxy.commits_until_cut, proxy.commit_delay_s = float, 0, float
            await self.proxies.call(proxy.set_mode("pass"))
        for server in (self.postgres, self.kafka, self.issuer):
            if server.process is None or server.process.poll() is not None:
                await server.start()

    async def close(self) -> None:
        for server in (self.issuer, self.kafka, self.postgres):
            await asyncio.to_thread(server.stop)
        self.nursery.close()
        self.proxies.close()


async def start_servers(folder: Path) -> Servers:
    """Everything below the services, in `folder`, which Postgres's own account must be able to pass through."""
    ports: list[int] = []
    for _ in range(5 + 3 * len(SERVICES)):
        ports.append(free_port(ports))
    kafka_port, controller_port, watched_port, postgres_port, issuer_port, *rest = ports
    by_service = {name: rest[3 * at : 3 * at + 3] for at, name in enumerate(SERVICES)}
    proxies = Proxies()
    for name, (inner, kafka_proxy, postgres_proxy) in by_service.items():
        proxies.add(f"{name}-kafka", inner, kafka_proxy, is_postgres=False)
        proxies.add(f"{name}-postgres", postgres_port, postgres_proxy, is_postgres=True)
    listeners = tuple((name.upper(), inner, proxy) for name, (inner, proxy, _) in by_service.items())
    state = Folder(folder / "state")
    state.make()
    broker = BehindProxies(
        folder / "kafka", kafka_port, controller_port, folder / "kafka.log", Access(state), durable=False,
        watched_port=watched_port, listeners=listeners,
    )  # fmt: skip
    password = postgres.new_password()
    database = Postgres(folder / "postgres", postgres_port, folder / "postgres.log", password, durable=False)
    nursery = Nursery(folder / "nursery.log")
    servers = Servers(
        folder, Server(_crash_safe(database.prepare()), nursery), Server(broker.prepare(), nursery),
        Server(_issuer(folder, issuer_port), nursery), PostgresServer(postgres_port, password), broker,
        f"http://{HOST}:{issuer_port}", proxies, nursery,
    )  # fmt: skip
    await asyncio.gather(servers.postgres.start(), servers.kafka.start(), servers.issuer.start())
    await provide_users(broker.access, broker.port, broker.controller_port)
    _add_clients(folder / "issuer" / "clients.json")
    return servers


def _crash_safe(spec: Spec) -> Spec:
    return replace(spec, command=[*spec.command, *CRASH_SAFE])


def _issuer(folder: Path, port: int) -> Spec:
    told = {"PYTHONPATH": str(ROOT), "VCC_ISSUER_PORT": str(port), "VCC_ISSUER_STATE": str(folder / "issuer")}
    return Spec(
        name="issuer",
        command=[sys.executable, "-P", "-m", "deploy.local.issuer"],
        environment={**plain_environment(), **told},
        log=folder / "issuer.log",
        ready=lambda: probes.missing(port),
    )


def _delete_empty(admin: AdminClient, group: str) -> None:
    """A group whose members were killed counts as lived in until their session is over."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            admin.delete_consumer_groups([group])[group].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NON_EMPTY_GROUP or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def _add_clients(path: Path) -> None:
    known = json.loads(path.read_text())
    for client in (
        Client(f"{role}-{plan}", grants=[f"{role}@{plan}"]) for role in ("coordinator", "analyst") for plan in PLANS
    ):
        known[client.name] = {"secret": os.urandom(24).hex(), **client.claims()}
    path.write_text(json.dumps(known))


def all_topics() -> Sequence[str]:
    return [topic.name for topic in TOPICS]


def groups_of(service: str) -> dict[str, str]:
    """The service's consumer groups and the topic that each reads."""
    return {group: topic for group, topic in topic_by_group().items() if group.startswith(f"{service}.")}
