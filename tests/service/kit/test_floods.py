"""What an operator may say when bad records flood a topic: who said it stands in the trail, and it takes effect."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from fastapi import FastAPI

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import backlog, floods
from services.kit.app import Service, create
from services.kit.auth import Principal, authenticate
from services.kit.backlog import End
from services.kit.batches import Outcome, apply_batch
from services.kit.contract import Delivery, Record
from services.kit.floods import DeadLetterLimitError, Skip
from services.kit.ids import new_id
from services.kit.own_log import OLDER, _known
from services.kit.postgres import transaction
from services.kit.settings import KafkaSettings
from services.kit.subscriber import Subscriber
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork
from tests.builders import a_day, a_record, decoded
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
GROUP, TOPIC = "kit.business-day-opened", BUSINESS_DAY_OPENED.name


async def on_day(work: UnitOfWork, events: object) -> None:
    """Hear and forget."""


SUBSCRIPTION = Subscription(BUSINESS_DAY_OPENED, GROUP, on_day)
SERVICE = Service(
    name="kit", title="A dam", subscriptions=(SUBSCRIPTION,), routers=(), migrations=Path(__file__).parent,
)  # fmt: skip


@pytest.fixture
async def dam(database: OpenDatabase) -> Database:
    return await database("kit")


@pytest.fixture
def app(dam: Database, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Partition 0 ends behind offset 999, and there is no other."""

    async def end_of(_settings: KafkaSettings, place: TopicPartition) -> End | None:
        return End(1000) if place == TopicPartition(TOPIC, 0) else None

    monkeypatch.setattr(backlog, "end_of", end_of)
    app = create(SERVICE, dam.settings())
    app.state.pool, app.state.settings = dam.pool, dam.settings()
    app.dependency_overrides[authenticate] = lambda: Principal("olga", frozenset({"operator"}), frozenset("*"), "*")
    return app


@pytest.fixture
async def olga(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An operator for all tenants."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client:
        yield client


async def say(olga: httpx.AsyncClient, path: str, **body: object) -> httpx.Response:
    return await olga.post(path, json=body, headers={"Idempotency-Key": str(new_id()), "X-Reason": "ticket 7"})


async def trail(dam: Database) -> list[tuple[object, ...]]:
    async with transaction(dam.owner, "*") as connection:
        rows = await connection.fetch(
            "select principal, action, kind, subjects from audit where kind !~ '/' order by audit_id"
        )
    return [tuple(row) for row in rows]


def a_subscriber(dam: Database) -> Subscriber:
    return Subscriber(dam.pool, SUBSCRIPTION, 60)


def garbage(offsets: range, key: bytes | None = b"") -> list[Record]:
    """All of one key, a member's perhaps, unless there is none."""
    return [a_record(a_day(at), value=b"{", offset=at, key=key) for at in offsets]


async def apply(subscriber: Subscriber, *records: Record) -> Outcome:
    return await subscriber._applying.apply(subscriber._decoder.decode(list(records)))


async def test_a_flood_stands_still_and_says_where(dam: Database) -> None:
    """Without an operator's word nothing of a flood is set aside; the refusal names the places to say it of."""
    with pytest.raises(DeadLetterLimitError, match="too many can't be read, partition 0, offsets 300 to 499"):
        await apply(a_subscriber(dam), *garbage(range(300, 500)), a_record(a_day(0), offset=500))
    assert await dam.pool.fetchval("select count(*) from dead_letter") == 0


async def test_a_lifted_limit_sets_a_flood_aside_and_who_lifted_it_stands_in_the_trail(
    dam: Database, olga: httpx.AsyncClient
) -> None:
    """For its time every bad record becomes a dead letter; ended early, the next flood stands still again."""
    lifted = await say(olga, f"/dead-letter-limits/{GROUP}/lift", minutes=30)
    until = lifted.json()["lifted_until"]
    assert (lifted.status_code, lifted.json()["topic"]) == (200, TOPIC)
    assert [one["lifted_until"] for one in (await olga.get("/dead-letter-limits")).json()] == [until]
    subscriber = a_subscriber(dam)
    batch = [*garbage(range(200), key=None), a_record(a_day(0), offset=500)]
    assert await apply(subscriber, *batch) == Outcome(fresh=1, rejected=200)
    ended = await say(olga, f"/dead-letter-limits/{GROUP}/lift", minutes=0)
    assert [one["lifted_until"] for one in (await olga.get("/dead-letter-limits")).json()] == [None]
    with pytest.raises(DeadLetterLimitError):
        await apply(subscriber, *garbage(range(600, 800)))
    limit = "dead-letter-limit"
    assert await trail(dam) == [
        ("olga", "limit-lifted", limit, [GROUP, until.replace("Z", "+00:00")]),
        ("olga", "limit-lifted", limit, [GROUP, ended.json()["lifted_until"].replace("Z", "+00:00")]),
    ]


@pytest.mark.expects_error_log("record set aside")
async def test_a_lifted_limit_holds_for_what_a_handler_cannot_bear(dam: Database, olga: httpx.AsyncClient) -> None:
    """Twenty a minute, then it stands still; lifted, the rest is set aside too."""

    async def on_no_day(work: UnitOfWork, events: object) -> None:
        raise KeyError("typo")

    subscriber = Subscriber(dam.pool, Subscription(BUSINESS_DAY_OPENED, GROUP, on_no_day), 60)
    records = [a_record(a_day(at, f"Zone/{at}"), offset=at) for at in range(30)]
    with pytest.raises(DeadLetterLimitError, match="the handler fails too often, next partition 0, offsets 20 to 20"):
        await apply(subscriber, *records)
    await say(olga, f"/dead-letter-limits/{GROUP}/lift", minutes=5)
    await apply(subscriber, *records)
    assert await dam.pool.fetchval("select count(*) from dead_letter where state = 'dead'") == 30


async def test_a_skipped_range_leaves_out_what_cannot_be_read(dam: Database, olga: httpx.AsyncClient) -> None:
    """No dead letter, nothing parked behind it, good records in between are applied; and again when all of it is
    delivered again."""
    skipped = await say(olga, "/skips", group=GROUP, partition=0, first_offset=0, last_offset=199)
    assert skipped.status_code == 201
    behind = a_record(a_day(0), offset=200, key=a_day(0).key().encode())
    batch = [*garbage(range(150)), a_record(a_day(1), offset=150), *garbage(range(151, 200)), behind]
    assert await apply(a_subscriber(dam), *batch) == Outcome(fresh=2)
    assert await apply(a_subscriber(dam), *batch) == Outcome(duplicates=2)
    assert await dam.pool.fetchval("select count(*) from dead_letter") == 0
    assert await trail(dam) == [("olga", "skipped", "log-range", [GROUP, f"{TOPIC}/0@0-199", "unreadable"])]
    [listed] = (await olga.get("/skips")).json()
    assert (listed["group"], listed["skipped_by"], listed["last_offset"]) == (GROUP, "olga", 199)


async def test_the_ranges_that_are_left_out_go_on_page_by_page(olga: httpx.AsyncClient) -> None:
    """The newest first; a full page says where the next one begins."""
    ids = [
        (await say(olga, "/skips", group=GROUP, partition=0, first_offset=n, last_offset=n)).json()["skip_id"]
        for n in range(3)
    ]
    first = await olga.get("/skips?limit=2")
    assert [one["skip_id"] for one in first.json()] == ids[:0:-1]
    assert first.headers["Link"] == f'</skips?limit=2&before={ids[1]}>; rel="next"'
    rest = await olga.get(f"/skips?limit=2&before={ids[1]}")
    assert ([one["skip_id"] for one in rest.json()], "Link" in rest.headers) == (ids[:1], False)


async def test_only_what_was_named_is_left_out(dam: Database) -> None:
    """Another partition, an offset beside the range, another group: none of it is left out; readable records are where
    the operator said all."""
    async with transaction(dam.pool, "*") as connection:
        await floods.save_skip(connection, GROUP, TOPIC, Skip(0, 10, 19, only_unreadable=False), "olga")
        await floods.save_skip(connection, GROUP, TOPIC, Skip(3, 0, 99, only_unreadable=True), "olga")
        await floods.save_skip(connection, "kit.other", TOPIC, Skip(0, 0, 99, only_unreadable=True), "olga")
    batch = decoded(*(a_record(a_day(at), offset=at, value=b"{" if at == 20 else b"") for at in range(9, 21)))
    assert await apply_batch(dam.pool, GROUP, batch, on_day) == Outcome(fresh=1, rejected=1)


async def test_the_comparison_with_the_log_knows_what_was_left_out(dam: Database) -> None:
    """A group that was moved past a flood is no older database, once an operator has said so; a good record that was
    passed with it still is one, unless he gave up all."""
    heard = decoded(*garbage(range(3)), a_record(a_day(0), offset=3))
    for only_unreadable, known in ((True, [True, True, True, False]), (False, [True] * 4)):
        async with transaction(dam.pool, "*") as connection:
            await floods.save_skip(connection, GROUP, TOPIC, Skip(0, 0, 3, only_unreadable), "olga")
            assert await _known(connection, GROUP, heard) == known
    assert isinstance(heard[3], Delivery)


async def test_an_operator_is_heard_while_the_service_is_held_back(app: FastAPI, olga: httpx.AsyncClient) -> None:
    """Other routes refuse beside a log that the database does not know; these may be what ends that, and do not."""

    class HeldBack:
        trouble = OLDER

    app.state.own_log = HeldBack()
    assert (await olga.get("/dead-letters")).status_code == 503
    assert (await say(olga, "/skips", group=GROUP, partition=0, first_offset=0, last_offset=9)).status_code == 201
    assert (await say(olga, f"/dead-letter-limits/{GROUP}/lift", minutes=1)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/dead-letter-limits/kit.nobody/lift", {"minutes": 5}, 404),
        (f"/dead-letter-limits/{GROUP}/lift", {"minutes": 241}, 422),
        ("/skips", {"group": "kit.nobody", "partition": 0, "first_offset": 0, "last_offset": 0}, 404),
        ("/skips", {"group": GROUP, "partition": 0, "first_offset": 9, "last_offset": 8}, 422),
        ("/skips", {"group": GROUP, "partition": 0, "first_offset": 0, "last_offset": 1_000_000}, 422),
        ("/skips", {"group": GROUP, "partition": 0, "first_offset": 0, "last_offset": 1000}, 409),
        ("/skips", {"group": GROUP, "partition": 4, "first_offset": 0, "last_offset": 1}, 409),
        ("/skips", {"group": GROUP, "partition": -1, "first_offset": 0, "last_offset": 1}, 422),
        ("/skips", {"group": GROUP, "partition": 0, "first_offset": 0, "last_offset": 2**63}, 422),
    ],
)
async def test_a_word_that_means_nothing_is_refused(
    dam: Database, olga: httpx.AsyncClient, path: str, body: dict[str, object], status: int
) -> None:
    """A group that is not read, a range that is none, too wide or yet to come, a limit lifted for ever."""
    assert (await say(olga, path, **body)).status_code == status
    assert await trail(dam) == []


async def test_only_an_operator_for_all_plans_may_say_it(app: FastAPI, olga: httpx.AsyncClient) -> None:
    """An operator of one plan and a coordinator are denied."""
    for principal in (
        Principal("otto", frozenset({"operator"}), frozenset({"prairie"}), "prairie"),
        Principal("cora", frozenset({"coordinator"}), frozenset("*"), "*"),
    ):
        app.dependency_overrides[authenticate] = lambda who=principal: who
        assert (await say(olga, f"/dead-letter-limits/{GROUP}/lift", minutes=1)).status_code == 403
        assert (await say(olga, "/skips", group=GROUP, partition=0, first_offset=0, last_offset=9)).status_code == 403
        assert (await olga.get("/skips")).status_code == 403


async def test_without_the_broker_nothing_is_skipped(
    app: FastAPI, olga: httpx.AsyncClient, dam: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody says where the topic ends the operator is asked to come again."""

    async def away(*_: object) -> None:
        raise KafkaConnectionError

    monkeypatch.setattr(backlog, "end_of", away)
    refused = await say(olga, "/skips", group=GROUP, partition=0, first_offset=0, last_offset=9)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:vcc:problem:log-unavailable")
    assert await trail(dam) == []
