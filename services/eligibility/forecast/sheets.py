"""Tables as CDC publishes them: CSV, or an Excel workbook (.xlsx) read with nothing but the standard library.

A workbook is a zip of XML files. Only cells' values are read: text, numbers and dates, which Excel keeps as numbers of
days; whoever asks for a date has to know that a column holds one.
"""

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

XLSX = ".xlsx"
WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
SHARED = "xl/sharedStrings.xml"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
HEADER_WITHIN = 25
"""A title and remarks may stand above the header."""


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
    if path.suffix.casefold() != XLSX:
        yield "", _csv(path)
        return
    try:
        with zipfile.ZipFile(path) as book:
            shared = _shared(book)
            for name, part in _parts(book):
                yield f"sheet {name}, ", _lines(ElementTree.fromstring(book.read(part)), shared)  # noqa: S314
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise SheetError(f"{path.name}: {SheetError.__doc__}") from error


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, cells in enumerate(csv.reader(file), start=1):
                yield number, [cell.strip() for cell in cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SheetError(f"{path.name}: {SheetError.__doc__}") from error


def _parts(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Sheets in the order of the workbook, and where each stands."""
    targets = {r.get("Id"): r.get("Target", "") for r in ElementTree.fromstring(book.read(RELATIONS))}  # noqa: S314
    for sheet in _all(ElementTree.fromstring(book.read(WORKBOOK)), "sheet"):  # noqa: S314
        target = targets[sheet.get(RELATION)]
        yield sheet.get("name", ""), target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)


def _shared(book: zipfile.ZipFile) -> list[str]:
    if SHARED not in book.namelist():
        return []
    return [_text(one) for one in _all(ElementTree.fromstring(book.read(SHARED)), "si")]  # noqa: S314


def _lines(sheet: Element, shared: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    for place, row in enumerate(_all(sheet, "row"), start=1):
        cells: list[str] = []
        for cell in _children(row, "c"):
            at = _column_of(cell.get("r", ""), len(cells))
            cells += [""] * (at - len(cells))
            cells.append(_value(cell, shared))
        yield int(row.get("r", place)), cells


def _column_of(reference: str, otherwise: int) -> int:
    """Cells that are empty may be left out: "C7" is the third one."""
    letters = re.match(r"[A-Z]+", reference)
    if letters is None:
        return otherwise
    number = 0
    for letter in letters[0]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: Element, shared: Sequence[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell).strip()
    written = next((one.text or "" for one in _children(cell, "v")), "")
    if kind == "s" and written:
        return shared[int(written)].strip()
    if kind == "n" and re.fullmatch(r"-?\d+\.0+", written):
        return written.partition(".")[0]
    return written.strip()


def _text(element: Element) -> str:
    """Its runs, without the reading aids that stand beside them."""
    aids = {id(t) for aid in _all(element, "rPh") for t in aid.iter()}
    return "".join(t.text or "" for t in _all(element, "t") if id(t) not in aids)


def _all(element: Element, name: str) -> Iterator[Element]:
    return (one for one in element.iter() if _named(one, name))


def _children(element: Element, name: str) -> Iterator[Element]:
    return (one for one in element if _named(one, name))


def _named(element: Element, name: str) -> bool:
    """In whichever namespace: the strict form of the standard has others."""
    return element.tag.rpartition("}")[2] == name
