"""Who enters a broker without a password: by a certificate (mTLS), or by a token of an issuer (OAUTHBEARER)."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from deploy.acls import user_of
from deploy.local.kafka import HOST
from deploy.local.ports import free_port
from deploy.topics import kafka_settings, provide_topics
from schemas.catalog import CASE, PROGRAMME
from services.kit.kafka import create_broker, create_producer
from services.kit.kafka_tokens import tokens_of
from services.kit.offsets import offsets
from services.kit.settings import KafkaSettings
from tests.certificates import Authority, Served
from tests.servers import WatchedKafka, open_folder, running, watched_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]
TOKEN_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
NO_NODE = "Unable connect to node|Unable to request metadata"


@dataclass(frozen=True, slots=True)
class ProvingKafka(WatchedKafka):
    """The broker with two more listeners: one asks for a certificate, the other for a token. Of tokens it believes what
    they say (`alg` none), for it has no issuer to ask: the handshake and the rights that follow are its own."""

    mutual_port: int = 0
    token_port: int = 0
    served: Served | None = None
    authority: Path = Path()

    def properties(self) -> dict[str, str]:
        known = super(ProvingKafka, self).properties()
        added = f"MUTUAL://localhost:{self.mutual_port},BEARER://localhost:{self.token_port}"
        assert self.served is not None
        login = f'{TOKEN_MODULE} required unsecuredLoginStringClaim_sub="nobody";'
        return {
            **known,
            "listeners": f"{known['listeners']},{added}",
            "advertised.listeners": f"{known['advertised.listeners']},{added}",
            "listener.security.protocol.map": (
                f"{known['listener.security.protocol.map']},MUTUAL:SSL,BEARER:SASL_PLAINTEXT"
            ),
            "listener.name.mutual.ssl.keystore.type": "PEM",
            "listener.name.mutual.ssl.keystore.location": str(self.served.both),
            "listener.name.mutual.ssl.truststore.type": "PEM",
            "listener.name.mutual.ssl.truststore.location": str(self.authority),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/",
            "listener.name.bearer.sasl.enabled.mechanisms": "OAUTHBEARER",
            "listener.name.bearer.oauthbearer.sasl.jaas.config": login,
            "listener.name.bearer.connections.max.reauth.ms": "3000",
        }


@dataclass(slots=True)
class Issuer:
    """An endpoint that gives tokens to clients, each for its own name."""

    life_s: float = 3.0
    secrets: dict[str, str] = field(default_factory=lambda: {user_of("outreach"): "open sesame"})
    given: int = 0
    port: int = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = ThreadingHTTPServer((HOST, 0), self._handler())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}/token"
        finally:
            await asyncio.to_thread(server.shutdown)
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                login = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
                name, _, secret = login.replace("+", " ").partition(":")
                known = issuer.secrets.get(name) == secret
                self.send_response(200 if known else 401)
                self.end_headers()
                self.wfile.write(json.dumps(issuer.token_of(name) if known else {"error": "invalid_client"}).encode())

            def log_message(self, *_: Any) -> None:
                """Nothing: the test's output is for what goes wrong."""

        return Handler

    def token_of(self, name: str) -> dict[str, Any]:
        self.given += 1
        now = time.time()
        parts = {"alg": "none"}, {"sub": name, "iat": now, "exp": now + self.life_s, "jti": str(self.given)}
        head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        return {"access_token": f"{head}.{body}.", "token_type": "Bearer", "expires_in": self.life_s}


@dataclass(frozen=True, slots=True)
class Proving:
    broker: ProvingKafka
    authority: Authority
    another: Authority

    def by_certificate(self, served: Served | None, **more: str) -> KafkaSettings:
        shown = {"VCC_KAFKA_SSL_CERTFILE": served.certificate, "VCC_KAFKA_SSL_KEYFILE": served.key} if served else {}
        return kafka_settings({
            "VCC_KAFKA_BOOTSTRAP_SERVERS": f"localhost:{self.broker.mutual_port}",
            "VCC_KAFKA_SECURITY_PROTOCOL": "SSL",
            "VCC_KAFKA_SSL_CAFILE": str(self.authority.file),
            **{name: str(path) for name, path in shown.items()},
            **more,
        })  # fmt: skip

    def by_token(self, endpoint: str, folder: Path, secret: str = "open sesame") -> KafkaSettings:  # noqa: S107
        """The secret comes by file."""
        file = folder / "secret"
        file.write_text(secret + "\n")
        return kafka_settings({
            "VCC_KAFKA_BOOTSTRAP_SERVERS": f"localhost:{self.broker.token_port}",
            "VCC_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "VCC_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
            "VCC_KAFKA_SASL_OAUTH_TOKEN_ENDPOINT": endpoint,
            "VCC_KAFKA_SASL_OAUTH_CLIENT_ID": user_of("outreach"),
            "VCC_KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE": str(file),
        })  # fmt: skip


async def write(settings: KafkaSettings, topic: str = CASE.name) -> None:
    producer = await create_producer(settings, "outreach")
    try:
        await producer.send_and_wait(topic, b"{}")
    finally:
        await producer.stop()


@pytest.fixture(scope="module")
def proving() -> Iterator[Proving]:
    """A broker of this module's own."""
    with open_folder() as folder:
        authority, another = Authority.make(folder, "authority"), Authority.make(folder, "another")
        made = watched_kafka(folder)
        mutual_port = free_port((made.port, made.controller_port, made.watched_port))
        broker = ProvingKafka(
            made.data, made.port, made.controller_port, made.log, made.access, durable=False,
            watched_port=made.watched_port, mutual_port=mutual_port,
            token_port=free_port((made.port, made.controller_port, made.watched_port, mutual_port)),
            served=authority.vouches_for("localhost"), authority=authority.file,
        )  # fmt: skip
        with running(broker.prepare()):
            broker.provide_users()
            asyncio.run(provide_topics(broker.environment()))
            yield Proving(broker, authority, another)


async def test_a_service_enters_by_its_certificate(proving: Proving) -> None:
    """The name in it is the user, with that user's rights and no others; all kinds of clients enter so."""
    settings = proving.by_certificate(proving.authority.vouches_for(user_of("outreach")))
    await write(settings)
    with pytest.raises(TopicAuthorizationFailedError):
        await write(settings, PROGRAMME.name)
    async with offsets(settings) as broker:
        assert sum((await broker.ends(await broker.partitions({CASE.name}))).values()) >= 1


async def test_a_sealed_key_is_opened_by_its_password(proving: Proving, tmp_path: Path) -> None:
    """The password comes by file; without it the client ends with an error and does not ask at a terminal."""
    served = proving.authority.vouches_for(user_of("outreach"))
    sealed, password = served.sealed(b"open sesame"), tmp_path / "password"
    password.write_text("open sesame\n")
    await write(proving.by_certificate(sealed, VCC_KAFKA_SSL_KEYFILE_PASSWORD_FILE=str(password)))
    with pytest.raises(OSError, match=r"(?i)pem|password|decrypt"):
        await write(proving.by_certificate(sealed))


@pytest.mark.expects_error_log(NO_NODE)
async def test_nobody_enters_with_no_certificate_or_anothers(proving: Proving) -> None:
    """Without one, and with one that another authority has signed, there is no connection."""
    for settings in (
        proving.by_certificate(None), proving.by_certificate(proving.another.vouches_for(user_of("reporting"))),
    ):  # fmt: skip
        with pytest.raises(KafkaConnectionError):
            await write(settings)


async def test_a_service_enters_by_a_token(proving: Proving, tmp_path: Path) -> None:
    """The name in it is the user, with that user's rights and no others; clients of all kinds share one token."""
    issuer = Issuer(life_s=300)
    async with issuer.serving() as endpoint:
        settings = proving.by_token(endpoint, tmp_path)
        await write(settings)
        with pytest.raises(TopicAuthorizationFailedError):
            await write(settings, PROGRAMME.name)
        async with offsets(settings) as broker:
            assert sum((await broker.ends(await broker.partitions({CASE.name}))).values()) >= 1
        consumer = create_broker(settings, "outreach", 1.0)
        await consumer.connect()
        await consumer.stop()
    assert issuer.given == 1


async def test_a_session_that_ends_with_its_token_goes_on_with_the_next(proving: Proving, tmp_path: Path) -> None:
    """The broker ends a session with the token that opened it: the client comes back with a new one, and nothing that
    was said meanwhile is lost."""
    issuer = Issuer()
    async with issuer.serving() as endpoint:
        settings = proving.by_token(endpoint, tmp_path)
        producer = await create_producer(settings, "outreach")
        said, until = 0, time.monotonic() + 30
        try:
            while issuer.given < 3:
                assert time.monotonic() < until, "no third token was asked for"
                await producer.send_and_wait(CASE.name, b"{}")
                said += 1
        finally:
            await producer.stop()
    assert said > 0
    tokens_of.cache_clear()


@pytest.mark.expects_error_log(NO_NODE)
async def test_nobody_enters_with_a_wrong_secret(proving: Proving, tmp_path: Path) -> None:
    """There is no token, and no connection."""
    async with Issuer().serving() as endpoint:
        with pytest.raises(KafkaError):
            await write(proving.by_token(endpoint, tmp_path, secret="guess"))
