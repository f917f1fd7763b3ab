"""The issuer's keys over https: only from who has a certificate of the authority that is named, for the issuer's own
name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from deploy.local import issuer as local_issuer
from services.kit.issuer_keys import IssuerKeys, IssuerUnavailableError, TrustedIssuer
from tests.certificates import Authority

ENOUGH_S = 60.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Vouches for the issuer."""
    return Authority.make(tmp_path, "authority")


@asynccontextmanager
async def serving(folder: Path, authority: Authority, host: str = "localhost") -> AsyncIterator[str]:
    """The address of the local issuer, which calls itself `host` and shows a certificate for localhost."""
    served = authority.vouches_for("localhost")
    listener = local_issuer.bind("127.0.0.1", 0)
    address = f"https://{host}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        local_issuer.build(folder / "state", address), access_log=False, log_config=None, lifespan="off",
        ssl_certfile=served.certificate, ssl_keyfile=served.key,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(ENOUGH_S):
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
    yield address
    server.should_exit = server.force_exit = True
    await running


async def is_found(folder: Path, address: str, cafile: Path | None) -> bool:
    """Whether the issuer's one key is found there, by who believes this authority."""
    key_id = local_issuer._public_jwk(local_issuer.load_key(folder / "state"))["kid"]
    trusted = TrustedIssuer(issuer=address, audience="vcc", cafile=str(cafile) if cafile else None)
    return await IssuerKeys(trusted).find(key_id) is not None


async def test_an_issuer_is_proved_by_the_authority_that_is_named(tmp_path: Path, authority: Authority) -> None:
    """With the authority's file the keys of an issuer on https are read (v5.0.0-12.3.4)."""
    async with serving(tmp_path, authority) as address:
        assert await is_found(tmp_path, address, authority.file)


@pytest.mark.expects_error_log("issuer keys unreadable")
@pytest.mark.parametrize("named", ["another", None])
async def test_an_issuer_of_another_authority_is_not_believed(
    tmp_path: Path, authority: Authority, named: str | None
) -> None:
    """Keys come from nobody whose certificate another authority gave, or one that the system does not know."""
    cafile = Authority.make(tmp_path, named).file if named else None
    async with serving(tmp_path, authority) as address:
        with pytest.raises(IssuerUnavailableError):
            await is_found(tmp_path, address, cafile)


@pytest.mark.expects_error_log("issuer keys unreadable")
async def test_an_issuer_of_another_name_is_not_believed(tmp_path: Path, authority: Authority) -> None:
    """A certificate of the right authority for another name proves nothing."""
    async with serving(tmp_path, authority, "127.0.0.1") as address:
        with pytest.raises(IssuerUnavailableError):
            await is_found(tmp_path, address, authority.file)
