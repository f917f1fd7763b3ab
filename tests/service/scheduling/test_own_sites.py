"""A clerk sees and changes only the sites that the token names: elsewhere nothing is there."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import FLU, MONDAY, World, a_business_day, a_given_dose, a_site, a_slot

pytestmark = pytest.mark.postgres

PIER, LORETTO = "site@*/navy-pier", "site@*/loretto"
COORDINATOR = "coordinator@acme"


class Two:
    """Navy Pier and Loretto, both open today and on Thursday to all plans, with Acme's and Blue's members booked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.slots: dict[str, list[UUID]] = {}
        self.booked: dict[tuple[str, str], str] = {}
        self.enrolments: dict[tuple[str, str], UUID] = {}

    async def begin(self) -> "Two":
        for site_id in ("navy-pier", "loretto"):
            assert (await self.world.post("/sites", a_site(site_id=site_id), who="state@*")).status_code == 200
            self.slots[site_id] = await self.world.open_block(days=(0, 3), plan=None, site_id=site_id)
            for tenant in ("acme", "blue"):
                at = (site_id, tenant)
                self.enrolments[at] = await self.world.enrol(tenant)
                self.booked[at] = await self.world.booked(self.enrolments[at], self.slots[site_id][0], tenant=tenant)
        return self

    def elsewhere(self) -> str:
        return self.booked["loretto", "acme"]

    async def act(self, act: str, appointment: str, who: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.world.post(f"/appointments/{appointment}/{act}", body or {}, who=who)

    async def listed(self, site_id: str, who: str) -> set[str]:
        found = await self.world.get(f"/appointments?site={site_id}&on={MONDAY}", who=who)
        return {one["appointment_id"] for one in found.json()}


@pytest.fixture
async def two(world: World) -> Two:
    return await Two(world).begin()


async def test_a_clerk_sees_all_plans_bookings_at_the_own_site_and_none_elsewhere(two: Two) -> None:
    """The day's list, one appointment, the slots: of another site nothing, as if it were not there."""
    here = {two.booked["navy-pier", tenant] for tenant in ("acme", "blue")}
    assert (await two.listed("navy-pier", PIER), await two.listed("loretto", PIER)) == (here, set())
    assert (await two.world.get(f"/appointments/{two.elsewhere()}", who=PIER)).status_code == 404
    slots = (await two.world.get("/slots", who=PIER)).json()
    assert {one["site_id"] for one in slots} == {"navy-pier"}
    assert (await two.world.get("/slots?site=loretto", who=PIER)).json() == []


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("fulfil", {"dose": a_given_dose()}),
        ("noshow", {}),
        ("cancel", {"reason": "pat"}),
        ("entered-in-error", {}),
    ],
)
async def test_a_clerk_changes_nothing_elsewhere(two: Two, act: str, body: dict[str, Any]) -> None:
    """Each act is refused as of an appointment that is not there, and done at the own site."""
    refused = await two.act(act, two.elsewhere(), PIER, body)
    assert (refused.status_code, code_of(refused)) == (404, "unknown-appointment")
    assert await two.world.status_of(two.elsewhere()) == "booked"
    assert (await two.act(act, two.booked["navy-pier", "blue"], PIER, body)).status_code == 200


async def test_a_clerk_records_walk_ins_at_the_own_site_only(two: Two) -> None:
    """Elsewhere there is no such site. What stands at another site stays, until the dose's own news ends it; that it
    was recorded there already is told without naming where."""
    enrolment = two.enrolments["loretto", "acme"]
    body = {"enrolment_id": str(enrolment), "site_id": "loretto", "dose": a_given_dose()}
    assert code_of(await two.world.post("/walk-ins", body, who=PIER)) == "unknown-site"
    given = await two.world.post("/walk-ins", body | {"site_id": "navy-pier"}, who=PIER)
    assert given.status_code == 201
    assert await two.world.status_of(two.elsewhere()) == "booked"
    twice = await two.world.post("/walk-ins", body, who=LORETTO)
    assert (code_of(twice), "appointment_id" in twice.json()) == ("already-recorded", False)
    fulfilled = await two.act("fulfil", two.elsewhere(), LORETTO, {"dose": a_given_dose()})
    assert code_of(fulfilled) == "already-recorded"


async def test_a_clerk_opens_and_describes_only_the_own_site(two: Two) -> None:
    """Another one's description, and a block at it, are refused as of a site that is not there; so is a new site that
    the token does not name."""
    body = {"week_on": str(MONDAY), "cvx": FLU, "slots": [a_slot(MONDAY + timedelta(days=3))]}
    for site_id, status in (("loretto", 404), ("navy-pier", 201)):
        assert (await two.world.post("/blocks", body | {"site_id": site_id}, who=PIER)).status_code == status
    described = {site_id: await two.world.post("/sites", a_site(site_id=site_id), who=PIER)
                 for site_id in ("loretto", "new-pier", "navy-pier")}  # fmt: skip
    assert {site_id: answer.status_code for site_id, answer in described.items()} == {
        "loretto": 404, "new-pier": 404, "navy-pier": 200,
    }  # fmt: skip


async def test_a_plans_clerk_sees_the_plans_bookings_at_the_own_site(two: Two) -> None:
    """Tenant and site both bind: Acme's at Navy Pier, neither Blue's there nor Acme's elsewhere."""
    who = "site@acme/navy-pier"
    mine = two.booked["navy-pier", "acme"]
    assert (await two.listed("navy-pier", who), await two.listed("loretto", who)) == ({mine}, set())
    for other in (two.booked["navy-pier", "blue"], two.elsewhere()):
        assert (await two.world.get(f"/appointments/{other}", who=who)).status_code == 404


async def test_a_clerk_of_two_sites_has_both(two: Two) -> None:
    """Two grants of one role are two sites."""
    who = f"{PIER} {LORETTO}"
    assert len(await two.listed("navy-pier", who) | await two.listed("loretto", who)) == 4
    assert await two.listed("united-center", who) == set()


async def test_a_coordinator_sees_the_plans_bookings_at_all_sites(two: Two) -> None:
    """And is a clerk only where the token says so: another role's sites open nothing."""
    both = "coordinator@acme site@acme/navy-pier"
    seen = await two.listed("navy-pier", both) | await two.listed("loretto", both)
    assert seen == {two.booked["navy-pier", "acme"], two.elsewhere()}
    refused = await two.act("fulfil", two.elsewhere(), both, {"dose": a_given_dose()})
    assert refused.status_code == 404
    given = await two.act("fulfil", two.booked["navy-pier", "acme"], both, {"dose": a_given_dose()})
    assert given.status_code == 200


async def test_a_coordinator_of_one_site_books_and_moves_there_only(two: Two) -> None:
    """Slots of another site are not there for anybody whose grant names a site."""
    who, enrolment = "coordinator@acme/navy-pier", await two.world.enrol()
    thursday = {site_id: slots[1] for site_id, slots in two.slots.items()}
    body = {"enrolment_id": str(enrolment), "slot_id": str(thursday["loretto"])}
    assert code_of(await two.world.post("/appointments", body, who=who)) == "unknown-slot"
    moved = await two.act("reschedule", two.booked["navy-pier", "acme"], who, {"slot_id": str(thursday["loretto"])})
    assert (moved.status_code, code_of(moved)) == (404, "unknown-slot")
    body["slot_id"] = str(thursday["navy-pier"])
    assert (await two.world.post("/appointments", body, who=who)).status_code == 201


async def test_a_clerk_and_supervisor_tells_outcomes_in_the_sites_place_only_when_escalated(two: Two) -> None:
    """A supervisor who is a clerk elsewhere is no clerk here."""
    await two.world.hear(a_business_day(MONDAY + timedelta(days=1)))
    who = "supervisor@acme site@acme/navy-pier"
    assert code_of(await two.act("noshow", two.elsewhere(), who)) == "site-first"
    assert (await two.act("noshow", two.booked["navy-pier", "acme"], who)).status_code == 200


async def test_a_dose_recorded_at_the_own_site_is_named(two: Two) -> None:
    """Whoever may see the other record is told which it is."""
    body = {"enrolment_id": str(uuid4()), "site_id": "navy-pier", "dose": a_given_dose()}
    body["enrolment_id"] = str(two.enrolments["loretto", "blue"])
    given = (await two.world.post("/walk-ins", body, who=PIER)).json()["appointment_id"]
    assert (await two.world.post("/walk-ins", body, who=PIER)).json()["appointment_id"] == given
