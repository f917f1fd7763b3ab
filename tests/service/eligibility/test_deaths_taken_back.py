"""Deaths that were told of two who were one: of whom each is, once they are two again."""

from datetime import date

import httpx
import pytest

from schemas.outreach_v1 import Channel, ContactAttemptLoggedV1, Disposition
from services.eligibility.decisions.flow import vital as vital_flow
from services.kit.ids import new_id
from services.kit.unit_of_work import working
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import WORDS
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.test_possibly_one import NEXT, both_listed, decide, pairs, tokens
from tests.service.eligibility.two_again import NOON, app, enrolment_of, joined, joins, take_back, visit, withdraw

pytestmark = pytest.mark.postgres
__all__ = ["app"]


async def called(office: Office, member_id: str, plan: str) -> None:
    """A worker hears that the member has died."""
    enrolment_id, token = await enrolment_of(office, member_id)
    event = ContactAttemptLoggedV1(
        occurred_at=NOON, attempt_id=new_id(), case_id=new_id(), tenant_id=plan, enrolment_id=enrolment_id,
        member_token=token, programme_id="connectors-65", channel=Channel.PHONE, disposition=Disposition.DECEASED,
        attempted_at=NOON, attempted_on=date(2021, 3, 1), worker_id="wanda",
    )  # fmt: skip
    async with working(office.database.pool) as work:
        await vital_flow.on_attempts(work, [event])


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_death_goes_with_its_plan(client: httpx.AsyncClient, office: Office, when: str) -> None:
    """What one plan tells of its member's death says nothing of the other's, once they are two."""
    dead = roster(Row("P9", action="001", died="20210227"), plan="PRAIRIE", day=NEXT)
    if when == "before":
        await both_listed(office)
        await office.read(dead)
        [pair] = await pairs(client)
        await decide(client, pair, "one-person")
    else:
        pair = await joined(client, office)
        await office.read(dead)
    assert "death-reported" in (await office.last_facts())["LS1"]["reasons"]
    await take_back(client, pair)
    facts = await office.last_facts()
    assert ("deceased" in facts["P9"]["reasons"], facts["LS1"]["reasons"]) == (True, [])


@pytest.mark.parametrize("by_site", [False, True])
async def test_a_death_heard_meanwhile_goes_with_the_enrolment(
    client: httpx.AsyncClient, office: Office, by_site: bool
) -> None:
    """What a worker or a site heard of the one plan's member must be checked of him alone; of the other it counts as
    weighed, so whoever paused her has his answer."""
    pair = await joined(client, office)
    await (visit(office, "P9", "prairie", dose=False) if by_site else called(office, "P9", "prairie"))
    assert all("death-reported" in fact["reasons"] for fact in (await office.last_facts()).values())
    await take_back(client, pair)
    facts = await office.last_facts()
    assert ("death-reported" in facts["P9"]["reasons"], facts["LS1"]["reasons"]) == (True, [])
    assert facts["LS1"]["death_reports_until"] is not None


async def decide_vital(client: httpx.AsyncClient, member_token: str, is_deceased: bool) -> None:
    """A person says for all plans whether the member whom this token names has died."""
    answer = await client.post(
        f"/members/{member_token}/vital-status",
        json={"is_deceased": is_deceased, "reason": "confirmed-by-family"},
        headers={"Idempotency-Key": "vital-status-12345678"},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("named", "dead"), [("LS1", {"P9"}), ("P9", {"LS1"})])
async def test_that_somebody_lives_is_of_whom_it_was_said(
    client: httpx.AsyncClient, office: Office, named: str, dead: set[str]
) -> None:
    """Both plans told of a death, and while both were one a person decided for all plans that the member whom a token
    names is alive: once they are two it holds of that one, and of the other his own plan's word holds again."""
    await both_listed(office)
    known = await tokens(office)
    [pair] = await pairs(client)
    await decide(client, pair, "one-person", "join")
    for number, plan in (("LS1", "LAKESHORE"), ("P9", "PRAIRIE")):
        await office.read(roster(Row(number, action="001", died="20210227"), plan=plan, day=NEXT))
    assert all("deceased" in fact["reasons"] for fact in (await office.last_facts()).values())
    await decide_vital(client, known[named], is_deceased=False)
    assert not any(WORDS & set(fact["reasons"]) for fact in (await office.last_facts()).values())
    await take_back(client, pair)
    facts = await office.last_facts()
    assert {number for number, fact in facts.items() if "deceased" in fact["reasons"]} == dead
    assert not any("death-reported" in fact["reasons"] for fact in facts.values())
    gone = await client.delete(f"/members/{known[named]}/vital-status", headers={"Idempotency-Key": "gone-12345678901"})
    assert gone.status_code == 200
    assert all("deceased" in fact["reasons"] for fact in (await office.last_facts()).values())


@pytest.mark.parametrize(("named", "other"), [("LS1", "P9"), ("P9", "LS1")])
async def test_a_death_that_was_decided_is_of_whom_it_was_said(
    client: httpx.AsyncClient, office: Office, named: str, other: str
) -> None:
    """Decided for all plans of the member whom a token names while both were one, it is that one's; of the other one
    somebody must check it."""
    await both_listed(office)
    known = await tokens(office)
    [pair] = await pairs(client)
    await decide(client, pair, "one-person", "join")
    await decide_vital(client, known[named], is_deceased=True)
    await take_back(client, pair)
    facts = await office.last_facts()
    assert [WORDS & set(facts[one]["reasons"]) for one in (named, other)] == [{"deceased"}, {"death-reported"}]


async def test_a_decision_of_before_that_was_withdrawn_meanwhile_is_its_owners(
    client: httpx.AsyncClient, office: Office
) -> None:
    """What a person had decided of the one before both were one, and took back while they were, by the other one's
    token: of him somebody must check whether he died, and of the other one it never was."""
    await both_listed(office)
    known = await tokens(office)
    await decide_vital(client, known["P9"], is_deceased=True)
    [pair] = await pairs(client)
    await decide(client, pair, "one-person", "join")
    gone = await client.delete(f"/members/{known['LS1']}/vital-status", headers={"Idempotency-Key": "gone-12345678901"})
    assert gone.status_code == 200
    await take_back(client, pair)
    decided = await office.fetch("select member_token::text, withdrawn_at is null as holds from vital_override")
    assert [tuple(one.values()) for one in decided] == [(known["P9"], False)]
    facts = await office.last_facts()
    assert [WORDS & set(facts[one]["reasons"]) for one in ("P9", "LS1")] == [{"death-reported"}, set()]


async def test_that_somebody_lives_is_checked_where_a_plan_lists_both(
    client: httpx.AsyncClient, office: Office
) -> None:
    """A plan's correction made its dead member one with another; a reinstatement since may be of either: once they are
    two, the death of the one of whom it had been told must be checked, and the other one never died."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2"), day=date(2021, 2, 26)))
    await office.read(roster(Row("LS1", family="Sesam", action="001", died="20210225"), day=date(2021, 2, 27)))
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesam", "Oma")), day=date(2021, 2, 28)))
    await office.read(roster(Row("LS2", action="025", reason="41")))
    assert not any(WORDS & set(fact["reasons"]) for fact in (await office.last_facts()).values())
    [join] = await joins(client)
    assert (await withdraw(client, join["join_id"])).status_code == 200
    facts = await office.last_facts()
    assert [WORDS & set(facts[one]["reasons"]) for one in ("LS1", "LS2")] == [{"death-reported"}, set()]
