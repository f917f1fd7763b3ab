"""Tells the three files of a registry extract apart by their rows, and puts the rows under the columns they fit."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice
from typing import BinaryIO

from services.eligibility.feeds.faults import BadRow
from services.eligibility.feeds.values import decode, iso_day

MAX_LINE_BYTES = 1 << 16
SAMPLE_ROWS = 50

CONTROL = ("GRANTEECODE", "FILENAME", "FILETYPE", "RECORDCOUNT", "QUARTER", "SUBMISSIONDATE")
PATIENTS = (
    "GRANTEE", "FPCODE", "PATIENTID", "DOB", "DEMESTDATE", "RACE1", "RACE2", "RACE3", "RACE4", "RACE5", "RACE6",
    "ETHNICITY", "SEX", "STATUS", "VARICELLAIMMUNE", "P_ELIGIBILITY", "P_ELIGIBILITY_DATE",
)  # fmt: skip
DOSES = (
    "PATIENTID", "VAXDATE", "MVX", "CVX", "TRADENAME", "LOTNUM1", "LOTNUM2", "LOTNUM3", "ROUTE", "SITE",
    "RECORDTYPE", "VAXCOMPLETE", "VAXREFUSAL", "IISVALIDITY", "V_ELIGIBILITY", "VAXENTDATE", "PROVCHAR",
)  # fmt: skip
_CVX = re.compile(r"\d{2,3}", re.ASCII)
_SEXES = frozenset({"F", "M", "U", "X", ""})

Row = Mapping[str, str]
_Numbered = tuple[int, list[str]]


class Part(Enum):
    """The three files of an extract."""

    CONTROL = "C"
    PATIENTS = "D"
    DOSES = "V"


HEADERS = {Part.CONTROL: CONTROL, Part.PATIENTS: PATIENTS, Part.DOSES: DOSES}


@dataclass(frozen=True, slots=True)
class Table:
    """One file's rows under the columns that fit them; `is_swapped` where its first line claims the other file's,
    `has_more` where it names columns that no file has."""

    part: Part
    columns: tuple[str, ...]
    rows: Iterator[_Numbered]
    is_swapped: bool
    has_more: bool = False


def read_table(stream: BinaryIO) -> Table | None:
    """The rows of a file under the columns they fit, None if it is none of an extract's, or `BadRow` if it is one
    with a wrong header line."""
    lines = _lines(stream)
    first = next(lines, None)
    names = tuple(name.upper() for name in first[1]) if first else ()
    header = _part_of_header(names)
    if header is None:
        return None
    if header is Part.CONTROL:
        return Table(header, CONTROL, (_comma_row(row) for row in lines), is_swapped=False, has_more=False)
    sample = list(islice(lines, SAMPLE_ROWS))
    part = _part_of_rows(sample, names, header)
    columns = names if part is header else HEADERS[part]
    return Table(part, columns, chain(sample, lines), part is not header, len(names) > len(HEADERS[header]))


def _part_of_header(names: tuple[str, ...]) -> Part | None:
    """The file whose columns the header line names, in any order and with others among them."""
    by_comma = tuple(name.strip(' "') for name in names[0].split(",")) if len(names) == 1 else ()
    part = _nearest_part(names) or _nearest_part(by_comma)
    if part is None:
        return None
    if by_comma and part is not Part.CONTROL:
        raise BadRow("header", "comma-separated", f"tabs between the columns of a {part.value} file, not commas")
    missing = [name for name in HEADERS[part] if name not in (by_comma or names)]
    if missing:
        raise BadRow(missing[0], "missing-column", f"the column {missing[0]} in the header line of a {part.value} file")
    return part


def _nearest_part(names: tuple[str, ...]) -> Part | None:
    """The file most of whose columns are named."""
    part = max(Part, key=lambda candidate: len(set(HEADERS[candidate]) & set(names)) / len(HEADERS[candidate]))
    return part if 2 * len(set(HEADERS[part]) & set(names)) > len(HEADERS[part]) else None


def _part_of_rows(sample: list[_Numbered], names: tuple[str, ...], header: Part) -> Part:
    """What the header says, unless the rows fit the other file better; a header alone is believed."""
    other = Part.DOSES if header is Part.PATIENTS else Part.PATIENTS
    as_said = sum(_fits(header, dict(zip(names, fields, strict=False))) for _, fields in sample)
    as_other = sum(_fits(other, dict(zip(HEADERS[other], fields, strict=False))) for _, fields in sample)
    return other if as_other > as_said else header


def _fits(part: Part, row: Row) -> bool:
    if part is Part.PATIENTS:
        return iso_day(row.get("DOB", "")) is not None and row.get("SEX", "?").upper() in _SEXES
    return iso_day(row.get("VAXDATE", "")) is not None and _CVX.fullmatch(row.get("CVX", "")) is not None


def _comma_row(row: _Numbered) -> _Numbered:
    """A control file heads comma rows with a tab header."""
    number, fields = row
    return number, [field.strip() for field in (fields[0].split(",") if len(fields) == 1 else fields)]


def _lines(stream: BinaryIO) -> Iterator[_Numbered]:
    """Numbered rows of fields; of a line beyond all measure the beginning, which fails by its columns."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            _pass_over(stream)
        text = decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)[0].rstrip("\r\n\x1a")
        if text.strip():
            yield number, [field.strip() for field in text.split("\t")]


def _pass_over(stream: BinaryIO) -> None:
    """The rest of a line, which is no row of its own."""
    while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass
