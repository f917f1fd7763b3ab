"""Signed requests: the signature of Standard Webhooks, its time, and routes that believe it instead of a token."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter

from services.kit.clock import clock
from services.kit.http import create_app, unguarded
from services.kit.signed import SignedBody, is_fresh, is_signed, read_secrets, signature, signed

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(int(TIMESTAMP), UTC)


def test_the_published_example_is_signed_so() -> None:
    """The specification's example has the signature that it shows."""
    [secret] = read_secrets(SECRET)
    assert signature(secret, ID, TIMESTAMP, BODY) == PUBLISHED
    assert is_signed([secret], [PUBLISHED], ID, TIMESTAMP, BODY)


@pytest.mark.parametrize(
    ("said", "request_id", "timestamp", "content"),
    [
        ([], ID, TIMESTAMP, BODY),
        (["v1,"], ID, TIMESTAMP, BODY),
        ([PUBLISHED.replace("v1", "v2")], ID, TIMESTAMP, BODY),
        ([PUBLISHED], ID + "x", TIMESTAMP, BODY),
        ([PUBLISHED], ID, "1614265331", BODY),
        ([PUBLISHED], ID, TIMESTAMP, BODY + b" "),
        (["ünsigned"] * 11 + [PUBLISHED], ID, TIMESTAMP, BODY),
    ],
)
def test_anything_else_is_not(said: list[str], request_id: str, timestamp: str, content: bytes) -> None:
    """Without a signature, by another version, of another id, time or body, or behind too many that are wrong."""
    assert not is_signed(read_secrets(SECRET), said, request_id, timestamp, content)


def test_any_of_several_signatures_and_secrets_will_do() -> None:
    """A sender that changes its secret signs with both, and who is told knows both."""
    secrets = read_secrets(f"{SECRET} whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0IG5ldw==")
    assert is_signed(secrets, ["v1,AAAA", signature(secrets[1], ID, TIMESTAMP, BODY)], ID, TIMESTAMP, BODY)


@pytest.mark.parametrize(
    ("timestamp", "is_now"),
    [(TIMESTAMP, True), ("1614265030", True), ("1614265029", False), ("1614265631", False), ("", False), ("٣", False),
     ("9" * 30, False), ("-5", False)],
)  # fmt: skip
def test_a_signature_holds_for_five_minutes(timestamp: str, *, is_now: bool) -> None:
    """Before and behind; what is no count of seconds is never now."""
    assert is_fresh(timestamp, NOW) is is_now


@pytest.mark.parametrize("text", ["", "whsec_c2hvcnQ=", "whsec_???", SECRET + " whsec_c2hvcnQ="])
def test_a_weak_or_unreadable_secret_is_refused(text: str) -> None:
    """None, one that is short, no base64, a short one beside a long one."""
    with pytest.raises(ValueError, match="expected secrets"):
        read_secrets(text)


def test_a_signed_route_is_guarded() -> None:
    """It needs no token and no permission, and the document says that it is signed."""
    app = create_app("Aviary", "1")
    router = APIRouter()

    @router.post("/calls")
    async def call(body: Annotated[SignedBody, signed(lambda _: ())]) -> None: ...

    app.include_router(router)
    assert unguarded(app) == []
    assert app.openapi()["paths"]["/calls"]["post"]["x-signed"] is True


@pytest.mark.parametrize(
    ("headers", "content", "read"),
    [
        ({}, BODY, 0),
        ({"webhook-id": ID, "webhook-timestamp": "1614265029", "webhook-signature": PUBLISHED}, BODY, 0),
        ({"webhook-id": ID, "webhook-timestamp": TIMESTAMP, "webhook-signature": PUBLISHED}, b"1" * 100_000, 40_000),
    ],
)
async def test_no_more_of_a_body_is_read_than_a_callback_has(
    headers: dict[str, str], content: bytes, read: int
) -> None:
    """Nothing at all for whoever has no signature of now, and not all of what is too long."""
    app, given = create_app("Aviary", "1"), 0
    router = APIRouter()

    @router.post("/calls", status_code=204)
    async def call(body: Annotated[SignedBody, signed(lambda _: read_secrets(SECRET))]) -> None: ...

    async def parts() -> AsyncIterator[bytes]:
        nonlocal given
        for at in range(0, len(content), 10_000):
            given += len(content[at : at + 10_000])
            yield content[at : at + 10_000]

    app.include_router(router)
    app.dependency_overrides[clock] = lambda: NOW
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://aviary") as client:
        answer = await client.post("/calls", content=parts(), headers=headers)
    assert answer.status_code == 401
    assert given <= read
