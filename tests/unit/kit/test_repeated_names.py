"""A body that says one thing twice says nothing for sure."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.types import Message

from services.kit.http import create_app
from services.kit.json_bodies import checked, repeated_name
from services.kit.problem import RepeatedNameError, UnstorableTextError


class Egg(BaseModel):
    weight: int


class Nest(BaseModel):
    bird: str
    eggs: list[Egg] = []
    note: dict[str, Any] = {}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create_app("Aviary", "1")

    @app.post("/nests")
    async def lay(nest: Nest) -> Nest:
        return nest

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://aviary") as asking:
        yield asking


@pytest.mark.parametrize("kind", ["application/json", "application/fhir+json"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"bird": "tit", "bird": "jay"}', "body.bird"),
        ('{"bird": "tit", "b\\u0069rd": "tit"}', "body.bird"),
        ('{"bird": "tit", "eggs": [{"weight": 1}, {"weight": 1, "weight": 2}]}', "body.eggs.1.weight"),
        ('{"bird": "tit", "note": {"Lovelace": 1, "Lovelace": 2}}', "body.note.*"),
    ],
)
async def test_a_name_that_stands_twice_is_refused(client: httpx.AsyncClient, kind: str, body: str, field: str) -> None:
    """With its place; a name that only the client knows is not told."""
    answer = await client.post("/nests", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:invalid-request")
    assert answer.json()["errors"] == [{"field": field, "expected": "This name once in its object"}]


async def test_a_name_may_stand_in_each_object(client: httpx.AsyncClient) -> None:
    """Once in each, however the body comes in pieces."""
    said = {"bird": "tit", "eggs": [{"weight": 1}, {"weight": 2}], "note": {"bird": {"bird": "bird"}}}
    whole = json.dumps(said).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 3):
            yield whole[at : at + 3]

    answer = await client.post("/nests", content=pieces(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, said)


async def test_a_file_that_calls_itself_json_is_not_kept() -> None:
    """Nor parsed: it is passed on piece by piece, and U+0000 found where two of them meet."""
    passed: list[bytes] = []

    async def read(body: list[bytes]) -> None:
        left = list(body)

        async def receive() -> Message:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        reading = checked({"type": "http", "headers": [(b"content-type", b"application/json")]}, receive)
        passed.clear()
        while (message := await reading())["more_body"]:
            passed.append(message["body"])

    spaces = b" " * (1 << 20)
    await read([b'{"a": 1, "a": 2}', spaces, spaces])
    assert passed == [b'{"a": 1, "a": 2}', spaces]
    with pytest.raises(UnstorableTextError):
        await read([spaces, spaces + b"\\u00", b"00", b""])
    with pytest.raises(RepeatedNameError):
        await read([b'{"a": 1, "a": 2}', spaces[:-17], b""])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": 1, "a": ', b"[1, 2]", b"7", b'"a"', b"NaN"])
def test_what_is_no_object_repeats_nothing(body: bytes) -> None:
    """And is refused, if it is, by whoever reads it."""
    assert repeated_name(body) is None


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=20,
)


@given(values, st.text(max_size=2))
def test_only_what_is_repeated_is_found(value: Any, name: str) -> None:
    """No JSON that was written from a value, and every one in which a name was written once more."""
    assert repeated_name(json.dumps(value).encode()) is None
    twice = f'{{"a": [{{{json.dumps(name)}: {json.dumps(value)}, {json.dumps(name)}: null}}]}}'
    assert repeated_name(twice.encode()) == ("a", 0, name)
