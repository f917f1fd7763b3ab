"""Rosters whose envelope is odd and whose content is right."""

import json
from pathlib import Path

import pytest

from services.eligibility.feeds.formats import ROSTER
from services.eligibility.feeds.records import Notice, RosterHeader
from services.eligibility.feeds.sniff import sniff
from services.eligibility.intake.cli.files import check_file
from tests.unit.eligibility.feeds.builders import (
    a_dose,
    a_member,
    a_vxu,
    an_834,
    codes,
    doses,
    items_of,
    rosters,
    summary,
)

CASES = Path(__file__).parents[3] / "data" / "cases"
FA = (
    "GS*FA*LAKESHORE*CONNECT*20260105*0900*6*X*005010X231A1~ST*999*0001*005010X231A1~AK1*BE*5~AK9*A*1*1*1~SE*4*0001~"
    "GE*1*6~"
)


@pytest.mark.parametrize("name", ["x03_space_before_tilde.834", "x24_lower_case_segments.834"])
def test_a_case_is_read_whole(name: str) -> None:
    """Its one member is read, nothing is rejected, and every count agrees."""
    report = check_file(CASES / name)
    assert (report["rows"], report["records"], report["rejected"], report["is_complete"]) == (1, 1, 0, True)


def test_small_letters_are_told_once() -> None:
    """Names and codes of segments in small letters mean what capitals do, and a notice says so."""
    file = an_834(a_member("LS1"), a_member("LS2")).decode()
    head, ins, rest = file.partition("INS*")
    items = items_of((head + (ins + rest).lower()).encode())
    capitals = items_of(file.encode())
    assert [one.person.identifiers for one in rosters(items)] == [one.person.identifiers for one in rosters(capitals)]
    assert [one.coverages for one in rosters(items)] == [one.coverages for one in rosters(capitals)]
    assert [one.field for one in items if isinstance(one, Notice) and one.code == "small-letters"] == ["segment"]


@pytest.mark.parametrize("blanks", [" ", "   "])
def test_blanks_before_the_terminator(blanks: str) -> None:
    """The terminator is what follows them, in the ISA and everywhere."""
    file = an_834(a_member("LS1")).decode().replace("~", f"{blanks}~").encode()
    items = items_of(file)
    assert rosters(items) == rosters(items_of(an_834(a_member("LS1"))))
    assert summary(items).is_complete


def test_acknowledgements_before_the_roster() -> None:
    """A group of acknowledgements is passed over with a notice; the roster behind it is read and complete."""
    plain = an_834(a_member("LS1"), newline="").decode()
    file = plain.replace("GS*BE", f"{FA}GS*BE").replace("IEA*1", "IEA*2").encode()
    assert sniff(file) is ROSTER
    items = items_of(file)
    assert len(rosters(items)) == 1
    assert ("GS-01", "acknowledgement") in codes(items)
    assert (summary(items).rejected, summary(items).is_complete) == (0, True)


@pytest.mark.parametrize("group", ["FA", "HP", "HC"])
def test_a_file_without_a_roster_is_none(group: str) -> None:
    """Acknowledgements alone, payments or claims are no roster."""
    file = an_834(a_member("LS1"), newline="").decode().replace("GS*BE", f"GS*{group}").encode()
    assert getattr(sniff(file), "code", "") == "not-834"


def test_odd_rows_are_all_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Of sixty bad ZIP codes all sixty are counted, though not all are listed."""
    [notice] = [one for one in check_file(CASES / "x29_many_bad_zips.834")["notices"] if one["code"] == "zip"]
    assert notice["seen"] == 60
    assert json.dumps(notice)


@pytest.mark.parametrize("usage", ["T", "t", "I", "i"])
def test_test_data_in_small_letters_too(usage: str) -> None:
    """ISA15 says that it is no production data, however it is written."""
    data = an_834(a_member()).replace(b"*0*P*:", f"*0*{usage}*:".encode())
    assert next(one for one in items_of(data) if isinstance(one, RosterHeader)).is_test


@pytest.mark.parametrize("processing", ["T", "t", "D", "d^T"])
def test_test_messages_in_small_letters_too(processing: str) -> None:
    """MSH-11 says the same of a message."""
    [dose] = doses(items_of(a_vxu(a_dose()).replace(b"|P|2.5.1", f"|{processing}|2.5.1".encode())))
    assert dose.test_from == "IIS"
