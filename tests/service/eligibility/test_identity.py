"""Whom a roster's row means: told by what stands in the tables after the files on which it once went wrong."""

from typing import Any

import pytest

from tests.service.eligibility.cases import an_834, case, member
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Shot, vxu

pytestmark = pytest.mark.postgres
PEOPLE = """
select member_id, family, given, birth_on::text as born, zip5, role from enrolment where not is_retired
order by member_id, birth_on
"""
HELD = "select row, segment, field, code, expected from feed_row where outcome = 'rejected' order by file_id, row"
DEPENDANT, CHANGED = "N*19*021*20", "N*19*001*25"
RENAMED, ENDED = "Y*18*001*25", "Y*18*024*07"


async def people(office: Office) -> list[tuple[str, str, str]]:
    """Number, name and birth date of everybody, in the order of the numbers."""
    return [(one["member_id"], f"{one['given']} {one['family']}", one["born"]) for one in await office.fetch(PEOPLE)]


async def tokens(office: Office) -> dict[str, Any]:
    return {
        one["given"]: one["member_token"] for one in await office.fetch("select given, member_token from enrolment")
    }


async def test_a_dependant_alone_is_of_his_own_family(office: Office) -> None:
    """A corrected child behind another subscriber stays in the family of her REF*0F and changes nobody else."""
    await office.read(case("s09a.834"))
    before = await tokens(office)
    file = await office.read(case("s09b.834"))
    assert file.rows_rejected == 0
    assert await people(office) == [
        ("I1", "ANN ADAMS", "1970-01-01"), ("I2", "BOB BROWN", "1970-02-02"), ("I2", "JANE BROWN", "2010-03-03"),
    ]  # fmt: skip
    after = await tokens(office)
    assert after == {"ANN": before["ANN"], "BOB": before["BOB"], "JANE": before["JANNE"]}


async def test_senior_and_junior_are_two(office: Office) -> None:
    """Father and son of one name under one number are two, and the son's move is the son's alone."""
    await office.read(case("s09c.834"))
    file = await office.read(case("s09d.834"))
    assert file.rows_rejected == 0
    rows = await office.fetch("select birth_on::text as born, zip5 from enrolment where given = 'JOHN' order by 1")
    assert [(one["born"], one["zip5"]) for one in rows] == [("1950-02-02", "60601"), ("1980-03-03", "60605")]


FAMILY = (member("J2", "SMITH*JOHN", "19500202", "M"),)
SON = member("J2", "SMITH*JOHN", "19800303", "M", DEPENDANT)


@pytest.mark.parametrize(
    ("edge", "row", "born", "held"),
    [
        ("no birth date", member("J2", "SMITH*JOHN", ins=CHANGED), [("1950-02-02", "60601")], 1),
        ("added without a birth date", member("J2", "SMITH*JOHN", ins=DEPENDANT), [("1950-02-02", "60601")], 1),
        ("another birth date", member("J2", "SMITH*JOHN", "19800303", "M", CHANGED, zip5="60605"),
         [("1950-02-02", "60601"), ("1980-03-03", "60605")], 0),
        ("the year of a slip", member("J2", "SMITH*JOHN", "19510202", "M", CHANGED), [("1950-02-02", "60601")], 1),
        ("a junior by suffix", member("J2", "SMITH*JOHN", "19800202", "M", CHANGED, suffix="JR"),
         [("1950-02-02", "60601"), ("1980-02-02", "60601")], 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sender", ["TESTPLAN", "LAKESHORE"])
async def test_a_dependant_never_overwrites_the_subscriber(
    office: Office, edge: str, row: str, born: list[tuple[str, str]], held: int, sender: str
) -> None:
    """Whatever a dependant's row lacks or shares, the subscriber's record stays as it is."""
    await office.read(an_834(*FAMILY, sender=sender))
    file = await office.read(an_834(member("J1", "ADAMS*AMY", "19700101"), row, sender=sender, control=2))
    rows = await office.fetch("select birth_on::text as born, zip5 from enrolment where given = 'JOHN' order by 1")
    assert [(one["born"], one["zip5"]) for one in rows] == born, edge
    assert file.rows_rejected == held


async def test_doses_stay_with_their_person(office: Office) -> None:
    """No row of a dependant moves a dose or merges a person."""
    await office.read(an_834(*FAMILY, SON))
    for control, row in enumerate((member("J2", "SMITH*JOHN", ins=CHANGED), member("J2", "SMITH*JON", ins=CHANGED)), 2):
        await office.read(an_834(member("J1", "ADAMS*AMY", "19700101"), row, control=control))
    assert not [one for one in await office.events("member-eligibility") if "retired_token" in one]


async def test_a_held_row_says_what_would_be_right(office: Office) -> None:
    """Row, segment, field and expectation, and none of the values; whoever it may mean stands in the file."""
    await office.read(an_834(*FAMILY))
    await office.read(an_834(member("J2", "SMITH*JOHN", ins=CHANGED), control=2))
    [row] = await office.fetch(HELD)
    assert (row["row"], row["segment"], row["field"], row["code"]) == (1, 7, "NM1-04", "doubtful-identity")
    assert "SMITH" not in str(row)
    [seen] = await office.fetch("select seen_file_no from enrolment")
    assert seen["seen_file_no"] == 2


async def test_a_recycled_number_stays_its_new_holders(office: Office) -> None:
    """REF*Q4 that names the number's new holder touches nobody: two people, two numbers, whoever's row is first."""
    await office.read(case("s10f.834"))
    assert await people(office) == [("100", "CORA RECYC", "1966-06-07"), ("200", "ALMA RENUM", "1950-01-08")]


CORA = member("100", "RECYC*CORA", "19660607", zip5="60609")
ALMA_BEFORE = member("100", "RENUM*ALMA", "19500108", zip5="60605")
ALMA = member("200", "RENUM*ALMA", "19500108", prior="100")


@pytest.mark.parametrize(
    "files",
    [[(ALMA_BEFORE,), (CORA, ALMA)], [(ALMA_BEFORE,), (ALMA, CORA)], [(ALMA_BEFORE,), (CORA,), (ALMA,)],
     [(ALMA_BEFORE,), (ALMA,), (CORA,)], [(ALMA_BEFORE,), (CORA, ALMA), (ALMA, CORA)]],
    ids=["new holder first", "renumbered first", "in two files", "in two files, renumbered first", "and again"],
)  # fmt: skip
async def test_the_order_of_rows_decides_nothing(office: Office, files: list[tuple[str, ...]]) -> None:
    """A renumbered member and the new holder of her number end as the same two, in every order."""
    for control, rows in enumerate(files, 1):
        file = await office.read(an_834(*rows, control=control))
        assert file.rows_rejected == 0
    assert await people(office) == [("100", "CORA RECYC", "1966-06-07"), ("200", "ALMA RENUM", "1950-01-08")]
    assert len(set((await tokens(office)).values())) == 2
    [person] = await office.fetch("select count(*) from person")
    assert person["count"] == 2


async def test_a_number_has_one_holder(office: Office) -> None:
    """A number added to evidently somebody else is no more its old holder's, whose late end does not take it back."""
    await office.read(an_834(ALMA_BEFORE))
    await office.read(an_834(CORA, control=2))
    assert await people(office) == [("", "ALMA RENUM", "1950-01-08"), ("100", "CORA RECYC", "1966-06-07")]
    late = member("100", "RENUM*ALMA", "19500108", ins=ENDED, end="20250531")
    file = await office.read(an_834(late, control=3))
    assert file.rows_rejected == 0
    rows = await office.fetch("select member_id, spans->0->>2 as ended from enrolment order by 1")
    assert [(one["member_id"], one["ended"]) for one in rows] == [("", "2025-05-31"), ("100", None)]


async def test_a_new_name_and_birth_date_wait_for_a_person(office: Office) -> None:
    """INS 001*25 with both new and no NM1*70 changes nobody and is told; a newborn without a name gets his."""
    await office.read(case("s14a.834"))
    before = await tokens(office)
    file = await office.read(case("s14b.834"))
    assert (file.rows_accepted, file.rows_rejected) == (1, 1)
    assert await people(office) == [("M1", "DORA FIX", "1950-01-01"), ("M1", "THEO FIX", "2024-05-05")]
    [row] = await office.fetch(HELD)
    assert (row["row"], row["field"], row["code"]) == (1, "NM1-03", "doubtful-identity")
    assert (await tokens(office))["THEO"] == before["BABYBOY"]


DORA = member("M1", "FIX*DORA", "19500101")


@pytest.mark.parametrize(
    ("edge", "row", "name", "born"),
    [
        ("a marriage", member("M1", "MILLER*DORA", "19500101", ins=RENAMED), "DORA MILLER", "1950-01-01"),
        ("a typo", member("M1", "FIX*DORRA", "19500101", ins=RENAMED), "DORRA FIX", "1950-01-01"),
        ("a birth date", member("M1", "FIX*DORA", "19500110", ins=RENAMED), "DORA FIX", "1950-01-10"),
        ("another sex", member("M1", "FIX*DORA", "19500101", "M", ins=RENAMED), "DORA FIX", "1950-01-01"),
        ("no birth date", member("M1", "FIX*DORA", ins=RENAMED, zip5="60605"), "DORA FIX", "1950-01-01"),
        ("both, told as before", member("M1", "FIXX*DOROTHEA", "19510110", ins=RENAMED, was="FIX*DORA*19500101"),
         "DOROTHEA FIXX", "1951-01-10"),
        ("both, the old birth date unsaid", member("M1", "FIXX*DORA", "19510110", ins=RENAMED, was="FIX*DORA"),
         "DORA FIXX", "1951-01-10"),
    ],
)  # fmt: skip
async def test_a_correction_keeps_its_person(office: Office, edge: str, row: str, name: str, born: str) -> None:
    """What one part of the evidence changes, the number and the rest hold together."""
    await office.read(an_834(DORA))
    file = await office.read(an_834(row, control=2))
    assert (file.rows_rejected, await people(office)) == (0, [("M1", name, born)]), edge
    [person] = await office.fetch("select count(*) from person")
    assert person["count"] == 1


@pytest.mark.parametrize(
    ("edge", "row"),
    [
        ("everything new", member("M1", "OTHER*OLGA", "19660607", ins=RENAMED)),
        ("an end for somebody else", member("M1", "OTHER*OLGA", "19660607", ins=ENDED, end="20250531")),
        ("added, only the given name agrees", member("M1", "OTHER*DORA", "19660607")),
        ("added, the same name of another birth date", member("M1", "FIX*DORA", "19800607")),
        ("another name without a birth date", member("M1", "OTHER*OLGA", ins=RENAMED)),
        ("only the birth date agrees", member("M1", "OTHER*OLGA", "19500101", ins=RENAMED)),
        ("a former name that nobody had", member("M1", "OTHER*OLGA", "19660607", ins=RENAMED, was="NOBODY*NINA")),
        ("a prior number of somebody alike", member("M2", "FIXX*DORA", "19500110", ins=RENAMED, prior="M1")),
    ],
)
async def test_what_is_doubtful_changes_nobody(office: Office, edge: str, row: str) -> None:
    """A row that neither means the number's holder nor surely somebody else is held."""
    await office.read(an_834(DORA))
    file = await office.read(an_834(row, control=2))
    assert (file.rows_accepted, file.rows_rejected) == (0, 1), edge
    assert await people(office) == [("M1", "DORA FIX", "1950-01-01")]
    rows = await office.fetch("select spans->0->>2 as ended from enrolment")
    assert [one["ended"] for one in rows] == [None]


@pytest.mark.parametrize("how", ["N*19*021*20", "N*19*030*XN"])
async def test_twins_under_one_number_are_two(office: Office, how: str) -> None:
    """Two given names of one birth date are listed as two, though one letter tells them apart."""
    twins = [member("T1", f"DUO*{given}", "20100303", "M", how) for given in ("TIM", "JIM")]
    parent = member("T1", "DUO*ANN", "19800101", ins="Y*18*030*XN")
    for control, rows in enumerate(([parent, *twins], [*twins[::-1], parent]), 1):
        file = await office.read(an_834(*rows, control=control))
        assert file.rows_rejected == 0
    assert sorted(one[1] for one in await people(office)) == ["ANN DUO", "JIM DUO", "TIM DUO"]


async def test_a_name_once_reported_by_mistake_is_nobodys(office: Office) -> None:
    """A key under which somebody was reported wrongly, and corrected, does not make its true bearer the same person."""
    await office.read(an_834(member("A1", "STONE*ROSE", "19440404")))
    await office.read(an_834(member("A1", "HILL*VERA", "19510505", ins=RENAMED, was="STONE*ROSE*19440404"), control=2))
    await office.read(an_834(member("B1", "STONE*ROSE", "19440404"), control=3))
    assert await people(office) == [("A1", "VERA HILL", "1951-05-05"), ("B1", "ROSE STONE", "1944-04-04")]


async def test_a_daughter_gets_a_contract_of_her_own(office: Office) -> None:
    """A dependant who becomes a subscriber under another number is the same person, and no double is left."""
    child = member("F1", "OAK*EVE", "19990909", ins=DEPENDANT)
    await office.read(an_834(member("F1", "OAK*IDA", "19700101"), child))
    await office.read(an_834(member("F2", "OAK*EVE", "19990909"), control=2))
    rows = await office.fetch("select member_id, given, role from enrolment order by 1")
    assert [tuple(one.values()) for one in rows] == [("F1", "IDA", "subscriber"), ("F2", "EVE", "subscriber")]


HOME, MOBILE = "HP*3125550101", "HP*3125550101*CP*3125550102"


@pytest.mark.parametrize(
    ("edge", "row", "versions"),
    [
        ("nothing new", member("R1", "REACH*RITA", "19400101", phones=HOME), (1, 1, 0)),
        ("not said again", member("R1", "REACH*RITA", "19400101"), (1, 1, 0)),
        ("one number more", member("R1", "REACH*RITA", "19400101", phones=MOBILE), (2, 1, 0)),
        ("the same number for another use", member("R1", "REACH*RITA", "19400101", phones="CP*3125550101"), (1, 1, 0)),
        ("another street", member("R1", "REACH*RITA", "19400101", phones=HOME, street="2 OAK AVE"), (1, 2, 0)),
        ("the same street in other letters", member("R1", "REACH*RITA", "19400101", street="1  Elm St"), (1, 1, 0)),
        ("a first e-mail address", member("R1", "REACH*RITA", "19400101", phones="EM*RITA@EXAMPLE.ORG"), (1, 1, 1)),
    ],
)
async def test_a_new_way_to_reach_a_member_is_told(
    office: Office, edge: str, row: str, versions: tuple[int, ...]
) -> None:
    """Other telephone numbers, another address or e-mail address raise their versions, the first ones to 1."""
    await office.read(an_834(member("R1", "REACH*RITA", "19400101", phones=HOME)))
    await office.read(an_834(row, control=2))
    facts = await office.events("member-eligibility")
    told = [(one["phone_version"], one["address_version"], one["email_version"]) for one in facts]
    assert told == [(1, 1, 0), *([versions] if versions != (1, 1, 0) else [])], edge


async def test_a_broken_row_of_a_family_is_no_absence(office: Office) -> None:
    """A dependant's row that can't be read names the family by its number: nobody of it counts as absent."""
    child = member("F1", "OAK*EVE", "19990909", ins="N*19*030*XN")
    await office.read(an_834(member("F1", "OAK*IDA", "19700101", ins="Y*18*030*XN"), child, full=True))
    broken = member("F1", "OAK*EVE", "19991399", ins="N*19*030*XN")
    await office.read(an_834(broken, full=True, control=2))
    assert {one["seen_file_no"] for one in await office.fetch("select seen_file_no from enrolment")} == {2}


async def test_a_renumbered_member_takes_a_number_that_was_given_back(office: Office) -> None:
    """REF*Q4 of a member who fits moves her to a number that was somebody else's before."""
    await office.read(an_834(ALMA_BEFORE, member("200", "STONE*BEN", "19300303", "M")))
    renumbered = member("200", "RENUM*ALMA", "19500108", ins=RENAMED, prior="100")
    file = await office.read(an_834(renumbered, control=2))
    assert (file.rows_rejected, len(await office.fetch("select from person"))) == (0, 2)
    assert await people(office) == [("", "BEN STONE", "1930-03-03"), ("200", "ALMA RENUM", "1950-01-08")]


async def test_a_dose_under_a_mistaken_name_finds_nobody(office: Office) -> None:
    """A registry's dose of somebody whose name a roster once gave to another person waits for its own person."""
    await office.read(an_834(member("A1", "STONE*ROSE", "19440404")))
    await office.read(an_834(member("A1", "HILL*VERA", "19510505", ins=RENAMED, was="STONE*ROSE*19440404"), control=2))
    shot = Shot("E-1", family="Stone", given="Rose", born="19440404", zip5="60601")
    assert (await office.read(vxu(shot))).rows_unlinked == 1
    await office.read(an_834(member("B1", "STONE*ROSE", "19440404"), control=3))
    [dose] = await office.fetch("select given from dose join enrolment using (member_token)")
    assert dose["given"] == "ROSE"
