"""JSON that goes too deep is refused before anybody parses it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from services.kit.http import create_app
from services.kit.nesting import MOST_DEPTH, Nesting

values = st.recursive(
    st.none() | st.booleans() | st.text('"\\[]{}a', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[{', max_size=3), inner, max_size=3),
    max_leaves=20,
)


def depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth, parts), default=0)


@given(values, st.integers(0, MOST_DEPTH + 2), st.integers(1, 7))
def test_depth_is_counted_outside_of_texts(value: Any, more: int, size: int) -> None:
    """However the bytes are cut into pieces, and whatever stands in names and texts (v5.0.0-1.5.2)."""
    for _ in range(more):
        value = [value]
    text, nesting = json.dumps(value).encode(), Nesting()
    for at in range(0, len(text), size):
        nesting.take(text[at : at + size])
    assert nesting.is_too_deep is (depth(value) > MOST_DEPTH)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create_app("Aviary", "1")

    @app.post("/nests")
    async def lay(egg: dict[str, Any]) -> dict[str, Any]:
        return egg

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://aviary") as asking:
        yield asking


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/fhir+json"])
@pytest.mark.parametrize("more", [MOST_DEPTH, 900, 5_000, 100_000, 400_000])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}"), ("[", "")])
async def test_a_deep_body_is_refused(client: httpx.AsyncClient, kind: str, more: int, begin: str, end: str) -> None:
    """A clear 400 whatever its length and its kind, also where its ends are missing (v5.0.0-1.5.2, v5.0.0-2.2.1)."""
    end_of_all = "null" + end * more + "}" if end else ""
    body = '{"a": ' + begin * more + end_of_all
    answer = await client.post("/nests", content=body[: 1 << 20], headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:vcc:problem:too-deep")


async def test_a_body_of_the_usual_depth_is_taken(client: httpx.AsyncClient) -> None:
    """As deep as may be, and brackets in a text."""
    egg = {"a": "[" * 1000 + "\\" * 3 + '"' + "{" * 1000}
    for _ in range(MOST_DEPTH - 1):
        egg = {"a": egg}  # type: ignore[dict-item]
    answer = await client.post("/nests", json=egg)
    assert (answer.status_code, answer.json()) == (200, egg)
