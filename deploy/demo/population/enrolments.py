"""Who is enrolled where, and what happens to the enrolments week by week."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from deploy.demo.population import rates
from deploy.demo.population.people import FAMILY, Person, Town

Ending = Literal["terminated", "deceased", "merged"]
GROUPS = {"medicare": "MA01", "dual": "DSNP", "medicaid": "MC02", "commercial": "COM9"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A sender of rosters and its habits."""

    code: str
    name: str
    tax_id: str
    member_prefix: str
    newline: str
    sends_changes: bool
    sends_tract: bool
    race_as_cdc: bool


LAKESHORE = Plan(
    "LAKESHORE", "LAKESHORE HEALTH PLAN", "990000001", "LS", newline="", sends_changes=True, sends_tract=True,
    race_as_cdc=True,
)  # fmt: skip
PRAIRIE = Plan(
    "PRAIRIE", "PRAIRIE STATE HEALTH PLAN", "990000002", "P", newline="\n", sends_changes=False, sends_tract=False,
    race_as_cdc=False,
)  # fmt: skip


@dataclass(slots=True)
class Enrolment:
    """A person under one member id. `known_from` is the day of the first roster that says in a whole row who it is."""

    person: Person
    plan: Plan
    member_id: str
    line: str
    begin_on: date
    first_week: int
    family: str
    given: str
    race_given: bool
    last_week: int | None = None
    ended_by: Ending | None = None
    ended_on: date | None = None
    merged_into: str | None = None
    known_from: date | None = None

    @property
    def group(self) -> str:
        return f"{self.plan.member_prefix}-{GROUPS[self.line]}"

    def is_in(self, week: int) -> bool:
        return self.first_week <= week and (self.last_week is None or week < self.last_week)


class Registrar:
    """Enrols people and lets time pass over the enrolments; a move or a death is written into the person."""

    def __init__(self, seed: int, first_day: date, weeks: int) -> None:
        self.random = Random(f"{seed}:enrolments")
        self.first_day, self.weeks = first_day, weeks
        self.count = 0

    def enrol(self, people: Iterable[Person], town: Town) -> list[Enrolment]:
        enrolments: list[Enrolment] = []
        for person in people:
            mine = self._enrol_one(person)
            self._live(person, mine, town)
            if mine[0].plan is LAKESHORE and not mine[0].last_week and self.random.random() < rates.MERGED:
                mine.append(self._second_id(mine[0], town))
            enrolments += mine
        return enrolments

    def _enrol_one(self, person: Person) -> list[Enrolment]:
        random = self.random
        first_week = random.randrange(1, self.weeks) if self._happens(rates.WEEKLY_NEW) else 0
        plan = LAKESHORE if random.random() < rates.SHARE_LAKESHORE else PRAIRIE
        line = self._line(person)
        mine = [self._enrolment(person, plan, line, first_week)]
        if random.random() < rates.SHARE_IN_BOTH_PLANS:
            other = PRAIRIE if plan is LAKESHORE else LAKESHORE
            mine.append(self._enrolment(person, other, "medicaid" if line == "medicare" else line, first_week))
        return mine

    def _live(self, person: Person, enrolments: list[Enrolment], town: Town) -> None:
        """At most one of a move, the end of the coverage and death, in a week after the first file that names them."""
        first_week = enrolments[0].first_week
        after = min(first_week + 2, self.weeks - 1)
        if after <= first_week:
            return
        week = self.random.randrange(after, self.weeks)
        if self._happens(rates.WEEKLY_MOVED):
            town.move(person, self.monday(week))
        elif self._happens(rates.WEEKLY_TERMINATED):
            self._end(enrolments, week, "terminated", self.monday(week) - timedelta(days=1))
        elif self._happens(rates.WEEKLY_DECEASED):
            person.died_on = self.monday(week) - timedelta(days=self.random.randrange(2, 7))
            self._end(enrolments, week, "deceased", person.died_on)

    def _end(self, enrolments: list[Enrolment], week: int, by: Ending, day: date) -> None:
        for enrolment in enrolments:
            enrolment.last_week, enrolment.ended_by, enrolment.ended_on = week, by, day

    def _second_id(self, kept: Enrolment, town: Town) -> Enrolment:
        """The same person once more, under an earlier family name; a later change file corrects it."""
        person = kept.person
        other = self._enrolment(person, kept.plan, kept.line, 0)
        kept.first_week = 0
        zip5 = person.homes[0][1].place.zip5
        community = next(name for name, families in FAMILY.items() if person.family.split(" ")[0] in families)
        while (other.family, other.given, person.birth_on, zip5) in town.taken:
            other.family = self.random.choice(FAMILY[community])
        town.taken.add((other.family, other.given, person.birth_on, zip5))
        other.merged_into = kept.member_id
        week = self.random.randrange(min(2, self.weeks - 1), self.weeks)
        self._end([other], week, "merged", self.monday(week))
        return other

    def _enrolment(self, person: Person, plan: Plan, line: str, first_week: int) -> Enrolment:
        random = self.random
        self.count += 1
        begin = date(self.first_day.year - random.randrange(0, 12), 1, 1)
        return Enrolment(
            person=person,
            plan=plan,
            member_id=f"{plan.member_prefix}{10_000_000 + self.count * 104_729 % 89_999_999:08d}",
            line=line,
            begin_on=self.monday(first_week).replace(day=1) if first_week else begin,
            first_week=first_week,
            family=person.family,
            given=person.given,
            race_given=random.random() >= rates.RACE_NOT_PROVIDED,
        )

    def _line(self, person: Person) -> str:
        svi, random = person.svi, self.random
        if person.age(self.first_day) < 65:
            return "medicaid" if random.random() < 0.25 + 0.4 * svi else "commercial"
        return random.choices(
            ("medicare", "dual", "medicaid", "commercial"), (62 - 30 * svi, 8 + 26 * svi, 16 * svi, 8)
        )[0]

    def _happens(self, weekly: float) -> bool:
        return self.random.random() < weekly * (self.weeks - 1)

    def monday(self, week: int) -> date:
        """The day of a week's rosters."""
        return self.first_day + timedelta(weeks=week)
