"""Who is counted in a report, and who of them is vaccinated since when, from the log alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby

from tests.chaos.checker import catalog
from tests.chaos.checker.log import Body, Fact, latest, of_type, survivors_in
from tests.chaos.checker.model.cells import counts, is_counted, svi_group

SOURCES = ("appointment", "iis", "plan")


@dataclass(frozen=True, slots=True)
class Counted:
    """One enrolment of the population."""

    person: str
    tenant_id: str
    enrolment_id: str
    is_target: bool
    zip5: str
    age_band: str
    race_ethnicity: str
    svi_group: str
    svi_release: str
    vaccinated_on: date | None


@dataclass
class Population:
    """The people of one programme as of a day, by what is known. `plan`: as one plan sees it."""

    facts: Sequence[Fact]
    programme_id: str
    today: date
    plan: str | None = None

    @cached_property
    def mine(self) -> list[Fact]:
        """What the plan may see; what belongs to no plan, everybody may."""
        if self.plan is None:
            return list(self.facts)
        return [fact for fact in self.facts if fact.body.get("tenant_id") in {None, self.plan}]

    @property
    def is_published(self) -> bool:
        return (self.programme_id,) in latest(self.mine, catalog.PROGRAMME)

    @cached_property
    def programme(self) -> Body:
        return latest(self.mine, catalog.PROGRAMME)[self.programme_id,].body

    @cached_property
    def survivors(self) -> dict[str, str]:
        merges = of_type(self.mine, catalog.MERGED)
        return survivors_in(one for one in merges if day(one.body["merged_on"]) <= self.today)

    def person(self, member_token: str) -> str:
        """Who a token is by now."""
        for _ in range(20):
            if member_token not in self.survivors:
                break
            member_token = self.survivors[member_token]
        return member_token

    def of(self, kind: str, dated: str) -> list[Body]:
        """What was said of the programme until today, dated by that field."""
        return [
            one.body for one in of_type(self.mine, kind)
            if one.body.get("programme_id") == self.programme_id and day(one.body[dated]) <= self.today
        ]  # fmt: skip

    # -- doses and population

    @cached_property
    def doses(self) -> dict[str, list[tuple[date, str]]]:
        """Days with a dose that counts, and its best source, by person."""
        known = [one for one in of_type(self.mine, catalog.DOSE) if day(one.body["known_on"]) <= self.today]
        days: defaultdict[str, dict[date, str]] = defaultdict(dict)
        for fact in latest(known, catalog.DOSE).values():
            one, on = fact.body, day(fact.body["administered_on"])
            if on <= self.today and counts(one, self.programme):
                source = next(each for each in SOURCES if each in one["sources"] or each == "plan")
                mine = days[self.person(one["member_token"])]
                mine[on] = min(mine.get(on, source), source)
        return {person: sorted(each.items()) for person, each in days.items()}

    def vaccination(self, person: str) -> tuple[date, str] | None:
        """The dose that made the person vaccinated."""
        given, needed = self.doses.get(person, []), self.programme["doses_needed"]
        return given[needed - 1] if len(given) >= needed else None

    @cached_property
    def population(self) -> list[Counted]:
        known = [fact for fact in of_type(self.mine, catalog.DECIDED) if day(fact.body["decided_on"]) <= self.today]
        newest = [one.body for one in latest(known, catalog.DECIDED).values()]
        counted = [one for one in newest if one["programme_id"] == self.programme_id and is_counted(one)]
        return [self._counted(one) for one in counted]

    def _counted(self, one: Body) -> Counted:
        person = self.person(one["member_token"])
        vaccination = self.vaccination(person)
        return Counted(
            person, one["tenant_id"], one["enrolment_id"],
            not {"area-not-vulnerable", "area-unknown"} & set(one["reasons"]), one.get("zip5") or "unknown",
            one.get("age_band") or "unknown", one["race_ethnicity"], svi_group(one["svi"]), one["svi"]["release"],
            vaccination[0] if vaccination else None,
        )  # fmt: skip

    @cached_property
    def persons(self) -> list[Counted]:
        """Of each person's enrolments the one that stands for the person."""
        ordered = sorted(self.population, key=lambda one: (one.person, not one.is_target, one.tenant_id,
                                                           one.enrolment_id))  # fmt: skip
        return [next(same) for _, same in groupby(ordered, key=lambda one: one.person)]

    def margin(self, column: str, who: Iterable[Counted] | None = None) -> dict[str, tuple[int, int]]:
        """Members and vaccinated ones by one column."""
        members, vaccinated = Counter[str](), Counter[str]()
        for one in self.persons if who is None else who:
            members[getattr(one, column)] += 1
            vaccinated[getattr(one, column)] += one.vaccinated_on is not None
        return {name: (members[name], vaccinated[name]) for name in members}


def day(text: str) -> date:
    return date.fromisoformat(text)
