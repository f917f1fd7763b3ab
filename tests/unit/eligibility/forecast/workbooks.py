"""Excel workbooks as Excel writes them: shared strings, dates as numbers, empty cells left out."""

import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
Cell = str | int | date | None


def write_workbook(path: Path, sheets: dict[str, Sequence[Sequence[Cell]]]) -> Path:
    strings = list(dict.fromkeys(c for rows in sheets.values() for row in rows for c in row if isinstance(c, str)))
    places = {text: n for n, text in enumerate(strings)}
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", _workbook(sheets))
        book.writestr("xl/_rels/workbook.xml.rels", _relations(len(sheets)))
        runs = "".join(f"<si><r><t>{escape(s[:2])}</t></r><r><t>{escape(s[2:])}</t></r></si>" for s in strings)
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{runs}</sst>')
        for number, rows in enumerate(sheets.values(), start=1):
            book.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(rows, places))
    return path


def _workbook(sheets: Iterable[str]) -> str:
    named = "".join(f'<sheet name="{s}" sheetId="{n}" r:id="rId{n}"/>' for n, s in enumerate(sheets, start=1))
    return f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>'


def _relations(count: int) -> str:
    of = (f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
          for n in range(1, count + 1))  # fmt: skip
    return f'<Relationships xmlns="{PACKAGE}">{"".join(of)}</Relationships>'


def _sheet(rows: Sequence[Sequence[Cell]], places: dict[str, int]) -> str:
    written = "".join(
        f'<row r="{n}">{"".join(_cell(c, f"{_letters(at)}{n}", places) for at, c in enumerate(row))}</row>'
        for n, row in enumerate(rows, start=1)
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{written}</sheetData></worksheet>'


def _cell(cell: Cell, at: str, places: dict[str, int]) -> str:
    match cell:
        case None | "":
            return ""
        case str():
            return f'<c r="{at}" t="s"><v>{places[cell]}</v></c>'
        case date():
            return f'<c r="{at}" s="1"><v>{(cell - date(1899, 12, 30)).days}</v></c>'
        case _:
            return f'<c r="{at}"><v>{cell}</v></c>'


def _letters(column: int) -> str:
    found = ""
    while column >= 0:
        column, rest = divmod(column, 26)
        found = chr(ord("A") + rest) + found
        column -= 1
    return found
