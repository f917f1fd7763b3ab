"""Small files that once cost much: endless repetitions, trailers, segments and observations. Counted, not timed."""

import io

import pytest

from services.eligibility.feeds import hl7_vxu, vxu_dose, x12
from services.eligibility.feeds.er7 import MOST_REPEATS
from services.eligibility.feeds.values import day
from tests.unit.eligibility.feeds.builders import (
    a_dose,
    a_member,
    a_vxu,
    an_834,
    codes,
    doses,
    items_of,
    rejections,
    rosters,
)

PID = "PID|1||{numbers}||Waffle^Walter^W^^^^L|Syrup|19480229|M||2106-3|1 Elm St^^Peoria^IL^61602"
IMMUNE = "OBX|1|CE|59784-9^^LN|{set}|{codes}||||||F"
ISA = "ISA*00*          *00*          *ZZ*A              *ZZ*B              *210301*0600*^*00501*000000001*0*P*:~"


def numbers(many: int) -> str:
    return PID.format(numbers="~".join(f"P{n}^^^IIS^SR" for n in range(many)))


def test_a_field_of_endless_repetitions_is_one_reject() -> None:
    """Each of the message's rows would carry them all: the message is refused by field (v5.0.0-2.2.1, v5.0.0-5.2.1)."""
    items = items_of(a_vxu(*(a_dose(f"ORC|RE||D-{n}^IIS") for n in range(50)), pid=numbers(60_000)))
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, "PID-3", "repetitions")]
    assert doses(items) == []


def test_as_many_repetitions_as_may_be_are_read() -> None:
    """A patient of a hundred numbers is one."""
    [dose] = doses(items_of(a_vxu(a_dose(), pid=numbers(MOST_REPEATS))))
    assert len(dose.person.identifiers) == MOST_REPEATS


@pytest.mark.parametrize("number", [5, 10, 11, 13])
def test_no_repeated_field_of_the_patient_is_endless(number: int) -> None:
    """Names, races, addresses and telephones are bounded alike."""
    fields = PID.format(numbers="777^^^IIS^SR").split("|") + [""] * 3
    fields[number] = "~".join(["A^B^C"] * (MOST_REPEATS + 1))
    assert (f"PID-{number}", "repetitions") in codes(items_of(a_vxu(a_dose(), pid="|".join(fields))))


def test_a_text_may_break_its_lines() -> None:
    """A remark of many lines refuses nothing; coded evidence of as many values does, with its event alone."""
    note = "OBX|1|TX|48767-8^^LN||" + "~".join(["a line"] * 500)
    assert len(doses(items_of(a_vxu(f"{a_dose()}\n{note}")))) == 1
    many = IMMUNE.format(set=1, codes="~".join(["38907003^^SCT"] * (MOST_REPEATS + 1)))
    items = items_of(a_vxu(f"{a_dose()}\n{many}", a_dose("ORC|RE||D-2^IIS", vaccine="207^x^CVX")))
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, "OBX-5", "repetitions")]
    assert len(doses(items)) == 1


def test_endless_components_are_read_past() -> None:
    """A name of 100,000 components is a name."""
    pid = PID.format(numbers="777^^^IIS^SR").replace("Waffle^Walter^W", "Waffle^Walter" + "^x" * 100_000)
    [dose] = doses(items_of(a_vxu(a_dose(), pid=pid)))
    assert dose.person.name is not None
    assert dose.person.name.family == "Waffle"


def test_observations_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand contraindications with a day each: not each day for each of them."""
    asked = 0

    def counting(text: str) -> object:
        nonlocal asked
        asked += 1
        return day(text)

    monkeypatch.setattr(vxu_dose, "day", counting)
    lines = [a_dose()]
    for n in range(1000):
        lines.append(f"OBX|{n}|CE|30945-0^^LN|{n}|VXC18^x^CDCPHINVS||||||F")
        lines.append(f"OBX|{n}|DT|30946-8^^LN|{n}|20250101||||||F")
    [dose] = doses(items_of(a_vxu("\n".join(lines))))
    assert len(dose.evidence) == 1000
    assert {one.observed_on.isoformat() for one in dose.evidence if one.observed_on} == {"2025-01-01"}
    assert asked < 5000


def test_a_message_of_many_long_segments_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held of a message is bounded in bytes, whatever its number of segments (v5.0.0-5.2.1)."""
    monkeypatch.setattr(hl7_vxu, "MAX_MESSAGE_BYTES", 10_000)
    note = "OBX|1|TX|48767-8^^LN||" + "x" * 3000
    items = items_of(a_vxu(f"{a_dose()}\n" + "\n".join([note] * 20)) + a_vxu(a_dose()))
    assert [(one.field, one.code) for one in rejections(items)] == [("MSH", "message-length")]
    assert len(doses(items)) == 1


def test_trailers_alone_copy_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of trailers, or of empty interchanges, is not copied anew for each of them."""
    learnt = 0
    learn = x12.X12Segments._learn

    def counting(self: x12.X12Segments) -> None:
        nonlocal learnt
        learnt += 1
        learn(self)

    monkeypatch.setattr(x12.X12Segments, "_learn", counting)
    for body in ("IEA~" * 50_000, (ISA + "IEA~") * 5_000, "IEA~ISA~" * 30_000):
        learnt, size = 0, len(ISA) + len(body)
        assert sum(1 for _ in x12.X12Segments(io.BytesIO((ISA + body).encode()))) == 1 + body.count("~")
        chunks = size // x12.CHUNK_BYTES + 1
        assert learnt <= 1 + chunks * (x12.ISA_ELEMENTS * 32 // 4 + 1)


def test_separators_are_learnt_anew_wherever_they_change() -> None:
    """Interchanges of several senders in one file, each with its own separators, also at the edge of a chunk."""
    other = ISA.replace("*", "|").replace("~", "\n")
    for padding in (0, 1, 7, x12.CHUNK_BYTES - 2 * len(ISA) - 30, x12.CHUNK_BYTES - 300):
        text = ISA + "REF*" + "x" * 50 + "~" + ("N1*y~" * (padding // 5)) + "IEA*1*1~" + other + "REF|a*b~c\nIEA|1|1\n"
        found = list(x12.X12Segments(io.BytesIO(text.encode())))
        assert found[-2:] == [["REF", "a*b~c"], ["IEA", "1", "1"]]
    marked = (ISA + "IEA*1*1~\n").encode() + b"\xef\xbb\xbf" + (ISA + "IEA*1*2~").encode()
    assert [one[0] for one in x12.X12Segments(io.BytesIO(marked))] == ["ISA", "IEA", "ISA", "IEA"]


def test_a_member_of_long_segments_is_bounded() -> None:
    """A segment beyond all measure loses itself, or its member, in the midst of a chunk too; padding is no segment."""
    long = "MSG*" + "x" * (x12.MAX_SEGMENT_CHARS + 1)
    items = items_of(an_834(a_member(before=[long]), a_member("LS0002")))
    assert ("segment", "segment-length") in codes(items)
    assert len(rosters(items)) == 2
    needed = "NM1*IL*1*" + "x" * (x12.MAX_SEGMENT_CHARS + 1)
    items = items_of(an_834(a_member(name=needed), a_member("LS0002")))
    assert ("NM1", "segment-length") in codes(items)
    assert len(rosters(items)) == 1
    assert rejections(items_of(an_834(a_member()) + b" " * 200_000)) == []


def test_a_member_of_many_long_segments_is_one_reject() -> None:
    """What is kept of one member is bounded in characters: every qualifier may be another one (v5.0.0-5.2.1)."""
    before = [f"REF*Q{n}*" + "x" * 60_000 for n in range(200)]
    items = items_of(an_834(a_member(before=before), a_member("LS0002")))
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(1, "INS", "row-length")]
    assert len(rosters(items)) == 1
