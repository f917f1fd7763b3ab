"""What operators do with dead letters by HTTP, and what of it stands in the trail."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit.app import Service, create
from services.kit.auth import Principal, authenticate
from services.kit.batches import apply_batch
from services.kit.postgres import transaction
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork
from tests.builders import a_day, a_record, decoded
from tests.letters import mend
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
GROUP = "kit.business-day-opened"


async def on_day(work: UnitOfWork, events: Sequence[object]) -> None:
    """Hear and forget."""


SERVICE = Service(
    name="kit",
    title="Nothing in particular",
    subscriptions=(Subscription(BUSINESS_DAY_OPENED, GROUP, on_day),),
    routers=(),
    migrations=Path(__file__).parent,
)


@pytest.fixture
async def archive(database: OpenDatabase) -> Database:
    """One dead letter, and one that waits behind it."""
    opened = await database("kit")
    await apply_batch(opened.pool, GROUP, decoded(a_record(a_day(0), value=b"{"), a_record(a_day(1))), on_day)
    return opened


@pytest.fixture
async def olga(archive: Database) -> AsyncIterator[httpx.AsyncClient]:
    """An operator for all tenants."""
    app: FastAPI = create(SERVICE, archive.settings())
    app.state.pool = archive.pool
    app.dependency_overrides[authenticate] = lambda: Principal("olga", frozenset({"operator"}), frozenset("*"), "*")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client:
        yield client


async def trail(archive: Database) -> list[tuple[str, str, str, list[str]]]:
    async with transaction(archive.owner, "*") as connection:
        rows = await connection.fetch(
            "select principal, action, kind, subjects from audit where kind = 'dead-letter' order by audit_id"
        )
    return [tuple(row) for row in rows]


async def post(client: httpx.AsyncClient, path: str, key: str) -> httpx.Response:
    return await client.post(path, headers={"Idempotency-Key": key, "X-Reason": "ticket 7"})


async def test_who_discards_stands_in_the_trail(olga: httpx.AsyncClient, archive: Database) -> None:
    """A discard is a row with who gave up which record, and another for what was applied behind it; repeated, or asked
    of what does not wait, it adds none."""
    first, second = [one["dead_letter_id"] for one in (await olga.get("/dead-letters")).json()]
    for key in ("key-once", "key-once", "key-later"):
        answer = await post(olga, f"/dead-letters/{first}/discard", key)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:vcc:problem:unknown-dead-letter")
    assert await trail(archive) == [
        ("olga", "discarded", "dead-letter", [str(first)]),
        ("olga", "redriven", "dead-letter", [str(second)]),
    ]


async def test_the_letters_that_wait_go_on_page_by_page(olga: httpx.AsyncClient) -> None:
    """A full page says where the next one begins, and the last one that it is the last."""
    whole = (await olga.get("/dead-letters")).json()
    first = await olga.get("/dead-letters?limit=1")
    assert first.json() == whole[:1]
    assert first.headers["Link"] == f'</dead-letters?limit=1&after={whole[0]["dead_letter_id"]}>; rel="next"'
    rest = await olga.get(f"/dead-letters?limit=2&after={whole[0]['dead_letter_id']}")
    assert (rest.json(), "Link" in rest.headers) == (whole[1:], False)


async def test_who_replays_stands_in_the_trail(olga: httpx.AsyncClient, archive: Database) -> None:
    """A replay is a row with who had which records applied; one that applied nothing says why, and is no row."""
    first, second = [one["dead_letter_id"] for one in (await olga.get("/dead-letters")).json()]
    vain = await post(olga, f"/dead-letters/{first}/replay", "key-in-vain")
    assert vain.json() == {"replayed": 0, "discarded": 0, "still_dead": "bad-json", "still_dead_id": first}
    assert await trail(archive) == []
    await mend(archive.pool, first, a_record(a_day(0)).value or b"")
    assert (await post(olga, f"/dead-letters/{first}/replay", "key-mended")).json()["replayed"] == 2
    assert await trail(archive) == [("olga", "redriven", "dead-letter", [str(first), str(second)])]


async def test_a_letter_that_cannot_be_opened_can_be_given_up(olga: httpx.AsyncClient, archive: Database) -> None:
    """It is listed, its content is refused with the reason, a replay leaves it for the reason `seal`, and given up it
    lets those behind it through; one of these that can't be opened stays in turn."""
    first, second = [one["dead_letter_id"] for one in (await olga.get("/dead-letters")).json()]
    await archive.pool.execute("update dead_letter set sealed = sealed || '!'")
    assert len((await olga.get("/dead-letters")).json()) == 2
    shown = await olga.get(f"/dead-letters/{first}")
    assert (shown.status_code, shown.json()["type"]) == (409, "urn:vcc:problem:unreadable-dead-letter")
    vain = (await post(olga, f"/dead-letters/{first}/replay", "key-in-vain")).json()
    assert (vain["replayed"], vain["still_dead"], vain["still_dead_id"]) == (0, "seal", first)
    given_up = (await post(olga, f"/dead-letters/{first}/discard", "key-give-up-1")).json()
    assert (given_up["discarded"], given_up["still_dead"], given_up["still_dead_id"]) == (1, "seal", second)
    assert (await post(olga, f"/dead-letters/{second}/discard", "key-give-up-2")).json()["discarded"] == 1
    assert (await olga.get("/dead-letters")).json() == []


@pytest.mark.parametrize("path", ["/dead-letters/99999999999999999999", "/dead-letters?reason=%00"])
async def test_what_the_database_cannot_hold_is_the_requests_fault(olga: httpx.AsyncClient, path: str) -> None:
    """A number beyond its numbers, a text that is none to it."""
    assert (await olga.get(path)).status_code == 422


@pytest.fixture
async def later_olga(archive: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The same operator, at a release of the service that reads in another group."""
    app: FastAPI = create(replace(SERVICE, subscriptions=()), archive.settings())
    app.state.pool = archive.pool
    app.dependency_overrides[authenticate] = lambda: Principal("olga", frozenset({"operator"}), frozenset("*"), "*")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client:
        yield client


async def test_a_dead_letter_of_a_group_that_is_gone(later_olga: httpx.AsyncClient) -> None:
    """It can't be replayed any more, and the answer says why; it can be given up, one record after the other."""
    first, second = (one["dead_letter_id"] for one in (await later_olga.get("/dead-letters")).json())
    refused = await post(later_olga, f"/dead-letters/{first}/replay", "key-too-late")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:group-gone")
    given_up = (await post(later_olga, f"/dead-letters/{first}/discard", "key-give-up-1")).json()
    assert (given_up["discarded"], given_up["still_dead"], given_up["still_dead_id"]) == (1, "group-gone", second)
    assert (await post(later_olga, f"/dead-letters/{second}/discard", "key-give-up-2")).json()["discarded"] == 1
    assert (await later_olga.get("/dead-letters")).json() == []


@pytest.mark.parametrize(("key", "named"), [(str(UUID(int=7)).encode(), [str(UUID(int=7))]), (b"Harry Potter", [])])
async def test_whom_a_dead_letter_speaks_of_stands_in_the_trail(
    olga: httpx.AsyncClient, archive: Database, key: bytes, named: list[str]
) -> None:
    """Whoever reads a record or gives it up is found by the token that is its key; what is no token is not repeated."""
    await apply_batch(archive.pool, GROUP, decoded(a_record(a_day(5), offset=5, value=b"{", key=key)), on_day)
    [letter] = [one["dead_letter_id"] for one in (await olga.get("/dead-letters")).json()][2:]
    assert (await olga.get(f"/dead-letters/{letter}")).status_code == 200
    assert (await post(olga, f"/dead-letters/{letter}/discard", "key-give-up")).json()["discarded"] == 1
    assert await trail(archive) == [
        ("olga", "read", "dead-letter", [str(letter), *named]),
        ("olga", "discarded", "dead-letter", [str(letter), *named]),
    ]
