"""When a row joins two who are both known, as the rules are written: two members of one plan are two by its own word,
unless a correction says otherwise; members of several plans are never joined by a row."""

from dataclasses import dataclass

from tests.chaos.checker.inputs.codes import match_key
from tests.chaos.checker.model import likeness
from tests.chaos.checker.model.doubts import Told
from tests.chaos.checker.model.member import Enrolment, Person

JOINED, TWO, UNSURE = "one person", "two persons", "perhaps one person"


@dataclass(frozen=True, slots=True)
class Meeting:
    """A row, whom it means, and somebody else who agrees with it; `former` is who of all the row's person was."""

    told: Told
    person: Person
    other: Person
    former: Person | None

    @property
    def mine(self) -> Enrolment | None:
        return _in(self.person, self.told.part.plan)

    @property
    def theirs(self) -> Enrolment | None:
        return _in(self.other, self.told.part.plan)

    @property
    def is_of_plan_alone(self) -> bool:
        """Whether the row's plan has both, and other plans one of them at most."""
        one, other = plans_of(self.person), plans_of(self.other)
        return self.told.part.plan in one & other and 1 in {len(one), len(other)}

    @property
    def verdict(self) -> str:
        said = likeness.described(self.told.row)
        is_stated = self._is_stated
        if is_stated and self.is_of_plan_alone:
            return JOINED
        return TWO if self.mine is not None and likeness.is_exact(self.mine, said) else UNSURE

    @property
    def _is_stated(self) -> bool:
        """Whether a correction says so: by a former name of the row's person, or by the other's number in the row. A
        prior number alone is believed only of who agrees exactly."""
        before = self.told.row.before
        is_named = before is not None and before.is_named
        if self.mine is not None and self.person is self.former:
            return is_named
        if self.theirs is None or self.other is not self.former:
            return False
        is_exact = likeness.is_exact(self.theirs, likeness.described(self.told.row))
        return self.theirs.member_id in {"", *self._numbers} and (is_named or is_exact)

    @property
    def _numbers(self) -> set[str]:
        row = self.told.row
        prior = {value for _, _, value in row.before.numbers} if row.before else set[str]()
        return prior | {value for kind, _, value in row.who.identifiers if kind == "MB"}


def completed_key(told: Told, person: Person) -> str:
    """Name, birth date and ZIP, of which what the row leaves out stays as its plan knows it."""
    row, known = told.row, _in(person, told.part.plan)
    if known is None or (row.has_address and not row.who.zip5):
        return ""
    family, given = (row.who.family, row.who.given) if row.who.family else (known.family, known.given)
    zip5 = row.who.zip5 if row.has_address else known.zip5
    return match_key(family, given, row.who.birth_on or known.birth_on, zip5)


def _in(person: Person, plan: str) -> Enrolment | None:
    return person.enrolments.get(plan) if plan in plans_of(person) else None


def plans_of(person: Person) -> set[str]:
    """The plans that have somebody."""
    return {plan for plan, one in person.enrolments.items() if not one.is_retired}
