"""The trusted issuer and its public keys: read by discovery, kept, and read again when that is due."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import structlog

from services.kit.loopback import is_loopback
from services.kit.private_channels import is_private

ALGORITHMS = ("RS256", "ES256")

log = structlog.get_logger()


class IssuerUnavailableError(Exception):
    """The issuer's keys can't be had: check that the issuer runs and that its address is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """Whom to believe, and about what. Only `every_tenant_roles` may use a token's tenant `*`."""

    issuer: str
    audience: str
    every_tenant_roles: frozenset[str] = frozenset()
    roles_claim: str = "roles"
    tenants_claim: str = "tenants"
    grants_claim: str = "grants"
    token_types: frozenset[str] = frozenset({"at+jwt"})
    longest_life_s: float = 7200.0
    revoked_keys: frozenset[str] = frozenset()
    leeway_s: float = 30.0
    fresh_s: float = 3600.0
    stale_s: float = 86400.0  # how long a withdrawn key may serve on while the issuer is away
    retry_s: float = 10.0  # a flood of made-up key ids must not become a flood at the issuer
    first_retry_s: float = 1.0
    timeout_s: float = 5.0
    cafile: str | None = None  # the authority that proves the issuer's address, if it is one of the site's own
    allows_plaintext: bool = False

    def __post_init__(self) -> None:
        if not self._may_ask(self.issuer):
            raise ValueError("the issuer's address must be https, or http on loopback")

    def _may_ask(self, address: str) -> bool:
        return is_private(address) or (self.allows_plaintext and urlsplit(address).scheme == "http")

    def require_private(self, address: str) -> None:
        """Keys that came over an open line could be anybody's."""
        if not self._may_ask(address):
            raise ValueError("the keys' address must be https, or http on loopback")


@dataclass(slots=True)
class IssuerKeys:
    """The issuer's public keys, read when first needed, again when old, and again (seldom) for an unknown key id.
    Old keys serve on while the issuer is away."""

    trusted: TrustedIssuer
    transport: httpx.AsyncBaseTransport | None = None
    clock: Callable[[], float] = time.monotonic
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _read_at: float | None = None
    _tried_at: float | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id; None for one that the issuer does not publish, or that is revoked here."""
        if key_id in self.trusted.revoked_keys:
            return None
        known = key_id in self._keys
        if not known or (self._older_than(self._read_at, self.trusted.fresh_s) and not self._lock.locked()):
            async with self._lock:
                if self._older_than(self._tried_at, self._pause_s()):
                    await self._refresh()
        if self._older_than(self._read_at, self.trusted.stale_s):
            raise IssuerUnavailableError(IssuerUnavailableError.__doc__)
        return self._keys.get(key_id)

    def _pause_s(self) -> float:
        return self.trusted.first_retry_s if self._read_at is None else self.trusted.retry_s

    def _older_than(self, instant: float | None, seconds: float) -> bool:
        return instant is None or self.clock() - instant >= seconds

    async def _refresh(self) -> None:
        self._tried_at = self.clock()
        try:
            self._keys = await self._read()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
            log.error("issuer keys unreadable", error=type(error).__name__)
            return
        self._read_at = self.clock()

    async def _read(self) -> dict[str, jwt.PyJWK]:
        issuer = self.trusted.issuer
        # A proxy of the environment is for outside addresses.
        trust_env = not is_loopback(urlsplit(issuer).hostname or "")
        options: dict[str, Any] = {"timeout": self.trusted.timeout_s, "trust_env": trust_env}
        if self.trusted.cafile is not None:
            options["verify"] = ssl.create_default_context(cafile=self.trusted.cafile)
        async with httpx.AsyncClient(transport=self.transport, **options) as client:
            found = await _get_json(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found["issuer"] != issuer:
                raise ValueError("the discovery document speaks for another issuer")
            self.trusted.require_private(found["jwks_uri"])
            return _usable_keys(await _get_json(client, found["jwks_uri"]))


async def _get_json(client: httpx.AsyncClient, address: str) -> Any:
    response = await client.get(address)
    response.raise_for_status()
    return response.json()


def _usable_keys(jwks: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    keys: dict[str, jwt.PyJWK] = {}
    for jwk in jwks["keys"]:
        if "kid" not in jwk or jwk.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(jwk)
        except jwt.PyJWTError:
            continue  # of a kind we don't take: another of the set may fit
        if key.algorithm_name in ALGORITHMS:
            keys[jwk["kid"]] = key
    if not keys:
        raise ValueError("the issuer publishes no usable key")  # better to keep those we have
    return keys
