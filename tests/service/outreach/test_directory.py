"""The directory of services by need, and the Community Supports that a plan elects."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest

from services.kit.ids import new_id
from tests.facts import a_day, a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of
from tests.service.outreach.test_wishes import post
from tests.service.outreach.test_workers import put
from tests.unit.outreach.test_directory import PANTRY, TABLES, as_json, as_zip


@pytest.fixture
async def supervisor(outreach: Outreach) -> AsyncIterator[Worker]:
    async with client_of(outreach.database) as client:
        yield Worker(client, "sue", role="supervisor")


async def imports(who: Worker, content: bytes) -> httpx.Response:
    headers = {"X-Worker": who.name, "X-Plan": who.plan, "X-Role": who.role, "Idempotency-Key": str(new_id())}
    sent = headers | {"Content-Type": "application/octet-stream"}
    return await who.client.post("/directory/editions", params={"source": "211"}, content=content, headers=sent)


async def found(who: Worker, **query: Any) -> list[str]:
    answer = await who.get("/directory", **query)
    assert answer.status_code == 200, answer.text
    return [one["service_id"] for one in answer.json()["services"]]


@pytest.mark.capability("C2")
async def test_services_are_found_by_need_area_language_hours_capacity_cost_and_age(supervisor: Worker) -> None:
    """Each filter keeps what fits, and what says nothing against it."""
    hotline = {"id": "hotline", "name": "Hotline", "attributes": PANTRY["attributes"]}
    told = await imports(supervisor, as_json(PANTRY, hotline, {"id": "ride", "name": "Rides"}))
    assert (told.status_code, told.json()["services"], told.json()["errors"]) == (201, 3, []), told.text
    for query, fits in (
        ({"need": "food-insecurity"}, ["hotline", "svc-1"]),
        ({"zip5": "60623"}, ["hotline", "ride", "svc-1"]),
        ({"zip5": "60601"}, ["hotline", "ride"]),
        ({"zip5": "60601", "county": "17031"}, ["hotline", "ride", "svc-1"]),
        ({"language": "pl"}, ["hotline", "ride"]),
        ({"language": "es-MX", "need": "food-insecurity"}, ["hotline", "svc-1"]),
        ({"weekday": 2}, ["hotline", "ride"]),
        ({"weekday": 3}, ["hotline", "ride", "svc-1"]),
        ({"age": 17}, ["hotline", "ride"]),
        ({"free": True}, ["svc-1"]),
        ({"has_capacity": True, "need": "food-insecurity"}, ["hotline", "svc-1"]),
    ):
        assert await found(supervisor, **query) == fits, query


async def test_the_newest_edition_alone_is_looked_through(supervisor: Worker, outreach: Outreach) -> None:
    """What it does not have is not found any more; the imports stay on record with what could not be read, and services
    of the last three editions are kept."""
    await imports(supervisor, as_json(PANTRY, PANTRY | {"id": "old"}))
    bad = TABLES["services"][0] | {"id": "bad", "name": ""}
    second = await imports(supervisor, as_zip(TABLES | {"services": [*TABLES["services"], bad]}))
    assert second.json()["errors"] == [{"row": "services.csv 3", "field": "name", "expected": "Expected a name"}]
    assert await found(supervisor) == ["svc-1"]
    editions = (await supervisor.get("/directory/editions")).json()["editions"]
    assert [(one["edition_no"], one["services"], one["error_count"]) for one in editions] == [(2, 1, 1), (1, 2, 0)]
    for _ in range(3):
        await imports(supervisor, as_json(PANTRY))
    kept = await outreach.fetch("select distinct edition_no as no from directory_service order by 1")
    assert [row["no"] for row in kept] == [3, 4, 5]


async def test_what_is_no_directory_changes_nothing(supervisor: Worker) -> None:
    """It is refused whole, and the edition before stands."""
    await imports(supervisor, as_json(PANTRY))
    assert (await imports(supervisor, b"hello")).json()["type"] == "urn:vcc:problem:not-hsds"
    assert await found(supervisor) == ["svc-1"]


async def test_pages_of_services_go_on_where_the_last_one_ended(supervisor: Worker) -> None:
    """Each is listed once."""
    await imports(supervisor, as_json(*(PANTRY | {"id": name} for name in "abcde")))
    first = (await supervisor.get("/directory", limit=3)).json()
    second = (await supervisor.get("/directory", limit=3, after=first["next"])).json()
    listed = [one["service_id"] for one in first["services"] + second["services"]]
    assert (listed, second["next"]) == (list("abcde"), None)


async def test_what_members_found_is_counted_beyond_editions(supervisor: Worker, worker: Worker) -> None:
    """And an entry that nobody assured lately is flagged."""
    await imports(supervisor, as_json(PANTRY, PANTRY | {"id": "dusty", "assured_date": "2020-01-01"}))
    for outcome in ("helped", "closed", "closed"):
        assert (await post(worker, "/directory/svc-1/feedback", {"outcome": outcome})).status_code == 201
    assert (await post(worker, "/directory/nobody/feedback", {"outcome": "helped"})).status_code == 404
    await imports(supervisor, as_json(PANTRY, PANTRY | {"id": "dusty", "assured_date": "2020-01-01"}))
    dusty, pantry = (await worker.get("/directory")).json()["services"]
    assert pantry["feedback"] == {"helped": 1, "closed": 2}
    assert (dusty["is_stale"], pantry["is_stale"]) == (True, False)


@pytest.mark.capability("E4")
async def test_a_barrier_leads_to_what_helps_with_it(outreach: Outreach, worker: Worker, supervisor: Worker) -> None:
    """By what was logged for the member, where he lives and in his language; another plan's case is none."""
    await outreach.hear(a_fact("ada", language="es"))
    polish = PANTRY | {"id": "polish", "languages": [{"code": "pl"}]}
    elsewhere = PANTRY | {"id": "elsewhere", "service_areas": [{"extent": "90001"}]}
    await imports(supervisor, as_json(PANTRY, polish, elsewhere, {"id": "ride", "name": "Rides"}))
    path = f"/cases/{case_id('ada')}/services"
    assert (await worker.get(path)).json() == {"needs": [], "services": []}
    logged = await worker.log(case_id("ada"), "complete", barriers=["food-insecurity"])
    assert logged.status_code == 201, logged.text
    answer = (await worker.get(path)).json()
    assert answer["needs"] == ["food-insecurity"]
    assert [one["service_id"] for one in answer["services"]] == ["svc-1"]
    worker.plan = "prairie"
    assert (await worker.get(path)).status_code == 404


@pytest.mark.capability("C6")
async def test_community_supports_are_listed_by_day_and_elected_by_county(
    outreach: Outreach, supervisor: Worker, worker: Worker
) -> None:
    """14 until the end of June 2025 and 15 from July on; the plan offers one in a county on the election's days."""
    await outreach.hear(a_day((date(2025, 6, 30) - date(2021, 3, 1)).days))
    elected = {"county": "06037", "from_on": "2025-01-01", "until_on": "2025-07-01"}
    for support in ("tailored-meals", "transitional-rent"):
        assert (await put(supervisor, f"/community-supports/{support}/elections", elected)).status_code == 200
    assert (await put(supervisor, "/community-supports/circus/elections", elected)).status_code == 404
    assert (await put(worker, "/community-supports/tailored-meals/elections", elected)).status_code == 403
    assert await offered(worker) == (14, ["tailored-meals"])
    await outreach.hear(a_day((date(2025, 7, 1) - date(2021, 3, 1)).days))
    assert await offered(worker) == (15, ["tailored-meals", "transitional-rent"])
    assert await offered(worker, on="2025-07-02") == (15, [])
    worker.plan = "prairie"
    assert await offered(worker) == (15, [])


async def offered(who: Worker, **query: str) -> tuple[int, list[str]]:
    """How many are listed, and which the plan offers in Los Angeles."""
    supports = (await who.get("/community-supports", **query)).json()["supports"]
    return len(supports), [one["support"] for one in supports if one["counties"] == ["06037"]]


async def test_another_plans_directory_is_not_there(supervisor: Worker) -> None:
    """Each plan looks through its own."""
    await imports(supervisor, as_json(PANTRY))
    supervisor.plan = "prairie"
    assert await found(supervisor) == []
    assert (await supervisor.get("/directory/editions")).json() == {"editions": []}
