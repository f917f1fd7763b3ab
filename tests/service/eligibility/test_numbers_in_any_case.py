"""Whoever types a member number in other letters finds its member, if there is one alone who can be meant."""

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.decisions.api import members, observations
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres

VERA = Row("AB12", family="Hill", given="Vera", born="19510505")
ROSE = Row("aB12", family="Stone", given="Rose", born="19440404")


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, members.routes, observations.routes)


async def found(
    app: FastAPI, client: httpx.AsyncClient, office: Office, number: str, plan: str = "lakeshore"
) -> list[str]:
    """The given names of those who are found under this number."""
    acting(app, "coordinator", plan)
    tokens = [one["member_token"] for one in (await client.get("/members", params={"member_id": number})).json()]
    rows = await office.fetch("select given from enrolment where member_token::text = any($1::text[])", tokens)
    return sorted(row["given"] for row in rows)


@pytest.mark.parametrize("number", ["AB12", "ab12", "Ab12"])
async def test_a_number_is_found_in_other_letters(
    app: FastAPI, client: httpx.AsyncClient, office: Office, number: str
) -> None:
    """It stays as the plan wrote it; another plan's member is nobody in any letters."""
    await office.read(roster(VERA))
    assert await found(app, client, office, number) == ["VERA"]
    assert await found(app, client, office, number, "prairie") == []
    assert await office.fetch("select member_id from enrolment") == [{"member_id": "AB12"}]


async def test_who_bears_the_number_exactly_is_meant(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Two numbers that differ in their letters alone are two: each finds its own, and a third spelling nobody."""
    await office.read(roster(VERA, ROSE))
    assert await found(app, client, office, "AB12") == ["VERA"]
    assert await found(app, client, office, "aB12") == ["ROSE"]
    assert await found(app, client, office, "ab12") == []


async def test_a_familys_number_in_other_letters_names_nobody(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """As it is written it finds the family; in other letters it might be a slip, and there is no one who is meant."""
    child = "INS*N*19*021*28*A*C**FT~REF*0F*AB12~NM1*IL*1*HILL*TIM~DMG*D8*20100505*M~HD*021**HLT*X~DTP*348*D8*20200101"
    await office.read(roster(VERA, child))
    assert await found(app, client, office, "AB12") == ["TIM", "VERA"]
    assert await found(app, client, office, "ab12") == []


@pytest.mark.parametrize(("number", "accepted"), [("AB12", 1), ("ab12", 1), ("AC12", 0)])
async def test_what_a_plan_tells_by_number_finds_the_member_in_other_letters(
    app: FastAPI, client: httpx.AsyncClient, office: Office, number: str, accepted: int
) -> None:
    """An observation is of whom the number means, by the same rule."""
    await office.read(roster(VERA))
    acting(app, "integration", "lakeshore")
    row = {"member_id": number, "system": "vcc", "code": "homebound", "observed_on": "2021-02-01"}
    answer = await client.post("/member-observations", json={"plan": "lakeshore", "observations": [row]},
                               headers={"Idempotency-Key": f"key-of-{number}"})  # fmt: skip
    assert answer.json()["accepted"] == accepted, answer.text


async def test_an_observation_by_a_spelling_that_two_may_mean_is_of_nobody(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """Each of the two is told by his own; a third spelling is rejected."""
    await office.read(roster(VERA, ROSE))
    acting(app, "integration", "lakeshore")
    rows = [
        {"member_id": number, "system": "vcc", "code": "homebound", "observed_on": "2021-02-01"}
        for number in ("AB12", "aB12", "ab12")
    ]
    answer = await client.post("/member-observations", json={"plan": "lakeshore", "observations": rows},
                               headers={"Idempotency-Key": "key-of-three"})  # fmt: skip
    assert [(one["position"], one["code"]) for one in answer.json()["rejected"]] == [(2, "member-unknown")]
    assert answer.json()["members_changed"] == 2
