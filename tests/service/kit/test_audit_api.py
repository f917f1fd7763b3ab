"""What auditors ask of the trail."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.kit import audit, audit_api
from services.kit.audit import Action
from services.kit.audit_for_plans import ALWAYS, NamesForPlans
from services.kit.audit_search import Reader
from services.kit.auth import Auth, Principal, authenticate
from services.kit.http import create_app
from services.kit.issuer_keys import TrustedIssuer
from services.kit.postgres import create_pool, transaction
from services.kit.unit_of_work import working
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres

HARRY, RON = UUID(int=7), UUID(int=8)
SCAR = "case-of-harry"
NAMES = f"select '{SCAR}' where $1 = '{HARRY}'::uuid"
"""Harry stands in the trail by his case too."""
FOR_PLANS = f"""
    select '{HARRY}', timestamptz '2021-01-01Z', timestamptz '2023-01-01Z'
    where ($1, $2) = ('{HARRY}'::uuid, 'hogwarts')
    union all select '{SCAR}', {ALWAYS} where ($1, $2) = ('{HARRY}'::uuid, 'hogwarts')
"""
"""Hogwarts had Harry for two years; his case is its own."""


@pytest.fixture
async def archive(database: OpenDatabase) -> Database:
    return await database("kit")


@pytest.fixture
async def app(archive: Database) -> AsyncIterator[FastAPI]:
    trusted = TrustedIssuer(issuer="http://127.0.0.1:1", audience="vcc")
    on_denied = audit.denials(lambda tenant: transaction(archive.pool, tenant))
    app = create_app("Archive", "1", auth=Auth(trusted, on_denied=on_denied))
    app.state.pool = archive.pool
    pool = await create_pool(archive.settings(dsn=archive.audit_dsn), holds_keys=False)
    app.state.audit_reader = Reader(pool)
    app.include_router(audit_api.router(NAMES, NamesForPlans(FOR_PLANS, shown=("/pupils",))))
    yield app
    pool.terminate()


@pytest.fixture
async def auditor(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    acting(app, "dolores", "auditor", "*")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://archive") as client:
        yield client


def acting(app: FastAPI, subject: str, role: str, tenant: str) -> None:
    app.dependency_overrides[authenticate] = lambda: Principal(subject, frozenset({role}), frozenset({tenant}), tenant)


async def told(archive: Database, who: str, action: Action, *subjects: object, tenant: str = "hogwarts") -> None:
    principal = Principal(who, frozenset({"teacher"}), frozenset({tenant}), tenant)
    async with working(archive.pool, tenant) as work:
        await audit.record(work, principal, action, "pupil", subjects)


async def seen(auditor: httpx.AsyncClient, **asked: Any) -> list[tuple[str, str, list[str]]]:
    answer = await auditor.get("/audit", params={key.rstrip("_"): str(value) for key, value in asked.items()})
    assert answer.status_code == 200, answer.text
    return [(row["principal"], row["action"], row["subjects"]) for row in answer.json()["rows"]]


async def test_who_saw_a_member(archive: Database, auditor: httpx.AsyncClient) -> None:
    """Every row that names him by his token or by an id that the service knows of him, and of its subjects only his;
    that it was asked is the last."""
    await told(archive, "minerva", "read", HARRY, RON)
    await told(archive, "severus", "read", RON)
    await told(archive, "sybill", "told", SCAR)
    mine = [("minerva", "read", [str(HARRY)]), ("sybill", "told", [SCAR]), ("dolores", "read", [str(HARRY)])]
    assert await seen(auditor, member_token=HARRY) == mine
    assert await seen(auditor, member_token=RON, principal="severus") == [("severus", "read", [str(RON)])]


async def test_from_and_to(archive: Database, auditor: httpx.AsyncClient) -> None:
    """`from` is within and `to` is not."""
    for who in ("minerva", "severus", "sybill"):
        await told(archive, who, "read", HARRY)
    first, second, third = [row["recorded_at"] for row in (await auditor.get("/audit")).json()["rows"]][:3]
    between = {"from_": second, "to": third}
    assert [who for who, _, _ in await seen(auditor, member_token=HARRY, **between)] == ["severus"]
    just_before = datetime.fromisoformat(first) - timedelta(microseconds=1)
    assert await seen(auditor, member_token=HARRY, to=just_before.isoformat()) == []


async def test_pages_follow_each_other(archive: Database, auditor: httpx.AsyncClient) -> None:
    """Each begins behind the last row of the one before; the last says that there is none."""
    for number in range(5):
        await told(archive, f"ghost-{number}", "export", HARRY)
    who, after = [], 0
    while after is not None:
        page = (await auditor.get("/audit", params={"action": "export", "limit": 2, "after": after})).json()
        who += [row["principal"] for row in page["rows"]]
        after = page["next_after"]
    assert who == [f"ghost-{number}" for number in range(5)]


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
async def test_an_export_holds_every_row(
    archive: Database, auditor: httpx.AsyncClient, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pages in one file, and the export itself is a row, written before the first."""
    monkeypatch.setattr(audit_api, "EXPORT_ROWS", 2)
    for who in ("minerva", "=cmd()", "sybill"):
        await told(archive, who, "read", HARRY)
    answer = await auditor.get("/audit/export", params={"format": format_, "member_token": str(HARRY)})
    lines = answer.text.splitlines()
    rows = list(csv.DictReader(io.StringIO(answer.text))) if format_ == "csv" else [json.loads(line) for line in lines]
    evil = "'=cmd()" if format_ == "csv" else "=cmd()"
    assert [row["principal"] for row in rows] == ["minerva", evil, "sybill", "dolores"]
    assert [row["action"] for row in rows] == ["read", "read", "read", "export"]


async def test_an_auditor_of_a_plan_sees_its_trail(archive: Database, app: FastAPI, auditor: httpx.AsyncClient) -> None:
    """Another plan's rows are not there for him."""
    await told(archive, "minerva", "read", HARRY)
    await told(archive, "igor", "read", HARRY, tenant="durmstrang")
    assert [who for who, _, _ in await seen(auditor, member_token=HARRY)] == ["minerva", "igor", "dolores"]
    acting(app, "argus", "auditor", "durmstrang")
    assert [who for who, _, _ in await seen(auditor, member_token=HARRY)] == ["igor", "argus"]


FOR_ALL = """
insert into audit (tenant_id, principal, roles, action, kind, subjects, reason, route, recorded_at, correlation_id)
values ($1, $2, $6, 'read', 'pupil', $3, 'the other one is Ron', $4, $5, '')
"""
IN_TIME = datetime(2022, 1, 1, tzinfo=UTC)


async def looked(
    archive: Database, who: str | None, *subjects: object, tenant: str = "*", route: str | None = "GET /pupils/{id}",
    at: datetime = IN_TIME, roles: Sequence[str] = ("ministry",),
) -> None:  # fmt: skip
    """A row of somebody who acted for all plans, unless said otherwise."""
    async with transaction(archive.owner, "*") as owner:
        await owner.execute(FOR_ALL, tenant, who, [str(subject) for subject in subjects], route, at, roles)


async def test_an_auditor_of_a_plan_sees_who_looked_for_all_plans(
    archive: Database, app: FastAPI, auditor: httpx.AsyncClient
) -> None:
    """Of the member for whom he asks, while the plan had him, or by what is the plan's alone: without whom else the row
    names, how many they are, and its reason; in the order of all rows."""
    await looked(archive, "cornelius", HARRY, RON)
    await told(archive, "minerva", "read", HARRY)
    await looked(archive, "rufus", SCAR, RON, at=datetime(2019, 1, 1, tzinfo=UTC))
    acting(app, "argus", "auditor", "hogwarts")
    answer = await auditor.get("/audit", params={"member_token": str(HARRY)})
    rows = [row for row in answer.json()["rows"] if row["principal"] != "argus"]
    assert [(row["principal"], row["tenant_id"]) for row in rows] == [
        ("cornelius", "*"), ("minerva", "hogwarts"), ("rufus", "*")
    ]  # fmt: skip
    assert [(row["subjects"], row["subject_count"], row["reason"]) for row in rows if row["tenant_id"] == "*"] == [
        ([str(HARRY)], 1, None), ([SCAR], 1, None)
    ]  # fmt: skip
    assert str(RON) not in answer.text
    exported = await auditor.get("/audit/export", params={"member_token": str(HARRY), "format": "ndjson"})
    assert [json.loads(line)["principal"] for line in exported.text.splitlines()][:3] == [
        "cornelius", "minerva", "rufus"
    ]  # fmt: skip
    assert str(RON) not in exported.text
    who = []
    asked: dict[str, Any] = {"member_token": str(HARRY), "limit": 1, "through": 3}
    while asked.get("after", 0) is not None:
        page = (await auditor.get("/audit", params=asked)).json()
        who += [row["principal"] for row in page["rows"]]
        asked["after"] = page["next_after"]
    assert who == ["cornelius", "minerva", "rufus"]


@pytest.mark.parametrize(
    "row",
    [
        {"at": datetime(2020, 12, 31, tzinfo=UTC)}, {"at": datetime(2023, 1, 1, tzinfo=UTC)},
        {"route": "GET /mirror/{id}"}, {"route": None}, {"who": None}, {"roles": ()},
        {"tenant": "durmstrang"}, {"whom": RON},
    ],
    ids=[
        "before", "after", "of several plans", "of no route", "of nobody", "without a role", "of another plan",
        "of another member",
    ],
)  # fmt: skip
async def test_what_an_auditor_of_a_plan_does_not_see(
    archive: Database, app: FastAPI, auditor: httpx.AsyncClient, row: dict[str, Any]
) -> None:
    """What was done before or after the plan had him, tells of several plans' members, or was done for others."""
    hidden = {"who": "cornelius", "whom": HARRY, **row}
    await looked(archive, hidden.pop("who"), hidden.pop("whom"), **hidden)
    await looked(archive, "rufus", HARRY)
    acting(app, "argus", "auditor", "hogwarts")
    assert [one for one, _, _ in await seen(auditor, member_token=HARRY)] == ["rufus", "argus"]
    assert [one for one, _, _ in await seen(auditor)] == ["argus", "argus"]
    acting(app, "olympe", "auditor", "beauxbatons")
    assert [one for one, _, _ in await seen(auditor, member_token=HARRY)] == ["olympe"]


@pytest.mark.parametrize("path", ["/audit", "/audit/export"])
async def test_nobody_else_reads_it(archive: Database, app: FastAPI, auditor: httpx.AsyncClient, path: str) -> None:
    """An operator is denied, which is a row (v5.0.0-16.4.2)."""
    acting(app, "lucius", "operator", "*")
    assert (await auditor.get(path)).status_code == 403
    acting(app, "dolores", "auditor", "*")
    assert await seen(auditor, principal="lucius") == [("lucius", "denied", [])]


async def test_without_a_role_that_reads_it_nothing_is_answered(app: FastAPI, auditor: httpx.AsyncClient) -> None:
    """A service that was given no such DSN says so."""
    app.state.audit_reader = None
    answer = await auditor.get("/audit")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:vcc:problem:no-audit-role")
