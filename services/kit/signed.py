"""Requests of who has no token and signs instead, as Standard Webhooks says: HMAC-SHA256 over `webhook-id`,
`webhook-timestamp` and the body. What was signed minutes ago is not believed any more."""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header
from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.types import Scope

from services.kit.clock import clock
from services.kit.problem import Refusal, RefusedError

TOLERANCE = timedelta(minutes=5)
VERSION, SECRET = "v1,", "whsec_"
SHORTEST_SECRET = 24
MOST_SIGNATURES = 10
MOST_BYTES = 32 << 10
UNSIGNED = Refusal(
    "unsigned", "Unauthorized", "A signature is needed, of now and with a secret that is known here.", 401
)


@dataclass(frozen=True, slots=True)
class SignedBody:
    """What was signed. An id that comes again is the same request again."""

    request_id: str
    content: bytes


def read_secrets(text: str) -> tuple[bytes, ...]:
    """Words of `whsec_` and base64; a ValueError for another, which does not name it."""
    try:
        found = tuple(base64.b64decode(word.removeprefix(SECRET), validate=True) for word in text.split())
    except (binascii.Error, ValueError):
        raise ValueError("expected secrets such as whsec_ and base64") from None
    if not found or min(map(len, found)) < SHORTEST_SECRET:
        raise ValueError(f"expected secrets of {SHORTEST_SECRET} bytes or more")
    return found


def signature(secret: bytes, request_id: str, timestamp: str, content: bytes) -> str:
    """As it stands in `webhook-signature`."""
    digest = hmac.digest(secret, f"{request_id}.{timestamp}.".encode() + content, "sha256")
    return VERSION + base64.b64encode(digest).decode()


def is_fresh(timestamp: str, now: datetime) -> bool:
    """Whether it was signed within the last minutes, by seconds since 1970."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    return abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= TOLERANCE


def is_signed(secrets: Sequence[bytes], said: Sequence[str], request_id: str, timestamp: str, content: bytes) -> bool:
    """Whether one of these signatures was made with one of these secrets; takes as long whichever it is."""
    expected = [signature(secret, request_id, timestamp, content).encode() for secret in secrets]
    found = [hmac.compare_digest(one.encode(), other) for one in said[:MOST_SIGNATURES] for other in expected]
    return any(found)


class _Signed:
    """The dependency of a route that believes signatures; the interface's document reads off it that it does."""

    def __init__(self, secrets_of: Callable[[Request], Sequence[bytes]]) -> None:
        self._secrets_of = secrets_of

    async def __call__(
        self,
        request: Request,
        now: Annotated[datetime, Depends(clock)],
        webhook_id: Annotated[
            str, Header(max_length=255, description="Of the callback; the same if it is repeated")
        ] = "",
        webhook_timestamp: Annotated[str, Header(max_length=20, description="Seconds since 1970")] = "",
        webhook_signature: Annotated[
            str, Header(max_length=2000, description="`v1,…`, several with spaces between")
        ] = "",
    ) -> SignedBody:
        secrets, said = self._secrets_of(request), webhook_signature.split()
        if not (webhook_id and said and secrets and is_fresh(webhook_timestamp, now)):  # no byte is read for nothing
            raise RefusedError(UNSIGNED)
        content = await _read(request)
        if not is_signed(secrets, said, webhook_id, webhook_timestamp, content):
            raise RefusedError(UNSIGNED)
        return SignedBody(webhook_id, content)


async def _read(request: Request) -> bytes:
    """Whoever says more than a callback does is not believed."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise RefusedError(UNSIGNED)
    return content


def signed(secrets_of: Callable[[Request], Sequence[bytes]]) -> Any:
    """`body: Annotated[SignedBody, signed(…)]`: the request is believed for its signature, and needs no token."""
    return Depends(_Signed(secrets_of))


def asks_for_signature(dependant: Dependant) -> bool:
    return isinstance(dependant.call, _Signed) or any(map(asks_for_signature, dependant.dependencies))


def is_signed_route(scope: Scope) -> bool:
    """Whether the route that was found asks for a signature and for no token."""
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    dependant = getattr(route, "dependant", None)
    return dependant is not None and asks_for_signature(dependant)
