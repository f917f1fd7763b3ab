"""Turns Synthea's Californians into a third plan's roster and a registry's messages: a fixture of real formats.

    python -m deploy.demo.synthea trim FOLDER     the bundled tables from Synthea's CSV export
    python -m deploy.demo.synthea convert FOLDER  the 834 and the VXU batch from the bundled tables

Records go on to the export's own last day. Whoever plays an earlier day must leave out what lies after it.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from deploy.demo.population.hl7 import batch_headers, batch_trailers, coded, message_header
from deploy.demo.population.x12 import Interchange, clean

TABLES = Path(__file__).parent / "real" / "synthea"
LAST_DAY = date(2026, 11, 22)
PLAN, REGISTRY = "SYNTHEA", "SYNTHEA-IIS"
COVID = frozenset({"207", "208", "210", "212"})
RACES = {
    "white": "2106-3",
    "black": "2054-5",
    "asian": "2028-9",
    "hawaiian": "2076-8",
    "native": "1002-5",
    "other": "2131-1",
}
ETHNICITIES = {"hispanic": "2135-2", "nonhispanic": "2186-5"}
UNINSURED = "NO_INSURANCE"
DIGITS = str.maketrans("", "", "0123456789")
PATIENT_COLUMNS = (
    "id", "birth_on", "died_on", "given", "family", "sex", "race", "ethnicity", "street", "city", "county", "zip5"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Patient:
    number: str
    id: str
    birth_on: date
    died_on: date | None
    given: str
    family: str
    sex: str
    race: str
    ethnicity: str
    street: str
    city: str
    county: str
    zip5: str


@dataclass(frozen=True, slots=True)
class Span:
    """A time with one insurer, without a gap."""

    number: str
    begin_on: date
    end_on: date
    payer: str


@dataclass(frozen=True, slots=True)
class Shot:
    number: str
    given_on: date
    cvx: str
    label: str


def convert(out: Path, cvx: frozenset[str] | None = None) -> tuple[Path, Path]:
    """Writes the roster of everybody who was ever insured, and the doses (only of `cvx`, if given); the two paths."""
    out.mkdir(parents=True, exist_ok=True)
    people = {person.number: person for person in patients()}
    roster, messages = out / f"{PLAN.lower()}-834-{LAST_DAY:%Y%m%d}.x12", out / f"{PLAN.lower()}-vxu.hl7"
    with roster.open("w", encoding="ascii", newline="") as file:
        insured = [(people[number], list(group)) for number, group in groupby(spans(), key=lambda span: span.number)]
        interchange = Interchange(file, PLAN, LAST_DAY, 1, "\n")
        interchange.open("SYNTHEA HEALTH PLAN", "990000003", len(insured), is_full=True)
        for person, theirs in insured:
            interchange.put(*_member(person, theirs))
        interchange.close()
    given = [shot for shot in shots() if cvx is None or shot.cvx in cvx]
    with messages.open("w", encoding="utf-8", newline="") as file:
        file.write(batch_headers("SYNTHEA", REGISTRY, LAST_DAY, 1))
        visits = groupby(given, key=lambda shot: (shot.number, shot.given_on))
        count = 0
        for count, ((number, day), visit) in enumerate(visits, 1):
            segments = (message_header("SYNTHEA", REGISTRY, day, f"SYN{count:07d}"), *_visit(people[number], visit))
            file.write("".join(f"{segment}\r" for segment in segments))
        file.write(batch_trailers(count))
    return roster, messages


def _member(person: Patient, spans: list[Span]) -> Iterator[str]:
    died = f"***D8*{person.died_on:%Y%m%d}" if person.died_on else ""
    yield f"INS*Y*18*030*XN*A*E**AC{died}"
    yield f"REF*0F*{person.id}"
    yield f"REF*1L*{PLAN}"
    yield f"DTP*356*D8*{spans[0].begin_on:%Y%m%d}"
    yield f"NM1*IL*1*{clean(person.family)}*{clean(person.given)}"
    yield f"N3*{clean(person.street)}"
    yield f"N4*{clean(person.city)}*CA*{person.zip5}**CY*{person.county}"
    codes = "^".join(f":RET:{code}" for code in (RACES[person.race], ETHNICITIES[person.ethnicity]))
    yield f"DMG*D8*{person.birth_on:%Y%m%d}*{person.sex}**{codes}"
    for span in spans:
        yield f"HD*030**HLT*{clean(span.payer)}"
        yield f"DTP*348*D8*{span.begin_on:%Y%m%d}"
        yield f"DTP*349*D8*{span.end_on:%Y%m%d}"


def _visit(person: Patient, shots: Iterable[Shot]) -> Iterator[str]:
    name = f"{person.family}^{person.given}^^^^^L"
    address = f"{person.street}^^{person.city}^CA^{person.zip5}^USA^H^^{person.county}"
    race, ethnicity = coded(RACES[person.race]), coded(ETHNICITIES[person.ethnicity])
    born = f"{person.birth_on:%Y%m%d}"
    yield (
        f"PID|1||{person.id}^^^{REGISTRY}^SR||{name}||{born}|{person.sex}||{race}|{address}|||||||||||{ethnicity}"
        "||||||||N"
    )
    for number, shot in enumerate(shots, 1):
        given = f"{shot.given_on:%Y%m%d}"
        yield f"ORC|RE||{person.id[:8]}-{given}-{number}^{REGISTRY}"
        yield (f"RXA|0|1|{given}|{given}|{shot.cvx}^{shot.label}^CVX|999|||00^New Record^NIP001|||||||||||CP|A")


def patients() -> Iterator[Patient]:
    for number, row in enumerate(_rows("patients"), 1):
        born, died = date.fromisoformat(row[1]), date.fromisoformat(row[2]) if row[2] else None
        yield Patient(str(number), row[0], born, died, *row[3:])


def spans() -> Iterator[Span]:
    """By person, in order of time."""
    for number, begin, end, payer in _rows("coverage"):
        yield Span(number, date.fromisoformat(begin), date.fromisoformat(end), payer)


def shots() -> Iterator[Shot]:
    """By person, in order of time."""
    labels = dict(_rows("vaccines"))
    for number, day, cvx in _rows("immunizations"):
        yield Shot(number, date.fromisoformat(day), cvx, labels[cvx])


def _rows(table: str, folder: Path = TABLES) -> Iterator[list[str]]:
    lines = gzip.decompress((folder / f"{table}.csv.gz").read_bytes()).decode().splitlines()
    return csv.reader(lines[1:])


def trim(source: Path, out: Path = TABLES) -> None:
    """Keeps the columns that the conversion needs; people are numbered, yearly spans with one insurer are joined."""
    out.mkdir(parents=True, exist_ok=True)
    people = _export(source, "patients")
    numbers = {row["Id"]: str(number) for number, row in enumerate(people, 1)}
    shots = _export(source, "immunizations")
    _write(out / "patients.csv.gz", PATIENT_COLUMNS, map(_patient_row, people))
    _write(out / "coverage.csv.gz", ("number", "begin_on", "end_on", "payer"), _joined_spans(source, numbers))
    _write(out / "vaccines.csv.gz", ("cvx", "label"), sorted({(row["CODE"], row["DESCRIPTION"]) for row in shots}))
    given = sorted({(int(numbers[row["PATIENT"]]), row["DATE"][:10], row["CODE"]) for row in shots})
    _write(out / "immunizations.csv.gz", ("number", "day", "cvx"), ((str(number), *rest) for number, *rest in given))


def _patient_row(row: dict[str, str]) -> tuple[str, ...]:
    """Synthea puts digits behind names; no person has any."""
    given, family = row["FIRST"].translate(DIGITS), row["LAST"].translate(DIGITS)
    place = (row["ADDRESS"], row["CITY"], row["FIPS"].zfill(5), row["ZIP"].zfill(5))
    return (
        *(row["Id"], row["BIRTHDATE"], row["DEATHDATE"], given, family, row["GENDER"], row["RACE"], row["ETHNICITY"]),
        *place,
    )


def _joined_spans(source: Path, numbers: dict[str, str]) -> Iterator[tuple[str, ...]]:
    payers = {row["Id"]: row["NAME"] for row in _export(source, "payers")}
    spans = sorted(
        (int(numbers[row["PATIENT"]]), row["START_DATE"][:10], row["END_DATE"][:10], payers[row["PAYER"]])
        for row in _export(source, "payer_transitions_2015on")
    )
    last: tuple[int, str, str, str] | None = None
    for span in spans:
        if last and (last[0], last[2], last[3]) == (span[0], span[1], span[3]):
            last = (last[0], last[1], span[2], last[3])
            continue
        if last and last[3] != UNINSURED:
            yield (str(last[0]), *last[1:])
        last = span
    if last and last[3] != UNINSURED:
        yield (str(last[0]), *last[1:])


def _export(source: Path, table: str) -> list[dict[str, str]]:
    with (source / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _write(target: Path, header: tuple[str, ...], rows: Iterable[Iterable[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((header, *rows))
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    command, folder = sys.argv[1], Path(sys.argv[2])
    if command == "trim":
        trim(folder)
    else:
        print(*convert(folder), sep="\n")
