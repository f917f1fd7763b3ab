"""Tokens for the brokers, from an endpoint that gives them to clients."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from services.kit.kafka_security import token_options
from services.kit.kafka_tokens import NoTokenError, Tokens, tokens_of
from services.kit.settings import KafkaSettings, SettingsError, read_kafka_settings

BY_TOKEN = {
    "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "VCC_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "VCC_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
    "VCC_KAFKA_SASL_OAUTH_TOKEN_ENDPOINT": "https://id.example/token",
    "VCC_KAFKA_SASL_OAUTH_CLIENT_ID": "vcc outreach",
    "VCC_KAFKA_SASL_OAUTH_CLIENT_SECRET": "open:sesame",
}


class Endpoint:
    """Gives numbered tokens, or what it is told to say; `now` is what its clients take for the time."""

    def __init__(self, **more: Any) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: httpx.Response | None = None
        self.now, self.more = 0.0, more

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        given = {"access_token": f"token-{len(self.asked)}", "token_type": "Bearer", "expires_in": 100, **self.more}
        return self.answer if self.answer is not None else httpx.Response(200, json=given)

    def tokens(self, **changed: str) -> Tokens:
        settings = read_kafka_settings({**BY_TOKEN, **changed})
        return Tokens(settings, httpx.MockTransport(self), lambda: self.now)


async def test_a_client_proves_itself_and_asks_for_its_scope() -> None:
    """Id and secret go as RFC 6749 has them, each encoded by itself; the scope only where one is set."""
    endpoint = Endpoint()
    assert await endpoint.tokens(VCC_KAFKA_SASL_OAUTH_SCOPE="kafka").token() == "token-1"
    assert await endpoint.tokens().token() == "token-2"
    login = base64.b64decode(endpoint.asked[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert login == "vcc+outreach:open%3Asesame"
    forms = [parse_qs(request.content.decode()) for request in endpoint.asked]
    assert forms == [
        {"grant_type": ["client_credentials"], "scope": ["kafka"]},
        {"grant_type": ["client_credentials"]},
    ]


async def test_a_token_is_used_for_most_of_its_life() -> None:
    """Asked for once, and again before it ends."""
    endpoint = Endpoint()
    tokens = endpoint.tokens()
    said = []
    for endpoint.now in (0, 79, 80, 150, 160):
        said.append(await tokens.token())
    assert said == ["token-1", "token-1", "token-2", "token-2", "token-3"]


async def test_a_life_that_is_not_said_is_short() -> None:
    """An endpoint that does not say how long a token lives is asked again within a minute."""
    endpoint = Endpoint(expires_in=None)
    del endpoint.more["expires_in"]
    endpoint.answer = httpx.Response(200, json={"access_token": "a", "token_type": "bearer"})
    tokens = endpoint.tokens()
    for endpoint.now in (0, 47, 49):
        await tokens.token()
    assert len(endpoint.asked) == 2


async def test_a_token_serves_until_it_ends_while_the_endpoint_is_away() -> None:
    """After that the brokers can't be reached, which is tried again."""
    endpoint = Endpoint()
    tokens = endpoint.tokens()
    await tokens.token()
    endpoint.answer = httpx.Response(503)
    endpoint.now = 99.0
    assert await tokens.token() == "token-1"
    endpoint.now = 100.0
    with pytest.raises(NoTokenError):
        await tokens.token()
    endpoint.answer = None
    assert await tokens.token() == "token-4"


def _raising(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused: open:sesame")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"error": "invalid_client", "open:sesame": 1}),
        httpx.Response(302, headers={"location": "http://elsewhere.example"}),
        httpx.Response(200, text="<html>open:sesame"),
        httpx.Response(200, json=["open:sesame"]),
        httpx.Response(200, json={"access_token": "a\x01auth=Bearer b", "token_type": "Bearer"}),
        httpx.Response(200, json={"access_token": "open:sesame", "token_type": "mac"}),
        httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "expires_in": 0}),
        _raising,
    ],
)
async def test_what_is_no_token_is_shown_to_nobody(answer: httpx.Response | Callable[..., httpx.Response]) -> None:
    """A refusal, a redirect, another document, a token that would say more than itself: there is no token, and the
    error holds nothing of what was sent or given."""
    endpoint = Endpoint()
    transport = httpx.MockTransport(answer if callable(answer) else lambda _: answer)
    with pytest.raises(NoTokenError) as refused:
        await Tokens(read_kafka_settings(BY_TOKEN), transport, lambda: endpoint.now).token()
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"VCC_KAFKA_SASL_OAUTH_TOKEN_ENDPOINT": "http://id.example/token"}, "ENDPOINT: expected https"),
        ({"VCC_KAFKA_SASL_OAUTH_TOKEN_ENDPOINT": ""}, "TOKEN_ENDPOINT: expected with OAUTHBEARER"),
        (
            {"VCC_KAFKA_SASL_OAUTH_CLIENT_ID": "", "VCC_KAFKA_SASL_OAUTH_CLIENT_SECRET": ""},
            "VCC_KAFKA_SASL_OAUTH_CLIENT_ID, VCC_KAFKA_SASL_OAUTH_CLIENT_SECRET: expected with",
        ),
        ({"VCC_KAFKA_SSL_CERTFILE": "a.crt"}, "VCC_KAFKA_SSL_CERTFILE, VCC_KAFKA_SSL_KEYFILE: expected both"),
        ({"VCC_KAFKA_SSL_KEYFILE": "a.key"}, "expected both or none"),
        (
            {
                "VCC_KAFKA_SSL_CERTFILE": "a", "VCC_KAFKA_SSL_KEYFILE": "a",
                "VCC_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            },
            "VCC_KAFKA_SECURITY_PROTOCOL: expected SSL or SASL_SSL where a certificate",
        ),
    ],
)  # fmt: skip
def test_half_a_login_is_refused_at_the_start(changed: dict[str, str], said: str) -> None:
    """What lacks is named; a secret goes to no endpoint over an open line."""
    with pytest.raises(SettingsError, match=said):
        read_kafka_settings({**BY_TOKEN, **changed})


def test_all_clients_of_a_process_share_a_token() -> None:
    """And nobody has one who logs in otherwise."""
    settings = read_kafka_settings(BY_TOKEN)
    assert token_options(settings) == {"sasl_oauth_token_provider": tokens_of(read_kafka_settings(BY_TOKEN))}
    assert token_options(KafkaSettings(bootstrap_servers="a:1", security_protocol="SASL_SSL")) == {}
