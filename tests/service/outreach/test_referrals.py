"""Referrals from the request to what became of it, and that nothing leaves without agreement and consent."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from schemas.eligibility_v1 import EligibilityStatus
from services.kit.unit_of_work import working
from services.outreach.referrals.flow import escalate
from services.outreach.referrals.rules import ANSWER_DAYS, OUTCOME_DAYS
from tests.facts import DAY, a_day, a_fact, a_merge, member_token
from tests.service.outreach.builders import Outreach, Worker, client_of
from tests.service.outreach.contacts import a_contact, withdrawn
from tests.service.outreach.partnerships import (
    AGREED,
    consents,
    is_agreed,
    is_partner,
    is_ready,
    refer,
    referred,
    say,
    steps,
)
from tests.service.outreach.test_wishes import post
from tests.service.outreach.test_workers import put

MEALS: dict[str, Any] = {"kind": "community-support", "support": "tailored-meals", "authorization": "TAR-1"}


@pytest.fixture
async def supervisor(outreach: Outreach) -> AsyncIterator[Worker]:
    async with client_of(outreach.database) as client:
        yield Worker(client, "sue", role="supervisor")


@pytest.fixture
async def partner(outreach: Outreach) -> AsyncIterator[Worker]:
    """Somebody at the food bank."""
    async with client_of(outreach.database) as client:
        yield Worker(client, "grace", role="partner", sites="harvest")


@pytest.fixture
async def ada(outreach: Outreach) -> None:
    """A member whose contact details are known."""
    await outreach.hear(a_fact("ada"), a_contact("ada"))


async def looks(who: Worker, referral_id: str) -> dict[str, Any]:
    """What each way by which something leaves answers: the partner's page, his FHIR, and the plan's for him."""
    prefix = "/partner-referrals" if who.role == "partner" else "/referrals"
    ways = [f"{prefix}/{referral_id}/fhir", *([f"{prefix}/{referral_id}"] if who.role == "partner" else [])]
    return {way: await who.get(way) for way in ways}


@pytest.mark.usefixtures("ada")
async def test_a_referral_goes_from_request_to_services_received(
    outreach: Outreach, supervisor: Worker, worker: Worker, partner: Worker
) -> None:
    """The partner sees the member by the agreement's fields, accepts, begins and completes; each step stands with who
    brought it, and member and referrer are to hear of each until somebody told them."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    seen = (await partner.get(f"/partner-referrals/{referral_id}")).json()
    assert (seen["given"], seen["family"], seen["need"]) == ("Ada", "Sesame", "food-insecurity")
    assert (seen["telephones"], seen["language"]) == (["2135550101"], "es")
    assert (seen["emails"], seen["address"]) == ([], None)
    for answer in ("accept", "start", "complete"):
        assert (await say(partner, referral_id, answer)).status_code == 200
    done = (await worker.get(f"/referrals/{referral_id}")).json()
    assert (done["status"], done["due_on"], done["version"]) == ("completed", None, 4)
    assert [(one["status"], one["is_by_partner"], one["answered_by"]) for one in done["steps"]] == [
        ("requested", False, "wanda"), ("accepted", True, "grace"), ("in-progress", True, "grace"),
        ("completed", True, "grace"),
    ]  # fmt: skip
    notices = (await worker.get("/referral-notices", recipient="member")).json()["notices"]
    assert [one["status"] for one in notices] == ["requested", "accepted", "in-progress", "completed"]
    assert (await post(worker, f"/referral-notices/{notices[0]['notice_id']}/told")).status_code == 204
    assert len((await worker.get("/referral-notices", recipient="member")).json()["notices"]) == 3
    assert len((await worker.get("/referral-notices", recipient="referrer")).json()["notices"]) == 4


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([("reject", "no-capacity")], "rejected"),
        ([("waitlist", None), ("accept", None), ("fail", "unable-to-reach")], "failed"),
        ([("accept", None), ("complete", None)], "completed"),
        ([("waitlist", None), ("reject", "not-eligible")], "rejected"),
        ([("accept", None), ("cancel", "member-declined")], "cancelled"),
    ],
)
async def test_each_way_to_an_end_stands_with_its_reason(
    supervisor: Worker, worker: Worker, answers: list[tuple[str, str | None]], status: str
) -> None:
    """A coordinator says what the partner told; what has ended takes no further answer."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    for answer, reason in answers:
        told = await say(worker, referral_id, answer, reason)
        assert told.status_code == 200, told.text
    assert (told.json()["status"], told.json()["status_reason"]) == (status, answers[-1][1])
    for late in ("accept", "complete"):
        refused = await say(worker, referral_id, late)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:answer-not-possible")


@pytest.mark.usefixtures("ada")
async def test_an_answer_has_its_reason_and_a_partner_does_not_cancel(
    supervisor: Worker, worker: Worker, partner: Worker
) -> None:
    """A rejection says why, an acceptance does not; a cancellation is the plan's."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    for answer, reason in (("reject", None), ("accept", "no-capacity"), ("reject", "because")):
        assert (await say(partner, referral_id, answer, reason)).status_code == 422
    assert (await say(partner, referral_id, "cancel", "member-declined")).status_code == 403


@pytest.mark.capability("C12")
@pytest.mark.usefixtures("ada")
async def test_no_agreement_in_force_and_nothing_leaves(
    outreach: Outreach, supervisor: Worker, worker: Worker, partner: Worker
) -> None:
    """No referral is made without one; on its last day everything is seen, on the next nothing by any way, and no other
    referral is made; what became of it is told all the same."""
    await is_partner(supervisor)
    await consents(worker)
    refused = await refer(worker)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:no-agreement-in-force")
    assert await outreach.fetch("select * from referral") == []
    await is_agreed(supervisor)
    referral_id = await referred(worker)
    ended = await put(
        supervisor, "/agreements/harvest-2021", AGREED | {"ended_on": "2021-03-02"}, **{"If-Match": '"1"'}
    )
    assert ended.status_code == 200
    await outreach.hear(a_day(1))
    for who in (partner, worker):
        for way, answer in (await looks(who, referral_id)).items():
            assert answer.status_code == 200, way
            assert "Sesame" in answer.text
    await outreach.hear(a_day(2))
    for who in (partner, worker):
        for way, answer in (await looks(who, referral_id)).items():
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:vcc:problem:no-agreement-in-force"), way
            assert "Sesame" not in answer.text
    assert (await refer(worker)).json()["type"] == "urn:vcc:problem:no-agreement-in-force"
    assert "Sesame" not in (await partner.get("/partner-referrals")).text
    closed = await say(partner, referral_id, "accept")
    assert closed.status_code == 200
    assert "Sesame" not in closed.text


@pytest.mark.usefixtures("ada")
async def test_without_the_members_own_consent_nothing_leaves(
    outreach: Outreach, supervisor: Worker, worker: Worker, partner: Worker
) -> None:
    """None, one for another need, and one of another member are none; withdrawn, it closes every way on that day, also
    where somebody had recorded it twice, until the member consents again."""
    await outreach.hear(a_fact("bob"))
    await is_partner(supervisor)
    await is_agreed(supervisor)
    await consents(worker, needs=["homelessness"])
    await consents(worker, "bob")
    assert (await refer(worker)).json()["type"] == "urn:vcc:problem:no-consent"
    consent_id = await consents(worker)
    await consents(worker, needs=["food-insecurity", "homelessness"])
    referral_id = await referred(worker)
    assert (await post(worker, f"/sharing-consents/{consent_id}/withdraw")).status_code == 204
    for who in (partner, worker):
        for answer in (await looks(who, referral_id)).values():
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:vcc:problem:no-consent")
    await consents(worker)
    assert (await partner.get(f"/partner-referrals/{referral_id}")).status_code == 200


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("answers", [["reject"], ["accept", "complete"]])
async def test_what_has_ended_shows_its_partner_nobody(
    supervisor: Worker, worker: Worker, partner: Worker, answers: list[str]
) -> None:
    """The list says how it ended; of the member nothing is seen any more."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    for answer in answers:
        reason = "no-capacity" if answer == "reject" else None
        assert (await say(partner, referral_id, answer, reason)).status_code == 200
    for shown in (await looks(partner, referral_id)).values():
        assert (shown.status_code, shown.json()["type"]) == (409, "urn:vcc:problem:referral-ended")
        assert "Sesame" not in shown.text


@pytest.mark.usefixtures("ada")
async def test_a_field_that_no_agreement_names_is_not_asked_for(supervisor: Worker, worker: Worker) -> None:
    """The address is none of them; nor does another plan's agreement with the same organisation count."""
    await is_ready(supervisor, worker)
    refused = await refer(worker, fields=["address"])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vcc:problem:field-not-agreed")
    supervisor.plan = "prairie"
    await is_partner(supervisor)
    await is_agreed(supervisor, fields=["address", "need"])
    assert (await refer(worker, fields=["address"])).json()["type"] == "urn:vcc:problem:field-not-agreed"


@pytest.mark.usefixtures("ada")
async def test_violence_is_kept_apart(supervisor: Worker, worker: Worker) -> None:
    """It leaves only by an agreement that speaks of it and the member's written consent."""
    violence: dict[str, Any] = {"needs": ["intimate-partner-violence"]}
    await is_ready(supervisor, worker)
    await consents(worker, **violence)
    asked = {"need": "intimate-partner-violence"}
    assert (await refer(worker, **asked)).json()["type"] == "urn:vcc:problem:kept-apart"
    await is_agreed(supervisor, "harvest-apart", has_kept_apart=True)
    assert (await refer(worker, **asked)).json()["type"] == "urn:vcc:problem:kept-apart"
    await consents(worker, is_written=True, **violence)
    assert (await refer(worker, **asked)).status_code == 201


@pytest.mark.usefixtures("ada")
async def test_a_partner_sees_its_own_referrals_alone(
    outreach: Outreach, supervisor: Worker, worker: Worker, partner: Worker
) -> None:
    """Another partner's is not there to be listed, read or answered; a token without an organisation opens nothing, nor
    does a partner's open what is the plan's."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    assert len((await partner.get("/partner-referrals")).json()["referrals"]) == 1
    await is_partner(supervisor, "north")
    partner.sites = "north"
    assert (await partner.get("/partner-referrals")).json()["referrals"] == []
    for way, answer in (await looks(partner, referral_id)).items():
        assert answer.status_code == 404, way
    assert (await say(partner, referral_id, "accept")).status_code == 404
    partner.sites = None
    for path in ("/partner-referrals", f"/partner-referrals/{referral_id}", f"/partner-referrals/{referral_id}/fhir"):
        refused = await partner.get(path)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:vcc:problem:of-no-partner")
    partner.sites = "harvest"
    for path in ("/referrals", f"/referrals/{referral_id}", f"/referrals/{referral_id}/fhir", "/partners"):
        assert (await partner.get(path)).status_code == 403
    assert await steps(outreach, referral_id) == ["requested"]


@pytest.mark.usefixtures("ada")
async def test_who_has_died_or_whose_details_are_withdrawn_is_shown_to_nobody(
    outreach: Outreach, supervisor: Worker, worker: Worker, partner: Worker
) -> None:
    """Withdrawn details leave the need alone; of a dead member nothing is seen, and no referral is made."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    await outreach.hear(withdrawn("ada", version=2))
    seen = (await partner.get(f"/partner-referrals/{referral_id}")).json()
    assert (seen["family"], seen["telephones"], seen["need"]) == ("", [], "food-insecurity")
    await outreach.hear(a_fact("ada", 2, status=EligibilityStatus.INELIGIBLE, reasons=("deceased",)))
    assert (await partner.get(f"/partner-referrals/{referral_id}")).status_code == 409
    assert (await refer(worker)).json()["type"] == "urn:vcc:problem:member-not-referable"


@pytest.mark.capability("C6", "C7")
@pytest.mark.usefixtures("ada")
async def test_a_community_support_needs_authorization_election_and_contract(
    supervisor: Worker, worker: Worker, outreach: Outreach
) -> None:
    """The plan authorizes it, offers it in the member's county, and has a contract with the partner there."""
    await outreach.hear(a_day((DAY.replace(year=2026) - DAY).days))
    await is_partner(supervisor, contracts=[])
    await is_agreed(supervisor)
    await consents(worker)
    assert (await refer(worker, **MEALS | {"authorization": None})).json()["type"].endswith(":authorization-needed")
    for county, code in (("06037", "support-not-elected"), ("17031", "partner-not-contracted")):
        elected = {"county": county, "from_on": "2025-01-01"}
        assert (await put(supervisor, "/community-supports/tailored-meals/elections", elected)).status_code == 200
        assert (await refer(worker, **MEALS)).json()["type"] == f"urn:vcc:problem:{code}"
    contract = {"county": "17031", "services": ["tailored-meals"], "from_on": "2025-01-01"}
    await is_partner_again(supervisor, contracts=[contract])
    assert (await refer(worker, **MEALS)).status_code == 201


async def is_partner_again(supervisor: Worker, **said: Any) -> None:
    """The same partner, described anew."""
    known = await supervisor.get("/partners/harvest")
    body = {name: value for name, value in known.json().items() if name not in {"partner_id", "version"}}
    told = await put(supervisor, "/partners/harvest", body | said, **{"If-Match": known.headers["ETag"]})
    assert told.status_code == 200, told.text


@pytest.mark.capability("C4")
@pytest.mark.usefixtures("ada")
async def test_medical_transport_needs_a_certification_and_ordinary_none(supervisor: Worker, worker: Worker) -> None:
    """The physician's; a ride to an appointment names the appointment that can't be without it."""
    await is_partner(supervisor, kind="transport", needs=["transportation-insecurity"])
    await is_agreed(supervisor)
    await consents(worker, needs=["transportation-insecurity"])
    ride = {"need": "transportation-insecurity", "kind": "medical-transport"}
    refused = await refer(worker, **ride)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:vcc:problem:certification-needed")
    assert (await refer(worker, **ride, certification="PCS-7")).status_code == 201
    appointment = str(uuid4())
    ordinary = await refer(worker, **ride | {"kind": "transport"}, gates_appointment_id=appointment)
    assert (ordinary.status_code, ordinary.json()["gates_appointment_id"]) == (201, appointment)


@pytest.mark.capability("C5")
@pytest.mark.usefixtures("ada")
async def test_ihss_is_the_countys_and_cbas_is_authorized(supervisor: Worker, worker: Worker) -> None:
    """IHSS is applied for at a county's agency and nowhere else; CBAS goes to a centre, authorized by the plan."""
    await is_ready(supervisor, worker)
    assert (await refer(worker, kind="ihss")).json()["type"] == "urn:vcc:problem:not-the-county"
    await is_partner_again(supervisor, kind="county-agency")
    assert (await refer(worker, kind="ihss")).status_code == 201
    assert (await refer(worker, kind="cbas")).json()["type"] == "urn:vcc:problem:authorization-needed"
    assert (await refer(worker, kind="cbas", authorization="TAR-2")).status_code == 201


@pytest.mark.usefixtures("ada")
async def test_nobody_is_referred_to_a_prospective_or_ended_partner(supervisor: Worker, worker: Worker) -> None:
    """Whatever was signed with it."""
    await is_ready(supervisor, worker)
    for status in ("prospective", "ended"):
        await is_partner_again(supervisor, status=status)
        assert (await refer(worker)).json()["type"] == "urn:vcc:problem:partner-not-open"


@pytest.mark.usefixtures("ada")
async def test_an_overdue_answer_is_escalated_until_it_comes(
    outreach: Outreach, supervisor: Worker, worker: Worker
) -> None:
    """On the last day not yet, on the next once; the answer takes it off the list and has a deadline of its own."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    await outreach.hear(a_day(ANSWER_DAYS))
    assert (await escalated(outreach), await listed(worker)) == (0, [])
    await outreach.hear(a_day(ANSWER_DAYS + 1))
    assert (await escalated(outreach), await escalated(outreach)) == (1, 0)
    assert await listed(worker) == [referral_id]
    assert (await say(worker, referral_id, "accept")).status_code == 200
    assert await listed(worker) == []
    await outreach.hear(a_day(ANSWER_DAYS + OUTCOME_DAYS + 2))
    assert await escalated(outreach) == 1


async def escalated(outreach: Outreach) -> int:
    async with working(outreach.database.pool) as work:
        return await escalate(work, 10)


async def listed(worker: Worker) -> list[str]:
    """The referrals to which somebody has to see."""
    return [one["referral_id"] for one in (await worker.get("/referrals", escalated=True)).json()["referrals"]]


@pytest.mark.usefixtures("ada")
async def test_the_bundle_says_the_same_as_the_page(supervisor: Worker, worker: Worker, partner: Worker) -> None:
    """ServiceRequest, Task, Consent and Patient refer to each other, with Gravity's statuses; no token is in it."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    await say(partner, referral_id, "waitlist")
    answer = await partner.get(f"/partner-referrals/{referral_id}/fhir")
    assert answer.headers["content-type"] == "application/fhir+json"
    entries = answer.json()["entry"]
    by_kind = {one["resource"]["resourceType"]: one["resource"] for one in entries}
    urls = {one["resource"]["resourceType"]: one["fullUrl"] for one in entries}
    assert by_kind.keys() == {"ServiceRequest", "Task", "Consent", "Patient"}
    request, task, consent = by_kind["ServiceRequest"], by_kind["Task"], by_kind["Consent"]
    assert (request["status"], task["status"], consent["status"]) == ("on-hold", "on-hold", "active")
    assert request["category"][0]["coding"][0]["code"] == "food-insecurity"
    assert task["code"]["coding"][0]["code"] == "fulfill"
    assert task["focus"]["reference"] == urls["ServiceRequest"]
    assert {request["subject"]["reference"], task["for"]["reference"], consent["patient"]["reference"]} == {
        urls["Patient"]
    }
    assert by_kind["Patient"]["name"] == [{"family": "Sesame", "given": ["Ada"]}]
    assert by_kind["Patient"].keys() == {"resourceType", "name", "telecom", "communication"}
    made = (await worker.get(f"/referrals/{referral_id}")).json()
    assert made["enrolment_id"] not in answer.text
    assert made["case_id"] not in answer.text


@pytest.mark.usefixtures("ada")
async def test_each_look_at_a_member_is_in_the_trail(
    outreach: Outreach, supervisor: Worker, worker: Worker, partner: Worker
) -> None:
    """A partner's look too, with the enrolment and who looked; and a refused one as well."""
    await is_ready(supervisor, worker)
    referral_id = await referred(worker)
    await looks(partner, referral_id)
    query = "select count(*) as times from audit where principal = 'grace' and action = 'read' and $1 = any(subjects)"
    enrolment = (await worker.get(f"/referrals/{referral_id}")).json()["enrolment_id"]
    [seen] = await outreach.fetch(query, enrolment)
    assert seen["times"] == 2


@pytest.mark.usefixtures("ada")
async def test_each_step_is_told_on_the_bus(outreach: Outreach, supervisor: Worker, worker: Worker) -> None:
    """With status, day, deadline, kind, need and the appointment that waits for it; under the token by which the member
    stands by then, and without a name or a number of his."""
    await is_ready(supervisor, worker)
    appointment = str(uuid4())
    referral_id = await referred(worker, gates_appointment_id=appointment)
    await outreach.hear(a_day(ANSWER_DAYS + 1))
    assert await escalated(outreach) == 1
    await outreach.hear(
        a_fact("bob"), a_merge("ada", "bob", version=1), a_fact("ada", 2, member_token=member_token("bob"))
    )
    await say(worker, referral_id, "reject", "no-capacity")
    told = await outreach.announced("vcc.referral.changed.v1")
    assert [(one["version"], one["status"], one.get("due_on"), one["overdue"]) for one in told] == [
        (1, "requested", (DAY + timedelta(ANSWER_DAYS)).isoformat(), False),
        (2, "requested", (DAY + timedelta(ANSWER_DAYS)).isoformat(), True),
        (3, "rejected", None, False),
    ]  # fmt: skip
    assert [one["member_token"] for one in told] == [str(member_token(name)) for name in ("ada", "ada", "bob")]
    assert {(one["kind"], one["need"], one["gates_appointment_id"]) for one in told} == {
        ("social-service", "food-insecurity", appointment)
    }
    assert (told[2]["status_reason"], told[2]["partner_id"]) == ("no-capacity", "harvest")
    for name in ("Sesame", "Ada", "2135550101"):
        assert name not in str(told)


@pytest.mark.usefixtures("ada")
async def test_what_is_kept_apart_is_not_on_the_bus(outreach: Outreach, supervisor: Worker, worker: Worker) -> None:
    """Neither the need nor who helps with it; that there is a referral, and how far it is, all the same."""
    await is_ready(supervisor, worker, has_kept_apart=True)
    await consents(worker, is_written=True, needs=["substance-use"])
    await referred(worker, need="substance-use")
    [told] = await outreach.announced("vcc.referral.changed.v1")
    assert told["status"] == "requested"
    assert not {"need", "partner_id"} & told.keys()
    assert "substance" not in str(told)
