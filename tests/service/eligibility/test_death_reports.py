"""Whom workers and sites report dead, who must be checked, and what persons decide."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from schemas.outreach_v1 import ContactAttemptRetractedV1, Disposition
from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus
from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.api import vital as vital_api
from services.kit.ids import derived_id
from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import DIED, TOLD_AT, an_attempt, hear, ids, message, on, said, until
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres
DEAD, LIVES, WITHDRAWN = "dead", "lives", "withdrawn"


async def a_retraction(office: Office, name: str = "a") -> ContactAttemptRetractedV1:
    return ContactAttemptRetractedV1(
        **await ids(office), occurred_at=TOLD_AT + timedelta(hours=1), attempt_id=derived_id("attempt", name),
        case_id=derived_id("case"), worker_id="grover", reason="entered-in-error", retracted_on=on(1),
    )  # fmt: skip


async def a_visit(office: Office, version: int, status: AppointmentStatus, **more: Any) -> AppointmentChangedV1:
    at = TOLD_AT + timedelta(minutes=version)
    return AppointmentChangedV1(
        **await ids(office), occurred_at=at, appointment_id=derived_id("visit"), version=version, status=status,
        site_id="hooper-hall", start_at=at, start_on=at.date(), changed_on=at.date(), **more,
    )  # fmt: skip


async def test_a_workers_word_must_be_checked(office: Office) -> None:
    """It declares nobody dead; retracted, the member is eligible again, and the report's instant stays told."""
    await office.read(roster(Row("LS1")))
    await hear(office, await an_attempt(office, "n", Disposition.NO_ANSWER))
    assert (await said(office), await until(office)) == ("", None)
    await hear(office, await an_attempt(office))
    assert (await said(office), await until(office)) == ("death-reported", TOLD_AT)
    assert (await office.last_facts())["LS1"]["enrolled"] is True
    await hear(office, await an_attempt(office, "b", at=TOLD_AT + timedelta(days=1)), await a_retraction(office))
    assert (await said(office), await until(office)) == ("death-reported", TOLD_AT + timedelta(days=1))
    await hear(office, await a_retraction(office, "b"))
    assert (await said(office), await until(office)) == ("", TOLD_AT + timedelta(days=1))
    await hear(office, await an_attempt(office))
    assert await said(office) == ""


async def test_a_site_that_cancels_for_death_reports_it(office: Office) -> None:
    """By a person's hand only; another version of the appointment takes it back; an old version changes nothing."""
    await office.read(roster(Row("LS1")))
    cancelled, booked = AppointmentStatus.CANCELLED, AppointmentStatus.BOOKED
    await hear(office, await a_visit(office, 2, cancelled, cancellation_reason="pat-dec", by_rule=True))
    assert (await said(office), await until(office)) == ("", None)
    await hear(office, await a_visit(office, 3, cancelled, cancellation_reason="pat-dec"))
    assert (await said(office), await until(office)) == ("death-reported", TOLD_AT + timedelta(minutes=3))
    await hear(office, await a_visit(office, 1, booked))
    assert await said(office) == "death-reported"
    await hear(office, await a_visit(office, 4, booked))
    assert (await said(office), await until(office)) == ("", TOLD_AT + timedelta(minutes=3))


async def test_a_source_decides_about_a_report(office: Office) -> None:
    """A registry that says so declares the reported death; one that says the usual N takes no worker's word back."""
    await office.read(roster(Row("LS1")))
    await hear(office, await an_attempt(office))
    await office.read(message("", "N", sent="20210302060000"))
    assert await said(office) == "death-reported"
    await office.read(message("20210301", "Y", sent="20210303060000"))
    assert (await said(office), await until(office)) == ("deceased", TOLD_AT)


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, members_api.routes, vital_api.routes)


async def decide(
    client: httpx.AsyncClient, office: Office, key: str, verdict: str, member: str = "LS1", **more: Any
) -> httpx.Response:
    """A decision, or the newest one withdrawn."""
    path, headers = f"/members/{(await ids(office, member))['member_token']}/vital-status", {"Idempotency-Key": key * 8}
    if verdict == WITHDRAWN:
        return await client.request("DELETE", path, headers=headers)
    body = {"is_deceased": verdict == DEAD, "reason": "confirmed-by-family", **more}
    return await client.post(path, json=body, headers=headers)


async def test_a_person_undoes_a_death_and_the_undoing(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Declared by the plan, set aside by its supervisor, then again by withdrawing; a repeated key changes nothing; the
    roster that repeats the death does not revive it, one that tells it anew does."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(DIED))
    acting(app, "supervisor", "lakeshore")
    answer = await decide(client, office, "1", LIVES)
    assert (answer.status_code, answer.json()["decides_for"]) == (200, "lakeshore")
    assert "deceased" not in answer.json()["answers"][0]["reasons"]
    assert await said(office) == ""
    await office.read(roster(DIED, day=on(4)))
    assert await said(office) == ""
    assert (await decide(client, office, "2", WITHDRAWN)).status_code == 200
    assert await said(office) == "deceased"
    assert (await decide(client, office, "1", LIVES)).headers["Idempotency-Replayed"] == "true"
    assert await said(office) == "deceased"
    assert (await decide(client, office, "3", WITHDRAWN)).json()["type"].endswith("vital-status-undecided")
    await decide(client, office, "4", LIVES)
    await office.read(roster(replace(DIED, died="20210305"), day=on(6)))
    assert await said(office) == "deceased"


async def test_a_decision_reaches_whom_it_may(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A plan's supervisor decides for its members, and other plans must check; an operator of all decides for all; a
    stranger, a coordinator and a future death are refused."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await join_namesakes(office)
    acting(app, "coordinator", "lakeshore")
    assert (await decide(client, office, "0", DEAD)).status_code == 403
    acting(app, "supervisor", "meadow")
    assert (await decide(client, office, "1", DEAD)).status_code == 404
    acting(app, "supervisor", "lakeshore")
    assert (await decide(client, office, "2", DEAD, deceased_on="2021-03-02")).status_code == 422
    assert (await decide(client, office, "3", DEAD, deceased_on="1940-04-30")).status_code == 422
    assert (await decide(client, office, "4", DEAD, deceased_on="2021-03-01")).status_code == 200
    assert (await said(office), await said(office, "PR1")) == ("deceased", "death-reported")
    acting(app, "operator")
    assert (await decide(client, office, "5", LIVES, "PR1")).status_code == 200
    assert (await said(office), await said(office, "PR1")) == ("", "")
    assert (await decide(client, office, "6", DEAD)).status_code == 200
    assert (await said(office), await said(office, "PR1")) == ("deceased", "deceased")
    kept = await office.fetch("select tenant_id, is_deceased from vital_override order by decided_at")
    assert [(one["tenant_id"], one["is_deceased"]) for one in kept] == [("lakeshore", True), ("*", False), ("*", True)]
    audited = await office.fetch("select kind from audit where kind = 'vital-status' and principal = 'grover'")
    assert len(audited) == 6


async def test_whom_somebody_must_check(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Each plan sees its own members, with its own workers' and registries' words; of another plan's it learns that
    there is one. The look is audited; who was decided about is off the list."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Opa", born="19390501")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await join_namesakes(office)
    await hear(office, await an_attempt(office))
    acting(app, "supervisor", "lakeshore")
    [mine] = (await client.get("/death-reports")).json()["reports"]
    assert (mine["member_id"], [one["by"] for one in mine["said"]]) == ("LS1", ["worker"])
    acting(app, "supervisor", "prairie")
    [theirs] = (await client.get("/death-reports")).json()["reports"]
    assert (theirs["member_id"], theirs["said"]) == (
        "PR1", [{"by": "another-plan", "said_at": None, "deceased_on": None}]
    )  # fmt: skip
    acting(app, "operator")
    page = (await client.get("/death-reports", params={"limit": 1})).json()
    assert ({one["member_id"] for one in page["reports"]}, page["next_after"]) == (
        {"LS1", "PR1"}, mine["member_token"]
    )  # fmt: skip
    after = await client.get("/death-reports", params={"after": page["next_after"]})
    assert after.json() == {"reports": [], "next_after": None}
    await decide(client, office, "1", LIVES)
    assert (await client.get("/death-reports")).json()["reports"] == []
    looks = await office.fetch("select tenant_id from audit where kind = 'death-report' and subject_count = 1")
    assert [one["tenant_id"] for one in looks] == ["lakeshore", "prairie", "*"]
    assert await until(office) == TOLD_AT
