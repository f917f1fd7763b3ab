"""The reader of registry extracts: files told apart by their rows, with the mistakes that senders make."""

import io
import zipfile
from datetime import date

import pytest

from services.eligibility.feeds.ads_table import CONTROL, DOSES, PATIENTS
from services.eligibility.feeds.records import AdsHeader, DoseOutcome, Identifier
from tests.unit.eligibility.feeds.builders import codes, doses, items_of, notices, patients, rejections, summary

D_HEADER, V_HEADER = "\t".join(PATIENTS), "\t".join(DOSES)
D_ROW = "MAA\t\t9001\t1948-02-29\t2025-10-04\t2054-5\t\t\t\t\t\t2135-2\tM\t\t\t1\t20250808"
V_ROW = "9001\t2025-05-16\tSKB\t187\tSHINGRIX\tL1\t\t\tIM\tLD\t00\tCP\t\t\t\t2025-05-17\t"
CONTROL_TEXT = "\t".join(CONTROL) + "\nMAA,MAA_D.txt,D,1,2025Q3,20250917\r\nMAA,MAA_V1.txt,V,1,2025Q3,20250917\r\n"


def text(*lines: str) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def a_zip(**files: str | bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.txt", content)
    return buffer.getvalue()


@pytest.mark.parametrize(("header", "is_swapped"), [(D_HEADER, False), (V_HEADER, True)])
def test_patients_are_known_by_their_rows(header: str, is_swapped: bool) -> None:
    """Under the right header or the one of the other file, a patient row is a patient row."""
    items = items_of(text(header, D_ROW))
    (patient,) = patients(items)
    assert patient.person.identifiers == (Identifier("SR", "MAA", "9001"),)
    assert (patient.person.birth_on, patient.person.sex) == (date(1948, 2, 29), "M")
    assert (patient.person.races, patient.person.ethnicity) == (("2054-5",), "2135-2")
    assert (("file", "headers-swapped") in codes(items)) is is_swapped


@pytest.mark.parametrize(("header", "is_swapped"), [(V_HEADER, False), (D_HEADER, True)])
def test_doses_are_known_by_their_rows(header: str, is_swapped: bool) -> None:
    """So is a dose row a dose row."""
    items = items_of(text(header, V_ROW), assigner="MAA")
    (dose,) = doses(items)
    assert (dose.cvx, dose.mvx, dose.lot, dose.administered_on) == ("187", "SKB", "L1", date(2025, 5, 16))
    assert dose.person.identifiers == (Identifier("SR", "MAA", "9001"),)
    assert dose.recorded_on == date(2025, 5, 17)
    assert (("file", "headers-swapped") in codes(items)) is is_swapped


def test_columns_in_another_order_follow_their_header() -> None:
    """A right header may order its columns as it likes."""
    order = [2, 3, 0, *range(4, 17), 1]
    shuffle = ["\t".join(line.split("\t")[at] for at in order) for line in (D_HEADER, D_ROW)]
    (patient,) = patients(items_of(text(*shuffle)))
    assert (patient.person.identifiers[0].value, patient.person.birth_on) == ("9001", date(1948, 2, 29))


def test_an_archive_is_read_in_the_order_of_sense() -> None:
    """Control first, then patients, then doses, whatever they are called and however they lie in it."""
    items = items_of(a_zip(a=text(D_HEADER, V_ROW), b=text(V_HEADER, D_ROW), c=CONTROL_TEXT))
    assert [type(item).__name__ for item in items if item not in notices(items)] == [
        "AdsHeader",
        "PatientRecord",
        "DoseRecord",
        "FeedSummary",
    ]
    assert items[0] == AdsHeader("MAA", "2025Q3", date(2025, 9, 17), (("D", 1), ("V", 1)))
    assert doses(items)[0].person.identifiers[0].assigner == "MAA"
    assert summary(items).is_complete


def test_a_control_file_that_calls_both_files_d_is_understood() -> None:
    """The names of the files tell what the types don't."""
    items = items_of(a_zip(c=CONTROL_TEXT.replace(",V,", ",D,"), d=text(D_HEADER, D_ROW), v=text(V_HEADER, V_ROW)))
    assert codes(items) == {("FILETYPE", "file-type")}
    assert summary(items).is_complete


def test_rows_that_the_control_file_counted_otherwise_are_told() -> None:
    """A lost row shows in the count."""
    items = items_of(a_zip(c=CONTROL_TEXT, d=text(D_HEADER, D_ROW, D_ROW), v=text(V_HEADER, V_ROW)))
    assert codes(items) == {("RECORDCOUNT", "record-count")}
    assert not summary(items).is_complete


@pytest.mark.parametrize("header", [D_HEADER, V_HEADER])
def test_a_header_alone_is_told(header: str) -> None:
    """A file without rows is no silent success, unless its control file counts none."""
    items = items_of(text(header))
    assert codes(items) == {("file", "no-rows")}
    assert summary(items).rows == 0


@pytest.mark.parametrize("name", ["DOB", "SEX"])
def test_a_column_that_is_missing_is_named(name: str) -> None:
    """One rejection of the file says which column of which of its files was expected."""
    header = "\t".join(one for one in D_HEADER.split("\t") if one != name)
    (rejection,) = rejections(items_of(text(header, D_ROW)))
    assert (rejection.row, rejection.field, rejection.code) == (0, name, "missing-column")
    assert "D file" in rejection.expected


def test_further_columns_are_left_out_with_a_notice() -> None:
    """A registry that adds a column loses none of its rows."""
    items = items_of(text(D_HEADER + "\tNEWCOL", D_ROW + "\tX"))
    assert codes(items) == {("header", "more-columns")}
    assert summary(items).records == 1


def test_commas_between_the_columns_are_told() -> None:
    """The file is refused as what it is."""
    items = items_of(text(V_HEADER.replace("\t", ","), V_ROW.replace("\t", ",")))
    assert codes(items) == {("header", "comma-separated")}


def test_doses_may_come_in_two_files() -> None:
    """The control file's counts of one kind are added up."""
    control = CONTROL_TEXT + "MAA,MAA_V2.txt,V,1,2025Q3,20250917\n"
    items = items_of(a_zip(c=control, d=text(D_HEADER, D_ROW), v=text(V_HEADER, V_ROW), v2=text(V_HEADER, V_ROW)))
    assert summary(items).records == 3
    assert summary(items).is_complete


def test_an_overlong_line_is_one_row() -> None:
    """What is left of it is no row of its own."""
    assert summary(items_of(text(V_HEADER, V_ROW, V_ROW + "x" * 300_000, V_ROW), assigner="MAA")).rows == 3


@pytest.mark.parametrize(
    ("value", "ethnicity", "code"),
    [("2135-2", "2135-2", None), ("2186-5", "2186-5", None), ("UNK", None, None), ("", None, None),
     ("2054-5", None, "race-as-ethnicity"), ("banana", None, "ethnicity")],
)  # fmt: skip
def test_a_race_is_no_ethnicity(value: str, ethnicity: str | None, code: str | None) -> None:
    """A race in the ETHNICITY column leaves it unsaid, is counted, and the row stays."""
    fields = D_ROW.split("\t")
    fields[11] = value
    items = items_of(text(D_HEADER, "\t".join(fields)))
    assert patients(items)[0].person.ethnicity == ethnicity
    assert codes(items) == ({("ETHNICITY", code)} if code else set())


def test_repeating_notices_are_counted_and_thinned_out() -> None:
    """A thousand times the same is told some times and counted a thousand."""
    row = D_ROW.replace("2135-2", "2106-3")
    items = items_of(text(D_HEADER, *[row] * 1000))
    assert len(notices(items)) == 25
    assert summary(items).notices == (("race-as-ethnicity", 1000),)
    assert len(patients(items)) == 1000


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        (D_ROW.replace("9001", ""), "PATIENTID", "identifier"),
        (D_ROW.replace("1948-02-29", "1949-02-29"), "DOB", "date"),
        (D_ROW.replace("1948-02-29", "3024-01-01"), "DOB", "date"),
        (D_ROW + "\tmore", "row", "columns"),
        ("MAA\t\t9001", "row", "columns"),
    ],
)
def test_a_broken_patient_is_rejected_by_column(row: str, field: str, code: str) -> None:
    """The column is named and the next row read."""
    items = items_of(text(D_HEADER, D_ROW, row, D_ROW))
    assert [(one.row, one.where, one.field, one.code) for one in rejections(items)] == [(2, 3, field, code)]
    assert len(patients(items)) == 2


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        (V_ROW.replace("187", "777"), "CVX", "cvx"),
        (V_ROW.replace("187", ""), "CVX", "cvx"),
        (V_ROW.replace("2025-05-16", ""), "VAXDATE", "date"),
        (V_ROW.replace("2025-05-16", "2025-05-18"), "VAXDATE", "future"),
        (V_ROW.replace("CP", "??"), "VAXCOMPLETE", "completion"),
        (V_ROW.replace("9001", ""), "PATIENTID", "identifier"),
    ],
)
def test_a_broken_dose_is_rejected_by_column(row: str, field: str, code: str) -> None:
    """So are doses."""
    items = items_of(text(V_HEADER, V_ROW, row, V_ROW), assigner="MAA")
    assert [(one.row, one.field, one.code) for one in rejections(items)] == [(2, field, code)]
    assert len(doses(items)) == 2


@pytest.mark.parametrize(
    ("completion", "outcome"),
    [("", "administered"), ("CP", "administered"), ("PA", "partially-administered"), ("RE", "refused")],
)
def test_an_empty_completion_is_a_complete_dose(completion: str, outcome: str) -> None:
    """A third of the extract leaves VAXCOMPLETE empty."""
    (dose,) = doses(items_of(text(V_HEADER, V_ROW.replace("CP", completion)), assigner="MAA"))
    assert dose.outcome == DoseOutcome(outcome)


def test_doses_without_a_grantee_say_so() -> None:
    """A vaccination file alone doesn't name whose identifiers it has."""
    items = items_of(text(V_HEADER, V_ROW))
    assert doses(items)[0].person.identifiers[0].assigner == ""
    assert ("GRANTEE", "assigner") in codes(items)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 this is no archive",
        a_zip(d=text(D_HEADER, D_ROW))[:-30],
        a_zip(d=text(D_HEADER, D_ROW)).replace(b"9001", b"9002"),
        a_zip(readme="hello"),
    ],
)
def test_a_bad_archive_is_refused(data: bytes) -> None:
    """Not a zip, cut short, damaged, or of other files: a rejection of the file, nothing raised."""
    items = items_of(data)
    assert {(one.row, one.field) for one in rejections(items)} == {(0, "file")}
    assert not summary(items).is_complete
