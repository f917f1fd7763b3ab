"""Languages of every feed in one form: tags of BCP 47."""

import csv
from pathlib import Path

import pytest

from schemas import languages as tables
from schemas.languages import language_tag
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
