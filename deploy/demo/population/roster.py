"""Writes a plan's X12 834 005010X220A1: full files and change files, with the rows that are wrong on purpose."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Literal, TextIO

from deploy.demo.population import rates
from deploy.demo.population.enrolments import Enrolment, Plan
from deploy.demo.population.ledger import FileTruth, Rejected

Action = Literal["audit", "add", "move", "terminate", "decease", "merge"]
# INS03 maintenance type and INS04 reason.
CODES: dict[Action, tuple[str, str]] = {
    "audit": ("030", "XN"),
    "add": ("021", "28"),
    "move": ("001", "43"),
    "terminate": ("024", "07"),
    "decease": ("024", "03"),
    "merge": ("001", "25"),
}
DEFECTS = ("bad-date", "missing-birth-date", "garbage-segment")
# A strict reader rejects them, a lenient one keeps the row with a notice or without a birth date.
MAY_BE_KEPT = {"missing-birth-date", "garbage-segment"}
CDC_TO_X12 = {"2106-3": "C", "2054-5": "B", "2028-9": "A", "2076-8": "P", "1002-5": "I", "2131-1": "E"}
DESCRIPTIONS = {
    "medicare": ("MEDICARE ADVANTAGE",),
    "dual": ("MEDICARE ADVANTAGE D-SNP", "MEDI-CAL"),
    "medicaid": ("MEDI-CAL MANAGED CARE",),
    "commercial": ("COMMERCIAL HMO",),
}
RECEIVER = "VCC"


@dataclass(frozen=True, slots=True)
class Row:
    enrolment: Enrolment
    action: Action
    defect: str = ""
    retired: Enrolment | None = None


class Roster:
    """Chooses a week's rows of one plan and writes them. It remembers which rows must be sent again."""

    def __init__(self, plan: Plan, seed: int, first_day: date, enrolments: Iterable[Enrolment]) -> None:
        self.plan, self.first_day = plan, first_day
        self.enrolments = [one for one in enrolments if one.plan is plan]
        self.by_id = {one.member_id: one for one in self.enrolments}
        self.random = Random(f"{seed}:roster:{plan.code}")
        self.to_repair: list[Enrolment] = []

    def write(self, out: Path, week: int) -> FileTruth:
        day = self.first_day + timedelta(weeks=week)
        is_full = week == 0 or not self.plan.sends_changes
        rows = [self._spoil(row, week) for row in (self._everybody(week) if is_full else self._changes(week))]
        rows = list(self._with_extras(rows, week, is_full=is_full))
        truth = FileTruth("", day, "834", self.plan.code, is_full, len(rows))
        name = f"{self.plan.code.lower()}-834-{day:%Y%m%d}.x12"
        folder = out / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        truth.path = f"{day.isoformat()}/{name}"
        with (folder / name).open("w", encoding="ascii", newline="") as file:
            Writer(file, self.plan, day, week + 1).write(rows, is_full=is_full)
        self._account(truth, rows)
        return truth

    def _everybody(self, week: int) -> Iterator[Row]:
        return (Row(one, "audit") for one in self.enrolments if one.is_in(week))

    def _changes(self, week: int) -> Iterator[Row]:
        for one in self.to_repair:
            yield Row(one, "add")
        for one in self.enrolments:
            if one.first_week == week:
                yield Row(one, "add")
            elif one.last_week == week and one.ended_by == "merged":
                yield Row(self.by_id[one.merged_into or ""], "merge", retired=one)
            elif one.last_week == week:
                yield Row(one, "decease" if one.ended_by == "deceased" else "terminate")
            elif one.is_in(week) and self._moves(one, week):
                yield Row(one, "move")

    def _moves(self, one: Enrolment, week: int) -> bool:
        return one.person.homes[-1][0] == self.first_day + timedelta(weeks=week)

    def _spoil(self, row: Row, week: int) -> Row:
        """Breaks a few rows of people to whom nothing else happens, so that nothing but the row is lost."""
        fresh = row.enrolment.first_week == week
        may_break = _is_quiet(row.enrolment) and row.action in {"audit", "add"} and row.enrolment not in self.to_repair
        if may_break and self.random.random() < rates.ROSTER_ROW_MALFORMED:
            # Whether a lenient reader keeps a row with a foreign segment must not decide when a member is known.
            return Row(row.enrolment, row.action, self.random.choice(DEFECTS[:2] if fresh else DEFECTS))
        return row

    def _with_extras(self, rows: list[Row], week: int, *, is_full: bool) -> Iterator[Row]:
        """Repeats a few rows, and adds some: without a member id, and in a change file one of every defect."""
        for row in rows:
            yield row
            if not row.defect and row.action == "audit" and self.random.random() < rates.ROSTER_ROW_REPEATED:
                yield row
        known = [row.enrolment for row in rows if not row.defect] if is_full else self._known(week)
        action: Action = "audit" if is_full else "add"
        # Where absence terminates, only the second file has such rows: what it withholds, the third one makes good.
        may_lack_id = self.plan.sends_changes or week == 1
        nameless = may_lack_id * max(1, round(len(rows) * rates.ROSTER_ROW_MALFORMED / 5))
        defects = ["missing-id"] * nameless + ["garbage-segment"] + ([] if is_full else list(DEFECTS[:2]))
        for defect in defects if known else ():
            yield Row(self.random.choice(known), action, defect)

    def _known(self, week: int) -> list[Enrolment]:
        return [one for one in self.enrolments if one.known_from and one.first_week < week and _is_quiet(one)]

    def _account(self, truth: FileTruth, rows: list[Row]) -> None:
        self.to_repair = []
        seen: set[str] = set()
        for number, row in enumerate(rows, 1):
            truth.count(row.action)
            if row.defect:
                truth.rejected.append(Rejected(number, row.defect, optional=row.defect in MAY_BE_KEPT))
                truth.unidentified += row.defect == "missing-id"
                if row.defect in DEFECTS[:2] and not row.enrolment.known_from:
                    self.to_repair.append(row.enrolment)
                continue
            truth.repeated += row.enrolment.member_id in seen
            seen.add(row.enrolment.member_id)
            row.enrolment.known_from = row.enrolment.known_from or truth.day


def _is_quiet(one: Enrolment) -> bool:
    return len(one.person.homes) == 1 and one.last_week is None


class Writer:
    """One interchange with one group and one transaction set; counts its own segments."""

    def __init__(self, file: TextIO, plan: Plan, day: date, number: int) -> None:
        self.file, self.plan, self.day = file, plan, day
        self.control = f"{number:09d}"
        self.end = f"~{plan.newline}"
        self.segments = 0

    def write(self, rows: list[Row], *, is_full: bool) -> None:
        self._open(len(rows), is_full=is_full)
        for row in rows:
            self._put(*self._member(row))
        self._close()

    def _put(self, *segments: str) -> None:
        self.segments += len(segments)
        self.file.write(self.end.join(segments) + self.end)

    def _open(self, total: int, *, is_full: bool) -> None:
        plan, day = self.plan, self.day
        parties = f"ZZ*{plan.code:15}*ZZ*{RECEIVER:15}"
        isa = f"ISA*00*{'':10}*00*{'':10}*{parties}*{day:%y%m%d}*0600*^*00501*{self.control}*0*P*:"
        group = f"GS*BE*{plan.code}*{RECEIVER}*{day:%Y%m%d}*0600*{int(self.control)}*X*005010X220A1"
        self.file.write(isa + self.end + group + self.end)
        self._put(
            "ST*834*0001*005010X220A1",
            f"BGN*00*{plan.code}-{day:%Y%m%d}-{self.control}*{day:%Y%m%d}*0600*PT***{4 if is_full else 2}",
            f"REF*38*{plan.code}-VCC-2021",
            f"DTP*007*D8*{day:%Y%m%d}",
            f"QTY*ET*{total}",
            "QTY*DT*0",
            f"QTY*TO*{total}",
            f"N1*P5*{plan.name}*FI*{plan.tax_id}",
            "N1*IN*VACCINE COMMUNITY CONNECTORS*FI*990000000",
        )

    def _close(self) -> None:
        self._put(f"SE*{self.segments + 1}*0001")
        self.file.write(f"GE*1*{int(self.control)}{self.end}IEA*1*{self.control}{self.end}")

    def _member(self, row: Row) -> Iterator[str]:
        one, person = row.enrolment, row.enrolment.person
        home = person.home(self.day)
        ended = row.action in {"terminate", "decease"}
        yield self._ins(row)
        if row.defect != "missing-id":
            yield f"REF*0F*{one.member_id}"
            yield from self._public_ids(one)
        yield f"REF*1L*{one.group}"
        if row.retired:
            yield f"REF*Q4*{row.retired.member_id}"
        if self.plan.sends_tract:
            yield f"REF*ZZ*{home.tract.fips}"
        yield f"DTP*356*D8*{one.begin_on:%Y%m%d}"
        if ended and one.ended_on:
            yield f"DTP*357*D8*{one.ended_on:%Y%m%d}"
        if row.defect == "garbage-segment":
            yield "?%*##*@@*0x7F"
        yield f"NM1*{'74' if row.retired else 'IL'}*1*{_x12(one.family)}*{_x12(one.given)}*{person.middle}".rstrip("*")
        if person.phone:
            yield f"PER*IP**HP*{person.phone}"
        yield f"N3*{_x12(home.street)}" + (f"*{_x12(home.unit)}" if home.unit else "")
        yield f"N4*{_x12(home.place.city)}*CA*{home.place.zip5}" + (
            f"**CY*{home.place.county}" if self.plan.sends_tract else ""
        )
        if row.defect != "missing-birth-date":
            born = f"{person.born_on:%Y}1332" if row.defect == "bad-date" else f"{person.born_on:%Y%m%d}"
            yield f"DMG*D8*{born}*{person.sex}{self._races(one)}"
        if person.language != "eng":
            yield f"LUI*LD*{person.language.upper()}**7"
        if row.retired:
            yield f"NM1*70*1*{_x12(row.retired.family)}*{_x12(row.retired.given)}****ZZ*{row.retired.member_id}"
            yield f"DMG*D8*{person.born_on:%Y%m%d}*{person.sex}"
        yield from self._coverages(row)

    @staticmethod
    def _public_ids(one: Enrolment) -> Iterator[str]:
        """Medicare and Medi-Cal numbers that can't be anybody's; the entry that turns out a double never had them."""
        if one.merged_into:
            return
        number = f"{one.person.number:06d}"
        if one.line in {"medicare", "dual"}:
            yield f"REF*F6*1S{number[:2]}S{number[2:4]}SS{number[4:]}"
        if one.line in {"medicaid", "dual"}:
            yield f"REF*1D*00{number}X"

    def _ins(self, row: Row) -> str:
        one = row.enrolment
        maintenance, reason = CODES[row.action]
        status = "TE" if row.action in {"terminate", "decease"} else "AC"
        medicare = "C" if one.line in {"medicare", "dual"} else "E"
        died = f"***D8*{one.ended_on:%Y%m%d}" if row.action == "decease" and one.ended_on else ""
        return f"INS*Y*18*{maintenance}*{reason}*A*{medicare}**{status}{died}"

    def _races(self, one: Enrolment) -> str:
        if not one.race_given:
            return "" if self.plan.race_as_cdc else "**7"
        if self.plan.race_as_cdc:
            codes = (*one.person.races, one.person.ethnicity)
            return "**" + "^".join(f":RET:{code}" for code in codes)
        hispanic = one.person.ethnicity == "2135-2"
        return "**" + ("H" if hispanic else CDC_TO_X12[one.person.races[0]])

    def _coverages(self, row: Row) -> Iterator[str]:
        one = row.enrolment
        for description in DESCRIPTIONS[one.line]:
            yield f"HD*{CODES[row.action][0]}**HLT*{description}"
            yield f"DTP*348*D8*{one.begin_on:%Y%m%d}"
            if row.action in {"terminate", "decease"} and one.ended_on:
                yield f"DTP*349*D8*{one.ended_on:%Y%m%d}"


def _x12(text: str) -> str:
    """Upper case, without the characters that separate."""
    return text.upper().translate(str.maketrans("", "", "*~:^"))
