"""What plans may say of their members over HTTP, what is refused of it, and several who say something at once."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.people.store import members as people_store
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.door import acting
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.programmes import HOMEBOUND, publish
from tests.service.eligibility.test_api_programmes import app, four, said, tell

pytestmark = pytest.mark.postgres
__all__ = ["app"]
MISTAKEN = ("LS2", "Sesame", "Omi")


def codes(answer: httpx.Response) -> list[tuple[int, str]]:
    assert answer.status_code == 200, answer.text
    return [(one["position"], one["code"]) for one in answer.json()["rejected"]]


@pytest.mark.parametrize("number", ["NaN", "1e400", "-Infinity"])
async def test_a_figure_is_a_number(app: FastAPI, client: httpx.AsyncClient, office: Office, number: str) -> None:
    """What JSON can't say, or no float can hold, refuses the request by the field's name, and nothing is stored."""
    await office.read(four())
    acting(app, "integration", "lakeshore")
    body = json.dumps({"plan": "lakeshore", "observations": [said("LS0", "admissions", value=7)]}).replace("7", number)
    headers = {"Idempotency-Key": "observe-1", "Content-Type": "application/json"}
    answer = await client.post("/member-observations", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.observations.0.value")
    assert await office.fetch("select from member_observation") == []


async def test_figures_have_a_range(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """From 0 to what the code allows: a share up to 1, visits up to one a day; its edges are in."""
    await office.read(four())
    acting(app, "integration", "lakeshore")
    answer = await tell(
        client, said("LS0", "care-fragmentation", value=1), said("LS1", "care-fragmentation", value=1.01),
        said("LS2", "emergency-visits", value=-1), said("LS2", "emergency-visits", value=1e300),
        said("LS3", "admissions", value=0),
    )  # fmt: skip
    assert codes(answer) == [(1, "value-range"), (2, "value-range"), (3, "value-range")]


async def test_a_need_is_one_thing_only(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A need with a value, 0 or not, is refused: the need holds, or it is told with its end."""
    await office.read(four())
    acting(app, "integration", "lakeshore")
    answer = await tell(
        client, said("LS0", "homebound", value=0), said("LS1", "homebound", value=1),
        said("LS2", "colonoscopy", value=1), said("LS3", "homebound"),
    )  # fmt: skip
    assert codes(answer) == [(0, "value-unexpected"), (1, "value-unexpected"), (2, "value-unexpected")]


async def test_nothing_is_observed_ahead(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The open business day is the last one on which something can have been seen; an end may lie ahead."""
    await office.read(four())
    acting(app, "integration", "lakeshore")
    days = (str(FIRST_DAY), "2021-03-02", "9999-12-31", "1899-12-31", "1900-01-01")
    answer = await tell(
        client, *(said("LS0", "colonoscopy", observed_on=day) for day in days),
        said("LS1", "homebound", ended_on="2021-06-01"), said("LS2", "homebound", ended_on="9999-12-31"),
    )  # fmt: skip
    assert codes(answer) == [(1, "dates"), (2, "dates"), (3, "dates")]


async def test_a_number_that_the_database_cannot_hold(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A member number with a NUL is refused as the request's fault."""
    acting(app, "integration", "lakeshore")
    assert (await tell(client, said("LS\0", "homebound"))).status_code == 422


async def test_four_who_speak_of_one_member_at_once(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Each waits for the other: none fails, and the member's facts count up."""
    await office.read(four())
    await publish(office, HOMEBOUND)
    acting(app, "integration", "lakeshore")
    for turn in range(4):
        rows = [
            said("LS0", code, observed_on=f"2021-01-{turn + 1:02}")
            for code in ("homebound", "lives-alone", "food-insecurity", "homelessness")
        ]
        asked = (tell(client, row, key=f"observe-{turn}-{n}") for n, row in enumerate(rows))
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 4
    assert len(await office.fetch("select from member_observation")) == 16


async def test_an_observation_during_a_merge_is_the_survivors(
    app: FastAPI, client: httpx.AsyncClient, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge that commits between the look at who is meant and the writing: the survivor gets what was said."""
    await office.read(roster(Row("LS1", given="Oma"), Row("LS2", given="Omi")))
    await publish(office, HOMEBOUND)
    find, merges = people_store.find_members, [roster(Row("LS2", given="Oma", action="001", was=MISTAKEN))]

    async def with_a_merge(*about: Any) -> dict[str, list[UUID]]:
        found = await find(*about)
        if merges:
            await office.read(merges.pop())
        return found

    monkeypatch.setattr(people_store, "find_members", with_a_merge)
    acting(app, "integration", "lakeshore")
    answer = await tell(client, said("LS2", "homebound"))
    [kept] = await office.fetch("select member_token from member_observation")
    [survivor] = await office.fetch("select member_token from person where merged_into is null")
    assert (answer.json()["rejected"], kept) == ([], survivor)
    decided = (
        "select fact->>'status' as status from decision join enrolment using (enrolment_id) where member_token = $1"
    )
    rows = await office.fetch(f"{decided} and programme_id = 'street-visits'", survivor["member_token"])
    assert rows == [{"status": "eligible"}]
