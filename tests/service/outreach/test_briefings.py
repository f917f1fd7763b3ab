"""Who is to be called, how, why and when, in one answer; and what workers heard of the how."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.facts import DAY, NOON, a_day, a_fact, enrolment_id
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of, vaccinated
from tests.service.outreach.contacts import a_contact, a_phone, an_address, details, withdrawn

pytestmark = pytest.mark.postgres
TODAY = DAY.isoformat()


async def briefing(worker: Worker, name: str = "ada") -> dict[str, Any]:
    response = await worker.get(f"/cases/{case_id(name)}/briefing")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def correct(worker: Worker, name: str = "ada", key: str | None = None, **said: Any) -> httpx.Response:
    path, body = f"/cases/{case_id(name)}/contact-corrections", {"source": "member", **said}
    return await worker.client.post(path, json=body, headers=worker._headers(key))


def numbers(body: Mapping[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(one["number"], one["source"], one["wrong_since_on"]) for one in body["reach"]["telephones"]]


async def test_one_answer_says_all(outreach: Outreach, worker: Worker) -> None:
    """Who, how, in which language, why, what was said before, what stands in the way, and the hour at which the member
    answered."""
    await outreach.hear(a_fact(), a_contact())
    await worker.log(case_id("ada"), "no-answer", attempted_at=(NOON - timedelta(hours=3)).isoformat())
    await worker.log(case_id("ada"), "complete", barriers=["transportation-insecurity"])
    body = await briefing(worker)
    reach = body["reach"]
    assert (reach["name"]["given"], reach["name"]["family"], reach["language"]) == ("Ada", "Sesame", "es")
    assert numbers(body) == [("2135550101", "roster", None)]
    assert [one["street"] for one in reach["addresses"]] == ["123 Sesame St"]
    assert body["why"][0].startswith("Off the call list")
    assert [one["disposition"] for one in body["said_before"]] == ["complete", "no-answer"]
    assert body["barriers"] == [{"code": "transportation-insecurity", "said_on": TODAY}]
    assert body["best_hours"] == [{"hour": 12, "tried": 1, "reached": 1}]


async def test_details_that_were_withdrawn_are_gone(outreach: Outreach, worker: Worker) -> None:
    """Nothing of them stays, and neither an older record nor the same one again, as a redrive brings them, revives
    anything."""
    older, newer = a_contact(version=1), a_contact(version=2)
    await outreach.hear(a_fact(), older, newer)
    await outreach.hear(withdrawn(version=3))
    await outreach.hear(newer)
    await outreach.hear(older)
    assert (await briefing(worker))["reach"] is None
    [kept] = await outreach.fetch("select version, household_id, sealed_details from member_contact")
    assert kept == {"version": 3, "household_id": None, "sealed_details": None}


async def test_the_newest_version_holds(outreach: Outreach, worker: Worker) -> None:
    """In whatever order the versions come, also within one batch."""
    newer = a_contact(version=5, said=details(telephones=(a_phone("2135550155"),)))
    await outreach.hear(a_fact(), newer, a_contact(version=4))
    await outreach.hear(a_contact(version=3))
    assert numbers(await briefing(worker)) == [("2135550155", "roster", None)]


async def test_what_was_sealed_for_another_is_set_aside(outreach: Outreach, worker: Worker) -> None:
    """Details that were moved to another enrolment open for nobody: the record fails, and nothing is shown."""
    with pytest.raises(Exception, match="can't be opened"):
        await outreach.hear(a_fact(), a_contact(bound=enrolment_id("bob")))
    await outreach.hear(a_fact())
    assert (await briefing(worker))["reach"] is None


async def test_the_table_holds_nothing_in_clear(outreach: Outreach, worker: Worker) -> None:
    """Neither what eligibility told nor what a worker heard."""
    await outreach.hear(a_fact(), a_contact())
    assert (await correct(worker, new_telephone="2135550188")).status_code == 201
    [kept] = await outreach.fetch("select sealed_details from member_contact")
    [said] = await outreach.fetch("select sealed_said from contact_correction")
    for canary in (b"2135550101", b"Sesame", b"2135550188"):
        assert canary not in kept["sealed_details"] + said["sealed_said"]


async def test_another_plan_reads_nothing(outreach: Outreach) -> None:
    """A case of another plan is none, whoever asks."""
    await outreach.hear(a_fact(), a_contact())
    async with client_of(outreach.database) as client:
        stranger = Worker(client, plan="prairie")
        assert (await stranger.get(f"/cases/{case_id('ada')}/briefing")).status_code == 404
        assert (await correct(stranger, new_telephone="2135550188")).status_code == 404


async def test_a_chw_reads_the_cases_that_he_has_claimed(outreach: Outreach) -> None:
    """Others answer `not-claimed-by-you`, also while another worker holds them; a coordinator reads any."""
    await outreach.hear(a_fact(), a_contact())
    async with client_of(outreach.database) as client:
        chw, other = Worker(client, name="chris", role="chw"), Worker(client, name="olga", role="chw")
        refused = await chw.get(f"/cases/{case_id('ada')}/briefing")
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:not-claimed-by-you")
        assert (await correct(chw, new_telephone="2135550188")).status_code == 409
        await chw.claim(1)
        assert (await briefing(chw))["reach"]["name"]["given"] == "Ada"
        assert (await other.get(f"/cases/{case_id('ada')}/briefing")).status_code == 409
        assert (await correct(chw, new_telephone="2135550188")).status_code == 201
        assert (await briefing(Worker(client)))["reach"]["name"]["given"] == "Ada"


@pytest.mark.parametrize("role", ["site", "analyst", "state", "operator", "auditor", "integration"])
async def test_nobody_else_reads_them(outreach: Outreach, role: str) -> None:
    """A briefing is for those who call."""
    await outreach.hear(a_fact(), a_contact())
    async with client_of(outreach.database) as client:
        assert (await Worker(client, role=role).get(f"/cases/{case_id('ada')}/briefing")).status_code == 403


async def test_each_look_is_in_the_trail(outreach: Outreach, worker: Worker) -> None:
    """With the case, and with everybody of the household whom it shows."""
    await outreach.hear(a_fact(), a_fact("bob"), a_contact(), a_contact("bob"))
    await briefing(worker)
    rows = await outreach.fetch("select action, kind, subjects from audit where principal = 'wanda' order by audit_id")
    looks = [(row["action"], row["kind"], list(row["subjects"])) for row in rows]
    assert looks == [("read", "case", [str(case_id("ada"))]), ("read", "case", [str(case_id("bob"))])]


async def test_a_household_in_one_call(outreach: Outreach, worker: Worker) -> None:
    """Those of the plan in the same household with an open case are named; nobody of another household or plan, nobody
    without an open case, nobody who is protected, and nobody who asked for confidential communications."""
    others = {
        "bob": (a_fact("bob"), a_contact("bob")),
        "elsewhere": (a_fact("elsewhere"), a_contact("elsewhere", said=details("Eli", household_id=None))),
        "vaccinated": (a_fact("vaccinated"), a_contact("vaccinated"), vaccinated("vaccinated")),
        "protected": (
            a_fact("protected"),
            a_contact("protected"),
            a_fact("protected", 2, contact_protected=True),
        ),
        "quiet": (a_fact("quiet"), a_contact("quiet", said=details("Quiet", is_confidential=True))),
        "gone": (a_fact("gone"), withdrawn("gone", 1)),
    }
    await outreach.hear(a_fact(), a_contact())
    for fact in (fact for facts in others.values() for fact in facts):
        await outreach.hear(fact)
    await outreach.hear(a_fact("pat", tenant_id="prairie"), a_contact("pat", plan="prairie"))
    assert [one["name"]["given"] for one in (await briefing(worker))["household"]] == ["Bob"]
    assert (await correct(worker, "bob", is_confidential=True)).status_code == 201
    assert (await briefing(worker))["household"] == []


async def test_what_a_worker_heard_holds_against_older_rosters(outreach: Outreach, worker: Worker) -> None:
    """A wrong number comes last and says since when; the new one comes first. A roster that brings the number again
    on a later day has it right, and what it brings first then comes before the worker's."""
    await outreach.hear(a_fact(), a_contact(), a_day(3))
    on = (DAY + timedelta(days=2)).isoformat()
    kept = await correct(worker, wrong_telephone="2135550101", new_telephone="2135550188", said_on=on)
    assert kept.status_code == 201
    assert numbers(await briefing(worker)) == [("2135550188", "worker", None), ("2135550101", "roster", on)]
    repeated = details(telephones=(a_phone(), a_phone("2135550199", DAY + timedelta(days=3))))
    await outreach.hear(a_contact(version=2, said=repeated))
    assert numbers(await briefing(worker)) == [
        ("2135550199", "roster", None), ("2135550188", "worker", None), ("2135550101", "roster", on),
    ]  # fmt: skip
    again = details(telephones=(a_phone(on=DAY + timedelta(days=5)),))
    await outreach.hear(a_contact(version=3, said=again))
    assert numbers(await briefing(worker)) == [("2135550101", "roster", None), ("2135550188", "worker", None)]


async def test_of_each_kind_of_address_the_newest(outreach: Outreach, worker: Worker) -> None:
    """A worker's address takes the place of an older one of its kind, and a roster's of a later day that of the
    worker's."""
    await outreach.hear(a_fact(), a_contact(), a_day(3))
    new = {"kind": "residence", "street": "9 Oak St", "city": "Chicago", "state": "IL", "zip5": "60622"}
    assert (await correct(worker, new_address=new, wrong_address="residence")).status_code == 201
    [home] = (await briefing(worker))["reach"]["addresses"]
    assert (home["street"], home["source"]) == ("9 Oak St", "worker")
    moved = details(addresses=(an_address("1 Elm St", DAY + timedelta(days=4)),))
    await outreach.hear(a_contact(version=2, said=moved))
    [home] = (await briefing(worker))["reach"]["addresses"]
    assert (home["street"], home["source"]) == ("1 Elm St", "roster")


async def test_what_the_member_prefers(outreach: Outreach, worker: Worker) -> None:
    """A name to be called by, pronouns, a channel and hours: the newest word of each, whatever rosters say."""
    await outreach.hear(a_fact(), a_contact())
    await correct(worker, preferred_name="Addie", pronouns="she/her", preferred_from=9, preferred_until=12)
    await correct(worker, preferred_channel="text", preferred_from=14, preferred_until=16)
    await outreach.hear(a_contact(version=2))
    reach = (await briefing(worker))["reach"]
    assert (reach["name"]["preferred"], reach["name"]["pronouns"]) == ("Addie", "she/her")
    assert (reach["preferred_channel"], reach["preferred_from"], reach["preferred_until"]) == ("text", 14, 16)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"new_telephone": "12"},
        {"preferred_from": 9},
        {"preferred_from": 12, "preferred_until": 9},
        {"new_email": "nobody"},
        {"said_on": (DAY + timedelta(days=1)).isoformat(), "new_telephone": "2135550188"},
    ],
    ids=["nothing", "number", "half", "backwards", "email", "tomorrow"],
)
async def test_what_nobody_can_mean_is_refused(outreach: Outreach, worker: Worker, said: dict[str, Any]) -> None:
    """422, nothing is kept, and the answer repeats nothing of what was sent."""
    await outreach.hear(a_fact(), a_contact())
    response = await correct(worker, **said)
    assert response.status_code == 422
    assert "2135550188" not in response.text
    assert await outreach.fetch("select from contact_correction") == []


async def test_two_workers_correct_at_once(outreach: Outreach, worker: Worker) -> None:
    """Both facts are kept."""
    await outreach.hear(a_fact(), a_contact())
    answers = await asyncio.gather(
        correct(worker, new_telephone="2135550188"), correct(worker, new_telephone="2135550189")
    )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert {number for number, *_ in numbers(await briefing(worker))} == {"2135550101", "2135550188", "2135550189"}


async def test_what_the_plan_had_erased_is_gone(outreach: Outreach, worker: Worker) -> None:
    """What eligibility told, what workers heard, and the kept answers that name the member; his case and what was done
    stay."""
    await outreach.hear(a_fact(), a_fact("bob"), a_contact(), a_contact("bob"))
    kept = await correct(worker, key="once-0001", new_telephone="2135550188")
    await correct(worker, "bob", new_telephone="2135550189")
    await worker.log(case_id("ada"), "no-answer", key="log-00001")
    await outreach.hear(withdrawn().model_copy(update={"is_erased": True}))
    again = await correct(worker, key="once-0001", new_telephone="2135550188")
    assert kept.status_code == 201
    assert (again.status_code, again.json()["type"]) == (410, "urn:vcc:problem:answer-erased")
    assert (await worker.log(case_id("ada"), "no-answer", key="log-00001")).status_code == 410
    left = await outreach.fetch("select enrolment_id from contact_correction")
    assert [row["enrolment_id"] for row in left] == [enrolment_id("bob")]
    body = await briefing(worker)
    assert (body["reach"], len(body["said_before"])) == (None, 1)


async def test_a_withdrawal_keeps_what_workers_heard(outreach: Outreach, worker: Worker) -> None:
    """It is shown to nobody while nobody may contact the member, and again when his plan tells his details again."""
    await outreach.hear(a_fact(), a_contact())
    await correct(worker, new_telephone="2135550188")
    await outreach.hear(withdrawn())
    assert (await briefing(worker))["reach"] is None
    await outreach.hear(a_contact(version=3))
    assert [number for number, *_ in numbers(await briefing(worker))] == ["2135550188", "2135550101"]


@pytest.mark.parametrize("is_erased", [False, True])
async def test_nothing_is_kept_of_who_may_not_be_contacted(outreach: Outreach, worker: Worker, is_erased: bool) -> None:
    """Once his details are withdrawn or erased a correction is refused."""
    await outreach.hear(a_fact(), a_contact(), withdrawn().model_copy(update={"is_erased": is_erased}))
    refused = await correct(worker, new_telephone="2135550188")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:contact-withdrawn")
    assert await outreach.fetch("select from contact_correction") == []


async def test_a_late_withdrawal_shows_nothing(outreach: Outreach, worker: Worker) -> None:
    """The case of who is protected, or covered no more, is closed: his details are not shown, though they stand."""
    await outreach.hear(a_fact(), a_contact(), a_fact(version=2, contact_protected=True))
    body = await briefing(worker)
    assert body["reach"] is None


async def test_details_in_clear_are_set_aside(outreach: Outreach) -> None:
    """What is not sealed is taken from nobody."""
    plain = b64encode(details().model_dump_json().encode()).decode()
    with pytest.raises(Exception, match="not sealed"):
        await outreach.hear(a_fact(), a_contact().model_copy(update={"sealed": plain}))
    assert await outreach.fetch("select from member_contact") == []


@pytest.mark.parametrize(("others", "shown"), [(12, 12), (13, 0)])
async def test_a_household_of_many_is_none(outreach: Outreach, worker: Worker, others: int, shown: int) -> None:
    """An institution's number names no family."""
    names = [f"kin{number}" for number in range(others)]
    await outreach.hear(a_fact(), a_contact())
    await outreach.hear(*(a_fact(name) for name in names), *(a_contact(name) for name in names))
    assert len((await briefing(worker))["household"]) == shown
