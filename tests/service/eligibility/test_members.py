"""What rosters do to members, told by the facts that leave."""

from datetime import date

import pytest

from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import RICH_TRACT, RICH_ZIP, Row, roster

pytestmark = pytest.mark.postgres
NEIGHBOURS = tuple(Row(f"N{n}", given=f"Count{'x' * n}") for n in range(4))
"""So many that one who leaves is less than a quarter of the plan."""


@pytest.mark.capability("B1", "B3")
async def test_a_senior_in_a_poor_tract_is_eligible(office: Office) -> None:
    """A fact says who is eligible, by which place, and carries no name and no birth date."""
    await office.read(roster(Row("LS1")))
    [fact] = await office.events("member-eligibility")
    assert (fact["status"], fact["reasons"], fact["version"]) == ("eligible", [], 1)
    assert (fact["svi"]["level"], fact["svi"]["vulnerable"]) == ("tract", True)
    assert (fact["age_band"], fact["race_ethnicity"], fact["tenant_id"]) == (
        "80-84", "black-or-african-american", "lakeshore",
    )  # fmt: skip
    assert not {"SESAME", "OMA", "19400501", "1940-05-01", "123 SESAME ST"} & set(map(str, fact.values()))


async def test_the_ineligible_have_their_fact_with_every_reason(office: Office) -> None:
    """Who fails several criteria is told all of them, not only the first."""
    await office.read(roster(Row("LS1", born="19800101", zip5=RICH_ZIP, tract=RICH_TRACT, end="20201231")))
    [fact] = await office.events("member-eligibility")
    assert fact["reasons"] == ["not-enrolled", "under-age", "area-not-vulnerable"]


async def test_the_same_row_again_says_nothing(office: Office) -> None:
    """A row that repeats what is known is unchanged and brings no fact."""
    await office.read(roster(Row("LS1"), Row("LS1")))
    file = await office.read(roster(Row("LS1"), day=date(2021, 3, 2)))
    assert (file.rows_accepted, file.rows_unchanged) == (1, 1)
    assert len(await office.events("member-eligibility")) == 1


async def test_the_same_file_again_is_no_new_file(office: Office) -> None:
    """The same bytes of the same sender are registered once."""
    content = roster(Row("LS1"))
    await office.read(content)
    with pytest.raises(AssertionError):
        await office.submit(content)
    await office.submit(content, tenant="lakeshore")


async def test_two_plans_members_are_two_persons(office: Office) -> None:
    """The same name, birth date and ZIP in two plans is two persons: neither plan's row is evidence of the other's."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("P9", tract=""), plan="PRAIRIE"))
    facts = await office.events("member-eligibility")
    assert len({fact["member_token"] for fact in facts}) == 2
    assert {fact["tenant_id"] for fact in facts} == {"lakeshore", "prairie"}


async def test_twins_are_two(office: Office) -> None:
    """Family name, birth date and ZIP agree, but not the given name."""
    await office.read(roster(Row("LS1", given="Tweedledum"), Row("LS2", given="Tweedledee")))
    assert len({fact["member_token"] for fact in await office.events("member-eligibility")}) == 2


async def test_a_number_that_passed_to_somebody_else_is_somebody_else(office: Office) -> None:
    """A member number with another name and another birth date names another person."""
    await office.read(roster(Row("LS1")))
    await office.read(
        roster(Row("LS1", family="Monster", given="Cookie", born="19501102", sex="M"), day=date(2021, 3, 2))
    )
    assert len({fact["member_token"] for fact in await office.events("member-eligibility")}) == 2


async def test_an_end_and_a_reinstatement(office: Office) -> None:
    """Termination ends eligibility when its day has passed; a reinstatement brings it back."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("LS1", action="024", end="20210303"), day=date(2021, 3, 2)))
    assert (await office.last_facts())["LS1"]["status"] == "eligible"
    await office.open_day(date(2021, 3, 3))
    assert (await office.last_facts())["LS1"]["status"] == "eligible"
    await office.open_day(date(2021, 3, 4))
    assert (await office.last_facts())["LS1"]["reasons"] == ["not-enrolled"]
    await office.read(roster(Row("LS1", action="025", begin="20210305"), day=date(2021, 3, 4)))
    assert (await office.last_facts())["LS1"]["reasons"] == ["enrolment-not-begun"]
    await office.open_day(date(2021, 3, 5))
    assert (await office.last_facts())["LS1"]["status"] == "eligible"


async def test_a_retroactive_end_voids_the_coverage(office: Office) -> None:
    """An end before the begin means that the coverage never was."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("LS1", action="024", end="20191231"), day=date(2021, 3, 2)))
    [row] = await office.fetch("select spans from enrolment")
    assert row["spans"] == []
    assert (await office.last_facts())["LS1"]["enrolled"] is False


async def test_the_dead_are_not_called(office: Office) -> None:
    """A date of death ends eligibility, and no later birthday brings a fact."""
    await office.read(roster(Row("LS1")))
    await office.read(
        roster(Row("LS1", action="024", reason="03", end="20210226", died="20210226"), day=date(2021, 3, 2))
    )
    fact = (await office.last_facts())["LS1"]
    assert (fact["enrolled"], "deceased" in fact["reasons"]) == (False, True)
    assert await office.open_day(date(2021, 6, 1)) == 0


async def test_a_move_changes_the_place(office: Office) -> None:
    """A new address is another place, another answer, the same person."""
    await office.read(roster(Row("LS1")))
    await office.read(
        roster(Row("LS1", action="001", reason="43", zip5=RICH_ZIP, tract=RICH_TRACT), day=date(2021, 3, 2))
    )
    first, second = await office.events("member-eligibility")
    assert first["member_token"] == second["member_token"]
    assert (second["version"], second["zip5"], second["reasons"]) == (2, RICH_ZIP, ["area-not-vulnerable"])


async def test_the_absent_of_a_full_file_have_left(office: Office) -> None:
    """Prairie's full file ends the coverage of whom it no longer lists; a broken row with a number is no absence."""
    people = Row("P2", given="Bert"), Row("P3", given="Ernie")
    await office.read(roster(Row("P1"), *people, *NEIGHBOURS, plan="PRAIRIE", full=True))
    broken = "INS*Y*18*999*28*A*C**FT~REF*0F*P2"
    file = await office.read(roster(Row("P1"), broken, *NEIGHBOURS, plan="PRAIRIE", full=True, day=date(2021, 3, 8)))
    assert (file.absence, file.absent_ended, file.rows_rejected) == ("applied", 1, 1)
    statuses = {member: fact["status"] for member, fact in (await office.last_facts()).items() if member[0] == "P"}
    assert statuses == {"P1": "eligible", "P2": "eligible", "P3": "ineligible"}


async def test_a_row_that_could_be_anybody_postpones_absence(office: Office) -> None:
    """While a rejected row names nobody, only who was missing before too has left."""
    await office.read(roster(Row("P1"), Row("P2", given="Bert"), *NEIGHBOURS, plan="PRAIRIE", full=True))
    nobody = "INS*Y*18*999*28*A*C**FT"
    file = await office.read(roster(Row("P1"), nobody, *NEIGHBOURS, plan="PRAIRIE", full=True, day=date(2021, 3, 8)))
    assert (file.absence, file.absent_ended) == ("applied", 0)
    file = await office.read(roster(Row("P1"), nobody, *NEIGHBOURS, plan="PRAIRIE", full=True, day=date(2021, 3, 15)))
    assert file.absent_ended == 1


async def test_a_file_cut_off_ends_nobodys_coverage(office: Office) -> None:
    """A full file without its trailer says nothing about who is missing."""
    await office.read(roster(Row("P1"), Row("P2", given="Bert"), plan="PRAIRIE", full=True))
    content = roster(Row("P1"), plan="PRAIRIE", full=True, day=date(2021, 3, 8)).partition("SE*")[0]
    file = await office.read(content)
    assert (file.absence, file.absent_ended) == ("incomplete", 0)


async def test_half_a_plan_does_not_vanish(office: Office) -> None:
    """A full file that would end a quarter of a plan's coverage is not believed."""
    everybody = [Row(f"P{n}", given=f"Count{'x' * n}") for n in range(40)]
    await office.read(roster(*everybody, plan="PRAIRIE", full=True))
    file = await office.read(roster(*everybody[:20], plan="PRAIRIE", full=True, day=date(2021, 3, 8)))
    assert (file.absence, file.absent_ended) == ("too-many", 0)


async def test_a_change_file_ends_nobodys_coverage(office: Office) -> None:
    """Absence from a change file says nothing, and Lakeshore's absence never does."""
    await office.read(roster(Row("P1"), Row("P2", given="Bert"), plan="PRAIRIE", full=True))
    await office.read(roster(Row("P1", zip5="90012"), plan="PRAIRIE", day=date(2021, 3, 8)))
    assert (await office.last_facts())["P2"]["status"] == "eligible"


async def test_a_correction_merges_two_members(office: Office) -> None:
    """NM1*74 over NM1*70: one survives, the other's fact says merged and into whom."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    tokens = {fact["member_token"] for fact in await office.events("member-eligibility")}
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesam", "Oma")), day=date(2021, 3, 2)))
    merged = next(one for one in await office.events("member-eligibility") if "retired_token" in one)
    assert {merged["surviving_token"], merged["retired_token"]} == tokens
    rows = await office.fetch(
        "select member_token::text, is_retired, fact from enrolment join decision using (enrolment_id)"
    )
    retired = next(row for row in rows if row["is_retired"])
    assert (retired["fact"]["reasons"], retired["fact"]["merged_into"]) == (["merged"], merged["surviving_token"])
    assert retired["member_token"] == merged["retired_token"]
    [alive] = [row for row in rows if not row["is_retired"]]
    assert (alive["fact"]["status"], alive["member_token"]) == ("eligible", merged["surviving_token"])
    found = await office.fetch("select distinct member_token::text from person_identifier")
    assert [row["member_token"] for row in found] == [merged["surviving_token"]]


async def test_a_plan_sees_its_own_rows_only(office: Office) -> None:
    """Row-level security hides another plan's members, persons, files and answers."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("P1", given="Bert", tract=""), plan="PRAIRIE"))
    async with office.database.pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('vcc.tenant', 'prairie', true)")
        for table in ("enrolment", "person", "person_identifier", "person_key", "decision", "feed_file"):
            assert await connection.fetchval(f"select count(*) from {table}") == 1, table


async def test_another_plans_file_is_refused_as_a_whole(office: Office) -> None:
    """A sender who may speak for one plan can't bring in another plan's members; each row says so."""
    file = await office.read(roster(Row("LS1")), tenant="prairie")
    assert (file.state, file.rows_read, file.rows_accepted, file.plan) == ("refused", 1, 0, None)
    assert await office.fetch("select * from enrolment") == []
    [row] = await office.fetch("select row, code from feed_row")
    assert (row["row"], row["code"]) == (1, "wrong-plan")


async def test_another_plans_file_without_rows_is_refused(office: Office) -> None:
    """A file of another plan that lists nobody is refused by its header."""
    file = await office.read(roster(), tenant="prairie")
    assert (file.state, file.rows_read, file.plan) == ("refused", 0, None)
    assert [row["code"] for row in await office.fetch("select code from feed_row")] == ["wrong-plan"]
