"""Partners of a plan, groups that govern, and agreements."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.facts import a_day, a_fact
from tests.service.outreach.builders import Outreach, Worker, case_id, client_of
from tests.service.outreach.partnerships import AGREED, CONSENTED, HARVEST, consents, is_agreed, is_partner
from tests.service.outreach.test_wishes import post
from tests.service.outreach.test_workers import put


@pytest.fixture
async def supervisor(outreach: Outreach) -> AsyncIterator[Worker]:
    async with client_of(outreach.database) as client:
        yield Worker(client, "sue", role="supervisor")


@pytest.mark.capability("C11")
async def test_a_partner_is_described_and_read_again(supervisor: Worker) -> None:
    """Asks, offers, aim and cadence stand as they were said, with the ETag of the first version."""
    said = await put(supervisor, "/partners/harvest", HARVEST)
    assert (said.status_code, said.headers["ETag"]) == (200, '"1"'), said.text
    read = await supervisor.get("/partners/harvest")
    assert read.json() == said.json()
    contracts = [HARVEST["contracts"][0] | {"until_on": None}]
    assert read.json() == HARVEST | {
        "partner_id": "harvest", "version": 1, "confirmed_on": None, "contracts": contracts,
    }  # fmt: skip


async def test_a_change_needs_the_etag_of_what_stands(supervisor: Worker) -> None:
    """Of two who change one description the second is told so; without If-Match only a new partner is described."""
    await is_partner(supervisor)
    first = await put(supervisor, "/partners/harvest", HARVEST | {"aim": "more meals"}, **{"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"], first.json()["aim"]) == (200, '"2"', "more meals")
    for headers in ({"If-Match": '"1"'}, {}):
        late = await put(supervisor, "/partners/harvest", HARVEST, **headers)
        assert (late.status_code, late.json()["type"]) == (412, "urn:vcc:problem:partner-changed")


@pytest.mark.capability("C9")
async def test_partners_are_found_by_where_what_and_how_far(supervisor: Worker) -> None:
    """Each filter keeps those that fit, prospective ones apart from current and confirmed; confirming needs its day."""
    await is_partner(supervisor)
    await is_partner(supervisor, "readers", kind="early-literacy", status="prospective", needs=[], counties=["06037"])
    for query, found in (
        ({}, ["harvest", "readers"]),
        ({"county": "17031"}, ["harvest"]),
        ({"type": "early-literacy"}, ["readers"]),
        ({"need": "food-insecurity"}, ["harvest"]),
        ({"status": "prospective"}, ["readers"]),
        ({"county": "06037", "need": "food-insecurity"}, []),
    ):
        assert await listed(supervisor, **query) == found
    undated = await put(supervisor, "/partners/readers", HARVEST | {"status": "confirmed"}, **{"If-Match": '"1"'})
    assert undated.status_code == 422
    confirmed = {"status": "confirmed", "confirmed_on": "2021-03-01"}
    await put(supervisor, "/partners/harvest", HARVEST | confirmed, **{"If-Match": '"1"'})
    assert await listed(supervisor, status="confirmed") == ["harvest"]


async def test_pages_of_partners_go_on_where_the_last_one_ended(supervisor: Worker) -> None:
    """Each is listed once, and the last page says that it is the last."""
    for name in "abcde":
        await is_partner(supervisor, name)
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = (await supervisor.get("/partners", limit=2, **after)).json()
        seen += [one["partner_id"] for one in page["partners"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == list("abcde")


@pytest.mark.capability("C10")
@pytest.mark.parametrize("kind", ["school", "library", "child-welfare", "food", "early-literacy"])
async def test_partners_for_children_have_kinds_of_their_own(supervisor: Worker, kind: str) -> None:
    """They are described and found by their kind, which no other has."""
    await is_partner(supervisor, "theirs", kind=kind)
    await is_partner(supervisor, "other", kind="housing")
    assert await listed(supervisor, type=kind) == ["theirs"]
    unknown = await put(supervisor, "/partners/x", HARVEST | {"kind": "circus"})
    assert unknown.status_code == 422


@pytest.mark.capability("C7")
async def test_contracts_hold_by_county_and_day(outreach: Outreach, supervisor: Worker) -> None:
    """A plan lists who is contracted for a service in a county, on the contract's last day and not on the next."""
    contract = {"county": "17031", "services": ["ecm"], "from_on": "2021-02-01", "until_on": "2021-03-01"}
    await is_partner(supervisor, "north", kind="cb-cme", relation="delegated-entity", contracts=[contract])
    await is_partner(supervisor)
    assert await listed(supervisor, contracted_for="ecm") == ["north"]
    assert await listed(supervisor, contracted_for="ecm", county="17031") == ["north"]
    assert await listed(supervisor, contracted_for="ecm", county="06037") == []
    await outreach.hear(a_day(1))
    assert await listed(supervisor, contracted_for="ecm") == []


@pytest.mark.capability("C20")
async def test_a_group_has_a_backbone_and_decides(supervisor: Worker) -> None:
    """Its partners are described before; what its meetings decide stays, the latest first."""
    group = {"name": "South Side table", "county": "17031", "backbone": "harvest", "members": ["north"]}
    early = await put(supervisor, "/partner-groups/south", group)
    assert (early.status_code, early.json()["type"]) == (409, "urn:vcc:problem:unknown-partners")
    await is_partner(supervisor)
    await is_partner(supervisor, "north")
    assert (await put(supervisor, "/partner-groups/south", group)).status_code == 200
    for met_on, decided in (("2021-02-01", "one flyer"), ("2021-03-01", "a van")):
        told = await post(supervisor, "/partner-groups/south/decisions", {"met_on": met_on, "decided": decided})
        assert told.status_code == 201
    assert (await supervisor.get("/partner-groups", county="17031")).json()["groups"][0]["backbone"] == "harvest"
    decisions = (await supervisor.get("/partner-groups/south/decisions")).json()["decisions"]
    assert [one["decided"] for one in decisions] == ["a van", "one flyer"]


async def test_what_was_decided_with_a_partner_stays(supervisor: Worker) -> None:
    """It is kept by the partner, and by nobody else."""
    await is_partner(supervisor)
    await is_partner(supervisor, "north")
    said = {"met_on": "2021-03-01", "decided": "begin in May"}
    assert (await post(supervisor, "/partners/harvest/decisions", said)).status_code == 201
    assert (await supervisor.get("/partners/harvest/decisions")).json() == {"decisions": [said]}
    assert (await supervisor.get("/partners/north/decisions")).json() == {"decisions": []}


async def test_another_plan_sees_nothing_of_it(outreach: Outreach, supervisor: Worker, worker: Worker) -> None:
    """Neither partners nor agreements, groups or consents; the same code is another partner there."""
    await outreach.hear(a_fact("ada"))
    await is_partner(supervisor)
    await is_agreed(supervisor)
    consent_id = await consents(worker)
    supervisor.plan = worker.plan = "prairie"
    assert await listed(supervisor) == []
    assert (await supervisor.get("/agreements")).json()["agreements"] == []
    for path in ("/partners/harvest", "/agreements/harvest-2021", f"/cases/{case_id('ada')}/sharing-consents"):
        assert (await worker.get(path)).status_code == 404
    assert (await post(worker, f"/sharing-consents/{consent_id}/withdraw")).status_code == 404
    assert (await put(supervisor, "/agreements/harvest-2021", AGREED)).status_code == 404
    await is_partner(supervisor, aim="another")


async def test_what_was_signed_stands(outreach: Outreach, supervisor: Worker) -> None:
    """Before the signature an agreement may change; then it may only be ended, and is in force on its last day."""
    await is_partner(supervisor)
    draft = AGREED | {"signed_on": None, "document": None}
    await is_agreed(supervisor, **draft)
    signed = await put(supervisor, "/agreements/harvest-2021", AGREED, **{"If-Match": '"1"'})
    assert (signed.status_code, signed.json()["is_in_force"]) == (200, True)
    wider = await put(supervisor, "/agreements/harvest-2021", AGREED | {"fields": ["address"]}, **{"If-Match": '"2"'})
    assert (wider.status_code, wider.json()["type"]) == (409, "urn:vcc:problem:agreement-signed")
    ended = await put(
        supervisor, "/agreements/harvest-2021", AGREED | {"ended_on": "2021-03-01"}, **{"If-Match": '"2"'}
    )
    assert (ended.status_code, ended.json()["is_in_force"]) == (200, True)
    await outreach.hear(a_day(1))
    assert (await supervisor.get("/agreements/harvest-2021")).json()["is_in_force"] is False


async def test_a_coordinator_signs_nothing(worker: Worker, supervisor: Worker) -> None:
    """He reads partners and agreements; describing and signing is for those who answer for the plan."""
    await is_partner(supervisor)
    assert (await put(worker, "/partners/harvest", HARVEST)).status_code == 403
    assert (await put(worker, "/agreements/harvest-2021", AGREED)).status_code == 403
    assert (await worker.get("/partners")).status_code == 200


async def test_a_consent_stays_on_record(outreach: Outreach, supervisor: Worker, worker: Worker) -> None:
    """Withdrawn it shows since when; one of tomorrow, or to an organisation that nobody described, is none."""
    await outreach.hear(a_fact("ada"))
    await is_partner(supervisor)
    path = f"/cases/{case_id('ada')}/sharing-consents"
    assert (await post(worker, path, CONSENTED | {"given_on": "2021-03-02"})).status_code == 422
    assert (await post(worker, path, CONSENTED | {"partner_id": "nobody"})).status_code == 404
    consent_id = await consents(worker)
    assert (await post(worker, f"/sharing-consents/{consent_id}/withdraw")).status_code == 204
    await outreach.hear(a_day(1))
    assert (await post(worker, f"/sharing-consents/{consent_id}/withdraw")).status_code == 204
    [kept] = (await worker.get(path)).json()["consents"]
    assert (kept["needs"], kept["given_on"], kept["withdrawn_on"]) == (["food-insecurity"], "2021-03-01", "2021-03-01")


async def listed(who: Worker, **query: Any) -> list[str]:
    """The codes of the partners that are found."""
    answer = await who.get("/partners", **query)
    assert answer.status_code == 200, answer.text
    return [one["partner_id"] for one in answer.json()["partners"]]
