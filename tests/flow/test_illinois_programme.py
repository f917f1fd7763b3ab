"""The Illinois programme from a plan's roster and a registry's doses to the report, over real processes, Kafka and
Postgres. Every test is one story of its own people on one shared stack, and asks by the public interfaces."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from tests.bodies import PROGRAMME, Json, a_dose
from tests.flow.chain import list_targets
from tests.flow.feeds import WELL_OFF, Member, Row, Shot, a_member, a_registry_file, a_roster
from tests.flow.world import World

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]

LOAD_CELL = "select members, eligible, vaccinated from coverage_cell where (tenant_id, zip5, age_band) = ($1, $2, $3)"
LIVE_DOSES = "select count(*) as doses from dose where member_token = $1 and action <> 'retract'"


async def on_the_list(world: World, **facts: object) -> Member:
    """Somebody eligible, of whom everybody has heard."""
    member = a_member(**facts)
    await world.news(a_roster(await world.today(), member))
    return member


async def case_of(world: World, member: Member) -> Json:
    case = await world.case_of(member)
    assert case is not None
    return case


async def counted_doses(world: World, member: Member) -> int:
    """How many doses of this member reporting counts."""
    member_token = (await world.answer_for(member))["member"]["member_token"]
    return int((await world.rows("reporting", LIVE_DOSES, UUID(member_token)))[0]["doses"])


@pytest.mark.capability("B1")
async def test_who_was_left_behind_gets_a_case_by_rank(world: World) -> None:
    """An eligible member gets a case whose rank follows from the tract and the age; the highest is claimed first."""
    zip5, _ = place = ("93701", "06019000502")
    older, younger = a_member(birth_on=date(1930, 5, 1), place=place), a_member(birth_on=date(1955, 5, 1), place=place)
    file = await world.news(a_roster(await world.today(), younger, older))
    assert (file["rows_accepted"], file["rows_rejected"]) == (2, 0)
    answer = await world.answer_for(older)
    assert (answer["status"], answer["reasons"], answer["age_band"]) == ("eligible", [], "85+")
    assert (answer["svi"]["level"], answer["svi"]["vulnerable"]) == ("tract", True)
    tract_points = round(500 * answer["svi"]["value"])
    cases = [await case_of(world, member) for member in (older, younger)]
    assert [case["status"] for case in cases] == ["open", "open"]
    assert [case["rank"] for case in cases] == [100 + tract_points + 400, 100 + tract_points]
    coordinator = world.ask("outreach", "coordinator-lakeshore")
    status, claims = await coordinator.post("/claims", world.key(), {"count": 2, "zip5": zip5})
    assert (status, [one["case_id"] for one in claims["cases"]]) == (200, [case["case_id"] for case in cases])


@pytest.mark.capability("B1")
async def test_everybody_else_is_told_every_reason(world: World) -> None:
    """Who is not eligible gets a fact that names every criterion that fails, and no case."""
    today = await world.today()
    young = a_member(birth_on=date(1965, 1, 1), place=WELL_OFF)
    gone = a_member()
    await world.submit(a_roster(today, young, gone))
    await world.submit(a_roster(today, Row(gone, "terminate", ended_on=today - timedelta(days=1))))
    await world.news(a_registry_file(today, Shot(young, today - timedelta(days=9))))
    answer = await world.answer_for(young)
    codes = [reason["code"] for reason in answer["reasons"]]
    assert (answer["status"], codes) == ("ineligible", ["under-age", "area-not-vulnerable", "already-vaccinated"])
    assert all(reason["text"].endswith(".") for reason in answer["reasons"])
    assert [reason["code"] for reason in (await world.answer_for(gone))["reasons"]] == ["not-enrolled"]
    assert await world.case_of(young) is None
    facts = await world.rows(
        "reporting", "select reasons from enrolment where enrolment_id = $1", UUID(answer["enrolment_id"])
    )
    assert facts == [{"reasons": codes}]


async def test_a_refusal_pauses_the_case_for_thirty_days(world: World) -> None:
    """A member who refuses is left alone for 30 days, and nobody can claim the case meanwhile."""
    member = await on_the_list(world, place=("95351", "06099001601"))
    status, logged = await world.log_attempt(member, "initial-refusal", refusal_domain="thinking-feeling")
    assert status == 201, logged
    until = await world.today() + timedelta(days=30)
    assert (logged["case"]["status"], logged["case"]["paused_until_on"]) == ("paused", until.isoformat())
    coordinator = world.ask("outreach", "coordinator-lakeshore")
    assert (await coordinator.post("/claims", world.key(), {"zip5": "95351"}))[1]["cases"] == []
    assert [one["disposition"] for one in (await case_of(world, member))["history"]] == ["initial-refusal"]


@pytest.mark.capability("B7")
async def test_a_booked_member_is_vaccinated_once_and_the_case_closes(world: World) -> None:
    """Booked by the coordinator, vaccinated at the site: one dose with product and lot, a closed case, one more
    vaccinated member in the coverage."""
    member, today = await on_the_list(world), await world.today()
    slot = await world.open_slot(today, places=2)
    status, booked = await world.book(member, slot)
    assert (status, booked["status"], await world.free_places(slot)) == (201, "booked", 1)
    assert (await world.book(member, slot))[1]["type"].endswith("already-booked")
    status, _ = await world.log_attempt(member, "booked")
    await world.settle()
    assert (status, (await case_of(world, member))["held_by"]) == (201, "booked")
    before = await coverage(world, member)
    given = await world.ask("scheduling", "site").post(
        f"/appointments/{booked['appointment_id']}/fulfil", world.key(), {"dose": a_dose(today, "LOT-77")}
    )
    assert (given[0], given[1]["status"], given[1]["dose"]["lot"]) == (200, "fulfilled", "LOT-77")
    await world.settle()
    answer, case = await world.answer_for(member), await case_of(world, member)
    assert [(one["cvx"], one["sources"]) for one in answer["member"]["doses"]] == [("208", ["appointment"])]
    assert (case["status"], case["closed_reason"]) == ("closed", "vaccinated")
    assert [reason["code"] for reason in answer["reasons"]] == ["already-vaccinated"]
    assert await counted_doses(world, member) == 1
    assert await coverage(world, member) == (before[0], before[1] - 1, before[2] + 1)


async def coverage(world: World, member: Member) -> tuple[int, int, int]:
    """Members, eligible and vaccinated ones in the member's coverage cell."""
    cell = (
        "select members, eligible, vaccinated from coverage_cell where tenant_id = $1 and zip5 = $2 and age_band = $3"
    )
    band = (await world.answer_for(member))["age_band"]
    found = await world.rows("reporting", cell, member.plan.lower(), member.place[0], band)
    assert len(found) == 1, "nobody's race was told, and everybody there lives in the same tract"
    return found[0]["members"], found[0]["eligible"], found[0]["vaccinated"]


@pytest.mark.capability("F8")
async def test_a_dose_given_elsewhere_cancels_the_booking(world: World) -> None:
    """A dose that the registry reports cancels a live booking for the patient's sake and frees its place; the case
    closes."""
    member, today = await on_the_list(world), await world.today()
    slot = await world.open_slot(today + timedelta(days=2))
    _, booked = await world.book(member, slot)
    assert await world.free_places(slot) == 0
    await world.news(a_registry_file(today, Shot(member, today - timedelta(days=1))))
    site = world.ask("scheduling", "site")
    after = await site.get(f"/appointments/{booked['appointment_id']}")
    assert (after["status"], after["cancellation_reason"], after["cancelled_late"]) == ("cancelled", "pat", False)
    assert await world.free_places(slot) == 1
    case = await case_of(world, member)
    assert (case["status"], case["closed_reason"]) == ("closed", "vaccinated")
    assert [one["status"] for one in case["appointments"]] == ["cancelled"]


async def test_a_dose_that_site_and_registry_report_counts_once(world: World) -> None:
    """The registry's report of the dose that our own site gave adds a source, and no dose."""
    member, today = await on_the_list(world), await world.today()
    slot = await world.open_slot(today)
    _, booked = await world.book(member, slot)
    path = f"/appointments/{booked['appointment_id']}/fulfil"
    assert (await world.ask("scheduling", "site").post(path, world.key(), {"dose": a_dose(today)}))[0] == 200
    await world.settle()
    shot = Shot(member, today)
    await world.news(a_registry_file(today, shot))
    repeated = await world.news(a_registry_file(today, shot, shot))
    assert (repeated["rows_unchanged"], repeated["rows_accepted"]) == (2, 2)
    doses = (await world.answer_for(member))["member"]["doses"]
    assert [one["sources"] for one in doses] == [["appointment", "iis"]]
    assert await counted_doses(world, member) == 1


@pytest.mark.capability("F8")
async def test_a_dose_taken_back_reopens_the_case(world: World) -> None:
    """A registry that deletes its report (RXA-21 D) brings the member back on the list."""
    member, today = await on_the_list(world), await world.today()
    shot = Shot(member, today - timedelta(days=3))
    await world.news(a_registry_file(today, shot))
    assert (await case_of(world, member))["closed_reason"] == "vaccinated"
    await world.news(a_registry_file(today, shot.taken_back()))
    answer, case = await world.answer_for(member), await case_of(world, member)
    assert (answer["status"], answer["member"]["doses"]) == ("eligible", [])
    assert (case["status"], case["closed_reason"], await counted_doses(world, member)) == ("open", None, 0)


async def test_a_dose_waits_for_its_member(world: World) -> None:
    """A dose that comes before its member's roster row is counted as unlinked, then found and counted."""
    early, today = a_member(), await world.today()
    file = await world.news(a_registry_file(today, Shot(early, today - timedelta(days=5))))
    assert (file["rows_accepted"], file["rows_unlinked"]) == (1, 1)
    assert (await world.worked(file["file_id"]))["rows_still_unlinked"] == 1
    await world.news(a_roster(today, early))
    assert (await world.worked(file["file_id"]))["rows_still_unlinked"] == 0
    answer = await world.answer_for(early)
    assert [reason["code"] for reason in answer["reasons"]] == ["already-vaccinated"]
    assert (await world.case_of(early), await counted_doses(world, early)) == (None, 1)


async def test_two_entries_of_one_person_become_one(world: World) -> None:
    """A roster row that corrects a double merges the two: one case goes on, the other closes, the booking moves."""
    today = await world.today()
    double = a_member(given="Petronella")
    right = a_member(family=double.family, birth_on=date(1950, 7, 5))
    await world.news(a_roster(today, double, right))
    before = [await world.answer_for(member) for member in (double, right)]
    slot = await world.open_slot(today + timedelta(days=3))
    _, booked = await world.book(double, slot)
    await world.news(a_roster(today, Row(right, "merge", retired=double)))
    after = await world.answer_for(right)
    survivor = after["member"]["member_token"]
    assert (after["status"], survivor in {one["member"]["member_token"] for one in before}) == ("eligible", True)
    found = "select status, closed_reason from outreach_case where enrolment_id = any($1) order by status"
    cases = await world.rows("outreach", found, [UUID(one["enrolment_id"]) for one in before])
    assert [(case["status"], case["closed_reason"]) for case in cases] == [("closed", "merged"), ("open", None)]
    appointment = await world.ask("scheduling", "site").get(f"/appointments/{booked['appointment_id']}")
    assert (appointment["status"], appointment["member_token"]) == ("booked", survivor)


@pytest.mark.capability("B2")
async def test_a_birthday_makes_somebody_eligible(world: World) -> None:
    """Who turns 65 on a later business day is eligible from that day on, without any file."""
    tomorrow = await world.today() + timedelta(days=1)
    member = await on_the_list(world, birth_on=tomorrow.replace(year=tomorrow.year - 65))
    assert [reason["code"] for reason in (await world.answer_for(member))["reasons"]] == ["under-age"]
    await world.open_day(tomorrow)
    assert (await world.answer_for(member))["status"] == "eligible"
    assert (await case_of(world, member))["opened_on"] == tomorrow.isoformat()


@pytest.mark.capability("B5")
async def test_a_plan_does_not_see_the_other_plans_members(world: World) -> None:
    """For the other plan's coordinator the member, the case, the slot and the booking are not there."""
    member = await on_the_list(world)
    answer, case = await world.answer_for(member), await case_of(world, member)
    slot = await world.open_slot(await world.today() + timedelta(days=4))
    _, booked = await world.book(member, slot)
    eligibility = world.ask("eligibility", "coordinator-prairie")
    outreach = world.ask("outreach", "coordinator-prairie")
    scheduling = world.ask("scheduling", "coordinator-prairie")
    assert await eligibility.look("/members", member_id=member.member_id) == (200, [])
    assert (await eligibility.look(f"/members/{answer['member']['member_token']}"))[0] == 404
    assert (await outreach.look(f"/cases/{case['case_id']}"))[0] == 404
    assert (await outreach.look("/cases", zip5=member.place[0]))[1]["cases"] == []
    attempt = {"channel": "phone", "disposition": "no-answer", "claim": True}
    assert (await outreach.post(f"/cases/{case['case_id']}/attempts", world.key(), attempt))[0] == 404
    assert (await scheduling.look(f"/appointments/{booked['appointment_id']}"))[0] == 404
    assert await world.free_places(slot, "prairie") == 0
    cancelled = await scheduling.post(
        f"/appointments/{booked['appointment_id']}/cancel", world.key(), {"reason": "pat"}
    )
    assert cancelled[0] == 404


async def test_the_same_files_again_change_nothing(world: World) -> None:
    """The same bytes are the same file; the same rows in a new file are unchanged: no fact about a member leaves."""
    member, today = a_member(), await world.today()
    roster, registry = a_roster(today, member), a_registry_file(today, Shot(member, today))
    first = [await world.news(content) for content in (roster, registry)]
    before = (await world.watch.look()).log_end
    for content, known in zip((roster, registry), first, strict=True):
        status, again = await world.send(content)
        assert (status, again["file_id"], again["is_repeat"]) == (200, known["file_id"], True)
    await world.settle()
    assert (await world.watch.look()).log_end == before
    restated = await world.news(a_roster(today, member))
    assert (restated["rows_accepted"], restated["rows_unchanged"]) == (1, 1)
    assert (await world.watch.look()).log_end == before + 1, "the file's own fact and no other"


async def test_a_walk_in_is_vaccinated_without_an_appointment(world: World) -> None:
    """A dose given to somebody who just came is counted once and closes the case, also through a repeated request."""
    member, today = await on_the_list(world), await world.today()
    slot = await world.open_slot(today)
    enrolment_id = (await world.answer_for(member))["enrolment_id"]
    body = {"enrolment_id": enrolment_id, "programme_id": PROGRAMME, "site_id": slot["site_id"], "dose": a_dose(today)}
    site, key = world.ask("scheduling", "site"), world.key()
    first, again = [await site.post("/walk-ins", key, body) for _ in range(2)]
    assert (first[0], first) == (201, again)
    assert (await site.post("/walk-ins", world.key(), body))[1]["type"].endswith("already-recorded")
    await world.settle()
    case = await case_of(world, member)
    assert (case["closed_reason"], await counted_doses(world, member)) == ("vaccinated", 1)
    assert await world.free_places(slot) == 1


@pytest.mark.capability("B9", "B13")
async def test_the_report_and_the_target_list_follow(world: World) -> None:
    """One more member who is called, booked and vaccinated is one more in the plan's coverage and in each stage of its
    funnel; the ZIP where most still wait is listed, and that raises their cases."""
    today = await world.today()
    place = ("90011", "06037224600")
    people = [a_member(plan="PRAIRIE", place=place, birth_on=date(1944, 1, 1)) for _ in range(40)]
    elsewhere, called, waiting = people[:12], people[12:24], people[24:]
    await world.submit(a_roster(today, *people))
    await world.news(a_registry_file(today, *(Shot(one, today - timedelta(days=20)) for one in elsewhere)))
    slot = await world.open_slot(today, places=len(called), plan="prairie")
    for member in called[:-1]:
        await reach(world, member, slot)
    await world.settle()
    before = await plans_report(world)
    await reach(world, called[-1], slot)
    await world.settle()
    after = await plans_report(world)
    least = 11  # who are fewer than that are hidden
    assert before == {"members": 40, "vaccinated": 12 + least, "enrolled": 40, "case-opened": 40, "attempted": least,
                      "booked": least, "dose-after-outreach": least, "outcome": least}  # fmt: skip
    steps = {"vaccinated", "attempted", "booked", "dose-after-outreach", "outcome"}
    assert after == {name: figure + (name in steps) for name, figure in before.items()}
    assert place[0] in await list_targets(world, today)
    case = await case_of(world, waiting[0])
    assert (case["rank_parts"]["target_zip"], case["rank"]) == (150, 150 + case["rank_parts"]["priority"])


async def reach(world: World, member: Member, slot: Json) -> None:
    """Called, booked, vaccinated at the site."""
    status, booked = await world.book(member, slot)
    assert status == 201, booked
    assert (await world.log_attempt(member, "booked"))[0] == 201
    dose = a_dose(await world.today())
    path = f"/appointments/{booked['appointment_id']}/fulfil"
    assert (await world.ask("scheduling", "site").post(path, world.key(), {"dose": dose}))[0] == 200


async def plans_report(world: World) -> dict[str, int]:
    """Figures of the weekly report as the plan's own analyst reads it."""
    report = await world.ask("reporting", "analyst-prairie").get("/reports/weekly", programme_id=PROGRAMME)
    assert (report["plan"], report["watermark"]) == ("prairie", "INTERNAL - not for release")
    coverage = next(row["coverage"] for row in report["by_zip"] if row["zip5"] == "90011")
    funnel = next(one for one in report["funnels"] if one["plan"] == "prairie")
    stages = {one["stage"]: one["people"] for one in funnel["stages"]}
    wanted = ("enrolled", "case-opened", "attempted", "booked", "dose-after-outreach")
    return {
        "members": coverage["members"],
        "vaccinated": coverage["vaccinated"],
        **{stage: stages[stage] for stage in wanted},
        "outcome": funnel["outcomes"]["dose-after-outreach"],
    }
