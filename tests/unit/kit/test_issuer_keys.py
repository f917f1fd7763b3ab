"""The issuer's keys: read once, found when rotated, kept while it is away, never from an untrusted document."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import issuer as local_issuer
from services.kit.issuer_keys import IssuerKeys, IssuerUnavailableError, TrustedIssuer
from tests.unit.kit.issuer import ISSUER, TRUSTED, Clock, Wire, a_token, bearing


async def test_keys_are_read_once(client: httpx.AsyncClient, state: Path, wire: Wire) -> None:
    """Discovery and keys are read for the first token and kept for the next ones."""
    for _ in range(5):
        await client.get("/v1/dens/7", headers=bearing(a_token(state)))
    assert wire.requests == 2


async def test_made_up_key_ids_do_not_reach_the_issuer(client: httpx.AsyncClient, state: Path, wire: Wire) -> None:
    """A flood of unknown key ids makes no more than one refresh in the pause."""
    await client.get("/v1/dens/7", headers=bearing(a_token(state)))
    for number in range(20):
        await client.get("/v1/dens/7", headers=bearing(a_token(state, kid=f"fake-{number}")))
    assert wire.requests == 2


async def test_a_rotated_key_is_found(client: httpx.AsyncClient, state: Path, wire: Wire, clock: Clock) -> None:
    """After the issuer changed its key, a token of the new key is good once the pause is over."""
    assert (await client.get("/v1/dens/7", headers=bearing(a_token(state)))).status_code == 200
    (state / "key.pem").unlink()
    wire.issuer = httpx.ASGITransport(local_issuer.build(state, ISSUER))
    rotated = bearing(a_token(state))
    assert (await client.get("/v1/dens/7", headers=rotated)).status_code == 401
    clock.now += TRUSTED.retry_s
    assert (await client.get("/v1/dens/7", headers=rotated)).status_code == 200


@pytest.mark.expects_error_log("issuer keys unreadable")
async def test_an_issuer_away_at_the_start_is_no_crash(
    client: httpx.AsyncClient, state: Path, wire: Wire, clock: Clock
) -> None:
    """Without keys: 503 with Retry-After, and service as soon as the issuer is back."""
    wire.cut = True
    response = await client.get("/v1/dens/7", headers=bearing(a_token(state)))
    assert (response.status_code, response.json()["type"]) == (503, "urn:vcc:problem:issuer-unavailable")
    assert int(response.headers["retry-after"]) > 0
    wire.cut = False
    clock.now += TRUSTED.first_retry_s
    assert (await client.get("/v1/dens/7", headers=bearing(a_token(state)))).status_code == 200


@pytest.mark.expects_error_log("issuer keys unreadable")
async def test_old_keys_serve_while_the_issuer_is_away(
    client: httpx.AsyncClient, state: Path, wire: Wire, clock: Clock
) -> None:
    """Kept keys are used past their freshness while the issuer is away, but not for more than a day."""
    headers = bearing(a_token(state, exp=int(time.time()) + 900))
    await client.get("/v1/dens/7", headers=headers)
    wire.cut = True
    clock.now += TRUSTED.fresh_s
    assert (await client.get("/v1/dens/7", headers=headers)).status_code == 200
    clock.now += TRUSTED.stale_s
    assert (await client.get("/v1/dens/7", headers=headers)).status_code == 503


DISCOVERED: list[tuple[Any, bool]] = [
    ({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks.json"}, True),
    ({"issuer": ISSUER, "jwks_uri": "https://keys.example/jwks.json"}, True),
    ({"issuer": "http://127.0.0.1:666", "jwks_uri": f"{ISSUER}/jwks.json"}, False),
    ({"issuer": ISSUER, "jwks_uri": "http://keys.example/jwks.json"}, False),
    ({"issuer": ISSUER}, False),
    ([], False),
]


@pytest.mark.expects_error_log("issuer keys unreadable")
@pytest.mark.parametrize(("document", "trusted"), DISCOVERED)
async def test_a_discovery_document_that_cannot_be_trusted_gives_no_key(
    state: Path, document: Any, trusted: bool
) -> None:
    """A document of another issuer, or one that leads off to plain http, is not followed, good keys or not."""
    key = local_issuer._public_jwk(local_issuer.load_key(state))

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"keys": [key]} if request.url.path == "/jwks.json" else document)

    finding = IssuerKeys(TRUSTED, httpx.MockTransport(answer)).find(key["kid"])
    if trusted:
        assert await finding is not None
    else:
        with pytest.raises(IssuerUnavailableError):
            await finding


@pytest.mark.expects_error_log("issuer keys unreadable")
@pytest.mark.parametrize("keys", [[], [{"kid": "x", "kty": "oct", "k": "c2VjcmV0"}], [{"kty": "RSA"}], ["x"], "x"])
async def test_an_issuer_without_usable_keys_is_as_good_as_away(keys: Any) -> None:
    """Keys of no use, shared secrets among them, are not taken."""
    served = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks.json", "keys": keys}
    finding = IssuerKeys(TRUSTED, httpx.MockTransport(lambda _: httpx.Response(200, json=served)))
    with pytest.raises(IssuerUnavailableError):
        await finding.find("x")


@pytest.mark.parametrize("issuer", ["http://login.example", "ftp://127.0.0.1", "127.0.0.1:80", ""])
def test_tokens_are_not_checked_over_an_open_channel(issuer: str) -> None:
    """An issuer's address must be https unless it is on loopback."""
    with pytest.raises(ValueError, match="https"):
        TrustedIssuer(issuer=issuer, audience="vcc")
