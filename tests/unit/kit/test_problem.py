"""Problem documents say what was expected and never what was sent."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import httpx
import pytest
from asyncpg.exceptions import _base as asyncpg_base
from fastapi import FastAPI, HTTPException
from pydantic import AnyHttpUrl, AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from structlog.testing import capture_logs

from services.kit.http import create_app
from services.kit.problem import MEDIA_TYPE, Refusal, RefusedError, expected, refuse

CANARY = "Zebulon-Quokka-1931"


class Colour(Enum):
    AUBERGINE = "aubergine"
    TEAL = "teal"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Newt(BaseModel):
    kind: Literal["newt"]
    gills: int


class Menagerie(BaseModel):
    """One field for each way in which a value can be wrong."""

    model_config = ConfigDict(extra="forbid")

    legs: int = 4
    share: float = 0.5
    price: Decimal = Decimal(1)
    awake: bool = True
    birth_on: date = date(2001, 2, 3)
    at: datetime = datetime(2001, 2, 3, tzinfo=UTC)
    aware_at: AwareDatetime = datetime(2001, 2, 3, tzinfo=UTC)
    feeding: time = time(12)
    nap: timedelta = timedelta(1)
    token: UUID = UUID(int=1)
    page: AnyHttpUrl = AnyHttpUrl("http://localhost")
    colour: Colour = Colour.TEAL
    size: Literal["small", "large"] = "small"
    zip_code: Annotated[str, Field(pattern=r"^\d{5}$")] = "90210"
    nick: Annotated[str, Field(max_length=3)] = "Bo"
    spots: list[int] = []
    counts: dict[str, int] = {}
    friend: Annotated[Cat | Newt, Field(discriminator="kind")] | None = None
    moody: str = ""
    literal: str = ""
    templated: str = ""

    @field_validator("moody")
    @classmethod
    def never(cls, value: str) -> str:
        if value:
            raise ValueError(f"{value} is not a mood")
        return value

    @field_validator("literal", "templated")
    @classmethod
    def custom(cls, value: str, info: Any) -> str:
        if value and info.field_name == "literal":
            raise PydanticCustomError("mood", "One of the moods in the glossary")
        if value:
            raise PydanticCustomError("mood", "Not {mood}", {"mood": value})
        return value

    @model_validator(mode="after")
    def whole(self) -> "Menagerie":
        assert self.legs != 13, f"{self.nick} has 13 legs"
        return self


FULL = Refusal("ark-full", "The ark is full", "Two of each is enough.")


def build() -> FastAPI:
    app = create_app("Ark", "1")

    @app.post("/animals/{number}")
    async def board(number: int, animal: Menagerie, deck: int = 1) -> dict[str, int]:
        return {"number": number, "legs": animal.legs, "deck": deck}

    @app.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise FAULTS[name]

    @app.get("/refuse")
    async def refused() -> Any:
        return refuse(FULL)

    return app


FAULTS: dict[str, Exception] = {
    "refused": RefusedError(FULL, {"X-Why": "rain"}),
    "teapot": HTTPException(418, "short and stout"),
    "bug": ZeroDivisionError(CANARY),
    "unique": asyncpg.UniqueViolationError(f"Key (name)=({CANARY}) already exists"),
    "argument": asyncpg_base.DataError(f"invalid input for query argument $1: {CANARY}"),
    "refused-connection": ConnectionRefusedError(CANARY),
    "lost": asyncpg.ConnectionDoesNotExistError(CANARY),
    "closed": asyncpg.InterfaceError(CANARY),
    "starting": asyncpg.CannotConnectNowError(CANARY),
    "full": asyncpg.TooManyConnectionsError(CANARY),
    "slow": TimeoutError(),
    "locked": asyncpg.LockNotAvailableError(CANARY),
    "deadlock": asyncpg.DeadlockDetectedError(CANARY),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build()), base_url="http://ark") as client:
        yield client


def problem_of(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == MEDIA_TYPE
    document: dict[str, Any] = response.json()
    assert document["status"] == response.status_code
    assert document["correlation_id"] == response.headers["x-correlation-id"]
    return document


async def test_a_returned_refusal_is_a_problem_with_a_stable_type(client: httpx.AsyncClient) -> None:
    """A refusal answers 409 with the urn of its code, its title and its detail."""
    document = problem_of(await client.get("/refuse"))
    assert (document["status"], document["type"]) == (409, "urn:vcc:problem:ark-full")
    assert (document["title"], document["detail"]) == ("The ark is full", "Two of each is enough.")


async def test_a_raised_refusal_is_the_same_problem(client: httpx.AsyncClient) -> None:
    """A refusal raised by a dependency gives the same document, with its headers."""
    response = await client.get("/raise/refused")
    assert problem_of(response)["type"] == "urn:vcc:problem:ark-full"
    assert response.headers["x-why"] == "rain"


async def test_http_exceptions_are_problems(client: httpx.AsyncClient) -> None:
    """A framework exception keeps its status and its detail; an unknown path and a wrong method are problems too."""
    assert problem_of(await client.get("/raise/teapot"))["detail"] == "short and stout"
    assert problem_of(await client.get("/nowhere"))["type"] == "urn:vcc:problem:not-found"
    wrong = await client.delete("/refuse")
    assert (problem_of(wrong)["status"], wrong.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("name", ["bug", "unique", "argument"])
async def test_a_fault_says_nothing_but_its_correlation_id(client: httpx.AsyncClient, name: str) -> None:
    """An unknown fault answers 500 with a correlation id and is logged by class, never by text."""
    with capture_logs() as lines:
        response = await client.get(f"/raise/{name}")
    document = problem_of(response)
    assert set(document) == {"type", "title", "status", "correlation_id"}
    assert document["status"] == 500
    assert {"error": type(FAULTS[name]).__name__}.items() <= lines[0].items()
    assert CANARY not in response.text + repr(lines)


OUTAGES = ["refused-connection", "lost", "closed", "starting", "full", "slow", "locked", "deadlock"]


@pytest.mark.parametrize("name", OUTAGES)
async def test_an_outage_asks_to_come_back(client: httpx.AsyncClient, name: str) -> None:
    """A database that is down, starting, full or too busy gives 503 with Retry-After."""
    with capture_logs() as lines:
        response = await client.get(f"/raise/{name}")
    assert problem_of(response)["status"] == 503
    assert int(response.headers["retry-after"]) > 0
    assert CANARY not in response.text + repr(lines)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"legs": CANARY}, "body.legs", "integer"),
    ({"share": CANARY}, "body.share", "number"),
    ({"price": CANARY}, "body.price", "decimal"),
    ({"awake": CANARY}, "body.awake", "boolean"),
    ({"birth_on": CANARY}, "body.birth_on", "date"),
    ({"at": CANARY}, "body.at", "datetime"),
    ({"aware_at": "2001-02-03T04:05:06"}, "body.aware_at", "timezone"),
    ({"feeding": CANARY}, "body.feeding", "time"),
    ({"nap": CANARY}, "body.nap", "timedelta"),
    ({"token": CANARY}, "body.token", "UUID"),
    ({"page": CANARY}, "body.page", "URL"),
    ({"colour": CANARY}, "body.colour", "'aubergine' or 'teal'"),
    ({"size": CANARY}, "body.size", "'small' or 'large'"),
    ({"zip_code": CANARY}, "body.zip_code", r"^\d{5}$"),
    ({"nick": CANARY}, "body.nick", "at most 3 characters"),
    ({"spots": [1, CANARY]}, "body.spots.1", "integer"),
    ({"counts": {CANARY: CANARY}}, "body.counts.*", "integer"),
    ({"friend": {"kind": CANARY}}, "body.friend", "'cat', 'newt'"),
    ({"friend": {"kind": "cat"}}, "body.friend.*.lives", "required"),
    ({"moody": CANARY}, "body.moody", "rule"),
    ({"literal": CANARY}, "body.literal", "One of the moods in the glossary"),
    ({"templated": CANARY}, "body.templated", "rule"),
    ({"legs": 13, "nick": "Zeb"}, "body", "rule"),
    ({CANARY: 1}, "body.*", "not permitted"),
]


@pytest.mark.parametrize(("body", "field", "wanted"), WRONG, ids=[f"{field}" for _, field, _ in WRONG])
async def test_a_wrong_field_is_named_with_what_was_expected(
    client: httpx.AsyncClient, body: dict[str, Any], field: str, wanted: str
) -> None:
    """422 names the field and what would have been accepted; neither the answer nor a log holds the value."""
    with capture_logs() as lines:
        response = await client.post("/animals/1", json=body)
    document = problem_of(response)
    assert (document["status"], document["type"]) == (422, "urn:vcc:problem:invalid-request")
    assert [error["field"] for error in document["errors"]] == [field]
    assert wanted in document["errors"][0]["expected"]
    assert not {CANARY, "Zeb"} & set(response.text.replace('"', " ").split())
    assert CANARY not in response.text + repr(lines)


async def test_paths_and_queries_are_named_too(client: httpx.AsyncClient) -> None:
    """A wrong path segment and a wrong query parameter are both reported, by name."""
    errors = problem_of(await client.post(f"/animals/{CANARY}?deck={CANARY}", json={}))["errors"]
    assert [error["field"] for error in errors] == ["path.number", "query.deck"]
    assert CANARY not in json.dumps(errors)


async def test_broken_json_is_not_repeated(client: httpx.AsyncClient) -> None:
    """A body that is no JSON gives the place of the break and nothing of the text."""
    response = await client.post(
        "/animals/1", content=f'{{"nick": {CANARY}', headers={"content-type": "application/json"}
    )
    assert problem_of(response)["errors"] == [{"field": "body.9", "expected": "JSON decode error"}]


def test_the_offset_that_was_sent_is_not_repeated() -> None:
    """A datetime with the wrong offset is told the offset wanted and not the one it had."""
    error = {"type": "timezone_offset", "msg": "Timezone offset of 0 required, got 3600", "ctx": {"tz_actual": 3600}}
    assert expected(error) == "Timezone offset of 0 required"
