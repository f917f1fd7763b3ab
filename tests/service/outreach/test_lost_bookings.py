"""A clinic cancels the booking of a member whom nobody may call: a coordinator sees it and sees to it."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.members.rules import InformedBy
from tests.facts import NOON, PROGRAMME, a_day, a_dose, a_fact, a_programme, an_appointment, member_token
from tests.service.outreach.builders import Outreach, Worker, case_id

pytestmark = pytest.mark.postgres
ADA = case_id("ada")


def cancelled(name: str = "ada", **changes: Any) -> Any:
    said: dict[str, Any] = {
        "status": AppointmentStatus.CANCELLED,
        "cancellation_reason": "prov",
        "changed": 1,
    } | changes
    return an_appointment(name, version=2, **said)


async def lost(worker: Worker, **asked: Any) -> list[dict[str, Any]]:
    answer = await worker.get("/lost-bookings", **asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["bookings"]
    return found


async def note(worker: Worker, how: str = InformedBy.LETTER, case: Any = ADA) -> Any:
    path, headers = f"/cases/{case}/lost-booking-notice", worker._headers()
    return await worker.client.post(path, json={"how": how}, headers=headers)


async def lose(outreach: Outreach, worker: Worker, name: str = "ada") -> None:
    """He wants no calls, books all the same, and the clinic cancels."""
    await outreach.hear(a_fact(name))
    assert (await worker.log(case_id(name), "do-not-call", stop_channels=["email"])).status_code == 201
    await outreach.hear(an_appointment(name), cancelled(name, occurred_at=NOON.replace(hour=20)))


async def test_it_is_on_the_list_and_nobody_calls(outreach: Outreach, worker: Worker) -> None:
    """The list tells reason, days, site and how the member may hear of it; the case stays closed and unclaimable."""
    await lose(outreach, worker)
    [found] = await lost(worker)
    assert (found["case_id"], found["member_token"]) == (str(ADA), str(member_token("ada")))
    assert found["closed_reason"] == "opted-out"
    assert found["channels"] == ["letter", "visit"]
    told = found["appointment"]
    assert (told["cancellation_reason"], told["changed_on"], told["start_on"], told["site_id"]) == (
        "prov", "2021-03-02", "2021-03-03", "united-center",
    )  # fmt: skip
    assert await worker.claim() == []
    file = (await worker.get(f"/cases/{ADA}")).json()
    assert (file["status"], file["flags"], file["rank_parts"]["lost_appointment"]) == (
        "closed", ["appointment-lost-no-call"], 0,
    )  # fmt: skip
    assert "without a call (GET /lost-bookings) (prov)." in " ".join(file["why"])
    [summary] = (await worker.get("/work-summary")).json()["programmes"]
    assert summary["lost_bookings"] == 1


async def told(outreach: Outreach) -> list[dict[str, Any] | None]:
    """What each of the case's events says of a lost booking, the oldest first, without repetitions."""
    said = [event.get("lost_booking") for event in await outreach.announced()]
    return [one for number, one in enumerate(said) if number == 0 or one != said[number - 1]]


async def test_what_was_done_ends_it(outreach: Outreach, worker: Worker) -> None:
    """Who did what and when stays on record and in the case, and once is enough; the case's events tell which booking
    was taken away, why, and how the member heard of it."""
    await lose(outreach, worker)
    answer = await note(worker)
    assert (answer.status_code, answer.json()["flags"]) == (200, [])
    assert await lost(worker) == []
    [record] = (await worker.get(f"/cases/{ADA}")).json()["appointments"]
    assert (record["told_how"], record["told_by"]) == ("letter", "wanda")
    gone = {"appointment_id": record["appointment_id"], "reason": "prov"}
    flagged = {**gone, "flag": "appointment-lost-no-call"}
    assert await told(outreach) == [None, flagged, {**gone, "told_how": "letter"}]
    again = await note(worker)
    assert (again.status_code, again.json()["type"]) == (409, "urn:vcc:problem:no-lost-booking")


async def retract(worker: Worker, reason: str = "wrong-member", case: Any = ADA) -> Any:
    path = f"/cases/{case}/lost-booking-notice/retract"
    return await worker.client.post(path, json={"reason": reason}, headers=worker._headers())


async def test_a_notice_that_was_a_mistake_is_taken_back(outreach: Outreach, worker: Worker) -> None:
    """The case is on the list again, its event says so, and the next notice counts; what was taken back stays on
    record with who did it and why, and is audited; there is no second one to take back."""
    await lose(outreach, worker)
    await note(worker)
    answer = await retract(worker)
    assert (answer.status_code, answer.json()["flags"]) == (200, ["appointment-lost-no-call"]), answer.text
    [found] = await lost(worker)
    assert found["appointment"]["told_how"] is None
    flags = [one and (one.get("flag"), one.get("told_how")) for one in await told(outreach)]
    assert flags == [None, ("appointment-lost-no-call", None), (None, "letter"), ("appointment-lost-no-call", None)]
    [kept] = await outreach.fetch("select how, worker_id, retracted_by, reason from loss_notice_retraction")
    assert tuple(kept.values()) == ("letter", "wanda", "wanda", "wrong-member")
    [deed] = await outreach.fetch("select principal, action, subjects from audit where kind = 'lost-booking-notice'")
    assert tuple(deed.values()) == ("wanda", "withdrawn", [str(ADA)])
    assert (await retract(worker)).json()["type"] == "urn:vcc:problem:no-lost-booking-notice"
    assert (await note(worker, InformedBy.VISIT)).status_code == 200
    assert await lost(worker) == []


async def test_who_may_take_a_notice_back(outreach: Outreach, worker: Worker) -> None:
    """Whoever gave it within a day, a supervisor at any time; nobody of another plan, and no health worker."""
    await lose(outreach, worker)
    await note(worker)
    assert (await retract(replace(worker, name="bert"))).json()["type"] == "urn:vcc:problem:not-your-notice"
    assert (await retract(replace(worker, plan="prairie"))).status_code == 404
    assert (await retract(replace(worker, role="chw"))).status_code == 403
    assert (await retract(worker, "because")).status_code == 422
    await outreach.fetch("update loss_notice set noted_at = noted_at - interval '25 hours' returning 1")
    assert (await retract(worker)).status_code == 409
    assert (await retract(replace(worker, name="bert", role="supervisor"))).status_code == 200


async def test_a_notice_is_taken_back_after_other_news(outreach: Outreach, worker: Worker) -> None:
    """Booked again since: the record is put right, and nobody has to see to it."""
    await lose(outreach, worker)
    await note(worker)
    await outreach.hear(an_appointment(version=3, days=9, changed=2))
    answer = await retract(worker)
    assert (answer.status_code, answer.json()["flags"]) == (200, [])
    assert await lost(worker) == []


async def test_a_lost_booking_of_whom_somebody_must_call_is_told(outreach: Outreach, worker: Worker) -> None:
    """The case's event says which booking was taken away and why, until somebody has reached the member."""
    await outreach.hear(a_fact(), an_appointment(), cancelled(occurred_at=NOON.replace(hour=20)))
    reached = await worker.log(ADA, "complete", attempted_at=NOON.replace(hour=21).isoformat())
    assert reached.status_code == 201, reached.text
    [before, gone, after] = await told(outreach)
    assert (before, after) == (None, None)
    assert gone is not None
    assert (gone["reason"], gone["flag"]) == ("prov", "appointment-lost")


@pytest.mark.parametrize("news", [an_appointment(version=3, days=9, changed=2), a_dose(days=1)])
async def test_news_ends_it(outreach: Outreach, worker: Worker, news: Any) -> None:
    """Booked again, or vaccinated: nobody has to see to it."""
    await lose(outreach, worker)
    await outreach.hear(news)
    assert await lost(worker) == []


async def test_each_look_and_each_deed_is_audited(outreach: Outreach, worker: Worker) -> None:
    """Who saw whose lost booking, and who said what was done."""
    await lose(outreach, worker)
    [begun] = await outreach.fetch("select count(*) from audit where action = 'read'")
    await lost(worker)
    await note(worker, InformedBy.PROVIDER)
    rows = await outreach.fetch(
        "select principal, kind, subjects from audit where action = 'read' order by audit_id offset $1", begun["count"]
    )
    assert [tuple(row.values()) for row in rows] == [("wanda", "case", [str(ADA)])] * 2


async def test_another_plan_and_a_health_worker_see_nothing(outreach: Outreach, worker: Worker) -> None:
    """The list is the plan's own, for those who coordinate; another plan's case is none."""
    await lose(outreach, worker)
    other = replace(worker, plan="prairie")
    assert await lost(other) == []
    assert (await note(other)).status_code == 404
    assert (await replace(worker, role="chw").get("/lost-bookings")).status_code == 403
    assert (await note(replace(worker, role="chw"))).status_code == 403
    assert len(await lost(replace(worker, role="supervisor"))) == 1


async def test_a_member_who_may_be_called_is_called(outreach: Outreach, worker: Worker) -> None:
    """His lost booking is on the call list, and is told by an attempt."""
    await outreach.hear(a_fact(), an_appointment(), cancelled())
    assert await lost(worker) == []
    assert (await note(worker)).status_code == 409
    [case] = await worker.claim()
    assert case["flags"] == ["appointment-lost"]


async def test_pages_hold_each_once(outreach: Outreach, worker: Worker) -> None:
    """The longest known first; a page goes on where the one before ended; a programme may be asked for."""
    for day, name in enumerate(("cleo", "ada", "bea")):
        await outreach.hear(a_day(day))
        await lose(outreach, worker, name)
    seen, after = [], None
    while True:
        asked = {"limit": 2} | ({"after": after} if after else {})
        page = (await worker.get("/lost-bookings", **asked)).json()
        seen += [booking["case_id"] for booking in page["bookings"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [str(case_id(name)) for name in ("cleo", "ada", "bea")]
    assert len(await lost(worker, programme_id=PROGRAMME)) == 3
    await outreach.hear(a_programme(programme_id="flu-2021"))
    assert await lost(worker, programme_id="flu-2021") == []


@pytest.mark.parametrize("after", ["2021-02-30", "0000-01-01", "3190-27-60"])
async def test_a_page_after_no_day_is_refused(worker: Worker, after: str) -> None:
    """What asks for the next page in the right form, and names a day that is none, is a wrong field and no fault."""
    response = await worker.get("/lost-bookings", after=f"{after}_{ADA.hex}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "query.after"
