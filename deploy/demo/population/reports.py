"""How the registry gets to hear of a dose: late, twice, misspelt, corrected, deleted, or never."""

from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Literal

from deploy.demo.population import rates
from deploy.demo.population.doses import Dose
from deploy.demo.population.people import Taken
from deploy.demo.population.typos import misspell

Kind = Literal["new", "resent", "repeated", "corrected", "retracted", "historical", "repaired", "extract", "refusal"]
Defect = Literal["unknown-cvx", "bad-date", "missing-birth-date", "truncated", "no-patient", "dated-ahead"]
DEFECTS: tuple[Defect, ...] = ("unknown-cvx", "bad-date", "missing-birth-date", "truncated", "no-patient")
FATES = (
    ("misspelt", rates.NAME_TYPOS),
    ("resent", rates.RESENT),
    ("repeated", rates.REPEATED_IN_FILE),
    ("corrected", rates.CORRECTED),
    ("malformed", rates.MALFORMED),
)
# Days from the dose to the file that reports it: mostly one to four.
LAG_WEIGHTS = (8, 24, 23, 17, 10, 4, 3, 2.2, 1.4, 0.9, 0.7, 0.6, 0.5, 0.4, 0.3)
LATE_LAGS = (15, 21)


@dataclass(slots=True)
class Report:
    """One row of the registry's feed about a dose, as it is spelt there."""

    dose: Dose
    day: date
    kind: Kind
    given_on: date
    lot: str
    event: str
    family: str
    given: str
    birth_on: date
    registry_id: str
    mrn: str
    is_exact: bool = True
    typo: str = ""
    action: str = "A"
    defect: Defect | None = None
    also: "Report | None" = None
    file: int = -1
    row: int = -1


def all_rows(reports: Iterable[Report]) -> Iterator[Report]:
    """Every row of the feed, those that ride along in another's message too."""
    for report in reports:
        if report.also:
            yield report.also
        yield report


class Clerk:
    """Writes the registry's reports of doses by the stated rates. `taken` are the names that a typo must not hit."""

    def __init__(self, seed: int, first_day: date, last_day: date, extract_day: date, taken: Taken) -> None:
        self.random = Random(f"{seed}:reports")
        self.first_day, self.last_day, self.extract_day = first_day, last_day, extract_day
        self.taken = taken
        self.lags = tuple(accumulate(LAG_WEIGHTS))
        self.splits = 0
        self.extract_births: dict[int, date] = {}

    def early_day(self) -> date:
        """A day in the first half, so that something can follow."""
        return self.first_day + timedelta(
            days=self.random.randrange(max(1, (self.last_day - self.first_day).days // 2))
        )

    def of_refusal(self, offered: Dose) -> Report:
        return self._report(offered, self._workday(offered.given_on), "refusal")

    def of_mistake(self, dose: Dose) -> list[Report]:
        """Recorded for the wrong person, and deleted some days later."""
        half = (self.last_day - self.first_day).days // 2
        first = self._report(dose, self._workday(dose.given_on + timedelta(days=1)), "new")
        later = self._workday(first.day + timedelta(days=self.random.randrange(3, max(4, half - 1))))
        return [first, replace(first, day=later, kind="retracted", action="D")]

    def of_doses(self, doses: list[Dose]) -> Iterator[Report]:
        first: Report | None = None
        for dose in doses:
            report = self._report(dose, self._workday(dose.given_on + timedelta(days=self._lag())), "new")
            if dose.ordinal == 2 and first and self._is_left_to_extract(first, dose):
                yield self._in_extract(report)
                continue
            group = self._what_becomes_of(report)
            if first and self._mentions(first, group[0]):
                earlier = self._report(first.dose, group[0].day, "historical")
                group[0].also = replace(earlier, event=f"H{first.dose.event[1:]}")
            first = first or group[0]
            yield from (entry for entry in group if entry.day <= self.last_day)
            if self._is_also_in_extract(group[0]):
                yield self._in_extract(report)

    def _mentions(self, first: Report, second: Report) -> bool:
        clean = first.is_exact and second.is_exact and not second.defect
        return clean and self.random.random() < rates.ALSO_HISTORICAL

    def _what_becomes_of(self, report: Report) -> list[Report]:
        """The report with at most one defect, and what follows from that."""
        group = [report]
        match self._fate():
            case "misspelt":
                group = [self._misspelt(report)]
            case "resent":
                group = [report, replace(report, kind="resent", day=self._after(report.day, 1, 11))]
            case "repeated":
                group = [report, replace(report, kind="repeated")]
            case "corrected":
                group = self._corrected(report)
            case "malformed":
                group = self._malformed(report)
            case _ if report.given_on > self.first_day and self.random.random() < rates.DATED_AHEAD:
                group = self._dated_ahead(report)
        return group

    def _fate(self) -> str:
        draw = self.random.random()
        for fate, share in FATES:
            draw -= share
            if draw < 0:
                return fate
        return ""

    def _corrected(self, report: Report) -> list[Report]:
        right = replace(report, kind="corrected", action="U", day=self._after(report.day, 3, 15))
        if self.random.random() < 0.5:
            return [replace(report, given_on=report.given_on - timedelta(days=self.random.randrange(1, 7))), right]
        return [replace(report, lot=next(lot for lot in report.dose.product.lots if lot != report.lot)), right]

    def _malformed(self, report: Report) -> list[Report]:
        broken = replace(report, defect=self.random.choice(DEFECTS))
        right = replace(report, kind="repaired", day=self._after(report.day, 3, 8))
        return [broken, right] if self.random.random() < rates.REPAIRED else [broken]

    def _dated_ahead(self, report: Report) -> list[Report]:
        """Recorded some days before it is given, and properly after that."""
        early = report.given_on - timedelta(days=self.random.randrange(2, 9))
        early = max(self.first_day, early - timedelta(days=early.weekday() == 6))
        if early >= report.given_on:
            return [report]
        return [replace(report, day=early, defect="dated-ahead"), replace(report, kind="repaired")]

    def _misspelt(self, report: Report) -> Report:
        person, zip5 = report.dose.person, report.dose.person.home(report.day).place.zip5
        while True:
            wrong = misspell(person.family, person.given, person.birth_on, self.random)
            if (*wrong[:3], zip5) not in self.taken:
                break
        report.family, report.given, report.birth_on, report.typo = wrong
        report.is_exact = False
        if self.random.random() < rates.TYPO_SPLITS_RECORD:
            self.splits += 1
            report.registry_id = f"{90_000_000 + self.splits}"
            report.mrn = f"{self.random.randrange(10**7, 10**8)}"
        return report

    def _is_left_to_extract(self, first: Report, dose: Dose) -> bool:
        return (
            first.is_exact
            and first.defect is None
            and first.day < self.extract_day
            and self.first_day <= dose.given_on < self.extract_day
            and self.random.random() < rates.BY_EXTRACT_ONLY
        )

    def _is_also_in_extract(self, report: Report) -> bool:
        clean = report.is_exact and report.defect is None and report.given_on == report.dose.given_on
        return clean and report.day < self.extract_day and self.random.random() < rates.ALSO_IN_EXTRACT

    def _in_extract(self, report: Report) -> Report:
        """As the extract tells it: by the registry's own id, of a few people with another birth date than before."""
        person = report.dose.person
        if person.number not in self.extract_births:
            wrong = self.random.random() < rates.EXTRACT_BIRTH_DATE_WRONG
            self.extract_births[person.number] = person.birth_on + timedelta(days=365 * wrong)
        birth_on = self.extract_births[person.number]
        return replace(report, kind="extract", day=self.extract_day, birth_on=birth_on, also=None)

    def _report(self, dose: Dose, day: date, kind: Kind) -> Report:
        person = dose.person
        return Report(
            dose=dose,
            day=max(day, self.first_day),
            kind=kind,
            given_on=dose.given_on,
            lot=dose.lot,
            event=dose.event,
            family=person.family,
            given=person.given,
            birth_on=person.birth_on,
            registry_id=person.registry_id,
            mrn=person.mrn,
        )

    def _lag(self) -> int:
        if self.random.random() < rates.LATE:
            return self.random.randint(*LATE_LAGS)
        return bisect(self.lags, self.random.random() * self.lags[-1])

    def _after(self, day: date, least: int, most: int) -> date:
        return self._workday(day + timedelta(days=self.random.randrange(least, most)))

    @staticmethod
    def _workday(day: date) -> date:
        """The registry sends nothing on Sundays."""
        return day + timedelta(days=1) if day.weekday() == 6 else day
