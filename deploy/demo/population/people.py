"""Who lives in the demo: invented people at real tracts, some of them twice in the rosters, some in none."""

from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from deploy.demo.population import names, rates
from deploy.demo.population.places import Place, Tract, places

FAMILY, WOMEN, MEN = names.by_community(names.FAMILY), names.by_community(names.WOMEN), names.by_community(names.MEN)
# Ages of members of 65 and older, by band of five years; the last one ends at 100.
AGE_BANDS, AGE_WEIGHTS = (65, 70, 75, 80, 85, 90, 95), tuple(accumulate((30, 26, 19, 12, 8, 4, 1)))
RACES = {
    "hispanic": ("2106-3", "2106-3", "2131-1"),
    "white": ("2106-3",),
    "armenian": ("2106-3",),
    "black": ("2054-5",),
    "chinese": ("2028-9",),
    "vietnamese": ("2028-9",),
    "filipino": ("2028-9",),
    "korean": ("2028-9",),
    "indian": ("2028-9",),
    "pacific": ("2076-8",),
    "native": ("1002-5",),
}
HISPANIC, NOT_HISPANIC = "2135-2", "2186-5"
MULTIRACIAL = 0.02
SECOND_FAMILY_NAME = 0.18  # of Hispanic people: a second family name is kept

BirthOf = Callable[[], date]
Taken = set[tuple[str, str, date, str]]  # family and given name, birth date, ZIP


@dataclass(frozen=True, slots=True)
class Home:
    street: str
    unit: str
    place: Place
    tract: Tract


@dataclass(slots=True)
class Person:
    """The truth about one person. `homes` are by the day from which each holds, the first from the beginning."""

    number: int
    registry_id: str
    family: str
    given: str
    middle: str
    sex: str
    birth_on: date
    races: tuple[str, ...]
    ethnicity: str
    language: str
    homes: list[tuple[date, Home]]
    phone: str
    mrn: str
    hesitancy: str
    barriers: tuple[str, ...]
    died_on: date | None = None
    is_stranger: bool = False
    is_protected: bool = False

    def home(self, day: date) -> Home:
        return next(home for since, home in reversed(self.homes) if since <= day)

    @property
    def svi(self) -> float:
        return self.homes[0][1].tract.svi

    def age(self, day: date) -> int:
        return day.year - self.birth_on.year - ((day.month, day.day) < (self.birth_on.month, self.birth_on.day))


class Town:
    """Draws people one by one; no two share name, birth date and ZIP, so an exact match means one person."""

    def __init__(self, seed: int, first_day: date, last_day: date) -> None:
        self.random = Random(f"{seed}:people")
        self.first_day, self.last_day = first_day, last_day
        self.places = places()
        self.weights = tuple(accumulate(place.weight for place in self.places))
        self.taken: Taken = set()
        self.count = 0

    def people(self, seniors: int) -> Iterator[Person]:
        """So many of 65 and older on the first day, and those on the way there."""
        yield from self._households(seniors, self._senior_birth)
        yield from self._households(round(seniors * rates.SHARE_60_TO_64), self._younger_birth)

    def strangers(self, count: int, members: list[Person]) -> Iterator[Person]:
        """People whom the registry knows and no plan does; every other one is the namesake of a member."""
        for number in range(count):
            person = self._person(self._senior_birth(), self.home())
            if number % 2:
                double = self.random.choice(members)
                person.family, person.given, person.sex = double.family, double.given, double.sex
                person.homes = [(date.min, double.homes[0][1])]
                self._make_unique(person, self._senior_birth)
            person.is_stranger = True
            yield person

    def home(self) -> Home:
        random = self.random
        place = self.places[bisect(self.weights, random.random() * self.weights[-1])]
        return self._home_in(place)

    def _home_in(self, place: Place) -> Home:
        random = self.random
        street = f"{random.randrange(100, 9900)} {random.choice(names.STREETS)} {random.choice(names.STREET_KINDS)}"
        unit = f"Apt {random.randrange(1, 60)}" if random.random() < 0.3 else ""
        return Home(street, unit, place, place.draw_tract(random))

    def move(self, person: Person, day: date) -> None:
        """To a new address, mostly within the county."""
        near = [place for place in self.places if place.county == person.homes[-1][1].place.county]
        home = self._home_in(self.random.choice(near)) if self.random.random() < 0.8 else self.home()
        key = (person.family, person.given, person.birth_on, home.place.zip5)
        if key in self.taken:  # a namesake of the same day lives there
            home = self._home_in(person.homes[-1][1].place)
        self.taken.add((person.family, person.given, person.birth_on, home.place.zip5))
        person.homes.append((day, home))

    def _households(self, count: int, birth: BirthOf) -> Iterator[Person]:
        alone = 1 - rates.SHARE_COUPLES / (2 - rates.SHARE_COUPLES)  # of households
        while count > 0:
            home = self.home()
            person = self._person(birth(), home)
            yield person
            count -= 1
            if count and self.random.random() > alone:
                yield self._person(birth(), home, spouse=person)
                count -= 1

    def _person(self, birth_on: date, home: Home, spouse: Person | None = None) -> Person:
        random = self.random
        self.count += 1
        community = home.place.draw_community(random)
        sex = ("M" if spouse.sex == "F" else "F") if spouse else ("F" if random.random() < 0.56 else "M")
        person = Person(
            number=self.count,
            registry_id=f"{40_000_000 + self.count * 7919 % 50_000_000}",
            family=spouse.family if spouse else self._family(community),
            given=random.choice((WOMEN if sex == "F" else MEN)[community]),
            middle=random.choice("ABCDEFGJLMRST") if random.random() < 0.4 else "",
            sex=sex,
            birth_on=birth_on,
            races=self._races(community),
            ethnicity=HISPANIC if community == "hispanic" else NOT_HISPANIC,
            language=self._language(community),
            homes=[(date.min, home)],
            phone=spouse.phone if spouse else self._phone(home.place),
            mrn=f"{random.randrange(10**6, 10**7)}",
            hesitancy=random.choices(("willing", "waiting", "reluctant", "refusing"), (46, 30, 17, 7))[0],
            barriers=self._barriers(home.tract.svi),
            is_protected=random.random() < rates.PROTECTED,
        )
        self._make_unique(person, self._senior_birth if birth_on <= self._sixty_five_ago() else self._younger_birth)
        return person

    def _make_unique(self, person: Person, birth: BirthOf) -> None:
        zip5 = person.homes[0][1].place.zip5
        while (person.family, person.given, person.birth_on, zip5) in self.taken:
            person.birth_on = birth()
        self.taken.add((person.family, person.given, person.birth_on, zip5))

    def _family(self, community: str) -> str:
        family = self.random.choice(FAMILY[community])
        if community == "hispanic" and self.random.random() < SECOND_FAMILY_NAME:
            return f"{family} {self.random.choice(FAMILY[community])}"
        return family

    def _races(self, community: str) -> tuple[str, ...]:
        race = self.random.choice(RACES[community])
        return (race, "2106-3") if race != "2106-3" and self.random.random() < MULTIRACIAL else (race,)

    def _language(self, community: str) -> str:
        language, share = names.LANGUAGES.get(community, ("eng", 1.0))
        return language if self.random.random() < share else "eng"

    def _phone(self, place: Place) -> str:
        random = self.random
        return "" if random.random() < rates.NO_PHONE else f"{place.area_code}555{random.randrange(10_000):04d}"

    def _barriers(self, svi: float) -> tuple[str, ...]:
        known = (
            ("transportation-insecurity", 0.22),
            ("digital-access", 0.30),
            ("personal-health-literacy", 0.15),
            ("homebound", 0.06),
        )
        return tuple(code for code, share in known if self.random.random() < share * (0.4 + svi))

    def _sixty_five_ago(self) -> date:
        """The birth date of somebody who turns 65 on the first day."""
        day = min(self.first_day.day, 28) if self.first_day.month == 2 else self.first_day.day
        return date(self.first_day.year - 65, self.first_day.month, day)

    def _senior_birth(self) -> date:
        random = self.random
        age = AGE_BANDS[bisect(AGE_WEIGHTS, random.random() * AGE_WEIGHTS[-1])]
        return self._sixty_five_ago() - timedelta(days=int((age - 65 + random.random() * 5) * 365.25))

    def _younger_birth(self) -> date:
        """Sixty to sixty-four on the first day; a stated share turns 65 after it and before the last."""
        random = self.random
        programme_days = (self.last_day - self.first_day).days
        if random.random() < rates.SHARE_TURNING_65:
            return self._sixty_five_ago() + timedelta(days=random.randrange(1, programme_days + 1))
        return self._sixty_five_ago() + timedelta(days=random.randrange(programme_days + 1, int(4.99 * 365.25)))
