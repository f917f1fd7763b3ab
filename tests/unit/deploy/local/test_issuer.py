"""The local issuer keeps its secrets to itself and can't be mistaken for a real one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import jwt
import pytest

from deploy.local import issuer

ADDRESS = "http://127.0.0.1:4712"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = issuer.build(tmp_path / "state", ADDRESS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as client:
        yield client


def secret_of(tmp_path: Path, name: str) -> str:
    return str(issuer.load_clients(tmp_path / "state")[name]["secret"])


async def test_a_client_gets_its_grants(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """The token, checked against the published key, says what the file says of the client, by either kind of login."""
    secret = secret_of(tmp_path, "coordinator")
    basic = await client.post("/token", data=GRANT, auth=("coordinator", secret))
    posted = await client.post("/token", data={**GRANT, "client_id": "coordinator", "client_secret": secret})
    key = jwt.PyJWK((await client.get("/jwks.json")).json()["keys"][0])
    for response in (basic, posted):
        claims = jwt.decode(response.json()["access_token"], key, audience="vcc", issuer=ADDRESS)
        assert (claims["sub"], claims["grants"]) == ("coordinator", ["coordinator@local"])
        assert response.json()["expires_in"] == claims["exp"] - claims["iat"]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({**GRANT, "client_id": "coordinator", "client_secret": "guess"}, 401, "invalid_client"),
        ({**GRANT, "client_id": "nobody", "client_secret": "guess"}, 401, "invalid_client"),
        ({**GRANT, "client_id": "coordinator"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "unsupported_grant_type"),
    ],
)
async def test_others_get_nothing(client: httpx.AsyncClient, form: dict[str, str], status: int, error: str) -> None:
    """A wrong secret, an unknown client and another grant are refused in OAuth's own words."""
    response = await client.post("/token", data=form)
    assert (response.status_code, response.json()) == (status, {"error": error})


async def test_an_unreadable_login_is_no_fault(client: httpx.AsyncClient) -> None:
    """A Basic header that is no base64 is an invalid client."""
    response = await client.post("/token", data=GRANT, headers={"Authorization": "Basic ***"})
    assert response.status_code == 401


async def test_a_client_can_be_added_while_it_runs(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """The file is read for each token."""
    path = tmp_path / "state" / "clients.json"
    clients = json.loads(path.read_text())
    clients["dr-mole"] = {"secret": "tunnel", "roles": ["digger"], "tenants": ["lawn"]}
    path.write_text(json.dumps(clients))
    assert (await client.post("/token", data=GRANT, auth=("dr-mole", "tunnel"))).status_code == 200


def test_secrets_are_kept_and_private(tmp_path: Path) -> None:
    """Key and clients survive a restart and are readable by their owner only; if others can read them, it stops."""
    state = tmp_path / "state"
    first = issuer.load_key(state).private_numbers(), issuer.load_clients(state)
    assert (issuer.load_key(state).private_numbers(), issuer.load_clients(state)) == first
    assert {path.name: path.stat().st_mode & 0o777 for path in state.iterdir()} == {
        "key.pem": 0o600,
        "clients.json": 0o600,
    }
    (state / "key.pem").chmod(0o640)
    with pytest.raises(issuer.IssuerStateError, match="0600"):
        issuer.load_key(state)


@pytest.mark.parametrize("host", ["0.0.0.0", "203.0.113.7", "::", "", "login.example"])  # noqa: S104
def test_it_binds_loopback_only(host: str) -> None:
    """Any host but loopback is refused."""
    with pytest.raises(issuer.IssuerStateError, match="loopback"):
        issuer.bind(host, 0)


def test_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing variable is named, with the exit code of wrong use."""
    assert issuer.main({}) == 2
    assert "VCC_ISSUER_STATE is not set" in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_as_a_program(tmp_path: Path) -> None:
    """Started as a module it says its address, answers there, and ends on SIGTERM."""
    environ = {**os.environ, "VCC_ISSUER_PORT": "0", "VCC_ISSUER_STATE": str(tmp_path / "state")}
    command = [sys.executable, "-m", "deploy.local.issuer"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[-1]
        try:
            found = _get_when_up(f"{address}/.well-known/openid-configuration")
        finally:
            process.terminate()
        assert found["issuer"] == address
        assert process.wait(10) in (0, -15)


def _get_when_up(address: str) -> dict[str, str]:
    deadline = time.monotonic() + 120
    while True:
        try:
            document: dict[str, str] = httpx.get(address, trust_env=False).json()
        except httpx.ConnectError:
            assert time.monotonic() < deadline, "the issuer did not come up"
        else:
            return document
