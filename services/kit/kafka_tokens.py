"""A service's tokens for the brokers (OAUTHBEARER), by OAuth 2.0's client credentials (RFC 6749, 4.4)."""

import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote_plus, urlsplit

import httpx
import structlog
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError
from pydantic import BaseModel, Field, ValidationError

from services.kit.loopback import is_loopback
from services.kit.settings import KafkaSettings

USED_FOR = 0.8
"""The share of a token's life after which the next is asked for: nobody shows one that ends while he connects."""
UNSAID_LIFE_S = 60.0
TIMEOUT_S = 5.0
SENDABLE = "^[A-Za-z0-9._~+/-]+=*$"


class NoTokenError(KafkaConnectionError):  # type: ignore[misc]
    """There is no token for the brokers: as if they could not be reached, it is tried again."""


class Granted(BaseModel):
    """What the endpoint gives."""

    access_token: str = Field(pattern=SENDABLE)
    token_type: str = Field(pattern="(?i)^bearer$")
    expires_in: float = Field(default=UNSAID_LIFE_S, gt=0)


class Tokens(AbstractTokenProvider):  # type: ignore[misc]
    """One token for all clients, used for most of its life; while the endpoint is away, until it ends."""

    def __init__(
        self, settings: KafkaSettings, transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._settings, self._transport, self._clock = settings, transport, clock
        self._token, self._renew_at, self._ends_at = "", 0.0, 0.0

    async def token(self) -> str:
        """A token that has not ended. Raises NoTokenError if there is none to be had."""
        now = self._clock()
        if not self._token or now >= self._renew_at:
            try:
                granted = await self._ask()
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
                structlog.get_logger().warning("no token for the brokers", error=type(error).__name__)
                if not self._token or now >= self._ends_at:
                    raise NoTokenError(type(error).__name__) from None
            else:
                self._token = granted.access_token
                self._renew_at, self._ends_at = now + USED_FOR * granted.expires_in, now + granted.expires_in
        return self._token

    async def _ask(self) -> Granted:
        settings = self._settings
        endpoint, secret = settings.sasl_oauth_token_endpoint or "", settings.sasl_oauth_client_secret
        login = httpx.BasicAuth(
            quote_plus(settings.sasl_oauth_client_id or ""), quote_plus(secret.get_secret_value() if secret else "")
        )
        form = {"grant_type": "client_credentials"}
        if settings.sasl_oauth_scope:
            form["scope"] = settings.sasl_oauth_scope
        async with httpx.AsyncClient(
            transport=self._transport, timeout=TIMEOUT_S, verify=ssl.create_default_context(cafile=settings.ssl_cafile),
            trust_env=not is_loopback(urlsplit(endpoint).hostname or ""),
        ) as client:  # fmt: skip
            response = await client.post(endpoint, data=form, auth=login)
            response.raise_for_status()
        try:
            return Granted.model_validate_json(response.content)
        except ValidationError:
            raise ValueError("expected a bearer token") from None


@lru_cache
def tokens_of(settings: KafkaSettings) -> Tokens:
    """The same for all clients of a process that are told the same."""
    return Tokens(settings)
