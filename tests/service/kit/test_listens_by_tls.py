"""A service with a certificate: requests reach it over https, and over nothing else."""

import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port
from deploy.local.process import Spec, plain_environment
from deploy.local.state import ROOT
from tests.certificates import Authority
from tests.keys import RING
from tests.servers import OpenDatabase, running

pytestmark = pytest.mark.postgres
EVERYWHERE = "0.0.0.0"  # noqa: S104


def asked(address: str, cafile: Path) -> httpx.Response:
    """By a client that believes this authority."""
    return httpx.get(address, verify=ssl.create_default_context(cafile=cafile), trust_env=False)


def a_service(dsn: str, port: int, authority: Authority, log: Path, ready: Callable[[], str]) -> Spec:
    """Outreach as its own process, listening beyond loopback with a certificate for localhost."""
    served = authority.vouches_for("localhost")
    told = {
        "VCC_OUTREACH_DSN": dsn,
        "VCC_OUTREACH_KEY_RING": RING,
        "VCC_OUTREACH_TOPIC_KEY_RING": RING,
        "VCC_OUTREACH_MAY_RUN_AS_ROOT": "true",
        "VCC_OUTREACH_HTTP_HOST": EVERYWHERE,
        "VCC_OUTREACH_HTTP_PORT": str(port),
        "VCC_OUTREACH_HTTP_TLS_CERTFILE": str(served.certificate),
        "VCC_OUTREACH_HTTP_TLS_KEYFILE": str(served.key),
        "VCC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "VCC_OIDC_ISSUER": "http://127.0.0.1:1",
    }
    command = [sys.executable, "-P", "-m", "services.outreach.app"]
    environment = {**plain_environment(), "PYTHONPATH": str(ROOT), **told}
    return Spec(name="outreach", command=command, environment=environment, log=log, folder=ROOT, ready=ready)


async def test_a_service_with_a_certificate_speaks_https_only(database: OpenDatabase, tmp_path: Path) -> None:
    """Who believes its authority gets an answer; who believes another, asks by another name or plainly gets none
    (v5.0.0-12.2.1)."""
    opened, port = await database("outreach"), free_port()
    authority, another = Authority.make(tmp_path, "authority"), Authority.make(tmp_path, "another")
    address = f"https://localhost:{port}/live"

    def missing() -> str:
        try:
            return "" if asked(address, authority.file).status_code == 200 else "another answer"
        except httpx.ConnectError as error:
            return type(error).__name__

    with running(a_service(opened.dsn, port, authority, tmp_path / "outreach.log", missing)):
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            asked(address, another.file)
        with pytest.raises(httpx.ConnectError, match="IP address mismatch"):
            asked(f"https://127.0.0.1:{port}/live", authority.file)
        with pytest.raises(httpx.RemoteProtocolError):
            asked(f"http://localhost:{port}/live", authority.file)
    assert "listens without TLS" not in (tmp_path / "outreach.log").read_text()
