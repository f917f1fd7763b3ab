"""Workbooks that are broken, oddly written, or made to do harm."""

import zipfile
from pathlib import Path

import pytest

from services.eligibility.forecast.sheets import MAX_BYTES, SheetError, read_rows
from tests.unit.eligibility.forecast.workbooks import rewrite_workbook, write_workbook

SHEET, BOOK, SHARED = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"
COLUMNS = frozenset({"a", "b"})
NO_TABLE = "neither CSV in UTF-8 nor an Excel workbook"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_workbook(tmp_path / "sly.xlsx", {"One": [["a", "b"], [1, "x"]]})


def read(path: Path) -> list[dict[str, str]]:
    return [row.values for row in read_rows(path, COLUMNS)]


def test_cells_outside_the_stated_dimension_are_read(book: Path) -> None:
    """Some programs write that a sheet were one cell large."""
    rewrite_workbook(book, SHEET, lambda xml: xml.replace('ref="A1:B2"', 'ref="A1"'))
    assert read(book) == [{"a": "1", "b": "x"}]


def test_every_kind_of_cell_is_text(book: Path) -> None:
    """A whole number has no point, a truth is 1 or 0, a blank cell is empty, spaces at the ends fall off."""
    cells = '<c r="A3"><v>2.0</v></c><c r="A4" t="b"><v>1</v></c><c r="B5" t="inlineStr"><is><t> y </t></is></c>'
    rows = "".join(f'<row r="{n}">{cell}</c></row>' for n, cell in enumerate(cells.split("</c>")[:3], start=3))
    rewrite_workbook(book, SHEET, lambda xml: xml.replace("</sheetData>", f"{rows}</sheetData>"))
    assert read(book)[1:] == [{"a": "2"}, {"a": "1"}, {"a": "", "b": "y"}]


def test_a_row_keeps_its_number_after_blank_ones(book: Path) -> None:
    """The place of a row is the one that Excel shows."""
    row = '<row r="9"><c r="A9"><v>2</v></c></row></sheetData>'
    rewrite_workbook(book, SHEET, lambda xml: xml.replace("</sheetData>", row))
    assert [row.place for row in read_rows(book, COLUMNS)] == ["sheet One, row 2", "sheet One, row 9"]


@pytest.mark.parametrize(
    ("part", "without"),
    [("[Content_Types].xml", "</Types>"), (BOOK, "</workbook>"), (SHEET, "</worksheet>"), (SHARED, "</sst>")],
)
def test_a_part_that_is_cut_off_is_refused(book: Path, part: str, without: str) -> None:
    """Whichever part is no XML, the file is told to be no workbook."""
    rewrite_workbook(book, part, lambda xml: xml.replace(without, ""))
    with pytest.raises(SheetError, match=NO_TABLE):
        read(book)


def test_a_string_that_nothing_defines_is_refused(book: Path) -> None:
    """A cell that points past the shared strings is a broken file, not a fault."""
    rewrite_workbook(book, SHEET, lambda xml: xml.replace("<v>0</v>", "<v>99</v>"))
    with pytest.raises(SheetError, match=NO_TABLE):
        read(book)


@pytest.mark.parametrize("start", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b""])
def test_what_is_no_zip_is_refused(tmp_path: Path, start: bytes) -> None:
    """A workbook with a password is a file of another kind; so is one that ends early."""
    path = tmp_path / "sly.xlsx"
    path.write_bytes(start + bytes(2000))
    with pytest.raises(SheetError, match=NO_TABLE):
        read(path)


def test_an_encrypted_part_is_refused(book: Path) -> None:
    """A zip whose parts want a password is told to be no workbook."""
    content = bytearray(book.read_bytes())
    for place in (at for mark, by in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)) for at in places(content, mark, by)):
        content[place] |= 1
    book.write_bytes(content)
    with pytest.raises(SheetError, match=NO_TABLE):
        read(book)


def places(content: bytes | bytearray, mark: bytes, by: int) -> list[int]:
    return [at + by for at in range(len(content)) if content.startswith(mark, at)]


def test_a_workbook_in_the_strict_form_says_what_to_do(book: Path) -> None:
    """No rows would be found in it, which is worse than an error."""
    strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    usual = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rewrite_workbook(book, BOOK, lambda xml: xml.replace(usual, strict))
    with pytest.raises(SheetError, match="not a strict one: save it as such"):
        read(book)


def test_a_zip_that_unpacks_to_too_much_is_not_read(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of some kilobytes that says that it holds more than the limit is refused before anything is unpacked."""
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/media/image1.png", bytes(MAX_BYTES))
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    assert book.stat().st_size < 100_000
    with pytest.raises(SheetError, match="at most 64 MB, unpacked"):
        read(book)


@pytest.mark.parametrize("row", ['<row r="999999999999"/>', '<row><c r="XFD1"><v>1</v></c></row>' * 700])
def test_cells_far_away_end_the_reading(book: Path, row: str) -> None:
    """A few bytes that name cells without end cost no more than the limit."""
    rewrite_workbook(book, SHEET, lambda xml: xml.replace("</sheetData>", f"{row}</sheetData>"))
    with pytest.raises(SheetError, match="at most 1048576 rows and 10000000 cells"):
        read(book)
