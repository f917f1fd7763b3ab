"""The local issuer as a trusted one, reached by a wire that counts and can be cut, and the tokens that it signs."""

import time
from pathlib import Path
from typing import Any

import httpx
import jwt
from fastapi import FastAPI

from deploy.local import issuer as local_issuer
from services.kit.issuer_keys import TrustedIssuer

ISSUER = "http://127.0.0.1:4711"
TRUSTED = TrustedIssuer(issuer=ISSUER, audience="vcc", every_tenant_roles=frozenset({"operator"}))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Wire(httpx.AsyncBaseTransport):
    """Leads to the issuer's application, counts, and can be cut."""

    def __init__(self, app: FastAPI) -> None:
        self.issuer = httpx.ASGITransport(app)
        self.requests = 0
        self.cut = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.cut:
            raise httpx.ConnectError("no route", request=request)
        return await self.issuer.handle_async_request(request)


def a_token(
    state: Path,
    key: Any = None,
    algorithm: str = "RS256",
    kid: str | None = None,
    kind: str | None = "at+jwt",
    **changes: Any,
) -> str:
    """A good token of the local issuer, but for `changes`; a claim changed to None is left out."""
    now = int(time.time())
    claims: dict[str, Any] = {"iss": ISSUER, "sub": "brock", "aud": "vcc", "iat": now, "exp": now + 60}
    claims |= {"roles": ["badger"], "tenants": ["sett"]} | changes
    signing = local_issuer.load_key(state)
    kid = kid or local_issuer._public_jwk(signing)["kid"]
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, signing if key is None else key, algorithm, headers={"kid": kid, "typ": kind})


def bearing(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}
