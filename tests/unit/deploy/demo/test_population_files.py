"""The generated files are sound X12 and HL7, except for the rows that are wrong on purpose."""

import csv
import io
import zipfile

import hl7
import pytest
from pyx12.x12file import X12Reader

from services.eligibility.feeds.reader import read_feed
from services.eligibility.feeds.records import FeedSummary, Rejection
from tests.unit.deploy.demo.worlds import World


@pytest.mark.slow
def test_another_library_finds_nothing_wrong_with_the_rosters(world: World) -> None:
    """pyx12 agrees with every control number and count, and finds as many members as the ledger says; it names the
    foreign segments."""
    for file in world.files("834"):
        with X12Reader(str(world.out / file.path)) as reader:
            names = [segment.get_seg_id() for segment in reader]
            reader.cleanup()
            errors = [code for _, code, *_ in reader.pop_errors()]
        foreign = sum(rejected.reason == "garbage-segment" for rejected in file.rejected)
        assert errors == ["1"] * foreign, "a segment that is none, and nothing else"
        assert names.count("INS") == file.rows
        assert names[:3] == ["ISA", "GS", "ST"]
        assert names[-3:] == ["SE", "GE", "IEA"]


def test_the_declared_total_is_the_number_of_members(world: World) -> None:
    """QTY*TO and QTY*ET count the INS loops; control numbers run by sender."""
    for sender in ("LAKESHORE", "PRAIRIE"):
        files = [file for file in world.files("834") if file.sender == sender]
        for number, file in enumerate(files, 1):
            segments = dict(segment.split("*", 1) for segment in world.text(file).replace("\n", "").split("~")[:12])
            control = segments["ISA"].split("*")[12]
            assert (control[-2:], len(control)) == (f"{number:02d}", 9)
            assert f"QTY*TO*{file.rows}~" in world.text(file)
            assert len(world.text(file).split("~")[0]) == 105, "an ISA has 106 characters with its terminator"


@pytest.mark.slow
def test_another_library_reads_every_message(village: World) -> None:
    """hl7 finds one batch a file, as many messages as BTS says and as many doses as the ledger."""
    for file in village.files("vxu"):
        parsed = hl7.parse_file(village.text(file))
        (batch,) = parsed
        assert str(batch.trailer) == f"BTS|{len(batch)}"
        assert str(parsed.trailer) == "FTS|1"
        names = [[str(segment[0]) for segment in message] for message in batch]
        assert sum(segments.count("RXA") for segments in names) == file.rows
        headless = sum("PID" not in segments for segments in names)
        assert headless == sum(rejected.reason == "no-patient" for rejected in file.rejected)


def test_message_control_ids_are_never_used_twice(world: World) -> None:
    """A repeated message is another message about the same event."""
    ids = [message[0][9] for file in world.files("vxu") for message in world.messages(file)]
    assert len(ids) == len(set(ids))


def test_the_extract_has_the_quirks_of_the_real_ones(world: World) -> None:
    """Swapped header lines, a control file of two separators, counts that agree, and a patient for every dose."""
    (file,) = world.files("ads")
    with zipfile.ZipFile(world.out / file.path) as packed:
        names = packed.namelist()
        control, patients, doses = (packed.read(name).decode().splitlines() for name in names)
    assert [name[-6:] for name in names] == ["_C.txt", "_D.txt", "V1.txt"]
    assert patients[0].startswith("PATIENTID\tVAXDATE")
    assert doses[0].startswith("GRANTEE\tFPCODE")
    assert [line.split(",")[3] for line in control[1:]] == [str(len(patients) - 1), str(len(doses) - 1)]
    table = list(csv.reader(io.StringIO("\n".join(patients[1:])), delimiter="\t"))
    listed = {row[2] for row in table}
    assert {len(row) for row in table} == {17}
    assert {line.split("\t")[0] for line in doses[1:]} == listed
    assert file.rows == len(table) + len(doses) - 1


def test_every_patient_of_the_extract_was_named_by_a_message_before(world: World) -> None:
    """Without that nobody could know whose doses they are; the extract has no names."""
    extract = next(number for number, file in enumerate(world.ledger.files) if file.kind == "ads")
    named = {row["registry_id"] for _, _, row in world.reports() if row["file"] < extract}
    told = {row["registry_id"] for _, _, row in world.reports() if row["file"] == extract}
    assert told
    assert told <= named


def test_the_feed_readers_reject_exactly_what_the_ledger_says(village: World) -> None:
    """Two programs written apart agree on every row: what must be rejected is, nothing else is, none is lost."""
    for file in village.ledger.files:
        rejected, summary = set(), None
        for item in read_feed(village.out / file.path):
            if isinstance(item, Rejection):
                rejected.add(item.row)
            elif isinstance(item, FeedSummary):
                summary = item
        assert summary is not None
        assert (summary.rows, summary.is_complete) == (file.rows, True)
        assert summary.unidentified == file.unidentified
        must = {row.row for row in file.rejected if not row.optional}
        assert must <= rejected <= {row.row for row in file.rejected}, file.path


def test_every_way_to_be_wrong_occurs(world: World) -> None:
    """A reader that meets these files has met each defect."""
    reasons = {(file.kind, rejected.reason) for file in world.ledger.files for rejected in file.rejected}
    assert {reason for kind, reason in reasons if kind == "834"} == {
        "bad-date", "missing-birth-date", "missing-id", "garbage-segment",
    }  # fmt: skip
    assert {reason for kind, reason in reasons if kind == "vxu"} >= {
        "unknown-cvx", "bad-date", "missing-birth-date", "truncated", "no-patient",
    }  # fmt: skip


def test_files_are_submitted_day_by_day_rosters_first(world: World) -> None:
    """The order of the ledger is the order in which a day is played."""
    order = [(file.day, {"834": 0, "vxu": 1, "ads": 2}[file.kind]) for file in world.ledger.files]
    assert order == sorted(order)
    assert all(file.path.startswith(f"{file.day}/") for file in world.ledger.files)
    assert [file.is_full for file in world.files("834") if file.sender == "LAKESHORE"] == [True] + [False] * 5
    assert all(file.is_full for file in world.files("834") if file.sender == "PRAIRIE")
