"""The bus over TLS: only who has a certificate of the authority that is named, for the name in the settings."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from deploy.acls import user_of
from deploy.local.kafka import HOST
from deploy.local.ports import free_port
from deploy.topics import kafka_settings, provide_topics
from schemas.catalog import CASE
from services.kit.kafka import create_producer
from tests.certificates import Authority, Served
from tests.servers import WatchedKafka, open_folder, running, watched_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]


@dataclass(frozen=True, slots=True)
class GuardedKafka(WatchedKafka):
    """The broker with a third listener, by TLS: it shows a certificate for localhost."""

    guarded_port: int = 0
    served: Served | None = None

    def properties(self) -> dict[str, str]:
        known, guarded = super(GuardedKafka, self).properties(), f"GUARDED://localhost:{self.guarded_port}"
        assert self.served is not None
        scram = {
            name.replace(".clients.", ".guarded."): value for name, value in known.items() if ".name.clients." in name
        }
        return {
            **known, **scram,
            "listeners": f"{known['listeners']},{guarded}",
            "advertised.listeners": f"{known['advertised.listeners']},{guarded}",
            "listener.security.protocol.map": f"{known['listener.security.protocol.map']},GUARDED:SASL_SSL",
            "listener.name.guarded.ssl.keystore.type": "PEM",
            "listener.name.guarded.ssl.keystore.location": str(self.served.both),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guarded:
    broker: GuardedKafka
    authority: Authority
    another: Authority

    async def write(self, cafile: Path | None, host: str = "localhost", protocol: str = "SASL_SSL") -> None:
        """As outreach, which is told this authority and this name."""
        told = self.broker.access.environment(user_of("outreach"), self.broker.port) | {
            "VCC_KAFKA_BOOTSTRAP_SERVERS": f"{host}:{self.broker.guarded_port}",
            "VCC_KAFKA_SECURITY_PROTOCOL": protocol,
        }
        settings = kafka_settings(told | ({"VCC_KAFKA_SSL_CAFILE": str(cafile)} if cafile else {}))
        producer = await create_producer(settings, "outreach")
        try:
            await producer.send_and_wait(CASE.name, b"{}")
        finally:
            await producer.stop()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """A broker of this module's own: the others' has no certificate."""
    with open_folder() as folder:
        authority, another = Authority.make(folder, "authority"), Authority.make(folder, "another")
        made = watched_kafka(folder)
        taken = (made.port, made.controller_port, made.watched_port)
        broker = GuardedKafka(
            made.data, made.port, made.controller_port, made.log, made.access, durable=False,
            watched_port=made.watched_port, guarded_port=free_port(taken), served=authority.vouches_for("localhost"),
        )  # fmt: skip
        with running(broker.prepare()):
            broker.provide_users()
            asyncio.run(provide_topics(broker.environment()))
            yield Guarded(broker, authority, another)


async def test_a_service_writes_by_tls(guarded: Guarded) -> None:
    """A service that is told the authority logs in and writes over TLS (v5.0.0-12.3.1)."""
    await guarded.write(guarded.authority.file)


@pytest.mark.expects_error_log("Unable connect to node|Unable to request metadata")
async def test_a_broker_that_nobody_vouches_for_is_told_nothing(guarded: Guarded) -> None:
    """Another authority, only the system's own list, another name of the same server, or no TLS: no login is sent, and
    the service has no connection (v5.0.0-12.3.2)."""
    refused = [
        guarded.write(guarded.another.file),
        guarded.write(None),
        guarded.write(guarded.authority.file, host=HOST),
        guarded.write(guarded.authority.file, protocol="SASL_PLAINTEXT"),
    ]
    for attempt in refused:
        with pytest.raises(KafkaConnectionError):
            await attempt
