"""Whose members a file may change: the payer's identifier says whose a roster is, and each row is asked for itself."""

import pytest

from services.eligibility.payers import api as payers_api
from tests.service.eligibility.cases import an_834, case, member
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, client_of, door
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
REFUSED = "select row, segment, code from feed_row where outcome = 'rejected' order by file_id, row"
TENANTS = "select tenant_id, given, spans->0->>2 as ended from enrolment order by tenant_id, given"
SUE = member("L1", "SPELL*SUE", "19500101")
SAME_ID, OTHER_ID = "NEW NAME INC.*FI*8800013", "SCEN 13 HEALTH*FI*8800099"


async def tenants(office: Office) -> list[tuple[str, str]]:
    return [(one["tenant_id"], one["given"]) for one in await office.fetch(TENANTS)]


# -- rosters


async def test_a_renamed_payer_is_the_same_tenant(office: Office) -> None:
    """The identifier stays, so the end under the payer's new name ends the member's coverage."""
    await office.read(case("s13a.834"))
    await office.read(case("s13b.834"))
    rows = await office.fetch(TENANTS)
    assert [tuple(one.values()) for one in rows] == [("scen-13-health", "SUE", "2025-05-31")]


@pytest.mark.parametrize(
    ("edge", "payer", "expected"),
    [
        ("another name", SAME_ID, ["scen-13-health"]),
        ("the identifier in other marks", "NEW NAME*FI*88-00013", ["scen-13-health"]),
        ("no name", "*FI*8800013", ["scen-13-health"]),
        ("another identifier", OTHER_ID, ["scen-13-health", "scen-13-health-8800099"]),
        ("the same number of another kind", "SCEN 13 HEALTH*XV*8800013", ["scen-13-health", "scen-13-health-8800013"]),
        ("the name of a plan that has a profile", "PRAIRIE*FI*8800099", ["prairie-8800099", "scen-13-health"]),
    ],
)
async def test_a_payer_is_known_by_its_identifier(office: Office, edge: str, payer: str, expected: list[str]) -> None:
    """The same identifier is the same tenant, the same name with another identifier is another one."""
    await office.read(an_834(SUE, payer="SCEN 13 HEALTH*FI*8800013"))
    await office.read(an_834(SUE, payer=payer, control=2))
    await office.read(an_834(SUE, payer=payer, control=3))
    assert [tenant for tenant, _ in await tenants(office)] == expected, edge


@pytest.mark.parametrize(
    ("edge", "payer"),
    [
        ("another payer's identifier under the own name", "OWN PLAN*FI*2"),
        ("an identifier that nobody has yet under the own name", "OWN PLAN*FI*3"),
        ("another payer's name", "OTHER PLAN*FI*1.5"),
    ],
)
async def test_a_bound_sender_does_not_become_another_payer(office: Office, edge: str, payer: str) -> None:
    """A plan that is known by its identifier can't speak for another one, nor take an identifier that is not its."""
    await office.read(an_834(SUE, payer="OWN PLAN*FI*1"), tenant="own-plan")
    await office.read(an_834(SUE, payer="OTHER PLAN*FI*2", control=2))
    intruder = member("X1", "INTRUDER*IVAN", "19600606")
    file = await office.read(an_834(intruder, payer=payer, control=3), tenant="own-plan")
    assert (file.state, file.rows_accepted, file.rows_rejected, file.plan) == ("refused", 0, 1, None), edge
    assert await tenants(office) == [("other-plan", "SUE"), ("own-plan", "SUE")]
    assert len(await office.fetch("select from payer")) == 2


@pytest.mark.capability("B5")
async def test_a_second_interchange_is_asked_for_itself(office: Office) -> None:
    """Rows of another plan are rejected by place wherever they stand in the file; the sender's own are taken."""
    await office.read(case("s12_victim_prairie.834"))
    file = await office.read(case("s12b_two_interchanges.834"), tenant="lakeshore")
    assert (file.state, file.rows_accepted, file.rows_rejected, file.plan) == ("processed", 1, 2, "lakeshore")
    rows = await office.fetch(TENANTS)
    assert [tuple(one.values()) for one in rows] == [("lakeshore", "OWN", None), ("prairie", "VERA", None)]
    refused = [tuple(one.values()) for one in await office.fetch(REFUSED)]
    assert refused == [(2, 25, "wrong-plan"), (3, 43, "wrong-plan")]


@pytest.mark.parametrize("foreign_first", [True, False])
@pytest.mark.parametrize("rows_per_batch", [1, 1000])
async def test_another_plans_full_file_ends_nobody(office: Office, foreign_first: bool, rows_per_batch: int) -> None:
    """A full file of another plan inside one's own ends no coverage of that plan, first or last, in whatever slices."""
    await office.read(roster(Row("P1"), Row("P2", given="Bert"), plan="PRAIRIE", full=True))
    office.intake = office.worker(rows_per_batch=rows_per_batch)
    own = an_834(member("LK1", "BOUND*OWN", "19500101"), sender="LAKESHORE")
    foreign = roster(Row("P1"), plan="PRAIRIE", full=True)
    file = await office.read((foreign + own) if foreign_first else (own + foreign), tenant="lakeshore")
    assert (file.rows_accepted, file.rows_rejected, file.absent_ended, file.is_full) == (1, 1, 0, False)
    assert {one["ended"] for one in await office.fetch(TENANTS)} == {None}


async def test_a_plan_does_not_see_a_file_that_named_it(office: Office) -> None:
    """Another plan's file stays the sender's, though one of its interchanges names this one."""
    await office.read(case("s12b_two_interchanges.834"), tenant="lakeshore")
    async with office.database.pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('vcc.tenant', 'prairie', true)")
        assert await connection.fetchval("select count(*) from feed_file") == 0


async def test_an_operator_says_whose_a_second_identifier_is(office: Office) -> None:
    """A plan's second identifier is told before it is used; its rosters are then the same tenant's. Only an operator of
    all tenants may say so."""
    await office.read(an_834(SUE, payer="OWN PLAN*FI*1"))
    app = door(office.database, payers_api.routes)
    statuses = []
    async with client_of(app) as client:
        for tenant, key in (("own-plan", "a" * 16), ("*", "b" * 16)):
            acting(app, "operator", tenant)
            body = {"tenant_id": "own-plan"}
            answer = await client.put("/payers/xv/12-345", json=body, headers={"Idempotency-Key": key})
            statuses.append(answer.status_code)
        told = (await client.get("/payers")).json()
    assert statuses == [403, 200]
    assert [(one["system"], one["value"], one["tenant_id"]) for one in told] == [
        ("FI", "1", "own-plan"), ("XV", "12345", "own-plan"),
    ]  # fmt: skip
    await office.read(an_834(SUE, payer="PLAN WITH A NEW NAME*XV*12345", control=2))
    assert await tenants(office) == [("own-plan", "SUE")]


# -- registries


PRIYA = {"family": "Cross", "given": "Priya", "born": "19450101", "zip5": "60601"}


async def doses(office: Office) -> list[bool]:
    return [one["is_retracted"] for one in await office.fetch("select is_retracted from dose order by dose_id")]


async def test_a_bound_message_deletes_no_other_plans_dose(office: Office) -> None:
    """A plan's token can't take back, nor protect, what the State's registry said of another plan's member."""
    await office.read(case("s12e.834"))
    await office.read(case("s12e_add.hl7"))
    facts = len(await office.events("member-eligibility"))
    file = await office.read(case("s12e_del.hl7"), tenant="lakeshore")
    assert file.state == "processed"
    assert await doses(office) == [False]
    assert len(await office.events("member-eligibility")) == facts
    assert await office.fetch("select from member_statement where is_protected") == []


async def test_a_bound_message_deletes_nothing_that_others_said(office: Office) -> None:
    """Of its own member a plan takes back what it reported itself; the registry's word stands."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")))
    await office.read(vxu(Shot("E-1")), tenant="lakeshore")
    await office.read(vxu(Shot("E-1", action="D", sent="20210302060000")), tenant="lakeshore")
    assert await doses(office) == [False]
    await office.read(vxu(Shot("", action="D", sent="20210302070000")), tenant="lakeshore")
    assert await doses(office) == [False]
    await office.read(vxu(Shot("E-1", action="D", sent="20210302080000")))
    assert await doses(office) == [True]


async def test_a_plan_may_take_back_its_own_word(office: Office) -> None:
    """A dose that only the plan's sender reported is gone when it says so."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1")), tenant="lakeshore")
    assert await doses(office) == [False]
    await office.read(vxu(Shot("E-1", action="D", sent="20210302060000")), tenant="lakeshore")
    assert await doses(office) == [True]


async def test_an_answer_reveals_no_other_plans_member(office: Office) -> None:
    """Another plan's member and nobody at all are told alike, and neither gets a dose."""
    await office.read(roster(Row("P1", tract=""), plan="PRAIRIE"))
    known = await office.read(vxu(Shot("E-1")), tenant="lakeshore")
    nobody = await office.read(vxu(Shot("E-2", given="Nobody", ids=("C-9^^^CAIR^SR",))), tenant="lakeshore")
    assert [(one.rows_accepted, one.rows_unlinked) for one in (known, nobody)] == [(1, 1), (1, 1)]
    rows = await office.fetch("select outcome, code from feed_row join feed_file using (file_id)"
                              " where tenant_id = 'lakeshore' order by file_no")  # fmt: skip
    assert [tuple(one.values()) for one in rows] == [("unlinked", "no-candidate")] * 2
    assert await doses(office) == []


async def test_a_waiting_report_waits_for_its_own_plans_people(office: Office) -> None:
    """A report of a plan's sender links when that plan enrols the person, not when another one does."""
    await office.read(vxu(Shot("E-1")), tenant="lakeshore")
    await office.read(roster(Row("P1", tract=""), plan="PRAIRIE"))
    assert await doses(office) == []
    await office.read(roster(Row("LS1")))
    assert await doses(office) == [False]


async def test_what_a_plan_ties_tells_others_nothing(office: Office) -> None:
    """A registry number that a plan's sender ties to its member links none of the State's records, but its own."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", ids=("V-1^^^CAIR^SR",))), tenant="lakeshore")
    misspelt = Shot("E-2", given="", family="", on="20210216", ids=("V-1^^^CAIR^SR",))
    assert (await office.read(vxu(misspelt))).rows_unlinked == 1
    file = await office.read(vxu(Shot("E-3", given="Omo", on="20210217", ids=("V-1^^^CAIR^SR",))), tenant="lakeshore")
    assert file.rows_unlinked == 0
    assert len(await doses(office)) == 2
