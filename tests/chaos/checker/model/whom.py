"""Whom a roster's row means among those who are known under its numbers and names, by the rules as they are written."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tests.chaos.checker.inputs.codes import match_key
from tests.chaos.checker.inputs.records import Identifier, MemberRow
from tests.chaos.checker.model import doubts as rows
from tests.chaos.checker.model import likeness
from tests.chaos.checker.model.doubts import Doubt, Doubts, Told
from tests.chaos.checker.model.joining import JOINED, UNSURE, Meeting
from tests.chaos.checker.model.likeness import Described
from tests.chaos.checker.model.member import Enrolment, Person


@dataclass(slots=True)
class Acquainted:
    """Everybody by the numbers and names that ever found him."""

    by_number: defaultdict[Identifier, set[Person]] = field(default_factory=lambda: defaultdict(set))
    by_key: defaultdict[str, set[Person]] = field(default_factory=lambda: defaultdict(set))

    def whose(self, told: Told, but: Collection[Person] = ()) -> Person | Doubt | None:
        """Whom a row means; `but` these, who are certainly not meant."""
        row, plan, said = told.row, told.part.plan, likeness.described(told.row)
        found = self._fitting(row.who.identifiers, plan, said, but) or self.once(told, but)
        if found is not None:
            return found
        doubt, namely = self._doubt(told, but), self._namesakes(key_of(row), said, plan, but)
        if doubt is not None:
            return Doubt(doubt.code, doubt.persons | {one for one in namely if plan in one.enrolments})
        if len(namely) > 1:
            return Doubt(rows.AGREES_WITH_ANOTHER, frozenset(namely))
        return namely[0] if namely else None

    def beside(self, person: Person, told: Told, key: str, doubts: Doubts) -> dict[Person, str]:
        """Who agrees with a row beside its person, or was he by its word, and what both are by the rules; nobody who
        was told apart from him. One row joins one pair, so of several none is surely the one."""
        former = self.once(told)
        keyed = self.keyed(key, likeness.described(told.row), told.part.plan)
        agreeing = {*keyed, *([former] if former else [])} - {person}
        found: dict[Person, str] = {}
        for other in sorted(agreeing, key=lambda one: one.number):
            if not doubts.are_apart(person, other):
                found[other] = Meeting(told, person, other, former).verdict
        joined = [other for other, verdict in found.items() if verdict == JOINED]
        return found | dict.fromkeys(joined, UNSURE) if len(joined) > 1 else found

    def unsure(self, person: Person, told: Told, key: str, doubts: Doubts) -> Doubt | None:
        """The row would make its person exactly another one, and does not say that both are one."""
        found = {one for one, verdict in self.beside(person, told, key, doubts).items() if verdict == UNSURE}
        if not found:
            return None
        is_former = told.row.before is not None and found == {self.once(told)}
        code = rows.NOT_FORMERLY if is_former else rows.AGREES_WITH_ANOTHER
        return Doubt(code, frozenset(one for one in {person, *found} if told.part.plan in one.enrolments))

    def under(self, numbers: Iterable[Identifier], plan: str, but: Collection[Person] = ()) -> list[Enrolment]:
        """Whom the plan's own numbers lead to, today's holder or not."""
        found = {person for one in numbers if one[0] == "MB" for person in self.by_number.get(one, ())}
        known = sorted(found - set(but), key=lambda one: one.number)
        return [one.enrolments[plan] for one in known if plan in one.enrolments]

    def _fitting(
        self, numbers: Iterable[Identifier], plan: str, said: Described, but: Collection[Person] = ()
    ) -> Person | None:
        """Who is the same: the one who agrees best, then who has the number today, then the oldest."""
        numbers = tuple(numbers)
        today = {value for kind, _, value in numbers if kind == "MB"}
        fits = [one for one in self.under(numbers, plan, but) if likeness.verdict(one, said) == likeness.SAME]
        fits.sort(key=lambda one: (likeness.distance(one, said), one.member_id not in today))
        return fits[0].person if fits else None

    def _namely(self, key: str, said: Described, but: Collection[Person], plan: str) -> Person | None:
        """By exactly this name, birth date and ZIP, which he still bears."""
        found = [one for one in self.keyed(key, said, plan) if one not in but]
        return found[0] if len(found) == 1 else None

    def _namesakes(self, key: str, said: Described, plan: str, but: Collection[Person]) -> list[Person]:
        """All of the plan who agree exactly."""
        return [one for one in self.keyed(key, said, plan) if one not in but]

    def keyed(self, key: str, said: Described, plan: str) -> list[Person]:
        known = [one for one in (self.by_key.get(key, ()) if key else ()) if plan in one.enrolments]
        return [one for one in known if likeness.still_bears(one.enrolments[plan], said)]

    def once(self, told: Told, but: Collection[Person] = ()) -> Person | None:
        """By what the row says was wrong before: by the prior number, by name and ZIP, by the row's own number."""
        row, plan, old = told.row, told.part.plan, told.row.before
        if old is None:
            return None
        was = likeness.described_before(row)
        key = match_key(old.family, old.given, old.birth_on or row.who.birth_on, row.who.zip5)
        by_prior = next((one for each in was if (one := self._fitting(old.numbers, plan, each, but))), None)
        found = by_prior or self._namely(key, was[0], but, plan)
        if found is None and old.is_named:
            found = next((one for each in was if (one := self._fitting(row.who.identifiers, plan, each, but))), None)
        return found

    def _doubt(self, told: Told, but: Collection[Person]) -> Doubt | None:
        """Somebody fits in part; or the row changes or ends, and its number's holder is evidently another."""
        row, plan, said = told.row, told.part.plan, likeness.described(told.row)
        judged = {one.person: likeness.verdict(one, said) for one in self.under(row.who.identifiers, plan, but)}
        wrong = {likeness.IN_PART} | (set() if row.action in likeness.LISTS else {likeness.ANOTHER})
        if any(each in wrong for each in judged.values()):
            return Doubt(rows.NOT_THE_HOLDER, frozenset(one for one, each in judged.items() if each in wrong))
        prior = self.under(row.before.numbers if row.before else (), plan, but)
        was = likeness.described_before(row)
        former = {one.person for one in prior for each in was if likeness.verdict(one, each) == likeness.IN_PART}
        return Doubt(rows.NOT_FORMERLY, frozenset(former)) if former else None


def key_of(row: MemberRow) -> str:
    """Name, birth date and ZIP in one."""
    who = row.who
    return match_key(who.family, who.given, who.birth_on, who.zip5)
