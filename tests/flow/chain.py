"""One pass through the whole chain that brings forth an event of every kind of the catalog."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

from tests.bodies import PROGRAMME, a_dose
from tests.flow.feeds import Member, Row, Shot, a_registry_file, a_roster
from tests.flow.world import World
from tests.service.outreach.partnerships import AGREED, CONSENTED, HARVEST, REFERRED

LEAST_LISTED = 11  # unvaccinated target members of one ZIP, so that it can be listed


async def pass_through(world: World, people: Sequence[Member]) -> None:
    """`people` live in one ZIP and are on no roster yet. The first six have stories; the others wait."""
    today = await world.today()
    booked, elsewhere, walking, double, right, refusing, *waiting = people
    assert len(waiting) > LEAST_LISTED
    await world.news(a_roster(today, *people))
    await list_targets(world, today)
    slot = await world.open_slot(today, places=2)
    given = f"/appointments/{(await world.book(booked, slot))[1]['appointment_id']}/fulfil"
    assert (await world.log_attempt(booked, "booked"))[0] == 201
    assert (await world.log_attempt(refusing, "initial-refusal", refusal_domain="motivation"))[0] == 201
    await mistake(world, waiting[0])
    await refer(world, waiting[1])
    site = world.ask("scheduling", "site")
    assert (await site.post(given, world.key(), {"dose": a_dose(today)}))[0] == 200
    enrolment_id = (await world.answer_for(walking))["enrolment_id"]
    walk_in = {"enrolment_id": enrolment_id, "site_id": slot["site_id"], "dose": a_dose(today)}
    assert (await site.post("/walk-ins", world.key(), walk_in))[0] == 201
    await world.news(a_registry_file(today, Shot(elsewhere, today - timedelta(days=1))))
    await world.news(a_roster(today, Row(right, "merge", retired=double)))


async def mistake(world: World, member: Member) -> None:
    """An attempt that was logged to the wrong member, and taken back."""
    status, logged = await world.log_attempt(member, "no-answer")
    assert status == 201, logged
    worker = world.ask("outreach", f"coordinator-{member.plan.lower()}")
    retract = f"/attempts/{logged['attempt_id']}/retract"
    status, answer = await worker.post(retract, world.key(), {"reason": "wrong-member"})
    assert status < 300, answer


async def refer(world: World, member: Member) -> None:
    """A member is referred to a partner with whom his plan has an agreement, and to whom he consents."""
    plan, case = member.plan.lower(), await world.case_of(member)
    assert case is not None, "there is a case to be worked"
    signatory, worker = (world.ask("outreach", f"{role}-{plan}") for role in ("supervisor", "coordinator"))
    partner_id = f"harvest-{uuid4().hex[:8]}"
    whom = {"partner_id": partner_id}
    for path, body in ((f"/partners/{partner_id}", HARVEST), (f"/agreements/{partner_id}", AGREED | whom)):
        told = await signatory.raw("PUT", path, json=body, headers={"Idempotency-Key": world.key()})
        assert told.status_code == 200, told.text
    consented = CONSENTED | {"given_on": (await world.today()).isoformat()}
    for path, body in (("sharing-consents", consented | whom), ("referrals", REFERRED | whom)):
        status, answer = await worker.post(f"/cases/{case['case_id']}/{path}", world.key(), body)
        assert status == 201, answer


async def list_targets(world: World, today: date) -> list[str]:
    """The week's target ZIPs, announced."""
    body = {"programme_id": PROGRAMME, "week_on": (today - timedelta(days=today.weekday())).isoformat(),
            "least_unvaccinated": LEAST_LISTED}  # fmt: skip
    status, answer = await world.ask("reporting", "state").post("/target-zips", world.key(), body)
    assert status == 201, answer
    await world.settle()
    return [one["zip5"] for one in answer["listed"]]
