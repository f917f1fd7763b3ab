"""Languages of every feed in one form: tags of BCP 47."""

import csv
from pathlib import Path

import pytest

from schemas import languages as tables
from schemas.languages import language_tag
from services.eligibility.feeds.languages import OF_NISO
from tests.unit.eligibility.feeds.builders import a_dose, a_member, a_vxu, an_834, codes, doses, items_of, rosters

SPELLED = [
    ("SPA", "es"), ("spa", "es"), ("es", "es"), ("es-MX", "es"), ("en_US", "en"), (" ENG ", "en"),
    ("CHI", "zh"), ("zho", "zh"), ("ARM", "hy"), ("hye", "hy"), ("PER", "fa"), ("fas", "fa"), ("TGL", "tl"),
    ("HMN", "hmn"), ("ILO", "ilo"), ("YUE", "yue"), ("cmn", "cmn"),
    ("mam", "mam"), ("quc", "quc"), ("ase", "ase"), ("prs-AF", "prs"), ("arb", "ar"), ("swh", "sw"),
]  # fmt: skip
UNSAID = ["", "UND", "ZXX", "MIS", "MUL", "unk"]
UNKNOWN = ["XQZ", "qaa", "ESP", "Spanish", "e", "99", "español"]


@pytest.mark.parametrize(("text", "tag"), [*SPELLED, *((text, "") for text in UNSAID), *((t, None) for t in UNKNOWN)])
def test_a_language_has_one_tag(text: str, tag: str | None) -> None:
    """Both kinds of ISO 639-2, ISO 639-1 and tags with a region lead to one tag; no language is none, and what is no
    code is told from that."""
    assert language_tag(text) == tag


def test_the_table_is_whole() -> None:
    """The 183 living codes of ISO 639-1 have their two letters; 20 languages have two codes and one tag."""
    with (Path(tables.__file__).parent / "language.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tags = [row["tag"] for row in rows]
    assert len({row["iso639_2"] for row in rows}) == len(rows) == 506
    assert len({tag for tag in tags if len(tag) == 2}) == 183
    assert sum(tags.count(tag) == 2 for tag in set(tags)) == 20


@pytest.mark.parametrize(("text", "tag", "told"), [("SPA", "es", False), ("UND", "", False), ("XQZ", "", True)])
def test_a_members_and_a_patients_language(text: str, tag: str, told: bool) -> None:
    """LUI and PID-15 give the tag; an unknown code gives none, is noticed by its place, and the row is taken."""
    enrolled = items_of(an_834(a_member(after_name=[f"LUI*LE*{text}"])))
    pid = "PID|1||777^^^IIS^SR||Waffle^Walter^W^^^^L|Syrup|19480229|M||2106-3|1 Elm St^^Peoria^IL^61602||||" + text
    vaccinated = items_of(a_vxu(a_dose(), pid=f"{pid}^^HL70296"))
    assert [row.person.language for row in rosters(enrolled)] == [tag]
    assert [row.person.language for row in doses(vaccinated)] == [tag]
    assert (("LUI-02", "language") in codes(enrolled), ("PID-15", "language") in codes(vaccinated)) == (told, told)


def test_a_notice_does_not_repeat_what_was_sent() -> None:
    """The unknown code stands in no notice: it could be anything."""
    items = items_of(an_834(a_member(after_name=["LUI*LE*PANCAKE-PETRA"])))
    assert ("LUI-02", "language") in codes(items)
    assert "PANCAKE-PETRA" not in "".join(str(one) for one in items if "Notice" in type(one).__name__)


USES = [
    (("LE*SPA**7",), "es", ("es",)),
    (("LD*SPA**7", "LD*ENG**7"), "es", ("es", "en")),
    (("LE*ENG**5", "LE*SPA**7"), "es", ("es",)),
    (("LE*ENG**6", "LE*KOR**8"), "ko", ()),
    (("LE*ENG**5", "LE*VIE**6"), "en", ()),
    (("LE*SPA",), "es", ()),
    (("LD*TAG**7",), "tl", ("tl",)),
    (("LE*TAG**7",), "tl", ("tl",)),
    (("LE*QUC**7",), "quc", ("quc",)),
    (("LD*CAM**7", "LD*CAM**7"), "km", ("km",)),
    (("LE*UND**7",), "", ()),
]


@pytest.mark.parametrize(("said", "tag", "spoken"), USES)
def test_the_use_of_a_language(said: tuple[str, ...], tag: str, spoken: tuple[str, ...]) -> None:
    """Spoken are those with use 7; spoken to in one of them, sooner than in one that is only read (5) or written (6).
    NISO's older codes are known, whatever the qualifier."""
    [row] = rosters(items_of(an_834(a_member(after_name=[f"LUI*{one}" for one in said]))))
    assert (row.person.language, row.person.spoken) == (tag, spoken)


def test_niso_codes_mean_nothing_else() -> None:
    """None of them is a code of ISO 639-2, and each leads to a tag of the table."""
    with (Path(tables.__file__).parent / "language.csv").open(encoding="utf-8") as file:
        assert not OF_NISO.keys() & {row["iso639_2"] for row in csv.DictReader(file)}
    assert {language_tag(tag) for tag in OF_NISO.values()} == set(OF_NISO.values())


def test_a_language_before_the_name() -> None:
    """LUI in the member's own loop (2000) is taken like one in the loop of the name (2100A), never another person's."""
    own = a_member(before=["LUI*LE*SPA**7"])
    others = a_member("LS0002", after=["NM1*31*1*SYRUP*SAM", "LUI*LE*KOR**7", "HD*021**HLT*GOLD"])
    spoken = [row.person.spoken for row in rosters(items_of(an_834(own, others)))]
    assert spoken == [("es",), ()]
