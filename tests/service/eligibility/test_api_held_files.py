"""Files that wait for a person over HTTP: who may decide, once, with a reason, and what is told of rows."""

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.api import held as held_api
from services.eligibility.intake.store import files as file_store
from tests.service.eligibility.cases import case
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import RICH_TRACT, RICH_ZIP, Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
LATER = date(2021, 3, 8)
WHY = {"reason": "the plan confirms it"}


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, files_api.routes, held_api.routes)


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"key-{name}-12345678"}


async def test_a_held_file_is_released_once(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """It is listed with its reason; the decision and its reason are kept and audited; again it is the same answer."""
    acting(app, "operator")
    await office.read(case("s07a.834"))
    held = await office.read(case("s07b.834"))
    [listed] = (await client.get("/feed-files", params={"held": True})).json()
    assert (listed["file_id"], listed["state"], listed["held"]) == (str(held.file_id), "held", "control-reused")
    path = f"/feed-files/{held.file_id}/release"
    first = await client.post(path, json=WHY, headers=key("one"))
    assert (first.status_code, first.json()["state"], first.json()["decision"]) == (200, "received", "released")
    assert (await client.post(path, json=WHY, headers=key("one"))).json() == first.json()
    await office.work()
    again = await client.post(path, json=WHY, headers=key("two"))
    assert (again.status_code, again.json()["state"]) == (200, "processed")
    [row] = await office.fetch("select decided_by, decided_why from feed_file where decision is not null")
    assert row == {"decided_by": "grover", "decided_why": WHY["reason"]}
    audit = await office.fetch("select action, kind, subjects from audit where action = 'redriven'")
    assert audit == [{"action": "redriven", "kind": "feed-file", "subjects": [str(held.file_id)]}]
    refused = await client.post(f"/feed-files/{held.file_id}/refuse", json=WHY, headers=key("three"))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:feed-file-not-held")


async def test_the_front_door_wakes_the_worker(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A file that is accepted wakes it, and so does a decision about one that waited; what changes nothing does not."""
    news = asyncio.Event()

    async def asked(path: str, **request: Any) -> tuple[int, bool]:
        news.clear()
        return (await client.post(path, **request)).status_code, news.is_set()

    with office.database.pool.signals.waking(news, file_store.NEWS):
        acting(app, "integration")
        first = {"content": case("s07a.834")}
        assert [await asked("/feed-files", **first) for _ in range(2)] == [(201, True), (200, False)]
        assert await asked("/feed-files", content=b"") == (422, False)
        await office.work()
        held = await office.read(case("s07b.834"))
        acting(app, "operator")
        path = f"/feed-files/{held.file_id}/release"
        decided = [await asked(path, json=WHY, headers=key("one")) for _ in range(2)]
    assert (held.state, decided) == ("held", [(200, True), (200, False)])


async def test_an_absence_is_refused(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """What a full file says of half a plan waits in the same list, and is refused by the same route."""
    acting(app, "operator")
    people = Row("P1"), Row("P2", given="Bert")
    await office.read(roster(*people, plan="PRAIRIE", full=True))
    file = await office.read(roster(people[0], plan="PRAIRIE", full=True, day=LATER))
    [listed] = (await client.get("/feed-files", params={"held": True})).json()
    assert (listed["state"], listed["absence"]) == ("processed", "too-many")
    answer = await client.post(f"/feed-files/{file.file_id}/refuse", json=WHY, headers=key("one"))
    assert (answer.status_code, answer.json()["absence"]) == (200, "refused")
    assert (await client.get("/feed-files", params={"held": True})).json() == []
    [row] = await office.fetch("select action from audit where kind = 'feed-file'")
    assert row["action"] == "discarded"


@pytest.mark.parametrize(
    ("role", "tenant"),
    [("integration", "*"), ("supervisor", "*"), ("coordinator", "lakeshore"), ("operator", "lakeshore")],
)
async def test_only_operators_of_all_plans_decide(
    app: FastAPI, client: httpx.AsyncClient, office: Office, role: str, tenant: str
) -> None:
    """Neither who sent the file nor another role nor one plan's operator can let it in."""
    await office.read(case("s07a.834"))
    held = await office.read(case("s07b.834"))
    acting(app, role, tenant)
    for decision in ("release", "refuse"):
        answer = await client.post(f"/feed-files/{held.file_id}/{decision}", json=WHY, headers=key(decision))
        assert answer.status_code == 403
    assert (await office.fetch("select decision from feed_file where state = 'held'")) == [{"decision": None}]


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}])
async def test_a_decision_has_a_reason(app: FastAPI, client: httpx.AsyncClient, office: Office, body: object) -> None:
    """Without one it is refused as wrong use."""
    acting(app, "operator")
    file = await office.read(case("s07a.834"))
    answer = await client.post(f"/feed-files/{file.file_id}/release", json=body, headers=key("one"))
    assert answer.status_code == 422


async def test_each_row_says_what_it_changed(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Added, ended, moved, renumbered, renamed, merged, died or nothing: by row, as counts, and in the fact."""
    acting(app, "integration")
    people = [Row(f"LS{n}", given=name) for n, name in enumerate(("Oma", "Bert", "Ernie", "Zoe", "Abby"))]
    await office.read(roster(*people, Row("LS9", family="Sesam", given="Bert")))
    file = await office.read(
        roster(
            people[0],
            Row("LS1", given="Bert", action="001", was=("LS9", "Sesam", "Bert")),
            Row("LS2", given="Ernie", action="024", end="20210226"),
            Row("LS3", given="Zoe", action="001", zip5=RICH_ZIP, tract=RICH_TRACT),
            Row("LS44", given="Abby", action="001"),
            Row("LS7", given="Rosita"),
            Row("LS2", given="Ernest", action="024", reason="03", end="20210225", died="20210225"),
            day=LATER,
        )
    )
    page = (await client.get(f"/feed-files/{file.file_id}/rows")).json()
    told = {row["row"]: (row["outcome"], row["changes"]) for row in page["rows"]}
    assert told == {
        1: ("unchanged", []), 2: ("accepted", ["merged"]), 3: ("accepted", ["ended"]), 4: ("accepted", ["moved"]),
        5: ("accepted", ["renumbered"]), 6: ("accepted", ["added"]), 7: ("accepted", ["died", "ended", "renamed"]),
    }  # fmt: skip
    counts = {"merged": 1, "ended": 2, "moved": 1, "renumbered": 1, "added": 1, "died": 1, "renamed": 1}
    assert (await client.get(f"/feed-files/{file.file_id}")).json()["changes"] == counts
    fact = (await office.events("feed-file"))[-1]
    assert {one["change"]: one["rows"] for one in fact["changes"]} == counts
    some = (await client.get(f"/feed-files/{file.file_id}/rows", params={"change": "ended"})).json()
    assert [row["row"] for row in some["rows"]] == [3, 7]
    first = (await client.get(f"/feed-files/{file.file_id}/rows", params={"limit": 2})).json()
    assert (len(first["rows"]), first["next_after"]) == (2, 2)


async def test_a_registrys_row_says_what_it_did_to_a_dose(office: Office) -> None:
    """Added, changed, deleted or nothing."""
    await office.read(roster(Row("LS1")))
    again = Shot("E-1", lot="EL1", action="U", sent="20210302060000")
    told = [Shot("E-1"), again, again, Shot("E-1", action="D", sent="20210303060000")]
    file = await office.read(vxu(*told))
    rows = await office.fetch("select outcome, changes from feed_row where file_id = $1 order by row", file.file_id)
    assert [(row["outcome"], row["changes"]) for row in rows] == [
        ("accepted", "dose-added"), ("accepted", "dose-changed"), ("unchanged", None), ("accepted", "dose-deleted"),
    ]  # fmt: skip


async def test_another_plan_sees_no_rows(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The rows of a file are as hidden as the file."""
    file = await office.read(roster(Row("LS1")))
    acting(app, "supervisor", "prairie")
    assert (await client.get(f"/feed-files/{file.file_id}/rows")).status_code == 404


@pytest.mark.parametrize(("first", "second"), [("s05b.834", "s06_crlf.834"), ("s06_crlf.834", "s05b.834")])
async def test_other_line_ends_are_a_repeat(
    app: FastAPI, client: httpx.AsyncClient, office: Office, first: str, second: str
) -> None:
    """The front door answers 200 with the file that has the same content."""
    acting(app, "integration")
    sent = await client.post("/feed-files", content=case(first))
    again = await client.post("/feed-files", content=case(second))
    assert (sent.status_code, again.status_code, again.json()["is_repeat"]) == (201, 200, True)
    assert again.json()["file_id"] == sent.json()["file_id"]
