"""What somebody of one plan may write of another plan's member: nothing, by any route, and the answer is as if there
were none (v5.0.0-8.2.2)."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.service.scheduling.world import MONDAY, World, a_given_dose

pytestmark = pytest.mark.postgres
ROLES = ("coordinator", "case-manager", "supervisor", "site", "operator")


def ways(appointment: str, enrolment: str, slot: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each with that member's booking or enrolment; `slot` is anybody's."""
    one = f"/appointments/{appointment}"
    return {
        "book": ("/appointments", {"enrolment_id": enrolment, "slot_id": slot}),
        "move": (f"{one}/reschedule", {"slot_id": slot}),
        "cancel": (f"{one}/cancel", {"reason": "pat"}),
        "give": (f"{one}/fulfil", {"dose": a_given_dose()}),
        "miss": (f"{one}/noshow", {}),
        "take back": (f"{one}/entered-in-error", {}),
        "walk in": (
            "/walk-ins",
            {"enrolment_id": enrolment, "site_id": "united-center", "dose": a_given_dose()},
        ),
    }


def told(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json().get("type")


async def everything(world: World) -> list[Any]:
    """What stands of bookings, chairs and doses, and what was announced."""
    tables = ("appointment", "slot", "slot_place", "block", "outbox")
    async with world.everything() as connection:
        return [
            dict(row)
            for name in tables
            for row in await connection.fetch(f"select to_jsonb(t) from {name} t order by 1")
        ]


@pytest.mark.parametrize("role", ROLES)
async def test_a_plan_writes_nothing_of_anothers_member(world: World, role: str) -> None:
    """Neither books for him, nor moves, cancels, misses, fulfils or takes back his booking; who may do it for his own
    plan gets the answer that he gets of nobody."""
    booked_at, free = await world.open_block(plan=None, days=(0, 2))
    acme, enrolment = await world.enrol("acme"), str(await world.enrol("acme"))
    appointment = await world.booked(acme, booked_at)
    before = await everything(world)
    unknown = ways(str(uuid4()), str(uuid4()), str(free))
    for name, (path, body) in ways(appointment, enrolment, str(free)).items():
        theirs = await world.post(path, body, who=f"{role}@blue")
        assert theirs.status_code in {403, 404, 409}, (name, theirs.text)
        assert told(theirs) == told(await world.post(*unknown[name], who=f"{role}@blue")), name
    assert await everything(world) == before
    assert MONDAY.isoformat() in str(before)
