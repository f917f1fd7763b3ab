"""What holds for any bytes: nothing raises, no row vanishes, nothing said is lost."""

import io
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import Buffer

from services.eligibility.feeds import read_stream
from services.eligibility.feeds.records import DoseRecord, FeedItem, PatientRecord, Rejection, RosterRecord
from services.eligibility.feeds.x12 import Separators
from tests.unit.eligibility.feeds.builders import (
    a_dose,
    a_member,
    a_vxu,
    an_834,
    doses,
    items_of,
    patients,
    rosters,
    summary,
)
from tests.unit.eligibility.feeds.golden_files import DATA
from tests.unit.eligibility.feeds.test_ads_maa import CONTROL_TEXT, D_HEADER, D_ROW, V_HEADER, V_ROW, a_zip, text

ROSTER = (DATA / "made" / "lakeshore_week.834").read_bytes()
BATCH = (DATA / "made" / "registry_batch.hl7").read_bytes()
PATIENT_FILE = text(D_HEADER, D_ROW, D_ROW.replace("9001", "9002"), "broken", D_ROW.replace("9001", "9003"))
DOSE_FILE = text(V_HEADER, V_ROW, V_ROW.replace("187", "777"), V_ROW.replace("9001", "9003"))
ARCHIVE = a_zip(c=CONTROL_TEXT, d=PATIENT_FILE, v=DOSE_FILE)
FILES = (ROSTER, BATCH, PATIENT_FILE, DOSE_FILE, ARCHIVE)
HEADS = (ROSTER[:106], ROSTER[:400], BATCH[:80], BATCH[:400], text(D_HEADER), text(V_HEADER), b"PK\x03\x04", b"")

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def record_rows(items: Sequence[FeedItem]) -> list[int]:
    return [one.position.row for one in items if isinstance(one, (RosterRecord, DoseRecord, PatientRecord))]


def every_row_ended_once(items: Sequence[FeedItem]) -> None:
    rejected = [one.row for one in items if isinstance(one, Rejection) and one.row]
    rows = sorted(record_rows(items) + rejected)
    assert rows == list(range(1, summary(items).rows + 1))
    assert summary(items).records == len(record_rows(items))


@quick
@given(st.binary(max_size=2000))
def test_garbage_gives_only_rejections(data: bytes) -> None:
    """Bytes of no format give one rejection of the file and nothing else."""
    items = items_of(data)
    assert not record_rows(items)
    assert any(isinstance(one, Rejection) for one in items)


@quick
@given(st.sampled_from(HEADS), st.binary(max_size=2000))
def test_garbage_behind_a_good_beginning_raises_nothing(head: bytes, tail: bytes) -> None:
    """A file may begin well and go on as it likes: every row it has ends once."""
    every_row_ended_once(items_of(head + tail))


@quick
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=6),
)
def test_damaged_files_raise_nothing(data: bytes, wounds: list[tuple[int, int, bytes]]) -> None:
    """Whatever is cut out or put in, every row ends in one record or one rejection."""
    for at, length, new in wounds:
        start = at % len(data)
        data = (data[:start] + new + data[start + length :]) or b"?"
    every_row_ended_once(items_of(data))


@quick
@given(st.permutations(ROSTER.split(b"~\n")[1:-1]))
def test_segments_in_any_order_raise_nothing(segments: list[bytes]) -> None:
    """An envelope turned inside out is a matter of notices and rejections."""
    every_row_ended_once(items_of(ROSTER[:105] + b"~" + b"~".join(segments) + b"~"))


@quick
@given(st.permutations(BATCH.replace(b"\r", b"\n").split(b"\n")[2:-1]))
def test_lines_in_any_order_raise_nothing(lines: list[bytes]) -> None:
    """So are messages with their segments shuffled."""
    every_row_ended_once(items_of(BATCH.replace(b"\r", b"\n").split(b"\n")[0] + b"\n" + b"\n".join(lines)))


@quick
@given(st.permutations(list("*|+:>^!~'\x1c\x1d\x1e\n;,%")), st.sampled_from(["", "\n", "\r\n"]))
def test_a_roster_reads_the_same_under_any_separators(chars: list[str], newline: str) -> None:
    """Separators are the sender's choice and change nothing."""
    sep = Separators(*chars[:4])
    used = "".join(chars[:4])
    layout = "" if set(newline) & set(used) else newline

    def members(component: str, repetition: str) -> list[list[list[str]]]:
        race = f"{component}RET{component}2054-5{repetition}{component}RET{component}2186-5"
        return [
            [[*segment, "", race] if segment[0] == "DMG" else segment for segment in a_member(f"LS{n}")]
            for n in range(3)
        ]

    expected = rosters(items_of(an_834(*members(":", "^"))))
    found = items_of(an_834(*members(sep.component, sep.repetition), sep=sep, newline=layout))
    assert rosters(found) == expected
    assert summary(found).is_complete


SHORT_ROSTER = an_834(a_member("LS1"), a_member("LS2", after=["HD*021**HLT*GOLD"]), a_member("LS3"))
SHORT_BATCH = (
    b"FHS|^~\\&|R|IIS\rBHS|^~\\&|R|IIS\r"
    + a_vxu(a_dose(), a_dose("ORC|RE||D-2^IIS", completion="RE", reason="03"), end="\n")
    + a_vxu(a_dose("ORC|RE||D-3^IIS"))
    + b"BTS|2\rFTS|1\r"
)


@pytest.mark.parametrize("data", [SHORT_ROSTER, SHORT_BATCH, PATIENT_FILE, DOSE_FILE], ids=["834", "vxu", "d", "v"])
def test_a_file_cut_at_any_byte_loses_no_earlier_row(data: bytes) -> None:
    """Of every beginning of a file the records are a beginning of all its records, and they only grow."""
    whole = items_of(data)
    records = [*rosters(whole), *doses(whole), *patients(whole)]
    assert len(records) >= 2
    before = 0
    for end in range(len(data) + 1):
        items = items_of(data[:end])
        found = [*rosters(items), *doses(items), *patients(items)]
        assert found == records[: len(found)]
        assert len(found) >= before
        before = len(found)
        every_row_ended_once(items)
    assert before == len(records)


@pytest.mark.parametrize("data", [SHORT_ROSTER, SHORT_BATCH], ids=["834", "vxu"])
def test_a_file_cut_anywhere_is_incomplete(data: bytes) -> None:
    """However much of it came, a file with a missing end never counts as whole."""
    trailer = data.rindex(b"IEA" if data.startswith(b"ISA") else b"FTS")
    start = 200 if data.startswith(b"ISA") else 40
    for end in range(start, trailer):
        if data.startswith(b"ISA") or b"BTS" not in data[:end]:
            assert not summary(items_of(data[:end])).is_complete


class Endless(io.RawIOBase):
    """A file that is written while it is read."""

    def __init__(self, head: bytes, body: bytes, times: int) -> None:
        self._head, self._body, self._times = head, body, times
        self._rest = b""
        self.seek(0)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._rest, self._left = self._head, self._times
        return 0

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        while len(self._rest) < len(view) and self._left:
            self._rest += self._body
            self._left -= 1
        found, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(found)] = found
        return len(found)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["834", "vxu"])
def test_memory_does_not_grow_with_the_file(kind: str) -> None:
    """Ten times the file, some megabytes, needs the same memory."""
    chaff = "x" * 2000
    data = an_834(a_member(after=[f"ZZZ*{chaff}"])) if kind == "834" else a_vxu(a_dose(), f"NTE|1||{chaff}")
    at = data.index(b"INS*") if kind == "834" else 0
    end = data.index(b"SE*") if kind == "834" else len(data)

    def peak(times: int) -> int:
        tracemalloc.start()
        count = sum(1 for _ in read_stream(io.BufferedReader(Endless(data[:at], data[at:end], times))))
        assert count >= times
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(200)
    assert peak(2000) < 1.3 * peak(200)
