"""Who is declared dead, of whom it must be checked, and how it is undone: by rosters, registries, workers, sites and
persons, on real rows."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from schemas.outreach_v1 import Channel, ContactAttemptLoggedV1, ContactAttemptRetractedV1, Disposition
from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus
from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.api import vital as vital_api
from services.eligibility.decisions.flow import appointments
from services.eligibility.decisions.flow import vital as vital_flow
from services.kit.ids import derived_id
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
CASES = Path(__file__).parents[2] / "data" / "cases"
DIED = replace(Row("LS1"), action="024", reason="03", end="20210301")
BACK = replace(Row("LS1"), action="025", reason="41")
TOLD_AT = datetime(2021, 3, 1, 20, tzinfo=UTC)
DEAD, LIVES, WITHDRAWN = "dead", "lives", "withdrawn"
WORDS = frozenset({"deceased", "death-reported"})


def on(day: int) -> date:
    return date(2021, 3, day)


async def said(office: Office, member: str = "LS1") -> str:
    """What the last fact says of the member's death."""
    fact = (await office.last_facts())[member]
    assert (fact["status"] == "ineligible") is bool(fact["reasons"])
    return " ".join(sorted(WORDS & set(fact["reasons"])))


async def until(office: Office, member: str = "LS1") -> datetime | None:
    text = (await office.last_facts())[member].get("death_reports_until")
    return datetime.fromisoformat(text) if text else None


def message(pid29: str = "", pid30: str = "", status: str = "", sent: str = "20210301060000", **pd1: str) -> str:
    """A message about the patient alone; `p11` to `p18` are fields of PD1."""
    fields = [pd1.get(f"p{number}", status if number == 16 else "") for number in range(1, 19)]
    pid = "PID|1||C-1^^^CAIR^SR||Sesame^Oma^^^^^L||19400501|F|||123 Sesame St^^Los Angeles^CA^90011^USA^H"
    head = f"MSH|^~\\&|REG|CAIR|VCC|VCC|{sent}+0000||VXU^V04^VXU_V04|M-{sent}-{pid29}{pid30}{status}{pd1}|P|2.5.1"
    return "\r".join((head, f"{pid}{'|' * 18}{pid29}|{pid30}", "PD1|" + "|".join(fields))) + "\r"


async def hear(office: Office, *events: Any) -> None:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        work = UnitOfWork(connection)
        if isinstance(events[0], AppointmentChangedV1):
            await appointments.on_appointments(work, events)
        else:
            await vital_flow.on_attempts(work, events)


async def ids(office: Office, member: str = "LS1") -> dict[str, Any]:
    query = "select enrolment_id, token as member_token, tenant_id from enrolment where member_id = $1"
    [row] = await office.fetch(query, member)
    return row | {"programme_id": "il-connectors"}


async def an_attempt(
    office: Office, name: str = "a", disposition: Disposition = Disposition.DECEASED, at: datetime = TOLD_AT
) -> ContactAttemptLoggedV1:
    return ContactAttemptLoggedV1(
        **await ids(office), occurred_at=at, attempt_id=derived_id("attempt", name), case_id=derived_id("case"),
        channel=Channel.PHONE, disposition=disposition, attempted_at=at, attempted_on=at.date(), worker_id="grover",
    )  # fmt: skip


async def a_retraction(office: Office, name: str = "a") -> ContactAttemptRetractedV1:
    return ContactAttemptRetractedV1(
        **await ids(office), occurred_at=TOLD_AT + timedelta(hours=1), attempt_id=derived_id("attempt", name),
        case_id=derived_id("case"), worker_id="grover", reason="entered-in-error", retracted_on=on(1),
    )  # fmt: skip


async def a_visit(office: Office, version: int, status: AppointmentStatus, **more: Any) -> AppointmentChangedV1:
    at = TOLD_AT + timedelta(minutes=version)
    return AppointmentChangedV1(
        **await ids(office), occurred_at=at, appointment_id=derived_id("visit"), version=version, status=status,
        site_id="hooper-hall", start_at=at, start_on=at.date(), changed_on=at.date(), **more,
    )  # fmt: skip


# -- rosters


async def test_a_plan_takes_a_death_back(office: Office) -> None:
    """Terminated for death, then reinstated by a later file: he is no longer dead, and covered again [s11a-c]."""
    for name, expected in (("s11a", ""), ("s11b", "deceased"), ("s11c", "")):
        await office.read((CASES / f"{name}.834").read_bytes())
        assert await said(office, "K1") == expected, name


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_order_of_a_plans_files_decides_no_death(office: Office, order: tuple[int, ...]) -> None:
    """Death on the 2nd, reinstated on the 3rd: whatever file comes first, he lives."""
    files = [roster(Row("LS1")), roster(DIED, day=on(2)), roster(BACK, day=on(3))]
    for number in order:
        await office.read(files[number])
    assert await said(office) == ""


@pytest.mark.parametrize(
    ("row", "full", "expected"),
    [
        (replace(Row("LS1"), action="001", reason="25"), False, "deceased"),
        (replace(Row("LS1"), action="030", reason="XN"), True, "deceased"),
        (Row("LS1"), True, "deceased"),
        (Row("LS1"), False, ""),
        (BACK, False, ""),
        (replace(BACK, end="20210302"), False, "deceased"),
        (replace(Row("LS1"), action="024", reason="14", end="20210301"), False, "deceased"),
    ],
)
async def test_only_going_coverage_speaks_of_life(office: Office, row: Row, full: bool, expected: str) -> None:
    """A later row without a death takes none back, unless it reinstates, or adds in a file of changes, what goes on."""
    plan = "PRAIRIE" if full else "LAKESHORE"
    await office.read(roster(Row("LS1"), plan=plan))
    await office.read(roster(DIED, plan=plan, day=on(2)))
    await office.read(roster(row, plan=plan, full=full, day=on(3)))
    assert await said(office) == expected


async def test_a_repeated_death_is_unchanged(office: Office) -> None:
    """The plan's next file that says the same is no news, and brings no fact."""
    await office.read(roster(replace(DIED, died="20210301")))
    before = len(await office.events("member-eligibility"))
    file = await office.read(roster(replace(DIED, died="20210301"), day=on(5)))
    assert (file.rows_unchanged, len(await office.events("member-eligibility"))) == (1, before)


async def test_one_plans_death_is_another_plans_report(office: Office) -> None:
    """Lakeshore declares its own member dead; of the same person Prairie's enrolment must be checked; a registry
    settles it for both."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await office.read(roster(DIED, day=on(2)))
    assert (await said(office), await said(office, "PR1")) == ("deceased", "death-reported")
    assert [len(await office.fetch("select from person where merged_into is null"))] == [1]
    await office.read(vxu(Shot("E-1", completion="RE")))
    assert (await said(office), await said(office, "PR1")) == ("deceased", "death-reported")
    await office.read(message("20210301", "Y"))
    assert (await said(office), await said(office, "PR1")) == ("deceased", "deceased")
    await office.read(message("", "N", sent="20210304060000"))
    await office.read(roster(BACK, day=on(5)))
    assert (await said(office), await said(office, "PR1")) == ("", "")


async def test_the_dead_stay_dead_when_two_prove_to_be_one(office: Office) -> None:
    """What was said of either token is said of the survivor, and its source can still take it back."""
    await office.read(roster(Row("LS1", given="Omi"), Row("LS2")))
    await office.read(roster(replace(DIED, member_id="LS2"), day=on(2)))
    await hear(office, (await an_attempt(office)).model_copy(update=await ids(office, "LS1")))
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesame", "Omi")), day=on(3)))
    assert len(await office.fetch("select from person where merged_into is null")) == 1
    [(member, fact)] = (await office.last_facts()).items()
    assert "deceased" in fact["reasons"]
    assert fact["death_reports_until"]
    await office.read(roster(replace(BACK, member_id=member), day=on(4)))
    assert await said(office, member) == "death-reported"
    assert await office.fetch("select from vital_statement left join person using (token) where person is null") == []


# -- registries


async def test_a_registry_declares_a_death(office: Office) -> None:
    """PID-29 and PID-30 count, for the member who is found by name, birth date and ZIP [s17b, s17c]."""
    await office.read((CASES / "s17b.834").read_bytes())
    await office.read((CASES / "s17c.hl7").read_bytes())
    assert (await said(office, "LE1"), await said(office, "LE2")) == ("deceased", "")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (message("20210220", "Y"), "deceased"),
        (message("20210220", ""), "deceased"),
        (message("", "Y"), "deceased"),
        (message("2021", ""), "deceased"),
        (message("20210230", "Y"), "deceased"),
        (message("20210230", ""), "death-reported"),
        (message("19300101", ""), "death-reported"),
        (message("20210220", "N"), "death-reported"),
        (message("20210401", "Y"), "death-reported"),
        (message("", "N"), ""),
        (message("", ""), ""),
        (message(status="P"), "death-reported"),
        (message("", "N", status="P"), "death-reported"),
        (message("20210220", "Y", status="P"), "deceased"),
        *((message(status=status), "") for status in "AILMU"),
    ],
)
async def test_what_a_registry_says_of_a_death(office: Office, told: str, expected: str) -> None:
    """An indicator or a day declares it; what contradicts itself or lies ahead, and PD1-16 = P, must be checked."""
    await office.read(roster(Row("LS1")))
    file = await office.read(told)
    assert (file.rows_accepted, file.rows_rejected) == (1, 0)
    assert await said(office) == expected
    assert (await office.last_facts())["LS1"]["contact_protected"] is False


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (message("20210220", "Y"), message("", "N", sent="20210302060000"), ""),
        (message("", "N", sent="20210302060000"), message("20210220", "Y"), ""),
        (message("20210220", "Y"), message("", "", sent="20210302060000"), "deceased"),
        (message("20210220", "Y"), message('""', '""', sent="20210302060000"), ""),
        (message(status="P"), message(status="A", sent="20210302060000"), ""),
        (message(status="A", sent="20210302060000"), message(status="P"), ""),
        (message(status="P"), message(sent="20210302060000"), "death-reported"),
        (message("", "Y"), message(status="A", sent="20210302060000"), "deceased"),
    ],
)
async def test_a_registry_takes_a_death_back(office: Office, first: str, then: str, expected: str) -> None:
    """By the instants of its messages, whichever is read first; blank takes nothing back."""
    await office.read(roster(Row("LS1")))
    await office.read(first)
    await office.read(then)
    assert await said(office) == expected


async def test_a_death_waits_for_its_member(office: Office) -> None:
    """Messages about somebody whom no roster names yet are heard when one does: each of them, by its own date."""
    for told in (message("", "N", sent="20210303060000"), message("20210220", "Y"), message(p12="Y")):
        assert (await office.read(told)).rows_accepted == 1
    await office.read(roster(Row("LS1")))
    assert await said(office) == ""
    assert (await office.last_facts())["LS1"]["contact_protected"] is True
    await office.read(message("20210220", "Y", sent="20210304060000"))
    assert await said(office) == "deceased"


async def test_a_plans_sender_declares_its_own_members_only(office: Office) -> None:
    """A message from a token that is bound to one plan declares, protects and bars for no other plan's member."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await office.read(message("", "N", p12="N", sent="20210302060000"))
    await office.read(message("20210220", "Y", sent="20210303060000", p12="Y", p11="01"), tenant="prairie")
    assert (await said(office), await said(office, "PR1")) == ("death-reported", "deceased")
    facts = await office.last_facts()
    assert [facts[one]["contact_protected"] for one in ("LS1", "PR1")] == [False, True]
    assert [len(facts[one]["channels_barred"]) for one in ("LS1", "PR1")] == [0, 5]


async def test_a_plans_sender_takes_no_registrys_word_back(office: Office) -> None:
    """Whatever name it writes into MSH-4: the registry's death and protection stand."""
    await office.read(roster(Row("LS1")))
    await office.read(message("20210220", "Y", p12="Y"))
    await office.read(message("", "N", p12="N", sent="20210303060000"), tenant="lakeshore")
    assert (await said(office), (await office.last_facts())["LS1"]["contact_protected"]) == ("deceased", True)


# -- protection and publicity


@pytest.mark.parametrize("name", ["s18qa", "s18qb"])
async def test_an_inactive_record_silences_nobody(office: Office, name: str) -> None:
    """A registry that has lost a patient (PD1-16 = I) bars no plan from its own member [s18q]."""
    await office.read((CASES / "s18q.834").read_bytes())
    await office.read((CASES / f"{name}.hl7").read_bytes())
    assert (await office.last_facts())["LQ1"]["contact_protected"] is False


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_newest_protection_holds_whatever_comes_last(office: Office, order: tuple[int, ...]) -> None:
    """Protected on the 1st, shared on the 2nd, and nothing said on the 3rd, in any order."""
    told = [message(p12="Y"), message(p12="N", p13="20210302", sent="20210302060000"), message(sent="20210303060000")]
    await office.read(roster(Row("LS1")))
    for number in order:
        await office.read(told[number])
    assert (await office.last_facts())["LS1"]["contact_protected"] is False


async def test_another_registry_lifts_no_protection(office: Office) -> None:
    """Each registry takes back its own word only."""
    await office.read(roster(Row("LS1")))
    await office.read(message(p12="Y"))
    await office.read(message(p12="N", sent="20210302060000").replace("|REG|CAIR|", "|REG|I-CARE|"))
    assert (await office.last_facts())["LS1"]["contact_protected"] is True
    await office.read(message(p12="N", sent="20210303060000"))
    assert (await office.last_facts())["LS1"]["contact_protected"] is False


async def test_publicity_is_told_and_taken_back(office: Office) -> None:
    """PD1-11 bars its channels in the fact; the newest by PD1-18 or the message holds; who is barred is eligible."""
    await office.read(roster(Row("LS1")))
    bars = []
    for told in (message(p11="03"), message(p11="01", p18="20210305", sent="20210302060000"),
                 message(p11="02", sent="20210303060000"), message(p11="02", sent="20210306060000")):  # fmt: skip
        await office.read(told)
        fact = (await office.last_facts())["LS1"]
        bars.append(" ".join(fact["channels_barred"]))
        assert fact["status"] == "eligible"
    assert bars == ["phone", "phone text letter email visit", "phone text letter email visit", ""]


# -- workers and sites


async def test_a_workers_word_must_be_checked(office: Office) -> None:
    """It declares nobody dead; retracted, the member is eligible again, and the report's instant stays told."""
    await office.read(roster(Row("LS1")))
    await hear(office, await an_attempt(office, "n", Disposition.NO_ANSWER))
    assert (await said(office), await until(office)) == ("", None)
    await hear(office, await an_attempt(office))
    assert (await said(office), await until(office)) == ("death-reported", TOLD_AT)
    assert (await office.last_facts())["LS1"]["enrolled"] is True
    await hear(office, await an_attempt(office, "b", at=TOLD_AT + timedelta(days=1)), await a_retraction(office))
    assert (await said(office), await until(office)) == ("death-reported", TOLD_AT + timedelta(days=1))
    await hear(office, await a_retraction(office, "b"))
    assert (await said(office), await until(office)) == ("", TOLD_AT + timedelta(days=1))
    await hear(office, await an_attempt(office))
    assert await said(office) == ""


async def test_a_site_that_cancels_for_death_reports_it(office: Office) -> None:
    """By a person's hand only; another version of the appointment takes it back; an old version changes nothing."""
    await office.read(roster(Row("LS1")))
    cancelled, booked = AppointmentStatus.CANCELLED, AppointmentStatus.BOOKED
    await hear(office, await a_visit(office, 2, cancelled, cancellation_reason="pat-dec", by_rule=True))
    assert (await said(office), await until(office)) == ("", None)
    await hear(office, await a_visit(office, 3, cancelled, cancellation_reason="pat-dec"))
    assert (await said(office), await until(office)) == ("death-reported", TOLD_AT + timedelta(minutes=3))
    await hear(office, await a_visit(office, 1, booked))
    assert await said(office) == "death-reported"
    await hear(office, await a_visit(office, 4, booked))
    assert (await said(office), await until(office)) == ("", TOLD_AT + timedelta(minutes=3))


async def test_a_source_decides_about_a_report(office: Office) -> None:
    """A registry that says so declares the reported death; one that says the usual N takes no worker's word back."""
    await office.read(roster(Row("LS1")))
    await hear(office, await an_attempt(office))
    await office.read(message("", "N", sent="20210302060000"))
    assert await said(office) == "death-reported"
    await office.read(message("20210301", "Y", sent="20210303060000"))
    assert (await said(office), await until(office)) == ("deceased", TOLD_AT)


# -- persons


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, members_api.routes, vital_api.routes)


async def decide(
    client: httpx.AsyncClient, office: Office, key: str, verdict: str, member: str = "LS1", **more: Any
) -> httpx.Response:
    """A decision, or the newest one withdrawn."""
    path, headers = f"/members/{(await ids(office, member))['member_token']}/vital-status", {"Idempotency-Key": key * 8}
    if verdict == WITHDRAWN:
        return await client.request("DELETE", path, headers=headers)
    body = {"is_deceased": verdict == DEAD, "reason": "confirmed-by-family", **more}
    return await client.post(path, json=body, headers=headers)


async def test_a_person_undoes_a_death_and_the_undoing(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Declared by the plan, set aside by its supervisor, then again by withdrawing; a repeated key changes nothing; the
    roster that repeats the death does not revive it, one that tells it anew does."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(DIED))
    acting(app, "supervisor", "lakeshore")
    answer = await decide(client, office, "1", LIVES)
    assert (answer.status_code, answer.json()["decides_for"]) == (200, "lakeshore")
    assert "deceased" not in answer.json()["answers"][0]["reasons"]
    assert await said(office) == ""
    await office.read(roster(DIED, day=on(4)))
    assert await said(office) == ""
    assert (await decide(client, office, "2", WITHDRAWN)).status_code == 200
    assert await said(office) == "deceased"
    assert (await decide(client, office, "1", LIVES)).headers["Idempotency-Replayed"] == "true"
    assert await said(office) == "deceased"
    assert (await decide(client, office, "3", WITHDRAWN)).json()["type"].endswith("vital-status-undecided")
    await decide(client, office, "4", LIVES)
    await office.read(roster(replace(DIED, died="20210305"), day=on(6)))
    assert await said(office) == "deceased"


async def test_a_decision_reaches_whom_it_may(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A plan's supervisor decides for its members, and other plans must check; an operator of all decides for all; a
    stranger, a coordinator and a future death are refused."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    acting(app, "coordinator", "lakeshore")
    assert (await decide(client, office, "0", DEAD)).status_code == 403
    acting(app, "supervisor", "meadow")
    assert (await decide(client, office, "1", DEAD)).status_code == 404
    acting(app, "supervisor", "lakeshore")
    assert (await decide(client, office, "2", DEAD, deceased_on="2021-03-02")).status_code == 422
    assert (await decide(client, office, "3", DEAD, deceased_on="1940-04-30")).status_code == 422
    assert (await decide(client, office, "4", DEAD, deceased_on="2021-03-01")).status_code == 200
    assert (await said(office), await said(office, "PR1")) == ("deceased", "death-reported")
    acting(app, "operator")
    assert (await decide(client, office, "5", LIVES, "PR1")).status_code == 200
    assert (await said(office), await said(office, "PR1")) == ("", "")
    assert (await decide(client, office, "6", DEAD)).status_code == 200
    assert (await said(office), await said(office, "PR1")) == ("deceased", "deceased")
    kept = await office.fetch("select tenant_id, is_deceased from vital_override order by decided_at")
    assert [(one["tenant_id"], one["is_deceased"]) for one in kept] == [("lakeshore", True), ("*", False), ("*", True)]
    audited = await office.fetch("select kind from audit where kind = 'vital-status' and principal = 'grover'")
    assert len(audited) == 6


async def test_whom_somebody_must_check(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """Each plan sees its own members, with its own workers' and registries' words; of another plan's it learns that
    there is one. The look is audited; who was decided about is off the list."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Opa", born="19390501")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await hear(office, await an_attempt(office))
    acting(app, "supervisor", "lakeshore")
    [mine] = (await client.get("/death-reports")).json()["reports"]
    assert (mine["member_id"], [one["by"] for one in mine["said"]]) == ("LS1", ["worker"])
    acting(app, "supervisor", "prairie")
    [theirs] = (await client.get("/death-reports")).json()["reports"]
    assert (theirs["member_id"], theirs["said"]) == (
        "PR1", [{"by": "another-plan", "said_at": None, "deceased_on": None}]
    )  # fmt: skip
    acting(app, "operator")
    page = (await client.get("/death-reports", params={"limit": 1})).json()
    assert ({one["member_id"] for one in page["reports"]}, page["next_after"]) == (
        {"LS1", "PR1"}, mine["member_token"]
    )  # fmt: skip
    after = await client.get("/death-reports", params={"after": page["next_after"]})
    assert after.json() == {"reports": [], "next_after": None}
    await decide(client, office, "1", LIVES)
    assert (await client.get("/death-reports")).json()["reports"] == []
    looks = await office.fetch("select tenant_id from audit where kind = 'death-report' and subject_count = 1")
    assert [one["tenant_id"] for one in looks] == ["lakeshore", "prairie", "*"]
    assert await until(office) == TOLD_AT


async def test_a_mark_from_before_is_each_plans_word(office: Office) -> None:
    """What code of before this sets on a person counts as the word of every plan that has him, and is taken back by
    it."""
    await office.read(roster(Row("LS1")))
    await office.fetch("update person set is_deceased = true, death_on = '2021-02-01'")
    await office.read(roster(Row("LS1", zip5="90012")))
    assert await said(office) == "deceased"
    await office.read(roster(BACK, day=date(2099, 3, 5)))
    assert await said(office) == ""
