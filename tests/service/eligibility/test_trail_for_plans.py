"""A plan's auditor sees who looked at its member for all plans at once, and nothing of another plan's."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from services.eligibility.app import build
from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.api import observations as observations_api
from services.eligibility.intake.api import doubtful_rows as doubtful_api
from services.eligibility.intake.api import possibly_one as pairs_api
from services.kit import asking, audit_api
from services.kit.audit_search import Reader
from services.kit.auth import Principal, authenticate
from services.kit.postgres import create_pool
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import door
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.test_possibly_one import COPIED, HERS, NEXT, decide, pairs, tokens

pytestmark = pytest.mark.postgres


@pytest.fixture
async def app(office: Office) -> AsyncIterator[FastAPI]:
    service = build()
    trail = audit_api.router(service.names_in_trail, service.names_for_plans)
    app = door(
        office.database, pairs_api.routes, members_api.routes, doubtful_api.routes, observations_api.routes, trail
    )  # fmt: skip
    pool = await create_pool(office.database.settings(dsn=office.database.audit_dsn), holds_keys=False)
    app.state.audit_reader = Reader(pool)
    yield app
    pool.terminate()


def acting(app: FastAPI, role: str, tenant: str = "*", subject: str = "grover") -> None:
    """As `door.acting`, with the request that the trail tells of."""

    def principal(request: Request) -> Principal:
        asked = asking.of_request(request.scope)
        return Principal(subject, frozenset({role}), frozenset({tenant}), tenant, asked=asked)

    app.dependency_overrides[authenticate] = principal


async def look(app: FastAPI, client: httpx.AsyncClient, subject: str, token: str) -> None:
    """Somebody of the State looks at a member."""
    acting(app, "supervisor", subject=subject)
    assert (await client.get(f"/members/{token}")).status_code == 200


async def looked(app: FastAPI, client: httpx.AsyncClient, plan: str, token: str) -> list[tuple[str, list[str]]]:
    """Who looked at a member by the trail as the plan's auditor sees it."""
    acting(app, "auditor", plan, "argus")
    answer = await client.get("/audit", params={"member_token": token})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return [(row["principal"], row["subjects"]) for row in rows if row["principal"] != "argus"]


async def work_for(app: FastAPI, client: httpx.AsyncClient, office: Office, member_id: str, plan: str) -> None:
    """Somebody of the State looks at a doubtful row of this plan, and tells what its member answered."""
    await office.read(roster(Row(member_id, "Roe", "Thea", "19620202", action="001"), plan=plan, day=NEXT))
    acting(app, "operator", subject="otto")
    [row] = (await client.get("/doubtful-rows")).json()["rows"]
    assert (await client.get(f"/doubtful-rows/{row['doubtful_id']}")).status_code == 200
    acting(app, "supervisor", subject="sara")
    said = {"member_id": member_id, "system": "vcc", "code": "interpreter-needed", "answer": "yes"}
    told = await client.post(
        "/member-observations",
        json={"plan": plan.lower(), "observations": [said | {"observed_on": "2021-03-01"}]},
        headers={"Idempotency-Key": "tell-it-12345678"},
    )
    assert (told.status_code, told.json()["accepted"]) == (200, 1), told.text


async def test_a_plan_sees_who_looked_at_its_member_for_all_plans(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """Each its own member's looks; of a pair, of a doubtful row, and of what was told for one of both plans nothing.
    While two plans' members are one both see the looks at her, and none of before at the other one; once they are two,
    each goes on with its own."""
    await office.read(roster(HERS))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    known = await tokens(office)
    hers, his = known["LS1"], known["P9"]
    await look(app, client, "alice", hers)
    await look(app, client, "bert", his)
    acting(app, "operator", subject="olga")
    [pair] = await pairs(client)
    await client.get(f"/possibly-one/{pair['pair_id']}")
    assert await looked(app, client, "lakeshore", hers) == [("alice", [hers])]
    assert await looked(app, client, "prairie", his) == [("bert", [his])]
    assert await looked(app, client, "prairie", hers) == []
    acting(app, "operator", subject="olga")
    assert (await decide(client, pair, "one-person")).status_code == 200
    await look(app, client, "carla", hers)
    await work_for(app, client, office, "P9", "PRAIRIE")
    assert await looked(app, client, "lakeshore", hers) == [("alice", [hers]), ("carla", [hers])]
    assert await looked(app, client, "prairie", his) == [("bert", [his]), ("carla", [hers])]
    assert await looked(app, client, "prairie", hers) == [("bert", [his]), ("carla", [hers])]
    acting(app, "operator", subject="olga")
    assert (await decide(client, pair, "withdraw", "back")).status_code == 200
    await look(app, client, "dora", hers)
    await look(app, client, "emil", his)
    assert await looked(app, client, "lakeshore", hers) == [("alice", [hers]), ("carla", [hers]), ("dora", [hers])]
    assert await looked(app, client, "prairie", his) == [("bert", [his]), ("carla", [hers]), ("emil", [his])]
