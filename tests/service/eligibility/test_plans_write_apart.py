"""What a plan's token may write of another plan's member, by every route that takes a plan's: nothing, and the answer
is as if there were none (v5.0.0-8.2.2)."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.app import build
from services.kit.auth import Principal, authenticate
from services.kit.roles import TABLE
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import door
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres
NOBODY = str(UUID(int=7))
OF_ITSELF = ("audit", "audit_subject", "audit_seal", "idempotency_key")
ALIVE = {"is_deceased": False, "reason": "spoken-with-member"}
DEAD = ALIVE | {"is_deceased": True}
NEED = {"system": "vcc", "code": "interpreter-needed", "answer": "yes", "observed_on": "2021-03-01"}
INVALID = "urn:vcc:problem:invalid-request"
WHY = "the plan confirms it"


@pytest.fixture
def app(office: Office) -> FastAPI:
    """Whoever asks has every role of one plan."""
    app = door(office.database, *build().routers)
    everything = Principal("pat", frozenset(TABLE.roles), frozenset({"lakeshore"}), "lakeshore")
    app.dependency_overrides[authenticate] = lambda: everything
    return app


async def everything(office: Office) -> dict[str, list[dict[str, Any]]]:
    """All that stands in the database but what is kept of requests."""
    names = await office.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    tables = [row["tablename"] for row in names if row["tablename"] not in OF_ITSELF]
    return {name: await office.fetch(f"select to_jsonb(one) as row from {name} as one order by 1") for name in tables}


def ways(theirs: dict[str, str], mine: dict[str, str]) -> dict[str, tuple[str, str, dict[str, Any] | None]]:
    """Each of them with what belongs to that plan, or to nobody: method, path, body."""
    token, number = {"member_token": theirs["token"]}, {"member_id": theirs["number"]}
    return {
        "a death": ("POST", f"/members/{theirs['token']}/vital-status", DEAD),
        "a life": ("POST", f"/members/{theirs['token']}/vital-status", ALIVE),
        "a decision taken back": ("DELETE", f"/members/{theirs['token']}/vital-status", None),
        "an answer, as that plan": (
            "POST", "/member-observations", {"plan": "prairie", "observations": [NEED | number]},
        ),
        "an answer, by the token": (
            "POST", "/member-observations", {"plan": "lakeshore", "observations": [NEED | token]},
        ),
        "a doubtful row": (
            "POST", f"/doubtful-rows/{theirs['doubtful']}/decision", {"decision": "refuse", "reason": WHY},
        ),
        "a doubtful row of its own, for that member": (
            "POST", f"/doubtful-rows/{mine['doubtful']}/decision", {"decision": "same-person", "reason": WHY} | token,
        ),
        "a file": ("POST", f"/feed-files/{theirs['file']}/cancel", {"reason": WHY}),
    }  # fmt: skip


async def ask(client: httpx.AsyncClient, way: tuple[str, str, dict[str, Any] | None], key: str) -> tuple[int, Any]:
    method, path, body = way
    answer = await client.request(method, path, json=body, headers={"Idempotency-Key": f"key-{key}-12345678"})
    told = answer.json()
    return answer.status_code, told.get("type") or told


async def test_a_plan_writes_nothing_of_anothers_member(client: httpx.AsyncClient, office: Office) -> None:
    """Neither by a member's token or number, a doubtful row, nor a file, with whatever roles; and it does not learn
    whether there is such a one."""
    known = {}
    for plan, number in (("LAKESHORE", "L1"), ("PRAIRIE", "P1")):
        await office.read(roster(Row(number), plan=plan))
        doubtful = Row(number, family="Roe", given="Thea", born="19620202", action="001")
        await office.read(roster(doubtful, plan=plan))
        [row] = await office.fetch(
            "select enrolment.member_token, doubtful_id, one.file_id from doubtful_row as one, enrolment"
            " where member_id = $1 and one.tenant_id = enrolment.tenant_id",
            number,
        )
        names = {"token": row["member_token"], "doubtful": row["doubtful_id"], "file": row["file_id"]}
        known[plan] = {name: str(value) for name, value in names.items()} | {"number": number}
    nobody = dict.fromkeys(("token", "doubtful", "file"), NOBODY) | {"number": "X1"}
    theirs, unknown = ways(known["PRAIRIE"], known["LAKESHORE"]), ways(nobody, known["LAKESHORE"])
    before = await everything(office)
    for no, (name, way) in enumerate(theirs.items()):
        told = await ask(client, way, f"theirs-{no}")
        assert told[1] != INVALID, name
        assert told == await ask(client, unknown[name], f"nobody-{no}"), name
    assert await everything(office) == before
