"""What files say of coverages, product by product, and of families: told by the facts that leave."""

import pytest

from tests.service.eligibility.cases import DAY, case, changes, enrolled, spans
from tests.service.eligibility.conftest import Office
from tests.x12 import interchange, split

pytestmark = pytest.mark.postgres
FAMILY_PLAN = "8800004c"


def x834(*segments: str, day: str = "20250603", number: int = 900, plan: str = FAMILY_PLAN) -> str:
    """A change file of a payer without a profile."""
    head = (f"BGN*00*REF{number}*{day}*1200****2", f"N1*IN*SCEN 04c*FI*{plan}")
    return interchange(split([*head, *segments]), sender="TESTPLAN", day=day, hour="1200", control=number, group=101)


def a_person(ins: str, number: str, family: str, given: str, born: str, *rest: str) -> tuple[str, ...]:
    return (ins, f"REF*0F*{number}", f"NM1*IL*1*{family}*{given}", "N3*1 ELM ST", "N4*CHICAGO*IL*60601",
            f"DMG*D8*{born}*F", *rest)  # fmt: skip


async def read(office: Office, *names: str) -> None:
    await office.open_day(DAY)
    for name in names:
        file = await office.read(case(name))
        assert (file.state, file.rows_rejected) == ("processed", 0), name


@pytest.fixture(autouse=True)
async def _by_june(office: Office) -> None:
    await office.open_day(DAY)


async def test_the_end_of_dental_leaves_medical(office: Office) -> None:
    """HD*024 of DEN ends the dental product; the member stays covered, and the row says that it ended something."""
    await read(office, "s01a.834")
    file = await office.read(case("s01b.834"))
    assert await enrolled(office) == {"DENTA": True}
    assert await spans(office, "DENTA") == [
        ("dental", "2025-01-01", "2025-03-31"), ("medical", "2025-01-01", None),
    ]  # fmt: skip
    assert await changes(office, file) == {1: ("accepted", "ended")}


async def test_a_dental_month_leaves_medical_open(office: Office) -> None:
    """A dental product that begins and ends after the medical one began changes nothing of that."""
    await read(office, "s02.834")
    assert await enrolled(office) == {"DENTB": True}


async def test_dental_alone_is_no_medical_cover(office: Office) -> None:
    """Who has dental only is not enrolled for a programme."""
    await read(office, "s02b.834")
    assert await enrolled(office) == {"DENTAL": False}
    [fact] = await office.events("member-eligibility")
    assert "not-enrolled" in fact["reasons"]


@pytest.mark.parametrize("line", ["DEN", "DCP", "VIS", "PDG", "MOD", "LTD", "STD", "HE", "AK", "LTC"])
async def test_other_products_are_no_medical_cover(office: Office, line: str) -> None:
    """Dental, vision, drugs, disability and the like neither cover nor end what does."""
    row = a_person("INS*Y*18*021*20*A***FT", "M1", "ONE", "OTHER", "19500101", f"HD*021**{line}", "DTP*348*D8*20250101")
    await office.read(x834(*row))
    assert await enrolled(office) == {"OTHER": False}


@pytest.mark.parametrize("line", ["HLT", "HMO", "PPO", "POS", "EPO", "MM", "AJ"])
async def test_medical_products(office: Office, line: str) -> None:
    """Each line of medical insurance covers."""
    row = a_person(
        "INS*Y*18*021*20*A***FT", "M1", "ONE", "MEDICAL", "19500101", f"HD*021**{line}", "DTP*348*D8*20250101"
    )
    await office.read(x834(*row))
    assert await enrolled(office) == {"MEDICAL": True}


async def test_a_retroactive_end_of_a_past_span(office: Office) -> None:
    """It shortens that span, and the open one goes on."""
    await read(office, "s03d.834", "s03e.834")
    assert await enrolled(office) == {"SPANS": True}
    assert await spans(office, "SPANS") == [("medical", "2023-01-01", "2023-09-30"), ("medical", "2024-06-01", None)]


async def test_the_new_plan_is_told_before_the_old_one_ends(office: Office) -> None:
    """021 of the new plan and then 024 of the old one in a file leave the member with the new one."""
    await read(office, "s43a.834", "s43b.834")
    assert await enrolled(office) == {"FILE": True}
    assert await spans(office, "FILE") == [("medical", "2024-01-01", "2025-05-31"), ("medical", "2025-06-01", None)]


async def test_the_end_of_eligibility_ends_the_cover(office: Office) -> None:
    """DTP*357 ends the coverage that the same row states without an end."""
    await read(office, "s44.834")
    assert await enrolled(office) == {"ELLA": False}
    assert await spans(office, "ELLA") == [("medical", "2024-09-01", "2025-03-31")]


async def test_a_family_leaves_with_its_subscriber(office: Office) -> None:
    """INS03 = 024 with DTP*357 of the subscriber ends the dependants' cover on that day, and tells so."""
    await read(office, "s04c.834")
    assert await enrolled(office) == {"DAD": True, "KID": True}
    file = await office.read(case("s04d.834"))
    assert await enrolled(office) == {"DAD": False, "KID": False}
    assert await spans(office, "KID") == [("medical", "2025-01-01", "2025-04-30")]
    assert await changes(office, file) == {1: ("accepted", "ended,family-ended")}


@pytest.mark.parametrize("is_last", [True, False], ids=["the child last", "the child first"])
@pytest.mark.parametrize(
    ("ins03", "hd01", "covered"), [("001", "001", False), ("030", "030", False), ("021", "021", True)]
)
async def test_a_child_that_is_only_told_again_leaves_with_the_subscriber(
    office: Office, is_last: bool, ins03: str, hd01: str, covered: bool
) -> None:
    """Its row in the subscriber's file, before or behind him, that says no more than how its cover began does not bring
    back what ends; an addition does."""
    await read(office, "s04c.834")
    child = a_person(f"INS*N*19*{ins03}*20*A***FT", "F2", "FAMB", "KID", "20120101", f"HD*{hd01}**HLT",
                     f"DTP*348*D8*{'20250501' if covered else '20250101'}")  # fmt: skip
    father = a_person("INS*Y*18*024*08*A***FT", "F2", "FAMB", "DAD", "19700101", "DTP*357*D8*20250430")
    await office.read(x834(*father, *child) if is_last else x834(*child, *father))
    assert await enrolled(office) == {"DAD": False, "KID": covered}


async def test_a_change_of_the_subscriber_leaves_the_family(office: Office) -> None:
    """Under INS03 = 001 a DTP*357 is the subscriber's alone."""
    await read(office, "s04c.834")
    await office.read(x834(*a_person("INS*Y*18*001*AI*A***FT", "F2", "FAMB", "DAD", "19700101", "DTP*357*D8*20250430")))
    assert (await enrolled(office))["KID"] is True


async def test_survivors_wait_for_a_person(office: Office) -> None:
    """A subscriber's death ends nobody else's cover; the row says that the family waits, and for what."""
    await read(office, "s04c.834")
    died = "INS*Y*18*024*03*A***FT**D8*20250501"
    file = await office.read(x834(*a_person(died, "F2", "FAMB", "DAD", "19700101", "DTP*357*D8*20250501")))
    assert await enrolled(office) == {"DAD": False, "KID": True}
    assert (await changes(office, file))[1][1].split(",")[-1] == "family-waits"
    assert file.changes["family-waits"] == 1
    [row] = await office.fetch("select code, field from feed_row where changes like '%family-waits'")
    assert (row["code"], row["field"]) == ("family-waits", "INS-04")


async def test_who_went_to_another_family_stays_there(office: Office) -> None:
    """A child that came under another subscriber's number does not leave with the first one."""
    await read(office, "s04c.834")
    rest = "HD*030**HLT", "DTP*348*D8*20250101"
    mother = a_person("INS*Y*18*021*20*A***FT", "F9", "FAMB", "MUM", "19710101", "HD*021**HLT", "DTP*348*D8*20250101")
    child = a_person("INS*N*19*030*20*A***FT", "F9", "FAMB", "KID", "20120101", *rest)
    await office.read(x834(*mother, *child, day="20250602", number=800))
    await office.read(x834(*a_person("INS*Y*18*024*08*A***FT", "F2", "FAMB", "DAD", "19700101", "DTP*357*D8*20250531")))
    assert await enrolled(office) == {"DAD": False, "MUM": True, "KID": True}


async def test_voids_and_ends(office: Office) -> None:
    """HD*002 and an end before the begin make that the cover never was; a 349 alone ends the open span."""
    await read(office, "s31a.834", "s31b.834")
    assert await enrolled(office) == {"HDTWO": False, "ENDBEFORE": False, "ENDSAME": False, "INSCANCEL": False}
    for given in ("HDTWO", "ENDBEFORE", "INSCANCEL"):
        assert await spans(office, given) == [], given
    assert await spans(office, "ENDSAME") == [("medical", "2025-01-01", "2025-01-01")]


@pytest.mark.parametrize("code", ["001", "030", "024"])
async def test_an_end_alone(office: Office, code: str) -> None:
    """A 349 without a 348 ends the open span, whatever HD01 says."""
    await read(office, "s04c.834")
    await office.read(
        x834(
            *a_person(
                "INS*Y*18*001*AI*A***FT", "F2", "FAMB", "DAD", "19700101", f"HD*{code}**HLT", "DTP*349*D8*20250531"
            )
        )
    )
    assert await spans(office, "DAD") == [("medical", "2025-01-01", "2025-05-31")]
    assert await enrolled(office) == {"DAD": False, "KID": True}


async def test_restricted_access_stays(office: Office) -> None:
    """INS13 = R holds until a row says U; an empty element says nothing."""
    await read(office, "s32a.834", "s32b.834")
    assert (await office.events("member-eligibility"))[-1]["contact_protected"] is True
    free = a_person("INS*Y*18*001*43*A***FT*****U", "R1", "RESTR", "RITA", "19500101")
    await office.read(x834(*free, plan="8800032"))
    assert (await office.events("member-eligibility"))[-1]["contact_protected"] is False


async def test_what_was_stored_before_products_were_kept(office: Office) -> None:
    """A span of four values is read as medical cover, and takes the product that a row names."""
    await read(office, "s01a.834")
    old = [["commercial", "2025-01-01", None, None]]
    await office.fetch("update enrolment set spans = $1 returning member_token", old)
    await office.read(case("s01b.834"))
    assert await enrolled(office) == {"DENTA": True}
    [row] = await office.fetch("select spans from enrolment")
    assert ["commercial", "2025-01-01", None, None, "medical", ""] in row["spans"]


async def test_a_reinstatement_of_who_never_died_takes_no_death_back(office: Office) -> None:
    """INS03 025 says that coverage goes on; `lives` is told only of somebody of whom a death was told."""
    begun = a_person("INS*Y*18*021*20*A***FT", "M1", "ONE", "BACK", "19500101", "HD*021**HLT", "DTP*348*D8*20240101",
                     "DTP*349*D8*20241231")  # fmt: skip
    back = a_person("INS*Y*18*025*20*A***FT", "M1", "ONE", "BACK", "19500101", "HD*025**HLT", "DTP*348*D8*20250301")
    await office.read(x834(*begun, number=901))
    file = await office.read(x834(*back, day="20250604", number=902))
    assert await changes(office, file) == {1: ("accepted", "extended")}


async def test_a_plan_added_before_the_member_is_terminated_stays(office: Office) -> None:
    """021 of the new plan, then 024 with DTP*357 and no HD, in one file: the old plan ends, the new one stays, for the
    dependant too; in a later file the same 024 ends what would begin later as well."""
    ins = {"Y": "INS*Y*18*021*20*A***FT", "N": "INS*N*19*021*20*A***FT"}
    who = {"Y": ("M1", "ONE", "DAD", "19800101"), "N": ("M1", "ONE", "KID", "20150101")}
    old, new = ("HD*021**HMO", "DTP*348*D8*20240101"), ("HD*021**HMO", "DTP*348*D8*20250901")
    end = a_person("INS*Y*18*024*20*A***TE", *who["Y"])
    end = (*end[:2], "DTP*357*D8*20250831", *end[2:])
    await office.read(x834(*(one for role in "YN" for one in a_person(ins[role], *who[role], *old)), number=911))
    both = [one for role in "YN" for one in a_person(ins[role], *who[role], *new)]
    await office.read(x834(*both, *end, day="20250604", number=912))
    expected = [("medical", "2024-01-01", "2025-08-31"), ("medical", "2025-09-01", None)]
    assert await spans(office, "DAD") == await spans(office, "KID") == expected
    await office.read(x834(*end, day="20250605", number=913))
    assert await spans(office, "DAD") == await spans(office, "KID") == expected[:1]
