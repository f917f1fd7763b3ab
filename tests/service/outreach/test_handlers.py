"""What outreach makes of each fact, on a real database."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.eligibility_v1 import DoseAction, EligibilityStatus, MembersMergedV1
from schemas.scheduling_v1 import AppointmentStatus
from services.kit.ids import derived_id, new_id
from tests.facts import DAY, NOON, a_day, a_dose, a_fact, an_appointment, enrolment_id, member_token
from tests.service.outreach.builders import Outreach, a_target, case_id, vaccinated

pytestmark = pytest.mark.postgres


async def test_eligible_member_gets_a_case(outreach: Outreach) -> None:
    """Somebody eligible and not vaccinated gets an open case with eligibility's priority, and it is announced."""
    await outreach.hear(a_fact())
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["rank"], case["version"], case["opened_on"]) == ("open", 500, 1, DAY)
    [said] = await outreach.announced()
    assert (said["case_id"], said["status"], said["version"]) == (str(case_id("ada")), "open", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"status": EligibilityStatus.INELIGIBLE, "reasons": ("under-age",)},
        {"vaccinated": True, "doses_valid": 1},
        {"contact_protected": True},
        {"enrolled": False},
    ],
)
async def test_nobody_else_gets_a_case(outreach: Outreach, change: dict[str, Any]) -> None:
    """Ineligible, vaccinated, protected or disenrolled members get no case and no event."""
    await outreach.hear(a_fact(**change))
    assert await outreach.case() is None
    assert await outreach.announced() == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": EligibilityStatus.INELIGIBLE, "reasons": ("area-not-vulnerable",)}, "ineligible"),
        ({"status": EligibilityStatus.INELIGIBLE, "reasons": ("moved",)}, "moved"),
        ({"status": EligibilityStatus.INELIGIBLE, "reasons": ("not-enrolled",), "enrolled": False}, "disenrolled"),
        ({"status": EligibilityStatus.INELIGIBLE, "reasons": ("deceased",), "enrolled": False}, "deceased"),
        (
            {"status": EligibilityStatus.INELIGIBLE, "reasons": ("merged",), "merged_into": member_token("bob")},
            "merged",
        ),
        ({"contact_protected": True}, "ineligible"),
        ({"status": EligibilityStatus.INELIGIBLE, "vaccinated": True, "doses_valid": 1}, "vaccinated"),
    ],
)
async def test_fact_closes_the_case(outreach: Outreach, change: dict[str, Any], reason: str) -> None:
    """Each answer of eligibility that ends outreach closes the case with its reason, once."""
    await outreach.hear(a_fact())
    await outreach.hear(a_fact(version=2, **change))
    await outreach.hear(a_fact(version=3, **change))
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["closed_reason"], case["version"]) == ("closed", reason, 2)
    assert [said["status"] for said in await outreach.announced()] == ["open", "closed"]


async def test_dose_closes_and_retraction_reopens(outreach: Outreach) -> None:
    """A dose from any source closes the case at once; retracted, and the member eligible again, the same case is open
    again with a higher version."""
    await outreach.hear(a_fact())
    await outreach.hear(a_dose())
    closed = await outreach.case()
    await outreach.hear(vaccinated(version=2))
    await outreach.hear(a_dose(version=2, action=DoseAction.RETRACT))
    await outreach.hear(a_fact(version=3))
    case = await outreach.case()
    assert closed is not None
    assert case is not None
    assert (closed["status"], closed["closed_reason"]) == ("closed", "vaccinated")
    assert (case["status"], case["version"], case["opened_on"]) == ("open", 3, DAY)
    assert [said["version"] for said in await outreach.announced()] == [1, 2, 3]


async def test_uncounted_dose_holds_four_weeks(outreach: Outreach) -> None:
    """A recent dose that eligibility never counts takes the member off the list for 28 days and no longer."""
    await outreach.hear(a_fact(), a_dose())
    await outreach.hear(a_day(27))
    before = await outreach.case()
    await outreach.hear(a_day(28))
    after = await outreach.case()
    assert before is not None
    assert after is not None
    assert (before["status"], after["status"]) == ("closed", "open")


async def test_other_and_old_doses_change_nothing(outreach: Outreach) -> None:
    """A dose of another vaccine, or one given long ago that eligibility does not count, leaves the case open."""
    old = a_dose("ada", dose_id=derived_id("old"), administered_on=DAY - timedelta(days=200))
    await outreach.hear(a_fact(), a_dose(vaccine_group="zoster"), old)
    case = await outreach.case()
    assert case is not None
    assert case["status"] == "open"


async def test_first_of_two_doses_pauses(outreach: Outreach) -> None:
    """A dose that eligibility counted without calling the member vaccinated pauses until the next can be due."""
    await outreach.hear(a_fact(), a_dose(), a_fact(version=2, doses_valid=1))
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["paused_until_on"]) == ("paused", DAY + timedelta(days=28))


async def test_booking_holds_the_case_until_it_is_past(outreach: Outreach) -> None:
    """A live booking keeps the case open but off the list, up to and including its day."""
    await outreach.hear(a_fact(), an_appointment(days=2))
    held = []
    for days in (0, 2, 3):
        await outreach.hear(a_day(days))
        case = await outreach.case()
        assert case is not None
        held.append((case["status"], case["held_by"]))
    assert held == [("open", "booked"), ("open", "booked"), ("open", None)]


@pytest.mark.parametrize(("status", "bonus"), [(AppointmentStatus.CANCELLED, 0), (AppointmentStatus.NOSHOW, 200)])
async def test_lost_booking_returns_to_the_list(outreach: Outreach, status: AppointmentStatus, bonus: int) -> None:
    """Cancelled, the case is back on the list; missed, it is back and ranked up, for that is no refusal."""
    await outreach.hear(a_fact(), an_appointment())
    await outreach.hear(an_appointment(version=2, status=status))
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["held_by"], case["rank"]) == ("open", None, 500 + bonus)


async def test_fulfilled_appointment_is_a_dose_until_eligibility_speaks(outreach: Outreach) -> None:
    """What a site gave takes the member off the list before the canonical dose comes; retracted, it counts no more."""
    await outreach.hear(a_fact(), an_appointment(days=0, status=AppointmentStatus.FULFILLED))
    given = await outreach.case()
    retracted = a_dose(action=DoseAction.RETRACT, appointment_id=derived_id("appointment", "ada", "lakeshore"))
    await outreach.hear(retracted)
    case = await outreach.case()
    assert given is not None
    assert case is not None
    assert (given["closed_reason"], case["status"]) == ("vaccinated", "open")


@pytest.mark.capability("C18")
async def test_target_zip_raises_the_rank(outreach: Outreach) -> None:
    """A listed ZIP raises its members' rank, an older week's word changes nothing, unlisted it falls back."""
    await outreach.hear(a_fact(), a_fact("bob", zip5="60601"))
    ranks = []
    for listing in (
        a_target(),
        a_target(listed=False, week_on=DAY - timedelta(days=7)),
        a_target(listed=False, week_on=DAY + timedelta(days=7)),
    ):
        await outreach.hear(listing)
        ranks.append([row["rank"] for row in await outreach.fetch("select rank from outreach_case order by zip5")])
    assert ranks == [[500, 650], [500, 650], [500, 500]]


@pytest.mark.parametrize("at_once", [False, True])
async def test_of_two_lists_of_a_week_the_later_holds(outreach: Outreach, at_once: bool) -> None:
    """A relay that was away may say an old list last: in a batch of its own or not, it changes nothing."""
    later, earlier = a_target(listed=True, at=NOON + timedelta(minutes=1)), a_target(listed=False)
    await outreach.hear(a_fact())
    for batch in [(later, earlier)] if at_once else [(later,), (earlier,)]:
        await outreach.hear(*batch)
    assert await outreach.fetch("select rank from outreach_case") == [{"rank": 650}]


async def test_merged_persons_share_their_history(outreach: Outreach) -> None:
    """Of merged persons the retired token's case closes; a dose of either is a dose of both."""
    merge = MembersMergedV1(
        occurred_at=NOON, surviving_token=member_token("ada"), retired_token=member_token("adda"), merged_on=DAY
    )
    await outreach.hear(a_fact("ada"), a_fact("adda"))
    await outreach.hear(merge)
    retired = await outreach.case("adda")
    await outreach.hear(a_dose("adda"))
    survivor = await outreach.case("ada")
    assert retired is not None
    assert survivor is not None
    assert (retired["closed_reason"], survivor["closed_reason"]) == ("merged", "vaccinated")


async def test_restated_enrolment_keeps_its_case(outreach: Outreach) -> None:
    """An enrolment restated under the surviving token goes on with the same case, announced under that token."""
    await outreach.hear(a_fact())
    await outreach.hear(
        MembersMergedV1(
            occurred_at=NOON, surviving_token=member_token("bob"), retired_token=member_token("ada"), merged_on=DAY
        ),
        a_fact(version=2, member_token=member_token("bob")),
    )
    case = await outreach.case()
    assert case is not None
    assert (case["status"], case["member_token"]) == ("open", member_token("bob"))
    assert (await outreach.announced())[-1]["member_token"] == str(member_token("bob"))


async def test_dose_moved_to_somebody_else_frees_the_first(outreach: Outreach) -> None:
    """A dose relinked to another member closes that case and reopens the first."""
    await outreach.hear(a_fact("ada"), a_fact("bob"), a_dose("ada"))
    await outreach.hear(a_dose("ada", version=2, member_token=member_token("bob")))
    ada, bob = await outreach.case("ada"), await outreach.case("bob")
    assert ada is not None
    assert bob is not None
    assert (ada["status"], bob["status"]) == ("open", "closed")


async def test_case_per_programme(outreach: Outreach) -> None:
    """One enrolment under two programmes has two cases; the same fact twice has one."""
    await outreach.hear(a_fact(), a_fact(programme_id="flu-2021"), a_fact())
    assert len(await outreach.fetch("select 1 as one from outreach_case")) == 2


async def test_older_version_and_duplicates_change_nothing(outreach: Outreach) -> None:
    """Of two versions the higher holds, whichever comes last; an event delivered twice counts once."""
    first, again = new_id(), a_fact(version=2, priority=700)
    await outreach.hear(again, event_ids=[first])
    await outreach.hear(a_fact(version=1, priority=10))
    await outreach.hear(again, event_ids=[first])
    case = await outreach.case()
    assert case is not None
    assert (case["priority"], len(await outreach.announced())) == (700, 1)


async def test_both_versions_in_one_batch_still_open_a_case(outreach: Outreach) -> None:
    """Eligible and vaccinated within one batch leaves the closed case that two batches leave."""
    await outreach.hear(a_fact(), vaccinated())
    case = await outreach.case()
    assert case is not None
    assert (case["closed_reason"], case["opened_on"], case["enrolment_id"]) == ("vaccinated", DAY, enrolment_id("ada"))
