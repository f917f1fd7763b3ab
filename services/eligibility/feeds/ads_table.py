"""Tells the three files of a registry extract apart by their rows, and puts the rows under the columns they fit."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice
from typing import BinaryIO

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
    """One file's rows under the columns that fit them; `is_swapped` where its first line claims the other file's."""

    part: Part
    columns: tuple[str, ...]
    rows: Iterator[_Numbered]
    is_swapped: bool


def read_table(stream: BinaryIO) -> Table | None:
    """The rows of a file under the columns they fit, None if it is none of an extract's."""
    lines = _lines(stream)
    first = next(lines, None)
    names = tuple(name.upper() for name in first[1]) if first else ()
    header = _part_of_header(names)
    if header is None:
        return None
    if header is Part.CONTROL:
        return Table(header, CONTROL, (_comma_row(row) for row in lines), is_swapped=False)
    sample = list(islice(lines, SAMPLE_ROWS))
    part = _part_of_rows(sample, names, header)
    columns = names if part is header else HEADERS[part]
    return Table(part, columns, chain(sample, lines), is_swapped=part is not header)


def _part_of_header(names: tuple[str, ...]) -> Part | None:
    if len(names) == 1:
        names = tuple(names[0].split(","))
    return next((part for part, columns in HEADERS.items() if set(columns) == set(names)), None)


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
    """Numbered rows of fields; a line beyond all measure is cut, and fails by its columns."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        text = decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)[0].rstrip("\r\n\x1a")
        if text.strip():
            yield number, [field.strip() for field in text.split("\t")]
