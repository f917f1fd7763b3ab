"""Who is vaccinated when, and how the registry gets to hear of it: late, twice, misspelt, corrected, or never."""

from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Literal

from deploy.demo.population import rates
from deploy.demo.population.people import Person, Taken
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
JANSSEN_FROM = date(2021, 3, 2)
CAMPAIGN_DAYS = 70  # before the first day


@dataclass(frozen=True, slots=True)
class Product:
    """A vaccine with its codes: CVX, MVX, the NDC of the vial, and the days to a second dose (0: none)."""

    cvx: str
    label: str
    ndc: str
    trade: str
    mvx: str
    maker: str
    volume: str
    interval: int
    lots: tuple[str, ...]


PFIZER = Product(
    "208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose", "59267-1000-01", "Pfizer-BioNTech COVID-19 Vaccine",
    "PFR", "Pfizer, Inc", "0.3", 21, ("EL3247", "EL9261", "EN5318", "EN6201", "ER8732", "ER2613"),
)  # fmt: skip
MODERNA = Product(
    "207", "COVID-19, mRNA, LNP-S, PF, 100 mcg/0.5 mL dose", "80777-0273-10", "Moderna COVID-19 Vaccine",
    "MOD", "Moderna US, Inc.", "0.5", 28, ("025L20A", "011M20A", "030A21A", "016B21A", "024M20A"),
)  # fmt: skip
JANSSEN = Product(
    "212", "COVID-19 vaccine, vector-nr, rS-Ad26, PF, 0.5 mL", "59676-0580-05", "Janssen COVID-19 Vaccine",
    "JSN", "Janssen", "0.5", 0, ("1805018", "1805022", "1805025"),
)  # fmt: skip
ASTRAZENECA = Product(  # given abroad
    "210", "COVID-19 vaccine, vector-nr, rS-ChAdOx1, PF, 0.5 mL", "00310-1222-10", "AstraZeneca COVID-19 Vaccine",
    "ASZ", "AstraZeneca", "0.5", 28, ("4120Z001", "4120Z003"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dose:
    """A vaccination as it was; `was_given` is false for one that the registry records by mistake and deletes."""

    person: Person
    ordinal: int
    given_on: date
    product: Product
    lot: str
    site: str
    event: str
    was_given: bool = True


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
    born_on: date
    registry_id: str
    mrn: str
    is_exact: bool = True
    typo: str = ""
    action: str = "A"
    defect: Defect | None = None
    also: "Report | None" = None
    file: int = -1
    row: int = -1


@dataclass(slots=True)
class Course:
    """What the registry's people went through."""

    doses: list[Dose] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)


def all_rows(reports: Iterable[Report]) -> Iterator[Report]:
    """Every row of the feed, those that ride along in another's message too."""
    for report in reports:
        if report.also:
            yield report.also
        yield report


class Campaign:
    """Vaccinates people by the stated rates and writes the registry's reports of it."""

    def __init__(self, seed: int, first_day: date, last_day: date, extract_day: date, taken: Taken) -> None:
        self.random = Random(f"{seed}:doses")
        self.first_day, self.last_day, self.extract_day = first_day, last_day, extract_day
        self.taken = taken
        self.lags = tuple(accumulate(LAG_WEIGHTS))
        self.count = 0

    def run(self, people: Iterable[Person]) -> Course:
        course = Course()
        people = list(people)
        members = [person.svi for person in people if not person.is_stranger]
        mean = sum(members) / max(1, len(members))
        for person in people:
            first_on = self._first_dose_on(person, mean)
            doses = list(self._doses(person, first_on)) if first_on else []
            course.doses += doses
            course.reports += self._reports(doses)
            if not doses:
                self._without_dose(person, course)
        return course

    def _first_dose_on(self, person: Person, mean_svi: float) -> date | None:
        random = self.random
        gradient = rates.UPTAKE_SLOPE * (mean_svi - person.svi)
        is_senior = person.age(self.first_day) >= 65
        share = rates.UPTAKE_AT_START if is_senior else rates.UPTAKE_60_TO_64
        if person.is_stranger or random.random() < share + gradient * share / rates.UPTAKE_AT_START:
            return self.first_day - timedelta(days=1 + int(CAMPAIGN_DAYS * random.random() ** 1.3))
        if person.hesitancy == "refusing":
            return None
        weekly = rates.WEEKLY_UPTAKE * (1.5 - person.svi) * (1.0 if is_senior else 0.4)
        for day in range((self.last_day - self.first_day).days + 1):
            if random.random() < weekly / 7:
                return self.first_day + timedelta(days=day)
        return None

    def _doses(self, person: Person, first_on: date) -> Iterator[Dose]:
        product = self._product(first_on)
        first = self._dose(person, 1, first_on, product)
        if person.died_on and first_on >= person.died_on:
            return
        yield first
        second_on = first_on + timedelta(days=product.interval + self.random.choice((0, 0, 0, 1, 1, 2, 3, 5, 9)))
        alive = person.died_on is None or second_on < person.died_on
        if product.interval and alive and second_on <= self.last_day and self.random.random() < rates.SECOND_DOSE:
            yield self._dose(person, 2, second_on, product)

    def _dose(self, person: Person, ordinal: int, day: date, product: Product, *, was_given: bool = True) -> Dose:
        self.count += 1
        place = person.home(day).place
        site = f"{place.county[2:]}{place.zip5[-2:]}" if self.random.random() < 0.9 else f"{place.county[2:]}00"
        lot = self.random.choice(product.lots)
        return Dose(person, ordinal, day, product, lot, f"S{site}", f"V{70_000_000 + self.count}", was_given)

    def _product(self, day: date) -> Product:
        draw = self.random.random()
        if day >= JANSSEN_FROM and draw < 0.09:
            return JANSSEN
        if day < self.first_day and draw < 0.002:
            return ASTRAZENECA
        return PFIZER if draw < 0.57 else MODERNA

    def _without_dose(self, person: Person, course: Course) -> None:
        """A refusal, or a dose recorded for the wrong person and deleted some days later."""
        draw = self.random.random()
        span = (self.last_day - self.first_day).days
        day = self.first_day + timedelta(days=self.random.randrange(max(1, span // 2)))
        if draw < rates.REFUSALS:
            course.reports.append(self._report(self._dose(person, 1, day, PFIZER, was_given=False), day, "refusal"))
        elif draw < rates.REFUSALS + rates.RETRACTED and (person.died_on is None or day < person.died_on):
            dose = self._dose(person, 1, day, self._product(day), was_given=False)
            course.doses.append(dose)
            first = self._report(dose, self._workday(day + timedelta(days=1)), "new")
            later = self._workday(first.day + timedelta(days=self.random.randrange(3, max(4, span // 2 - 1))))
            course.reports += [first, replace(first, day=later, kind="retracted", action="D")]

    def _reports(self, doses: list[Dose]) -> Iterator[Report]:
        first: Report | None = None
        for dose in doses:
            report = self._report(dose, self._workday(dose.given_on + timedelta(days=self._lag())), "new")
            if dose.ordinal == 2 and first and self._is_left_to_extract(first, dose):
                yield replace(report, kind="extract", day=self.extract_day)
                continue
            group = self._what_becomes_of(report)
            if (
                first
                and first.is_exact
                and report.is_exact
                and not group[0].defect
                and self.random.random() < rates.ALSO_HISTORICAL
            ):
                group[0].also = replace(
                    self._report(first.dose, group[0].day, "historical"), event=f"H{first.dose.event[1:]}"
                )
            first = first or group[0]
            yield from (report for report in group if report.day <= self.last_day)

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
            wrong = misspell(person.family, person.given, person.born_on, self.random)
            if (*wrong[:3], zip5) not in self.taken:
                break
        report.family, report.given, report.born_on, report.typo = wrong
        report.is_exact = False
        if self.random.random() < rates.TYPO_SPLITS_RECORD:
            report.registry_id = f"{90_000_000 + self.count}"
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
            born_on=person.born_on,
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
