"""Reads the extract of a registry (CDC's ADS, as MAA writes it): control, patient and vaccination file, or their zip.

The files are told apart by their rows, not by names or header lines: senders swap the headers of D and V1, and
control files call both of them D. The extract has no names; a dose links only through the registry's identifier.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from typing import BinaryIO, cast

from schemas.lots import EXPECTED, is_lot
from services.eligibility.feeds.ads_table import (
    CONTROL,
    HEADERS,
    PATIENTS,
    SAMPLE_ROWS,
    Part,
    Row,
    Table,
    read_table,
)
from services.eligibility.feeds.codes import cvx_code, manufacturers
from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.records import (
    AdsHeader,
    DoseRecord,
    FeedItem,
    Identifier,
    IdType,
    Notice,
    PatientRecord,
    Position,
    Rejection,
    Sex,
    StatedPerson,
)
from services.eligibility.feeds.values import ETHNICITIES, UNSAID, cdc_category, digits, iso_day, sex
from services.eligibility.feeds.vxu_dose import MISSED, NEW_RECORD, OUTCOMES, outcome_of

ISO_DATE = "a date as YYYY-MM-DD between 1900 and 2199"

RACES = PATIENTS[5:11]
ZIP_BEGINS = (b"PK\x03\x04", b"PK\x05\x06")


def read_ads(stream: BinaryIO, assigner: str = "") -> Iterator[FeedItem]:
    """The items of an extract. `assigner` names whose identifiers these are, where no control file does."""
    reader = AdsReader(assigner)
    stream.seek(0)
    head = stream.read(4)
    stream.seek(0)
    if head in ZIP_BEGINS:  # measured by whoever looked inside; a text with an archive behind it is a text
        yield from reader.read_zip(stream)
    else:
        yield from reader.read_text(stream)


def _table(stream: BinaryIO) -> Table | Rejection:
    """A file of an extract, or why it is none."""
    try:
        table = read_table(stream)
    except BadRow as bad:
        return bad.rejection(0, 1)
    if table is not None:
        return table
    return Rejection(0, 1, "file", "not-an-extract", "the header line of a C, D or V1 file of an extract")


class AdsReader:
    """Keeps what the files of one extract have in common: its grantee, its declared counts, its row numbers."""

    def __init__(self, assigner: str) -> None:
        self._assigner = assigner
        self._notices = Notices()
        self._rows = 0
        self._declared: dict[Part, int] = {}
        self._counted: dict[Part, int] = {}

    def read_zip(self, stream: BinaryIO) -> Iterator[FeedItem]:
        """Control before patients before doses, whatever order the archive has them in."""
        try:
            with zipfile.ZipFile(stream) as archive:
                yield from self._read_archive(archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
            yield Rejection(0, 0, "file", "unreadable", "a zip archive, whole and not encrypted, of text files")

    def _read_archive(self, archive: zipfile.ZipFile) -> Iterator[FeedItem]:
        names = [info.filename for info in archive.infolist() if not info.filename.endswith("/")]
        parts: dict[Part, list[str]] = {part: [] for part in Part}
        for name in names:
            with archive.open(name) as member:
                table = _table(cast(BinaryIO, member))
            if isinstance(table, Rejection):
                yield table
            else:
                parts[table.part].append(name)
        for part in Part:
            for name in parts[part]:
                with archive.open(name) as member:
                    yield from self.read_text(cast(BinaryIO, member))
            yield from self._compare(part)

    def read_text(self, stream: BinaryIO) -> Iterator[FeedItem]:
        table = _table(stream)
        if isinstance(table, Rejection):
            yield table
        elif table.part is Part.CONTROL:
            yield from self._read_control(table)
        else:
            yield from self._read_rows(table)

    # -- control file

    def _read_control(self, table: Table) -> Iterator[FeedItem]:
        rows = [dict(zip(CONTROL, fields, strict=False)) for _, fields in islice(table.rows, SAMPLE_ROWS)]
        first: Row = rows[0] if rows else {}
        self._assigner = self._assigner or first.get("GRANTEECODE", "")
        for row in rows:
            part = self._declared_part(row)
            count = row.get("RECORDCOUNT", "")
            if part is not None and digits(count, min(len(count), 9)):
                self._declared[part] = self._declared.get(part, 0) + int(count)
        if any(self._declared_part(row) is Part.DOSES and row.get("FILETYPE", "").upper() != "V" for row in rows):
            yield Notice(0, 1, "FILETYPE", "file-type", "V as the type of a file of vaccinations")
        yield AdsHeader(
            grantee=first.get("GRANTEECODE", ""),
            quarter=first.get("QUARTER", ""),
            submitted_on=iso_day(first.get("SUBMISSIONDATE", "")),
            declared=tuple((part.value, self._declared[part]) for part in Part if part in self._declared),
        )

    @staticmethod
    def _declared_part(row: Row) -> Part | None:
        """By the file's name first: control files are known to call both files D."""
        name = row.get("FILENAME", "").upper().partition(".")[0]
        if name.rstrip("0123456789").endswith("_V"):
            return Part.DOSES
        return {"D": Part.PATIENTS, "V": Part.DOSES}.get(row.get("FILETYPE", "").upper())

    # -- rows

    def _read_rows(self, table: Table) -> Iterator[FeedItem]:
        if table.is_swapped:
            yield Notice(0, 1, "file", "headers-swapped", f"the header line of a {table.part.value} file")
        if table.has_more:
            expected = (
                f"the {len(HEADERS[table.part])} columns of a {table.part.value} file; what is in others is left out"
            )
            yield Notice(0, 1, "header", "more-columns", expected)
        read = self._patient if table.part is Part.PATIENTS else self._dose
        before = self._rows
        for number, fields in table.rows:
            self._rows += 1
            yield from self._read_row(read, table.columns, Position(self._rows, number), fields)
        count = self._rows - before
        self._counted[table.part] = self._counted.get(table.part, 0) + count
        if count == 0 and self._declared.get(table.part) != 0:
            expected = "a row below the header line, or 0 as its RECORDCOUNT in the control file"
            yield Rejection(0, 1, "file", "no-rows", expected)

    def _compare(self, part: Part) -> Iterator[FeedItem]:
        """An extract may have several files of one kind; the control file declares each of them."""
        counted, declared = self._counted.get(part), self._declared.get(part)
        if counted is not None and declared is not None and declared != counted:
            yield Notice(0, 1, "RECORDCOUNT", "record-count", f"the number of rows in the {part.value} files")

    def _read_row(
        self,
        read: Callable[[Position, Row], DoseRecord | PatientRecord],
        columns: tuple[str, ...],
        position: Position,
        fields: list[str],
    ) -> Iterator[FeedItem]:
        self._notices.row, self._notices.where = position.row, position.segment
        try:
            if len(fields) != len(columns):
                raise BadRow("row", "columns", f"{len(columns)} columns, separated by tabs")
            yield read(position, dict(zip(columns, fields, strict=True)))
        except BadRow as bad:
            yield bad.rejection(position.row, position.segment)
        yield from self._notices.drain()

    def _patient(self, position: Position, row: Row) -> PatientRecord:
        person = StatedPerson(
            identifiers=(self._identifier(row["PATIENTID"], row["GRANTEE"]),),
            birth_on=self._day(row, "DOB"),
            sex=self._sex(row["SEX"]),
            races=self._races(row),
            ethnicity=self._ethnicity(row["ETHNICITY"]),
        )
        return PatientRecord(position, person, recorded_on=self._day(row, "DEMESTDATE"), sender=self._assigner)

    def _dose(self, position: Position, row: Row) -> DoseRecord:
        given_on = self._day(row, "VAXDATE")
        if given_on is None:
            raise BadRow("VAXDATE", "date", ISO_DATE)
        cvx = cvx_code(row["CVX"]) if row["CVX"] else None
        if cvx is None:
            raise BadRow("CVX", "cvx", "a code of CDC's CVX table")
        completion = row["VAXCOMPLETE"] or "CP"
        if completion not in OUTCOMES:
            raise BadRow("VAXCOMPLETE", "completion", "CP, RE, NA or PA, or nothing for a complete dose")
        if row["MVX"] and row["MVX"] not in manufacturers():
            self._notices.add("MVX", "mvx", "a code of CDC's MVX table")
        recorded_on = self._day(row, "VAXENTDATE")
        if recorded_on is not None and given_on > recorded_on:
            raise BadRow("VAXDATE", "future", "a day not after that of its entry (VAXENTDATE)")
        refusal = row["VAXREFUSAL"]
        return DoseRecord(
            position=position,
            person=StatedPerson(identifiers=(self._identifier(row["PATIENTID"], ""),)),
            outcome=outcome_of(completion, cvx, MISSED in refusal.lower()),
            action="A",
            administered_on=given_on,
            cvx=cvx,
            completion=completion,
            refusal_reason=refusal,
            is_historical=row["RECORDTYPE"] not in {"", NEW_RECORD},
            information_source=row["RECORDTYPE"],
            mvx=row["MVX"],
            lot=self._lot(row["LOTNUM1"]),
            site=row["SITE"],
            route=row["ROUTE"],
            funding_eligibility=row["V_ELIGIBILITY"],
            recorded_on=recorded_on,
            sender=self._assigner,
        )

    def _lot(self, text: str) -> str:
        if not text or is_lot(text):
            return text
        self._notices.add("LOTNUM1", "lot", EXPECTED)
        return ""

    def _identifier(self, value: str, grantee: str) -> Identifier:
        if not value:
            raise BadRow("PATIENTID", "identifier", "the registry's identifier of the patient")
        assigner = self._assigner or grantee
        if not assigner:
            self._notices.add("GRANTEE", "assigner", "a control or patient file that names the grantee")
        return Identifier(IdType.REGISTRY, assigner, value)

    def _day(self, row: Row, column: str) -> date | None:
        text = row[column]
        found = iso_day(text) if text else None
        if text and found is None:
            raise BadRow(column, "date", ISO_DATE)
        return found

    def _sex(self, text: str) -> Sex:
        found = sex(text)
        if found is None:
            self._notices.add("SEX", "sex", "F, M, X or U")
        return found or "U"

    def _races(self, row: Row) -> tuple[str, ...]:
        found: list[str] = []
        for column in RACES:
            category = cdc_category(row[column])
            if category is None or category in ETHNICITIES:
                if row[column] not in UNSAID:
                    self._notices.add(column, "race", "a race of CDC's code set")
            elif category not in found:
                found.append(category)
        return tuple(found)

    def _ethnicity(self, text: str) -> str | None:
        """A race is no ethnicity: most senders write one here, and Hispanic must not be guessed from it."""
        category = cdc_category(text)
        if category in ETHNICITIES:
            return category
        if category is not None:
            self._notices.add("ETHNICITY", "race-as-ethnicity", "2135-2 or 2186-5, not a race")
        elif text not in UNSAID:
            self._notices.add("ETHNICITY", "ethnicity", "2135-2 or 2186-5")
        return None
