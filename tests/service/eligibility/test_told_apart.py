"""What a person's decision on a doubtful row may do, and what it may not: who was told apart stays apart, nobody is
changed who was not shown, nothing that was said since is undone, and nothing that waits is lost."""

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.intake.api import doubtful_rows as doubtful_api
from services.eligibility.intake.api import files as files_api
from services.eligibility.people.store import doubtful as doubtful_store
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.cases import DAY, an_834, enrolled, member
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.test_doubtful_rows import (
    CHANGED,
    DORA,
    ENDED,
    PLAN,
    SAME_NAME,
    THEA,
    decide,
    people,
    waiting,
)
from tests.service.eligibility.test_several_transactions import LATER, MONDAY, TUESDAY, prairie

pytestmark = pytest.mark.postgres
TEN = tuple(Row(f"P{n}", given=f"Bert{'x' * (n + 1)}") for n in range(10))
DORA_CHANGE = member("M1", "FIX*DORA", "19500101", ins=CHANGED, zip5="60605")
THEA_M2 = member("M2", "ROE*THEA", "19620202", zip5="60609")


@pytest.fixture
def app(office: Office) -> FastAPI:
    app = door(office.database, files_api.routes, doubtful_api.routes)
    acting(app, "supervisor", PLAN)
    return app


async def numbers(office: Office) -> dict[str, str]:
    found = await office.fetch("select given, member_id from enrolment where not is_retired")
    return {one["given"]: one["member_id"] for one in found}


async def retired(office: Office) -> int:
    return len(await office.fetch("select from person where merged_into is not null"))


def odd(one: Row) -> str:
    """A row as text, so that its number may be somebody else's."""
    return "~".join(one.segments())


NOT_P1 = odd(Row("P1", family="Roe", given="Thea", born="19620202", action="001", reason="25"))

# -- who is told apart


@pytest.mark.parametrize("ins", [CHANGED, "Y*18*030*XN", ENDED])
async def test_who_was_told_apart_stays_apart(client: httpx.AsyncClient, office: Office, ins: str) -> None:
    """Another person of the same name was added under her number: her own next row, letter for letter, is hers, and
    merges nobody."""
    await office.read(an_834(DORA))
    await office.read(an_834(SAME_NAME, control=2, day="20250602"))
    [one] = await waiting(client)
    assert (await decide(client, one, "another-person")).status_code == 200
    end = "20250630" if ins == ENDED else ""
    await office.read(an_834(member("M1", "FIX*DORA", "19500101", ins=ins, end=end), control=3, day="20250605"))
    assert await retired(office) == 0
    assert [born for _, _, born in await people(office)] == ["1950-01-01", "1971-09-09"]
    assert len(await office.fetch("select from enrolment where member_id = 'M1'")) == 1


async def test_even_a_correction_merges_nobody_who_was_told_apart(client: httpx.AsyncClient, office: Office) -> None:
    """The sender names the one as the former record of the other; a person has said that they are two."""
    await office.read(an_834(DORA))
    await office.read(an_834(SAME_NAME, control=2, day="20250602"))
    [one] = await waiting(client)
    await decide(client, one, "another-person")
    assert len(await office.fetch("select from person_apart")) == 1
    merging = member("M1", "FIX*DORA", "19710909", ins=CHANGED, was="FIX*DORA*19500101")
    await office.read(an_834(merging, control=3, day="20250605"))
    assert await retired(office) == 0


async def test_nobody_is_made_only_to_be_merged(client: httpx.AsyncClient, office: Office) -> None:
    """A row that agrees exactly with two who were told apart waits with both; no token is made that is retired in the
    same breath, and no merge is announced of somebody of whom nobody has ever heard."""
    await office.read(an_834(DORA, THEA_M2))
    await office.read(an_834(THEA, control=2, day="20250602"))
    [one] = await waiting(client)
    assert len(one["may_be"]) == 2
    assert (await decide(client, one, "another-person")).status_code == 200
    await office.read(an_834(member("M9", "ROE*THEA", "19620202", zip5="60609"), control=3, day="20250605"))
    [one] = await waiting(client)
    assert (one["code"], len(one["may_be"])) == ("agrees-with-another", 2)
    assert not any("retired_token" in event for event in await office.events("member-eligibility"))
    assert await retired(office) == 0
    assert await office.fetch("select from person where member_token not in (select member_token from enrolment)") == []
    assert sorted(number for number, name, _ in await people(office) if name == "THEA ROE") == ["M1", "M2"]


async def test_a_merge_takes_along_who_is_apart(client: httpx.AsyncClient, office: Office) -> None:
    """Whoever was told apart from a record that is merged away is apart from the person that it was merged into."""
    await office.read(an_834(member("M0", "OLD*DORA", "19400404"), DORA))
    await office.read(an_834(SAME_NAME, control=2, day="20250602"))
    [one] = await waiting(client)
    await decide(client, one, "another-person")
    merged = member("M9", "FIX*DORA", "19500101", ins=CHANGED, prior="M0", was="OLD*DORA*19400404")
    await office.read(an_834(merged, control=3, day="20250603"))
    assert await retired(office) == 1
    pairs = await office.fetch("select member_token, other from person_apart")
    live = {
        row["member_token"] for row in await office.fetch("select member_token from person where merged_into is null")
    }
    assert [{row["member_token"], row["other"]} for row in pairs] == [live]


async def test_senior_and_junior_are_two(office: Office) -> None:
    """The father's row without its suffix is his by his birth date, although the son has the number by now."""
    await office.read(an_834(member("M1", "FIX*JOHN", "19500101", sex="M", suffix="SR")))
    son = member("M1", "FIX*JOHN", "19800101", sex="M", suffix="JR")
    await office.read(an_834(son, control=2, day="20250602"))
    father = member("M1", "FIX*JOHN", "19500101", sex="M", ins=CHANGED)
    await office.read(an_834(father, control=3, day="20250603"))
    assert await retired(office) == 0
    assert [(number, born) for number, _, born in await people(office)] == [("", "1950-01-01"), ("M1", "1980-01-01")]


async def test_a_number_has_one_holder(client: httpx.AsyncClient, office: Office) -> None:
    """Who lost the number by a decision does not share it after a mere change."""
    await office.read(an_834(DORA))
    await office.read(an_834(member("M1", "ROE*DORA", "19850505"), control=2, day="20250602"))
    [one] = await waiting(client)
    await decide(client, one, "another-person")
    change = member("M1", "FIX*DORA", "19500101", ins=CHANGED, zip5="60622")
    await office.read(an_834(change, control=3, day="20250603"))
    assert [number for number, *_ in await people(office)] == ["", "M1"]


# -- nothing that waits is lost


async def test_all_that_one_says_is_decided_together(client: httpx.AsyncClient, office: Office) -> None:
    """Two loops of one person in one file, medical and dental: one decision gives both."""
    await office.open_day(DAY)
    await office.read(an_834(DORA))
    dental = THEA.replace("HD*001**HLT", "HD*001**DEN")
    await office.read(an_834(THEA, dental, control=2, day="20250602"))
    one, two = await waiting(client)
    assert (await decide(client, one, "another-person")).status_code == 200
    assert await waiting(client) == []
    assert (await decide(client, two, "another-person", name="two")).status_code == 200  # it is no other decision
    assert (await enrolled(office))["THEA"]
    [row] = await office.fetch("select spans from enrolment where given = 'THEA'")
    assert {span[4] for span in row["spans"]} == {"medical", "dental"}


async def test_an_end_waits_beside_a_newer_address(client: httpx.AsyncClient, office: Office) -> None:
    """Rows of one person that say different things take effect in their order: the end is there, and the address."""
    await office.read(an_834(DORA))
    end = member("M1", "ROE*THEA", "19620202", ins=ENDED, end="20250531")
    await office.read(an_834(end, control=2, day="20250602"))
    address = member("M1", "ROE*THEA", "19620202", ins=CHANGED, zip5="60611").partition("~HD*")[0]
    await office.read(an_834(address, control=3, day="20250603"))
    newer = (await waiting(client))[1]
    assert (await decide(client, newer, "same-person", newer["may_be"][0])).status_code == 200
    [row] = await office.fetch("select spans->0->>2 as ended, zip5 from enrolment")
    assert (row["ended"], row["zip5"]) == ("2025-05-31", "60611")


@pytest.mark.parametrize(
    "doubtful", [member("M1", "FIX*DORRA", "19710909", ins=ENDED, end="20250531"), SAME_NAME], ids=["end", "namesake"]
)
async def test_an_unrelated_row_of_the_holder_settles_nothing(
    client: httpx.AsyncClient, office: Office, doubtful: str
) -> None:
    """Her own change of address says nothing of an end, nor of somebody else who was added under her number."""
    await office.read(an_834(DORA))
    await office.read(an_834(doubtful, control=2, day="20250602"))
    await office.read(an_834(DORA_CHANGE, control=3, day="20250603"))
    assert len(await waiting(client)) == 1


# -- what was said since stands


async def test_a_number_confirmed_since_stays(client: httpx.AsyncClient, office: Office) -> None:
    """The holder was told of under the number after the row: the other person comes without it."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2, day="20250602"))
    await office.read(an_834(DORA_CHANGE, control=3, day="20250604"))
    [one] = await waiting(client)
    await decide(client, one, "another-person")
    assert await numbers(office) == {"DORA": "M1", "THEA": ""}


async def test_the_same_person_takes_no_number_that_passed_on_since(client: httpx.AsyncClient, office: Office) -> None:
    """The number was given to somebody new after the row: she keeps it."""
    await office.read(an_834(DORA))
    await office.read(an_834(SAME_NAME, control=2, day="20250602"))
    await office.read(an_834(member("M1", "ZED*ZOE", "19800303"), control=3, day="20250603"))
    [one] = await waiting(client)
    await decide(client, one, "same-person", one["may_be"][0])
    assert await numbers(office) == {"DORA": "", "ZOE": "M1"}


async def test_who_comes_late_is_asked_of_the_lists_since(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> None:
    """A full list that is newer than the row did not have the new person: she is not covered, and has no number."""
    acting(app, "operator")
    await office.read(prairie(*TEN, day=MONDAY))
    await office.read(roster(NOT_P1, plan="PRAIRIE", day=TUESDAY))
    await office.read(prairie(*TEN, day=LATER))
    [one] = await waiting(client)
    assert (await decide(client, one, "another-person")).status_code == 200
    assert (await enrolled(office))["THEA"] is False
    assert (await numbers(office))["THEA"] == ""


# -- nobody is changed who was not shown


@pytest.mark.parametrize("payer", ["NORTH TEST PLAN*FI*770000001", "SOUTH PLAN*FI*880000002"])
async def test_the_same_person_merges_nobody_else(client: httpx.AsyncClient, office: Office, payer: str) -> None:
    """Somebody who agrees with the row exactly is shown if she is of the plan, and merged in neither case, nor by the
    next row that says so."""
    await office.read(an_834(DORA))
    sender = "TESTPLAN" if payer.startswith("NORTH") else "SOUTH"
    await office.read(an_834(THEA_M2, payer=payer, sender=sender, control=8))
    await office.read(an_834(THEA, control=9, day="20250602"))
    [one] = await waiting(client)
    tokens = {
        row["given"]: str(row["member_token"])
        for row in await office.fetch("select given, member_token from enrolment")
    }
    shown = {tokens["DORA"], tokens["THEA"]} if sender == "TESTPLAN" else {tokens["DORA"]}
    assert set(one["may_be"]) == shown
    assert (await decide(client, one, "same-person", tokens["DORA"])).status_code == 200
    await office.read(an_834(THEA, control=10, day="20250604"))
    assert await retired(office) == 0


async def test_another_person_of_whom_newer_is_known(client: httpx.AsyncClient, office: Office) -> None:
    """The other person came by a newer row: the decision is taken, and the row changes nothing of her."""
    await office.read(an_834(DORA))
    ended = member("M1", "ROE*THEA", "19620202", ins="Y*18*024*03", zip5="60609", end="20250601")
    await office.read(an_834(ended, control=2, day="20250602"))
    await office.read(an_834(THEA_M2, control=3, day="20250603"))
    [one], before = await waiting(client), await people(office)
    answer = await decide(client, one, "another-person")
    assert (answer.status_code, "stale" in answer.json()["changes"]) == (200, True)
    assert await people(office) == before


async def test_a_member_who_is_gone_is_refused_and_nothing_happens(client: httpx.AsyncClient, office: Office) -> None:
    """A decision that can't be taken commits nothing."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2, day="20250602"))
    [one] = await waiting(client)
    await office.fetch("update enrolment set tenant_id = 'elsewhere' returning 1")
    before = await office.counts()
    answer = await decide(client, one, "same-person", one["may_be"][0])
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "doubtful-row-member")
    assert await office.counts() == before
    assert len(await waiting(client)) == 1


async def test_the_second_row_of_the_new_person_is_hers(client: httpx.AsyncClient, office: Office) -> None:
    """Candidates are looked for when it is decided: somebody who came by the decision before is no second person."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2, day="20250602"))
    unborn = member("M1", "ROE*THEA", "", ins=CHANGED, zip5="60610")
    await office.read(an_834(unborn, control=3, day="20250603"))
    for number, one in enumerate(await waiting(client)):
        assert (await decide(client, one, "another-person", name=f"k{number}")).status_code == 200
    assert [name for _, name, _ in await people(office)] == ["DORA FIX", "THEA ROE"]


async def test_who_comes_into_question_since_is_shown_first(client: httpx.AsyncClient, office: Office) -> None:
    """Somebody new under the number fits in part: the decision is refused, changes nobody and writes nothing, until an
    audited look has shown her."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2, day="20250602"))
    await office.read(an_834(member("M1", "ZED*THEA", "19800303"), control=3, day="20250603"))
    [one], before = await waiting(client), await people(office)
    answer = await decide(client, one, "another-person")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "doubtful-row-candidates")
    assert await people(office) == before
    assert len((await waiting(client))[0]["may_be"]) == 1  # a refusal writes nothing
    assert (await decide(client, one, "another-person", name="again")).status_code == 409
    again = (await client.get(f"/doubtful-rows/{one['doubtful_id']}")).json()
    assert {each["member_token"] for each in again["candidates"]} == set(again["may_be"])
    assert len(again["may_be"]) == 2
    looks = await office.fetch("select subjects from audit where kind = 'doubtful-row'")
    assert [set(look["subjects"]) for look in looks] == [{one["doubtful_id"], *again["may_be"]}]
    assert (await decide(client, again, "another-person", name="two")).status_code == 200


# -- how it is kept


async def in_plain_text(office: Office) -> None:
    """The row that waits is kept as rows were before there was a key ring."""
    [one] = await office.fetch("select doubtful_id from doubtful_row")
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        row = await doubtful_store.load_one(connection, one["doubtful_id"])
        assert row is not None
        set_plain = "update doubtful_row set document = $1, sealed_document = null"
        await connection.execute(set_plain, row.document)


@pytest.mark.parametrize(
    "how", ["jsonb_build_object('version', 99, 'row', document->'row')", "'[[null]]'::jsonb"], ids=["newer", "older"]
)
async def test_a_row_that_cannot_be_read_touches_nobody(
    app: FastAPI, client: httpx.AsyncClient, office: Office, how: str
) -> None:
    """Kept in a form that this code does not know it waits on, is told as such, and can be refused; rows of the member
    whom it may mean are taken."""
    acting(app, "operator")
    await office.read(prairie(*TEN, day=MONDAY))
    await office.read(roster(NOT_P1, plan="PRAIRIE", day=TUESDAY))
    await in_plain_text(office)
    await office.fetch(f"update doubtful_row set document = {how} returning 1")
    file = await office.read(prairie(*TEN, day=LATER))
    assert (file.rows_rejected, file.absent_ended) == (0, 0)
    [one] = await waiting(client)
    detail = (await client.get(f"/doubtful-rows/{one['doubtful_id']}")).json()
    assert (detail["state"], detail["candidates"]) == ("waiting", [])
    answer = await decide(client, one, "another-person")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "doubtful-row-unreadable")
    assert (await decide(client, one, "refuse", name="two")).status_code == 200


async def test_a_row_is_kept_by_the_names_of_its_fields(client: httpx.AsyncClient, office: Office) -> None:
    """A field that is added later takes its default; one kept as a list of values, as before, is read still."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    await in_plain_text(office)
    [row] = await office.fetch("select document from doubtful_row")
    assert (row["document"]["version"], row["document"]["row"]["record"]["person"]["birth_on"]) == (2, "1962-02-02")
    less = "document #- '{row,record,effective_on}' #- '{row,record,is_restricted}'"
    await office.fetch(f"update doubtful_row set document = {less} returning 1")
    [one] = await waiting(client)
    assert (await decide(client, one, "another-person")).status_code == 200


# -- what follows of a refusal, and what is told


async def test_a_refused_row_keeps_nobody_covered(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """A full list that has but the refused row where the member stood does not list him."""
    acting(app, "operator")
    await office.read(prairie(*TEN, day=MONDAY))
    row = odd(Row("P0", family="Bertz", given="Bertx", born="19720909", action="030", reason="XN"))
    await office.read(roster(row, *TEN[1:], plan="PRAIRIE", full=True, day=TUESDAY))
    [one] = await waiting(client)
    await decide(client, one, "refuse")
    file = await office.read(roster(row, *TEN[1:], plan="PRAIRIE", full=True, day=LATER))
    assert file.absent_ended == 1


async def test_the_audit_tells_the_decision_and_whom_it_touched(client: httpx.AsyncClient, office: Office) -> None:
    """Which decision it was, whom the row was found to mean, and from whom he was told apart."""
    await office.read(an_834(DORA))
    await office.read(an_834(THEA, control=2))
    [one] = await waiting(client)
    answer = await decide(client, one, "another-person")
    [look] = await office.fetch("select action, subjects from audit where kind = 'doubtful-row'")
    assert look["action"] == "another-person"
    assert look["subjects"] == [one["doubtful_id"], answer.json()["member_token"], one["may_be"][0]]


async def test_a_decision_can_be_taken_back(client: httpx.AsyncClient, office: Office) -> None:
    """Withdrawn, a refusal counts no more: the next row that says the same waits, and can be decided; a row that waits
    has no decision to withdraw."""
    await office.read(an_834(DORA))
    await office.read(an_834(SAME_NAME, control=2, day="20250602"))
    [one] = await waiting(client)
    assert (await decide(client, one, "withdraw", name="zero")).status_code == 409
    await decide(client, one, "refuse")
    await office.read(an_834(SAME_NAME, control=3, day="20250603"))
    assert await waiting(client) == []
    answer = await decide(client, one, "withdraw", name="two")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn"), answer.text
    await office.read(an_834(SAME_NAME, control=4, day="20250604"))
    [again] = await waiting(client)
    assert (await decide(client, again, "another-person", name="three")).status_code == 200


async def test_who_was_told_apart_is_so_until_it_is_withdrawn(client: httpx.AsyncClient, office: Office) -> None:
    """The pair goes with its decision; the persons stay two until a row says otherwise."""
    await office.read(an_834(DORA))
    await office.read(an_834(SAME_NAME, control=2, day="20250602"))
    [one] = await waiting(client)
    await decide(client, one, "another-person")
    assert (await decide(client, one, "withdraw", name="two")).status_code == 200
    assert await office.fetch("select from person_apart") == []
    assert len(await people(office)) == 2


async def test_both_sides_tell_what_the_decision_depends_on(client: httpx.AsyncClient, office: Office) -> None:
    """The prior number, former name and former birth date of the row; the member's coverage, and when the plan last
    spoke of the member."""
    await office.read(an_834(DORA))
    row = member("M7", "ROE*THEA", "19620202", ins=CHANGED, prior="M1", was="FIX*DORRA*19520101")
    await office.read(an_834(row, control=2, day="20250602"))
    [one] = await waiting(client)
    [candidate] = (await client.get(f"/doubtful-rows/{one['doubtful_id']}")).json()["candidates"]
    fields = {each["field"]: (each["row"], each["member"], each["how"]) for each in candidate["fields"]}
    assert fields["prior-number"] == ("M1", "M1", "agrees")
    assert fields["former-given-name"] == ("DORRA", "DORA", "similar")
    assert fields["former-birth-date"] == ("1952-01-01", "1950-01-01", "similar")
    assert candidate["coverages"][0]["begin_on"] == "2025-01-01"
    assert candidate["said_at"].startswith("2025-06-01")
