"""Our split parsers against the libraries: on every real file they see the same."""

import io
import re
from pathlib import Path

import hl7
import pytest
from pyx12.x12file import X12Reader

from services.eligibility.feeds.er7 import Field, Lines, parse_segments, unescape
from services.eligibility.feeds.x12 import X12Segments
from tests.unit.eligibility.feeds.builders import a_member, an_834, codes, items_of, rosters
from tests.unit.eligibility.feeds.golden_files import DATA

ROSTERS = sorted((DATA / "x12_834").iterdir())
MESSAGES = sorted([*(DATA / "hl7v2").iterdir(), *(DATA / "cvrs").iterdir(), DATA / "made" / "registry_batch.hl7"])
ENVELOPE = {"isa": {"021": "group-count", "001": "control-number"}, "gs": {"4": "control-number",
            "5": "transaction-count"}, "st": {"3": "control-number", "4": "segment-count"}}  # fmt: skip


@pytest.mark.parametrize("path", ROSTERS, ids=lambda path: path.name)
def test_segments_of_a_roster_are_those_that_pyx12_reads(path: Path) -> None:
    """The same segments in the same order, element by element."""
    theirs = [segment.format("", "*", ":") for segment in X12Reader(io.StringIO(path.read_text()))]
    reader = X12Segments(io.BytesIO(path.read_bytes()))
    separators = reader.separators
    ours = ["*".join(segment).rstrip("*") for segment in reader]
    assert separators.element == "*"
    # pyx12 drops empty elements at the end of a segment.
    assert ours == [one.rstrip("*") for one in theirs]


@pytest.mark.parametrize("path", ROSTERS, ids=lambda path: path.name)
def test_envelope_faults_of_a_roster_are_those_that_pyx12_finds(path: Path) -> None:
    """Wrong counts and control numbers are found in the same files."""
    reader = X12Reader(io.StringIO(path.read_text()))
    theirs = set()
    for _ in reader:
        theirs |= {ENVELOPE[kind][code] for kind, code, *_ in reader.pop_errors() if kind in ENVELOPE}
    ours = {code for _, code in codes(items_of(path.read_bytes()))} & {"segment-count", "transaction-count",
            "group-count", "control-number"}  # fmt: skip
    assert ours == theirs


def test_an_empty_segment_is_where_pyx12_stops_and_we_do_not() -> None:
    """Why the raw reader of pyx12 isn't ours: at two terminators in a row it silently ends."""
    data = an_834(a_member("LS1"), a_member("LS2"), newline="").replace(b"REF*0F*LS2~", b"REF*0F*LS2~~")
    theirs = [segment.get_seg_id() for segment in X12Reader(io.StringIO(data.decode()))]
    assert theirs[-1] == "REF"
    assert len(rosters(items_of(data))) == 2


def messages_of(path: Path) -> list[list[tuple[int, bytes]]]:
    found: list[list[tuple[int, bytes]]] = []
    for number, line in enumerate(Lines(io.BytesIO(path.read_bytes())), 1):
        if line.startswith(b"MSH"):
            found.append([])
        if found and not re.match(rb"(?:FHS|BHS|BTS|FTS)", line):
            found[-1].append((number, line))
    return found


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.name)
def test_fields_of_a_message_are_those_that_the_hl7_library_reads(path: Path) -> None:
    """Every field, repetition, component and subcomponent of every real message."""
    messages = messages_of(path)
    assert messages
    for lines in messages:
        ours, _ = parse_segments(lines)
        theirs = hl7.parse("\r".join(line.decode() for _, line in lines) + "\r")
        assert [one.name for one in ours] == [str(one[0]) for one in theirs]
        for mine, their in zip(ours, theirs, strict=True):
            for number in range(3 if mine.name == "MSH" else 1, len(their)):
                same_field(theirs, mine[number], their[number])


def same_field(message: hl7.Message, field: Field, their: hl7.Field) -> None:
    whole = str(their)
    assert field.text == ("" if whole == '""' else whole.strip())
    for repeat, one in zip(field.repeats(), their, strict=False):
        components = list(one) if isinstance(one, hl7.Repetition) else [one]
        for at, component in enumerate(components, 1):
            first = str(component[0] if isinstance(component, hl7.Component) else component)
            assert repeat.part(at) == hl7.util.unescape(message, first.strip())


@pytest.mark.parametrize("text", [r"a\F\b", r"\S\\T\\R\\E\ ", r"x\X41\y", "plain", r"\H\bold\N\ "])
def test_escapes_are_those_of_the_hl7_library(text: str) -> None:
    """Delimiters and hexadecimal characters; highlighting is dropped where the library marks it."""
    message = hl7.parse("MSH|^~\\&|a\r")
    theirs = hl7.util.unescape(message, text, app_map={"H": "", "N": ""})
    assert unescape(text, parse_segments([(1, b"MSH|^~\\&|a")])[0][0]._delimiters) == theirs
