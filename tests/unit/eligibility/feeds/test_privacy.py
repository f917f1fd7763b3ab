"""What is said about a wrong value never holds the value."""

from collections.abc import Callable, Iterator

import pytest

from services.eligibility.feeds.records import FeedItem, FeedSummary, Notice, Rejection
from tests.unit.eligibility.feeds.builders import a_dose, a_member, a_vxu, an_834, items_of
from tests.unit.eligibility.feeds.golden_files import feed_files, reading
from tests.unit.eligibility.feeds.test_ads_maa import D_HEADER, D_ROW, V_HEADER, V_ROW, text

# A name, a day to come, a day of no calendar, a number, a code: each goes another way through the checks.
CANARIES = ("Zebulon7Quagga", "21230405", "30240230", "0918273645", "2123-04-05", "QZX")
CANARY = CANARIES[0]
MEMBER = a_member(
    before=["REF*1L*GRP", "REF*ZZ*06037206200", "REF*Q4*OLD1", "DTP*356*D8*20250101"],
    name="NM1*74*1*PANCAKE*PETRA*Q**JR*ZZ*P1",
    after_name=["PER*IP**HP*3125550100*EM*p@q.org", "N3*1 ELM*2", "N4*LOS ANGELES*CA*90012**CY*06037", "LUI*LD*SPA"],
    dmg="DMG*D8*19500704*F**:RET:2054-5",
    after=[
        "NM1*70*1*PANCACKE*PETRA",
        "DMG*D8*19500407*F",
        "NM1*31*1",
        "N3*PO BOX 1*STE 2",
        "N4*PASADENA*CA*91101**CY*06037",
        "NM1*GD*1*GROUCH*OSCAR",
        "PER*RP**HP*3125550100*CP*3125550101",
        "NM1*45*1",
        "N3*1 ELM",
        "HD*021**HLT*GOLD",
        "DTP*348*D8*20250101",
    ],
    ins="INS*Y*18*024*03*A*C**TE***D8*20251224*R****1",
)


def said(items: list[FeedItem]) -> Iterator[str]:
    """All that may reach a log, a report or an answer to the sender."""
    return (repr(one) for one in items if isinstance(one, (Rejection, Notice, FeedSummary)))


def spoilt_rosters(canary: str) -> Iterator[bytes]:
    for at, segment in enumerate(MEMBER):
        for element in range(1, 18):
            wrong = [list(one) for one in MEMBER]
            wrong[at] = [*segment, *[""] * (element + 1 - len(segment))]
            wrong[at][element] = canary
            yield an_834(wrong, a_member("LS2"))


def spoilt_messages(canary: str) -> Iterator[bytes]:
    lines = a_vxu(a_dose()).decode().split("\r")
    lines.insert(2, "NK1|1|Grouch^Oscar^^^^^L|GRD^Guardian^HL70063||^PRN^CP^^^312^5550100")
    for at, line in enumerate(lines):
        for field in range(1, 32):
            fields = line.split("|")
            fields += [""] * (field + 1 - len(fields))
            fields[field] = canary
            if field > 1 or not line.startswith("MSH"):
                yield "\r".join([*lines[:at], "|".join(fields), *lines[at + 1 :]]).encode()
        yield "\r".join([*lines[:at], canary, *lines[at:]]).encode()


def spoilt_extracts(canary: str) -> Iterator[bytes]:
    for header, row in ((D_HEADER, D_ROW), (V_HEADER, V_ROW)):
        for column in range(18):
            fields = [*row.split("\t"), ""]
            fields[column] = canary
            yield text(header, row, "\t".join(fields[:17] if column < 17 else fields), row)


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("files", [spoilt_rosters, spoilt_messages, spoilt_extracts], ids=lambda one: one.__name__)
def test_no_rejection_or_notice_repeats_a_value(files: Callable[[str], Iterator[bytes]], canary: str) -> None:
    """A canary put into any field of any format is in none of what is said about the file."""
    spoken = 0
    for data in files(canary):
        for sentence in said(items_of(data)):
            assert canary not in sentence
            spoken += "Rejection" in sentence or "Notice(" in sentence
    assert spoken > 5


def test_a_file_of_the_wrong_kind_is_refused_without_its_words() -> None:
    """The first bytes of an unknown file are nobody's to repeat."""
    for data in (f"{CANARY},1950", f"<{CANARY}/>", f"ISA*{CANARY}", f"MSH|^~\\&|{CANARY}", f"GRANTEE\t{CANARY}\n"):
        assert all(CANARY not in sentence for sentence in said(items_of(data.encode())))


def test_real_files_are_spoken_of_without_their_names() -> None:
    """Nothing said about a real file contains a name or number that stands in it."""
    for path in feed_files():
        if path.suffix != ".zip":
            values = {one for one in path.read_text("latin-1").replace("|", "*").split("*") if len(one) > 7}
            for line in reading(path).splitlines():
                if '"expected"' in line:
                    assert not [one for one in values if one in line]
