"""Records in a service's name that its store never made, and an operator who has looked at them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.kit import stray_operations
from services.kit.app import create
from services.kit.auth import Principal, authenticate
from services.kit.ids import new_id
from services.kit.log_watch import LogWatch
from services.kit.own_log import BehindLogError, OwnLog
from services.kit.postgres import transaction
from services.kit.strays import list_strays
from tests.builders import a_day, a_record
from tests.kafka.calendars import TOPIC, produce
from tests.kafka.test_own_log import OWNED, SERVICE
from tests.servers import Database

pytestmark = [
    pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow,
    pytest.mark.expects_error_log("the log holds|database behind its own log"),
]  # fmt: skip
PATH = "/acknowledged-strays"


@pytest.fixture
async def almanac(calendar: Database, topic: str) -> Database:
    """The store made the first two days; the log holds four in its name, and one in another's."""
    await calendar.owner.execute("create table said (business_on date primary key)")
    for day in (0, 1):
        await calendar.pool.execute("insert into said values ($1)", a_day(day).business_on)
    await produce(topic, [*(a_record(a_day(day)) for day in range(4)), a_record(a_day(4), service="outreach")])
    return replace(calendar, service="eligibility")


@pytest.fixture
def app(almanac: Database, topic: str) -> FastAPI:
    settings = almanac.settings(topic)
    app = create(replace(SERVICE, name="eligibility"), settings)
    app.state.pool, app.state.settings = almanac.pool, settings
    app.dependency_overrides[authenticate] = lambda: Principal("olga", frozenset({"operator"}), frozenset("*"), "*")
    return app


@pytest.fixture
async def olga(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An operator for all tenants."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as client:
        yield client


async def _listed(almanac: Database, topic: str) -> list[str]:
    return [line async for line in list_strays(almanac.settings(topic), OWNED)]


def _range(lines: list[str]) -> dict[str, Any]:
    """From the first to the last of these strays, which stand in one partition."""
    place = lines[0].partition("@")[0]
    offsets = [int(line.partition("\t")[0].partition("@")[2]) for line in lines if line.startswith(f"{place}@")]
    assert len(offsets) == len(lines)
    partition = int(place.rpartition("/")[2])
    return {"topic": TOPIC, "partition": partition, "first_offset": min(offsets), "last_offset": max(offsets)}


async def _say(olga: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await olga.post(PATH, json=body, headers={"Idempotency-Key": str(new_id()), "X-Reason": "ticket 7"})


async def _count_told(almanac: Database, topic: str) -> int:
    """As a process that has just started would: by the standing check's trouble."""
    watch = LogWatch(almanac.settings(topic), almanac.pool, OWNED)
    await watch.turn()
    words = (watch.trouble() or "holds 0 facts").split()
    return int(words[words.index("holds") + 1])


async def test_what_was_acknowledged_is_left_out_and_nothing_else(
    almanac: Database, topic: str, olga: httpx.AsyncClient
) -> None:
    """Of two strays one is acknowledged: the other is told still. Then that one too: nobody is told of anything, until
    a third one comes. Who said it stands in the trail, with the place."""
    first, second = await _listed(almanac, topic)
    assert [line.split("\t")[3] for line in (first, second)] == ["business_on=2021-03-03", "business_on=2021-03-04"]
    answer = await _say(olga, _range([first]))
    assert (answer.status_code, answer.json()) == (201, {"count": 1})
    assert await _listed(almanac, topic) == [second]
    assert await _count_told(almanac, topic) == 1
    whole = _range([first, second])
    assert (await _say(olga, whole)).json() == {"count": 1}
    assert (await _listed(almanac, topic), await _count_told(almanac, topic)) == ([], 0)
    await produce(topic, [a_record(a_day(7))])
    [third] = await _listed(almanac, topic)
    assert third.endswith("business_on=2021-03-08")
    assert await _count_told(almanac, topic) == 1
    async with transaction(almanac.owner, "*") as connection:
        rows = await connection.fetch("select principal, subjects, reason from audit where kind = 'log-range'")
    place = f"{TOPIC}/{whole['partition']}@"
    assert [tuple(row) for row in rows] == [
        ("olga", [f"{place}{whole['first_offset']}-{whole['first_offset']}", "1"], "ticket 7"),
        ("olga", [f"{place}{whole['first_offset']}-{whole['last_offset']}", "1"], "ticket 7"),
    ]
    offsets = {(row["offset"], row["acknowledged_by"]) for row in (await olga.get(PATH)).json()}
    assert offsets == {(whole["first_offset"], "olga"), (whole["last_offset"], "olga")}


async def test_a_service_that_was_held_back_by_strays_begins(
    almanac: Database, topic: str, olga: httpx.AsyncClient, app: FastAPI
) -> None:
    """Among the newest records they look like a database that is older than the log. The operator is heard meanwhile;
    once he has said that they are none of its own the comparison passes."""
    compared = app.state.own_log = OwnLog(almanac.settings(topic), almanac.pool, OWNED)
    with pytest.raises(BehindLogError):
        await compared.compare()
    assert (await _say(olga, _range(await _listed(almanac, topic)))).json() == {"count": 2}
    await compared.compare()
    assert compared.trouble is None


async def test_a_stray_that_stands_twice_is_acknowledged_twice(
    almanac: Database, topic: str, olga: httpx.AsyncClient
) -> None:
    """Who wrote it sent the same record again, with its event's id: each is told, and one word is enough for all."""
    await produce(topic, [a_record(a_day(9), event_id=new_id())] * 2)
    lines = await _listed(almanac, topic)
    assert [line.partition("business_on=")[2] for line in lines] == [
        "2021-03-03", "2021-03-04", "2021-03-10", "2021-03-10",
    ]  # fmt: skip
    assert (await _say(olga, _range(lines))).json() == {"count": 4}
    await OwnLog(almanac.settings(topic), almanac.pool, OWNED).compare()


@pytest.mark.parametrize("other", ["topic_id = gen_random_uuid()", "written_ms = written_ms - 1"])
async def test_another_record_in_that_place_is_not_acknowledged(
    almanac: Database, topic: str, olga: httpx.AsyncClient, other: str
) -> None:
    """The same offset in a topic that was made anew, or at another time since the log lost its end, is told."""
    lines = await _listed(almanac, topic)
    await _say(olga, _range(lines))
    last = _range(lines)["last_offset"]
    await almanac.pool.execute(f'update acknowledged_stray set {other} where "offset" = $1', last)
    assert await _listed(almanac, topic) == lines[1:]


async def test_a_range_without_strays_is_refused(almanac: Database, topic: str, olga: httpx.AsyncClient) -> None:
    """What the store has made, what was acknowledged already, what is not there and another service's topic; nothing
    of that stands in the trail as acknowledged."""
    strays = _range(await _listed(almanac, topic))
    made = {"first_offset": 0, "last_offset": 1}
    for body in (strays | made, strays | {"partition": 17}, strays | {"topic": "vcc.case.v1"},
                 strays | {"first_offset": 9_000, "last_offset": 9_999}):  # fmt: skip
        refused = await _say(olga, body)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:no-stray"), body
    wide = strays | {"last_offset": strays["first_offset"] + stray_operations.MOST_RECORDS}
    assert (await _say(olga, wide)).status_code == 422
    assert (await _say(olga, strays)).status_code == 201
    assert (await _say(olga, strays)).status_code == 409
    assert await almanac.owner.fetchval("select count(*) from acknowledged_stray") == 2


async def test_only_an_operator_for_all_plans_may_say_it(
    almanac: Database, topic: str, app: FastAPI, olga: httpx.AsyncClient
) -> None:
    """An operator of one plan and a coordinator are denied."""
    strays = _range(await _listed(almanac, topic))
    for principal in (
        Principal("otto", frozenset({"operator"}), frozenset({"prairie"}), "prairie"),
        Principal("cora", frozenset({"coordinator"}), frozenset("*"), "*"),
    ):
        app.dependency_overrides[authenticate] = lambda who=principal: who
        assert (await _say(olga, strays)).status_code == 403
        assert (await olga.get(PATH)).status_code == 403


async def test_without_the_broker_nothing_is_acknowledged(
    almanac: Database, app: FastAPI, olga: httpx.AsyncClient
) -> None:
    """Where nobody says what stands there the operator is asked to come again."""
    app.state.settings = almanac.settings()
    refused = await _say(olga, {"topic": TOPIC, "partition": 0, "first_offset": 0, "last_offset": 9})
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:vcc:problem:log-unavailable")
