"""Who is vaccinated when, with what and where: the truth, before any registry hears of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.demo.population import rates
from deploy.demo.population.people import Person
from deploy.demo.population.products import ASTRAZENECA, JANSSEN, JANSSEN_FROM, MODERNA, PFIZER, Product

CAMPAIGN_DAYS = 70  # before the first day
SECOND_DOSE_DELAYS = (0, 0, 0, 1, 1, 2, 3, 5, 9)


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


class Campaign:
    """Vaccinates people by the stated rates; `mean_svi` is that of the members, around which uptake slopes."""

    def __init__(self, seed: int, first_day: date, last_day: date, mean_svi: float) -> None:
        self.random = Random(f"{seed}:doses")
        self.first_day, self.last_day, self.mean_svi = first_day, last_day, mean_svi
        self.count = 0

    def doses(self, person: Person) -> list[Dose]:
        first_on = self._first_dose_on(person)
        return list(self._course(person, first_on)) if first_on else []

    def mistaken(self, person: Person, day: date) -> Dose:
        """A dose that this person never had."""
        return self._dose(person, 1, day, self._product(day), was_given=False)

    def _first_dose_on(self, person: Person) -> date | None:
        random = self.random
        gradient = rates.UPTAKE_SLOPE * (self.mean_svi - person.svi)
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

    def _course(self, person: Person, first_on: date) -> Iterator[Dose]:
        product = self._product(first_on)
        first = self._dose(person, 1, first_on, product)
        if person.died_on and first_on >= person.died_on:
            return
        yield first
        second_on = first_on + timedelta(days=product.interval + self.random.choice(SECOND_DOSE_DELAYS))
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
