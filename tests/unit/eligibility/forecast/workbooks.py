"""Excel workbooks with their texts as Excel keeps them: once for all sheets, in runs."""

import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from openpyxl import Workbook

Cell = str | int | date | None
INLINE = re.compile(r'(<c r="\w+") t="inlineStr"><is><t[^>]*>([^<]*)</t></is></c>')
SHARED = "xl/sharedStrings.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPES = "[Content_Types].xml"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return _rewritten(path, _share_texts)


def rewrite_workbook(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """The workbook with one of its parts as another program may write it."""
    return _rewritten(path, lambda parts: {part: change(parts[part])})


def _rewritten(path: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> Path:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in (parts | change(parts)).items():
            book.writestr(name, content)
    return path


def _share_texts(parts: dict[str, str]) -> dict[str, str]:
    sheets = {name: content for name, content in parts.items() if name.startswith("xl/worksheets/")}
    texts = list(dict.fromkeys(text for content in sheets.values() for _, text in INLINE.findall(content)))
    places = {text: n for n, text in enumerate(texts)}
    shared = {
        name: INLINE.sub(lambda cell: f'{cell[1]} t="s"><v>{places[cell[2]]}</v></c>', content)
        for name, content in sheets.items()
    }
    runs = "".join(f"<si>{''.join(map(_run, _halves(text)))}<rPh sb='0' eb='1'><t>a</t></rPh></si>" for text in texts)
    types = parts[TYPES].replace("</Types>", f'<Override PartName="/{SHARED}" ContentType="{KIND}"/></Types>')
    return shared | {SHARED: f'<sst xmlns="{MAIN}">{runs}</sst>', TYPES: types}


def _halves(text: str) -> tuple[str, str]:
    """Neither of which cuts through an escaped character."""
    at = text.find("&")
    return (text[:2], text[2:]) if at < 0 else (text[:at], text[at:])


def _run(text: str) -> str:
    return f'<r><t xml:space="preserve">{text}</t></r>'
