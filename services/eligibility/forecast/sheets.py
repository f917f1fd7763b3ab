"""Tables as CDC publishes them: CSV, or an Excel workbook (.xlsx). Every cell becomes text, a date as 2025-11-10."""

import csv
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from services.eligibility.forecast.release_folder import XLSX

HEADER_WITHIN = 25
"""A title and remarks may stand above the header."""
MAX_BYTES = 64 * 1024 * 1024
"""Of a workbook's parts, unpacked; CDC's hold a few million. What is larger is not read at all."""
STRICT = b"http://purl.oclc.org/ooxml/"
MAX_ROW, MAX_CELLS = 1_048_576, 10_000_000
"""Excel's last row, and the cells of a sheet, blank ones too: a few bytes can name a cell as far away as that."""
# What zipfile, the XML parser and openpyxl raise for a file that is no workbook, is broken or is encrypted.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, ParseError, InvalidFileException, OSError, RuntimeError, ValueError,
    KeyError, IndexError, TypeError, AttributeError,
)  # fmt: skip


class SheetError(ValueError):
    """The file is no table: it is neither CSV in UTF-8 nor an Excel workbook (.xlsx)."""


class Row(NamedTuple):
    """`place` is the row's number, with its sheet's name where there are several."""

    place: str
    values: dict[str, str]


def read_rows(path: Path, required: frozenset[str]) -> Iterator[Row]:
    """The rows of every sheet that has all required columns, by their column names in lower case with underscores."""
    found = False
    for sheet, lines in _sheets(path):
        header: list[str] | None = None
        for number, cells in lines:
            if header is None and number > HEADER_WITHIN:
                break
            if header is None:
                names = [column(cell) for cell in cells]
                header, found = (names, True) if required <= set(names) else (None, found)
            elif any(cells):
                yield Row(f"{sheet}row {number}", dict(zip(header, cells, strict=False)))
    if not found:
        raise SheetError(f"{path.name}: no sheet has the columns {', '.join(sorted(required))}")


def column(cell: str) -> str:
    return re.sub(r"\s+", "_", cell.strip()).casefold()


def _sheets(path: Path) -> Iterator[tuple[str, Iterator[tuple[int, list[str]]]]]:
    if path.suffix.casefold() == XLSX:
        for name, lines in _workbook(path):
            yield f"sheet {name}, ", iter(lines)
    else:
        yield "", _csv(path)


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, cells in enumerate(csv.reader(file), start=1):
                yield number, [cell.strip() for cell in cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SheetError(f"{path.name}: {SheetError.__doc__}") from error


def _workbook(path: Path) -> list[tuple[str, list[tuple[int, list[str]]]]]:
    """Its sheets by name, in their order. What it has beyond cells (charts, lists to choose from) is not looked at."""
    with path.open("rb") as file, warnings.catch_warnings(action="ignore"):
        try:
            _check(zipfile.ZipFile(file), path.name)
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            return [(sheet.title, _lines(sheet)) for sheet in book.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
        except SheetError:
            raise
        except _BROKEN as error:
            raise SheetError(f"{path.name}: {SheetError.__doc__}") from error


def _check(book: zipfile.ZipFile, name: str) -> None:
    """Refuse what would be unpacked to too much (no part yields more than the zip's directory says of it), and the
    strict form of the standard, of which openpyxl reads no cell."""
    if sum(part.file_size for part in book.infolist()) > MAX_BYTES:
        raise SheetError(f"{name}: expected a workbook of at most {MAX_BYTES >> 20} MB, unpacked")
    if STRICT in book.read("xl/workbook.xml"):
        raise SheetError(f"{name}: expected an Excel workbook (.xlsx), not a strict one: save it as such")


def _lines(sheet: ReadOnlyWorksheet) -> list[tuple[int, list[str]]]:
    """Its rows that are not blank, by their numbers."""
    sheet.reset_dimensions()  # some programs write wrong ones
    lines: list[tuple[int, list[str]]] = []
    seen = 0
    for number, row in enumerate(sheet.values, start=1):
        seen += len(row)
        if number > MAX_ROW or seen > MAX_CELLS:
            raise SheetError(f"sheet {sheet.title}: expected at most {MAX_ROW} rows and {MAX_CELLS} cells")
        if any(cell is not None for cell in row):
            lines.append((number, [_text(cell) for cell in row]))
    return lines


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return str(cell).removesuffix(" 00:00:00")
        case bool():
            return str(int(cell))
        case float() if cell.is_integer():
            return str(int(cell))
    return str(cell).strip()
