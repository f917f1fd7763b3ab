"""Two plans' members whom a person joins and parts again, over HTTP, and what is heard of one of them meanwhile."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus, DoseGiven
from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.api import observations as observations_api
from services.eligibility.decisions.api import vital as vital_api
from services.eligibility.decisions.flow import appointments
from services.eligibility.intake.api import joins as joins_api
from services.eligibility.intake.api import possibly_one as pairs_api
from services.kit.ids import new_id
from services.kit.unit_of_work import working
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.test_possibly_one import both_listed, decide, pairs

NOON = datetime(2021, 3, 1, 12, tzinfo=UTC)
WITHDRAW = {"reason": "the plan confirms that they are two"}


@pytest.fixture
def app(office: Office) -> FastAPI:
    app = door(
        office.database, pairs_api.routes, joins_api.routes, members_api.routes, observations_api.routes,
        vital_api.routes,
    )  # fmt: skip
    acting(app, "operator")
    return app


async def joined(client: httpx.AsyncClient, office: Office) -> dict[str, Any]:
    """Two plans' members, whom a person has said to be one."""
    await both_listed(office)
    [pair] = await pairs(client)
    assert (await decide(client, pair, "one-person", "join")).status_code == 200
    return pair


async def take_back(client: httpx.AsyncClient, pair: dict[str, Any], name: str = "back") -> None:
    answer = await decide(client, pair, "withdraw", name)
    assert (answer.status_code, answer.json()["state"]) == (200, "waiting"), answer.text


async def joins(client: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/joins", params=asked)).json()["joins"]
    return found


async def withdraw(client: httpx.AsyncClient, join_id: str, name: str = "one") -> httpx.Response:
    headers = {"Idempotency-Key": f"withdraw-{name}-12345678"}
    return await client.post(f"/joins/{join_id}/withdrawal", json=WITHDRAW, headers=headers)


async def enrolment_of(office: Office, member_id: str) -> tuple[UUID, UUID]:
    [row] = await office.fetch(
        "select enrolment_id, member_token from enrolment where member_id = $1 and not is_retired", member_id
    )
    return row["enrolment_id"], row["member_token"]


async def visit(
    office: Office, member_id: str, plan: str, dose: bool = True, appointment_id: UUID | None = None, version: int = 1,
    member_token: str | None = None,
) -> None:  # fmt: skip
    """A site gives a dose, or cancels because the member has died."""
    enrolment_id, token = await enrolment_of(office, member_id)
    event = AppointmentChangedV1(
        occurred_at=NOON, appointment_id=appointment_id or new_id(), version=version, tenant_id=plan,
        status=AppointmentStatus.FULFILLED if dose else AppointmentStatus.CANCELLED, enrolment_id=enrolment_id,
        member_token=UUID(member_token) if member_token else token, programme_id="connectors-65", site_id="here",
        start_at=NOON, start_on=date(2021, 3, 1), changed_on=date(2021, 3, 1),
        dose=DoseGiven(cvx="212", lot="QUOKKA7", administered_on=date(2021, 2, 26)) if dose else None,
        cancellation_reason=None if dose else "pat-dec",
    )  # fmt: skip
    async with working(office.database.pool) as work:
        await appointments.on_appointments(work, [event])
