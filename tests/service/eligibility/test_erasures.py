"""A plan has its member's contact details erased: here, in the topic, in what is kept of answers; or forbids it."""

from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from schemas.catalog import MEMBER_CONTACT
from services.eligibility.decisions.api import erasures as erasures_api
from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.api import vital as vital_api
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.published import KEEP_PUBLISHED, STRIP
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.contacts import MAILING, opened, row, told
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Shot, roster, vxu

pytestmark = pytest.mark.postgres


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, erasures_api.routes, members_api.routes, vital_api.routes)


async def token_of(office: Office, plan: str = "lakeshore") -> str:
    [found] = await office.fetch("select member_token from enrolment where tenant_id = $1", plan)
    return str(found["member_token"])


async def ask(client: httpx.AsyncClient, method: str, path: str, key: str, body: Any = None) -> httpx.Response:
    return await client.request(method, path, json=body, headers={"Idempotency-Key": f"key-{key}-0001"})


async def erase(client: httpx.AsyncClient, token: str, key: str = "erase") -> httpx.Response:
    return await ask(client, "POST", f"/members/{token}/erasures", key, {"reason": "member-request"})


async def publish_all(office: Office) -> None:
    """As the relay does once the broker has them."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        ids = [waiting["id"] for waiting in await connection.fetch("select id from outbox order by id")]
        await connection.execute(KEEP_PUBLISHED, ids, [0] * len(ids), list(range(len(ids))))


async def everything(office: Office) -> bytes:
    """What stands in the tables that keep contact details, and in what was and will be said of them."""
    found = b""
    for table in ("enrolment", "member_contact", "registry_contact", "outbox", "published"):
        for kept in await office.fetch(f"select * from {table}"):
            found += b" ".join(one if isinstance(one, bytes) else str(one).encode() for one in kept.values())
    return found


async def test_what_is_erased_is_gone(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """From the tables, from what was published, which would be said again without it, and by a fact with the next
    version from whoever reads. Token, facts and by what rows find him stay."""
    await office.read(roster(row("LS1", "OMA", MAILING)))
    await office.read(vxu(Shot("E1", zip5="90011", ids=("LS1^^^LAKESHORE^MB",))))
    facts = await office.events("member-eligibility")
    await publish_all(office)
    acting(app, "plan-admin", "lakeshore")
    answer = await erase(client, token := await token_of(office))
    assert answer.status_code == 201
    content = await everything(office)
    for canary in (b"2135550101", b"oma@sesame", b"SESAME ST", b"\x00vcc\x01", b'"sealed"'):
        assert canary not in content
    [fact] = await office.events("member-contact")
    assert (fact["version"], opened(fact), fact["is_erased"]) == (2, None, True)
    [kept] = await office.fetch("select family, birth_on, zip5, member_token::text from enrolment")
    assert kept == {"family": "SESAME", "birth_on": date(1940, 5, 1), "zip5": "90011", "member_token": token}
    said = "select count(*) from published where aggregatetype = 'vcc.member-eligibility.v1'"
    assert (await office.fetch(said))[0]["count"] == len(facts)


async def test_no_roster_or_message_brings_it_back(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """What is erased is neither kept nor told again, and the member stays who he is."""
    await office.read(roster(row()))
    acting(app, "plan-admin", "lakeshore")
    await erase(client, token := await token_of(office))
    await office.read(roster(row("LS1", "OMA", MAILING, personal="PER*IP**HP*2135550188"), day=date(2021, 3, 2)))
    shot = Shot("E1", zip5="90011", ids=("LS1^^^LAKESHORE^MB",), sent="20210303060000")
    await office.read(vxu(shot))
    await office.open_day(date(2021, 3, 3))
    assert [version for version, _ in await told(office)] == [1, 2]
    content = await everything(office)
    assert b"2135550188" not in content
    assert b"PASADENA" not in content
    assert await token_of(office) == token
    assert await office.fetch("select from registry_contact") == []


async def test_a_legal_hold_forbids_it(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Nothing is erased while it stands; lifted, it is."""
    await office.read(roster(row()))
    acting(app, "plan-admin", "lakeshore")
    token = await token_of(office)
    path = f"/members/{token}/legal-hold"
    assert (await ask(client, "PUT", path, "hold")).json() == {"member_token": token, "is_on_hold": True}
    refused = await erase(client, token, "first")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:legal-hold")
    assert [version for version, _ in await told(office)] == [1]
    assert b"2135550101" in await everything(office)
    assert (await ask(client, "DELETE", path, "lift")).status_code == 200
    assert (await erase(client, token, "second")).status_code == 201


async def test_kept_answers_of_him_are_gone(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Whoever sends an earlier request again learns that its answer is erased, and nothing is done a second time;
    answers about others stay."""
    await office.read(roster(row()))
    acting(app, "supervisor", "lakeshore")
    token = await token_of(office)
    path, body = f"/members/{token}/vital-status", {"is_deceased": False, "reason": "spoken-with-member"}
    assert (await ask(client, "POST", path, "decide", body)).status_code == 200
    acting(app, "plan-admin", "lakeshore")
    await erase(client, token)
    acting(app, "supervisor", "lakeshore")
    again = await ask(client, "POST", path, "decide", body)
    assert (again.status_code, again.json()["type"]) == (410, "urn:vcc:problem:answer-erased")
    assert token not in again.text
    assert (await office.fetch("select count(*) from vital_override"))[0]["count"] == 1


async def test_it_is_the_plans_own(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Another plan's administrator finds nobody; no other role may ask."""
    await office.read(roster(row()))
    token = await token_of(office)
    acting(app, "plan-admin", "prairie")
    assert (await erase(client, token)).status_code == 404
    for role in ("coordinator", "chw", "supervisor", "operator", "integration", "auditor"):
        acting(app, role, "lakeshore")
        assert (await erase(client, token)).status_code == 403
    assert [version for version, _ in await told(office)] == [1]


async def test_the_trail_says_who_and_why(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The erasure is a row of its own, with the reason, and names token and enrolment."""
    await office.read(roster(row()))
    acting(app, "plan-admin", "lakeshore")
    await erase(client, token := await token_of(office))
    [entry] = await office.fetch("select kind, reason, subjects from audit where action = 'erased'")
    [one] = await office.fetch("select enrolment_id from enrolment")
    assert (entry["kind"], entry["reason"]) == ("contact", "member-request")
    assert list(entry["subjects"]) == [token, str(one["enrolment_id"])]


async def test_what_was_published_is_found_by_its_key(office: Office) -> None:
    """Also by a plan that is made for any keys: the history of the topic is not read."""
    statement = STRIP.format(table="published", topic=MEMBER_CONTACT)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute("create temp table published (like public.published including all) on commit drop")
        await connection.execute(
            "insert into published (event_id, id, shard, aggregatetype, aggregateid, type, payload, occurred_at)"
            " select gen_random_uuid(), n, 0, $1, n::text, 'x', '{}', now() from generate_series(1, 3000) as n",
            MEMBER_CONTACT.name,
        )
        await connection.execute("analyze published")
        await connection.execute("set local plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare stripping (text[], text) as {statement}")
        plan = await connection.fetch("explain execute stripping (array['a'], 'sealed')")
        await connection.execute("deallocate stripping")
    assert any("published_aggregateid_idx" in line[0] for line in plan), plan


async def test_answers_kept_for_who_sees_all_plans_are_gone(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """An answer about the member that an operator of all plans got is erased, though the plan asks."""
    await office.read(roster(row()))
    token = await token_of(office)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await connection.execute(
            "insert into idempotency_key (tenant_id, principal, key, method_path, request_sha256, status, response)"
            " values ('*', 'olga', 'key-other-0001', 'POST /x', 'x'::bytea, 200, $1::text::jsonb)",
            f'{{"headers": {{}}, "body": {{"member_token": "{token}"}}, "looks": []}}',
        )
    acting(app, "plan-admin", "lakeshore")
    assert (await erase(client, token)).status_code == 201
    [kept] = await office.fetch("select status from idempotency_key where principal = 'olga'")
    assert kept["status"] == 410
