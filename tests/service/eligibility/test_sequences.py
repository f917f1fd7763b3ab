"""Sequences of files as plans and registries send them, each with everybody who is there at its end: number, name,
birth date, ZIP, cover, death, and days of doses."""

import pytest

from tests.service.eligibility.cases import DAY, HELD, an_834, member, told
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Shot, vxu

pytestmark = pytest.mark.postgres
CHANGED, LISTED, ENDED, DIED, BACK = "Y*18*001*25", "Y*18*030*XN", "Y*18*024*07", "Y*18*024*03", "Y*18*025*41"
CHILD, CHILD_CHANGED, CHILD_ENDED = "N*19*021*20", "N*19*001*25", "N*19*024*07"


def said(*rows: str, day: int = 1) -> str:
    """A file of changes of that day of June."""
    return an_834(*rows, day=f"202506{day:02}", control=day)


def bare(row: str) -> str:
    """A row without an address."""
    return "~".join(one for one in row.split("~") if not one.startswith(("N3", "N4")))


def shot(event: str, name: str, born: str, number: str = "", day: str = "20250301") -> str:
    family, given = name.split("*")
    ids = (f"{number or 'C-' + event}^^^CAIR^SR",)
    one = Shot(
        event, family=family, given=given, born=born, zip5="60601", ids=ids, on=day, sex="", sent="20250603060000"
    )
    return vxu(one)


def died(name: str, born: str, number: str, indicator: str = "Y", sent: str = "20250605060000") -> str:
    """A registry's message about the patient alone."""
    family, given = name.split("*")
    pid = f"PID|1||{number}^^^CAIR^SR||{family}^{given}^^^^^L||{born}||||1 Elm^^Chicago^IL^60601^USA^H"
    head = f"MSH|^~\\&|REG|CAIR|VCC|VCC|{sent}+0000||VXU^V04^VXU_V04|M-{sent}-{number}|P|2.5.1"
    return "\r".join((head, f"{pid}{'|' * 18}{'20250520' if indicator == 'Y' else ''}|{indicator}")) + "\r"


def lines(row: str, kind: str, *hds: str) -> str:
    """The row with these coverages in the place of its own."""
    return "~".join([row.partition("~HD*")[0].replace("*001*", f"*{kind}*"), *hds])


def former(row: str, family: str) -> str:
    """The row with a former family name and nothing else of before."""
    return row.replace("~HD*", f"~NM1*70*1*{family}~HD*")


DORA, THEA = member("M1", "FIX*DORA", "19500101"), member("M2", "ROE*THEA", "19620202")
ANN = member("F1", "OAK*ANN", "19800101")
EVE, TIM, JIM = (
    member("F1", f"OAK*{given}", born, sex, CHILD)
    for given, born, sex in (("EVE", "20120909", "F"), ("TIM", "20100303", "M"), ("JIM", "20100303", "M"))
)
TIM1, JIM2 = (member(number, f"DUO*{given}", "19900303", "M") for number, given in (("M1", "TIM"), ("M2", "JIM")))
FATHER = member("M1", "FIX*JOHN", "19500202", "M")
SON = member("M2", "FIX*JOHN", "19800303", "M")
FATHER_IS, SON_IS = "M1 JOHN FIX 1950-02-02 60601", "M2 JOHN FIX 1980-03-03 60601"
DORA_IS, THEA_IS = "M1 DORA FIX 1950-01-01 60601", "M2 THEA ROE 1962-02-02 60601"
ANN_IS, EVE_IS = "F1 ANN OAK 1980-01-01 60601", "F1 EVE OAK 2012-09-09 60601"
TIM_IS, JIM_IS = "F1 TIM OAK 2010-03-03 60601", "F1 JIM OAK 2010-03-03 60601"
TIM1_IS, JIM2_IS = "M1 TIM DUO 1990-03-03 60601", "M2 JIM DUO 1990-03-03 60601"

FAMILIES = {
    "a child is added alone": ([said(ANN), said(EVE, day=2)], [ANN_IS, EVE_IS]),
    "a child alone, behind another family's row": (
        [said(ANN, EVE), said(DORA, member("F1", "OAK*EVE", "20120909", ins=CHILD_CHANGED, zip5="60605"), day=2)],
        [ANN_IS, "F1 EVE OAK 2012-09-09 60605", DORA_IS],
    ),
    "a child ends alone": (
        [said(ANN, EVE), said(member("F1", "OAK*EVE", "20120909", ins=CHILD_ENDED, end="20250531"), day=2)],
        [ANN_IS, f"{EVE_IS} out"],
    ),
    "a child moves without a birth date": (
        [said(ANN, EVE), said(member("F1", "OAK*EVE", ins=CHILD_CHANGED, zip5="60605"), day=2)],
        [ANN_IS, "F1 EVE OAK 2012-09-09 60605"],
    ),
    "a child's name is mended without its former one": (
        [said(ANN, EVE), said(member("F1", "OAK*EVA", "20120909", ins=CHILD_CHANGED), day=2)],
        [ANN_IS, EVE_IS, f"{HELD} 1"],
    ),
    "a child's name is mended with its former one": (
        [said(ANN, EVE), said(member("F1", "OAK*EVA", "20120909", ins=CHILD_CHANGED, was="OAK*EVE*20120909"), day=2)],
        [ANN_IS, "F1 EVA OAK 2012-09-09 60601"],
    ),
    "a husband of his wife's given name": (
        [said(member("F1", "OAK*ROBIN", "19800101")), said(member("F1", "OAK*ROBIN", "19780505", "M", "N*01*021*20"),
                                                           day=2)],
        ["F1 ROBIN OAK 1978-05-05 60601", "F1 ROBIN OAK 1980-01-01 60601"],
    ),
    "a child goes to the other parent's contract": (
        [said(ANN, EVE, DORA), said(member("M1", "OAK*EVE", "20120909", ins=CHILD), day=2)],
        [ANN_IS, DORA_IS, "M1 EVE OAK 2012-09-09 60601"],
    ),
    "a daughter of age has her own contract, and her mother ends": (
        [said(ANN, EVE), said(member("F2", "OAK*EVE", "20120909"), day=2),
         said(member("F1", "OAK*ANN", "19800101", ins=ENDED, end="20250531"), day=3)],
        [f"{ANN_IS} out", "F2 EVE OAK 2012-09-09 60601"],
    ),
    "a subscriber dies: the family waits": (
        [said(ANN, EVE), said(member("F1", "OAK*ANN", "19800101", ins=DIED, end="20250531"), day=2)],
        [f"{ANN_IS} out dead", EVE_IS],
    ),
    "a family gets another number": (
        [said(ANN, EVE), said(member("F2", "OAK*ANN", "19800101", ins=CHANGED, prior="F1"),
                              member("F2", "OAK*EVE", "20120909", ins=CHILD_CHANGED, prior="F1", zip5="60605"), day=2)],
        ["F2 ANN OAK 1980-01-01 60601", "F2 EVE OAK 2012-09-09 60605"],
    ),
    "twins of a family that gets another number": (
        [said(ANN, TIM, JIM), said(*(member("F2", f"OAK*{given}", "20100303", "M", CHILD_CHANGED, prior="F1")
                                     for given in ("JIM", "TIM")), day=2)],
        [ANN_IS, "F2 JIM OAK 2010-03-03 60601", "F2 TIM OAK 2010-03-03 60601"],
    ),
    "a wife becomes the subscriber": (
        [said(FATHER, member("M1", "FIX*DORA", "19500101", ins="N*01*021*20")),
         said(member("M1", "FIX*JOHN", "19500202", "M", DIED, end="20250531"), day=2),
         said(member("M1", "FIX*DORA", "19500101"), day=3)],
        [DORA_IS, "JOHN FIX 1950-02-02 60601 out dead"],
    ),
    "a son of his father's name has the father's number": (
        [said(FATHER, member("M1", "FIX*JOHN", "19800303", "M", CHILD)),
         said(member("M1", "FIX*JOHN", "", "M", CHANGED, zip5="60605"), day=2),
         shot("E1", "FIX*JOHN", "19800303")],
        ["M1 JOHN FIX 1950-02-02 60605", "M1 JOHN FIX 1980-03-03 60601 2025-03-01"],
    ),
    "twins are told apart by a dose": (
        [said(ANN, TIM, JIM), shot("E1", "OAK*JIM", "20100303")], [ANN_IS, f"{JIM_IS} 2025-03-01", TIM_IS],
    ),
    "a twin's correction is the twin's": (
        [said(ANN, TIM, JIM),
         said(member("F1", "OAK*JAMES", "20100303", "M", CHILD_CHANGED, was="OAK*JIM*20100303"), day=2)],
        [ANN_IS, "F1 JAMES OAK 2010-03-03 60601", TIM_IS],
    ),
    "a correction names the other twin": (
        [said(ANN, TIM, JIM),
         said(member("F1", "OAK*JIM", "20100303", "M", CHILD_CHANGED, was="OAK*TIM*20100303", zip5="60605"), day=2)],
        [ANN_IS, "F1 JIM OAK 2010-03-03 60605", TIM_IS],
    ),
    "a newborn gets the name that her sister has": (
        [said(ANN, EVE, member("F1", "OAK*BABYGIRL", "20250505", ins=CHILD)),
         said(member("F1", "OAK*IDA", "20250505", ins=CHILD_CHANGED), day=2)],
        [ANN_IS, EVE_IS, "F1 IDA OAK 2025-05-05 60601"],
    ),
}  # fmt: skip
NAMES = {
    "a marriage without an address, and a dose under the new name": (
        [said(DORA), said(bare(member("M1", "MILLER*DORA", "19500101", ins=CHANGED)), day=2),
         shot("E1", "MILLER*DORA", "19500101")],
        ["M1 DORA MILLER 1950-01-01 60601 2025-03-01"],
    ),
    "a birth date without an address, and a dose that waited for it": (
        [said(DORA), shot("E1", "FIX*DORA", "19500110"),
         said(bare(member("M1", "FIX*DORA", "19500110", ins=CHANGED)), day=2)],
        ["M1 DORA FIX 1950-01-10 60601 2025-03-01"],
    ),
    "all is new but a former family name": (
        [said(DORA), said(former(member("M1", "NEW*NINA", "19770707", ins=CHANGED), "FIX"), day=2)],
        [DORA_IS, f"{HELD} 1"],
    ),
    "a family name and a birth date are mended, the given name stays": (
        [said(DORA), said(former(member("M1", "MILLER*DORA", "19770707", ins=CHANGED), "FIX"), day=2)],
        ["M1 DORA MILLER 1977-07-07 60601"],
    ),
    "family and given name swapped": (
        [said(DORA), said(member("M1", "DORA*FIX", "19500101", ins=CHANGED), day=2)], [DORA_IS, f"{HELD} 1"],
    ),
    "an old file brings the maiden name back": (
        [said(DORA), said(member("M1", "MILLER*DORA", "19500101", ins=CHANGED), day=3),
         said(member("M1", "FIX*DORA", "19500101", ins=CHANGED), day=2)],
        ["M1 DORA MILLER 1950-01-01 60601"],
    ),
    "a son is given his father's birth date": (
        [said(FATHER, SON), said(member("M2", "FIX*JOHN", "19500202", "M", CHANGED), day=2)],
        [FATHER_IS, SON_IS, f"{HELD} 1"],
    ),
    "a son is given his father's birth date without an address": (
        [said(FATHER, SON), said(bare(member("M2", "FIX*JOHN", "19500202", "M", CHANGED)), day=2)],
        [FATHER_IS, SON_IS, f"{HELD} 1"],
    ),
    "a son's dose and move": (
        [said(FATHER, SON), shot("E1", "FIX*JOHN", "19800303"),
         said(member("M2", "FIX*JOHN", "19800303", "M", CHANGED, zip5="60605"), day=2)],
        [FATHER_IS, "M2 JOHN FIX 1980-03-03 60605 2025-03-01"],
    ),
    "a twin becomes the other one": (
        [said(TIM1, JIM2), said(member("M1", "DUO*JIM", "19900303", "M", CHANGED), day=2)],
        [TIM1_IS, JIM2_IS, f"{HELD} 1"],
    ),
}  # fmt: skip
NUMBERS = {
    "a number goes on, the old end in the same file": (
        [said(DORA), said(member("M1", "FIX*DORA", "19500101", ins=ENDED, end="20250531"),
                          member("M1", "ROE*THEA", "19620202"), day=2)],
        ["DORA FIX 1950-01-01 60601 out", "M1 THEA ROE 1962-02-02 60601"],
    ),
    "a number goes on, the old end behind the new holder": (
        [said(DORA), said(member("M1", "ROE*THEA", "19620202"),
                          member("M1", "FIX*DORA", "19500101", ins=ENDED, end="20250531"), day=2)],
        ["DORA FIX 1950-01-01 60601 out", "M1 THEA ROE 1962-02-02 60601"],
    ),
    "two numbers later": (
        [said(DORA), said(member("M3", "FIX*DORA", "19500101", ins=CHANGED, prior="M1"), day=2),
         said(member("M4", "FIX*DORA", "19500101", ins=CHANGED, prior="M3"), day=3)],
        ["M4 DORA FIX 1950-01-01 60601"],
    ),
    "renumbered, and the older file last": (
        [said(DORA), said(member("M3", "FIX*DORA", "19500101", ins=CHANGED, prior="M1"), day=3),
         said(member("M1", "FIX*DORA", "19500101", ins=CHANGED, zip5="60605"), day=2)],
        ["M3 DORA FIX 1950-01-01 60601"],
    ),
    "two numbers are swapped": (
        [said(DORA, THEA), said(member("M2", "FIX*DORA", "19500101", ins=CHANGED, prior="M1"),
                                member("M1", "ROE*THEA", "19620202", ins=CHANGED, prior="M2"), day=2)],
        ["M1 THEA ROE 1962-02-02 60601", "M2 DORA FIX 1950-01-01 60601"],
    ),
    "a prior number that is somebody else's": (
        [said(DORA, THEA), said(member("M3", "NEW*NINA", "19770707", prior="M1"), day=2)],
        [DORA_IS, THEA_IS, "M3 NINA NEW 1977-07-07 60601"],
    ),
    "the prior number is the number": (
        [said(DORA), said(member("M1", "FIX*DORA", "19500101", ins=CHANGED, prior="M1", zip5="60605"), day=2)],
        ["M1 DORA FIX 1950-01-01 60605"],
    ),
    "a renumbered member's new name is another's": (
        [said(DORA, member("M2", "FIX*DORRA", "19500101")),
         said(member("M3", "FIX*DORRA", "19500101", ins=CHANGED, prior="M1"), day=2)],
        [DORA_IS, "M2 DORRA FIX 1950-01-01 60601", f"{HELD} 1"],
    ),
}  # fmt: skip
COVERS = {
    "dental ends": (
        [said(lines(DORA, "021", "HD*021**HLT", "DTP*348*D8*20250101", "HD*021**DEN", "DTP*348*D8*20250101")),
         said(lines(member("M1", "FIX*DORA", "19500101", ins=CHANGED), "001", "HD*024**DEN", "DTP*349*D8*20250531"),
              day=2)],
        [DORA_IS],
    ),
    "medical ends by its 349 alone": (
        [said(DORA), said(lines(member("M1", "FIX*DORA", "19500101", ins=CHANGED), "001", "HD*001**HLT",
                                "DTP*349*D8*20250531"), day=2)],
        [f"{DORA_IS} out"],
    ),
    "medical never was": (
        [said(DORA), said(lines(member("M1", "FIX*DORA", "19500101", ins=CHANGED), "001", "HD*002**HLT",
                                "DTP*348*D8*20250101"), day=2)],
        [f"{DORA_IS} out"],
    ),
    "a held end ends nobody": (
        [said(DORA), said(member("M1", "ROE*THEA", "19620202", ins=ENDED, end="20250531"), day=2)],
        [DORA_IS, f"{HELD} 1"],
    ),
}  # fmt: skip
DEATHS = {
    "a plan's, and a registry's life": (
        [said(DORA), said(member("M1", "FIX*DORA", "19500101", ins=DIED, end="20250531"), day=2),
         died("FIX*DORA", "19500101", "C-1", "N")],
        [f"{DORA_IS} out dead"],
    ),
    "a registry's, taken back": (
        [said(DORA), died("FIX*DORA", "19500101", "C-1"),
         died("FIX*DORA", "19500101", "C-1", "N", sent="20250606060000")],
        [DORA_IS],
    ),
    "a registry's, and the plan's reinstatement": (
        [said(DORA), died("FIX*DORA", "19500101", "C-1"),
         said(member("M1", "FIX*DORA", "19500101", ins=BACK), day=7)],
        [f"{DORA_IS} out dead"],
    ),
    "a plan's, taken back by the plan": (
        [said(DORA), said(member("M1", "FIX*DORA", "19500101", ins=DIED, end="20250531"), day=2),
         said(member("M1", "FIX*DORA", "19500101", ins=BACK), day=3)],
        [DORA_IS],
    ),
    "a held row kills nobody": (
        [said(DORA), said(member("M1", "ROE*THEA", "19620202", ins=DIED, end="20250531"), day=2)],
        [DORA_IS, f"{HELD} 1"],
    ),
    "of a twin, under the other's number": (
        [said(TIM1, JIM2), shot("E1", "DUO*TIM", "19900303", "C-1"), died("DUO*JIM", "19900303", "C-1")],
        [f"{TIM1_IS} 2025-03-01", JIM2_IS],
    ),
    "of one who is merged": (
        [said(DORA, member("M2", "FIXX*DORA", "19500110")),
         said(member("M2", "FIXX*DORA", "19500110", ins=DIED, end="20250531"), day=2),
         said(member("M1", "FIX*DORA", "19500101", ins=CHANGED, prior="M2", was="FIXX*DORA*19500110"), day=3)],
        [f"{DORA_IS} out dead"],
    ),
    "of the father, by a registry": (
        [said(FATHER, SON), died("FIX*JOHN", "19500202", "C-1")], [f"{FATHER_IS} out dead", SON_IS],
    ),
}  # fmt: skip
DOSES = {
    "under a twin's number, in the other's name": (
        [said(TIM1, JIM2), shot("E1", "DUO*TIM", "19900303", "C-1"),
         shot("E2", "DUO*JIM", "19900303", "C-1", "20250401")],
        [f"{TIM1_IS} 2025-03-01", JIM2_IS],
    ),
    "of a twin whom no plan lists, under a word for no number": (
        [said(DORA), shot("E1", "FIX*DORA", "19500101", "UNKNOWN"),
         shot("E2", "FIX*THEA", "19500101", "UNKNOWN", "20250401")],
        [f"{DORA_IS} 2025-03-01"],
    ),
    "of two who became one": (
        [said(DORA, member("M2", "FIXX*DORA", "19500110")), shot("E1", "FIXX*DORA", "19500110"),
         said(member("M1", "FIX*DORA", "19500101", ins=CHANGED, prior="M2", was="FIXX*DORA*19500110"), day=3),
         shot("E2", "FIX*DORA", "19500101", day="20250401")],
        [f"{DORA_IS} 2025-03-01 2025-04-01"],
    ),
    "before the member is known": (
        [shot("E1", "FIX*DORA", "19500101"), said(DORA)], [f"{DORA_IS} 2025-03-01"],
    ),
    "of the old holder of a number": (
        [said(DORA), shot("E1", "FIX*DORA", "19500101"), said(member("M1", "ROE*THEA", "19620202"), day=2),
         shot("E2", "ROE*THEA", "19620202", day="20250401")],
        ["DORA FIX 1950-01-01 60601 2025-03-01", "M1 THEA ROE 1962-02-02 60601 2025-04-01"],
    ),
    "in a registry's married name, by its number": (
        [said(DORA), shot("E1", "FIX*DORA", "19500101", "C-1"),
         shot("E2", "MILLER*DORA", "19500101", "C-1", "20250401")],
        [f"{DORA_IS} 2025-03-01 2025-04-01"],
    ),
}  # fmt: skip
ALL = FAMILIES | NAMES | NUMBERS | COVERS | DEATHS | DOSES


@pytest.mark.parametrize("name", ALL)
async def test_what_a_sequence_of_files_leaves(office: Office, name: str) -> None:
    """Nobody is lost, joined, revived or given another's dose, and what is doubtful is held."""
    files, expected = ALL[name]
    await office.open_day(DAY)
    for content in files:
        await office.read(content)
    assert await told(office) == sorted(expected, key=lambda one: (one.startswith(HELD), one))
