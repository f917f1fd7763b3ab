"""Whom the rosters name and what they say of them: members come, change, leave, and turn out to be one person."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from tests.chaos.checker.inputs.codes import match_key, normal
from tests.chaos.checker.inputs.records import Identifier, MemberRow, Roster, Who
from tests.chaos.checker.model.spans import Spans, cut, restated

ABSENT_SHARE = 0.25
"""Of a plan: so many, or more, who are not listed are not believed to have left."""


@dataclass(slots=True, eq=False)
class Enrolment:
    """A person in a plan, as the plan says. `said_at` is where it was said last: file and row; `said` when, by the
    file's own day and number."""

    person: "Person"
    plan: str
    member_id: str = ""
    group: str = ""
    family: str = ""
    given: str = ""
    birth_on: date | None = None
    sex: str = "U"
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    language: str = ""
    spoken: tuple[str, ...] = ()
    zip5: str = ""
    tract: str = ""
    county: str = ""
    is_restricted: bool = False
    spans: Spans = ()
    is_retired: bool = False
    seen_in: int = 0
    said_at: tuple[int, int] = (0, 0)
    said: tuple[date, int] = (date.min, 0)

    @property
    def name(self) -> tuple[str, str, bool]:
        """By which it is found in the database."""
        return self.plan, self.member_id, self.is_retired

    def reaches(self, day: date) -> bool:
        return any(span.last_on is None or span.last_on >= day for span in self.spans)


@dataclass(frozen=True, slots=True)
class Death:
    """What a plan said last of a member's death, on that day: that he died, and when, or that he lives."""

    said_on: date
    is_dead: bool
    death_on: date | None = None

    def after(self, known: "Death | None") -> "Death":
        """The newer of both; a death that is repeated without its day keeps it."""
        if known is None or known.said_on > self.said_on:
            return known or self
        death_on = self.death_on or (known.death_on if self.is_dead and known.is_dead else None)
        return Death(self.said_on, self.is_dead, death_on)


@dataclass(slots=True, eq=False)
class Person:
    """An identity; the number tells which of two is the older. `keys` are the numbers and names that find it; `deaths`
    what each plan said of his death."""

    number: int
    merged_into: "Person | None" = None
    deaths: dict[str, Death] = field(default_factory=dict)
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def has_died(self, plan: str) -> bool:
        """As that plan says of its own member."""
        return plan in self.deaths and self.deaths[plan].is_dead

    @property
    def last(self) -> "Person":
        """Who it is by now."""
        return self.merged_into.last if self.merged_into else self


@dataclass(slots=True)
class People:
    """Everybody. `retired_for_sure` names the members of whom it is known that another entry outlived theirs: which of
    two does is the service's choice, and the only thing that is taken from it. `absences`: what was made of those
    whom a full file does not list, and how many they were."""

    retired_for_sure: Collection[tuple[str, str]] = ()
    persons: list[Person] = field(default_factory=list)
    by_number: defaultdict[Identifier, set[Person]] = field(default_factory=lambda: defaultdict(set))
    by_key: defaultdict[str, set[Person]] = field(default_factory=lambda: defaultdict(set))
    merges: list[tuple[Person, Person]] = field(default_factory=list)
    previous_full: dict[str, int] = field(default_factory=dict)
    absences: dict[int, tuple[str, int]] = field(default_factory=dict)

    def take(self, roster: Roster, file_no: int) -> Iterator[Person]:
        """Take a file row by row; gives the person of each row that was taken, so that others can follow suit."""
        for row in roster.rows:
            if row.rejected is None:
                yield self._take_row(row, roster, file_no)
            else:
                self._mention(row.who.identifiers, roster.plan, file_no)
        if roster.is_full:
            self._end_absent(roster, file_no)
            self.previous_full[roster.plan] = file_no

    def tie(self, identifier: Identifier, person: Person) -> bool:
        """Note that this number is of this person. False if that was known."""
        is_fresh = person not in self.by_number[identifier]
        self.by_number[identifier].add(person)
        person.keys.add("\x1f".join(identifier))
        return is_fresh

    def enrolments(self) -> Iterator[Enrolment]:
        for person in self.persons:
            yield from person.enrolments.values()

    def _take_row(self, row: MemberRow, roster: Roster, file_no: int) -> Person:
        who, plan = row.who, roster.plan
        key = match_key(who.family, who.given, who.birth_on, who.zip5)
        known = self._find(row, plan, key)
        if known and plan in known.enrolments and (roster.said_on, roster.control) < known.enrolments[plan].said:
            known.enrolments[plan].seen_in = max(known.enrolments[plan].seen_in, file_no)
            return known
        person = known or self._new()
        person = self._merged(person, self._doubles(row, plan, key) | {person})
        for identifier in (*who.identifiers, *(row.before.numbers if row.before else ())):
            self.tie(identifier, person)
        if key:
            self.by_key[key].add(person)
            person.keys.add(key)
        if row.died or (row.is_back and plan in person.deaths):
            said = Death(roster.said_on, row.died, row.death_on)
            person.deaths[plan] = said.after(person.deaths.get(plan))
        enrolment = person.enrolments.setdefault(plan, Enrolment(person, plan))
        _restate(enrolment, row, roster.said_on)
        enrolment.seen_in, enrolment.said_at = file_no, (file_no, row.row)
        enrolment.said = roster.said_on, roster.control
        return person

    def _new(self) -> Person:
        self.persons.append(Person(len(self.persons)))
        return self.persons[-1]

    # -- who

    def _find(self, row: MemberRow, plan: str, key: str) -> Person | None:
        return self._numbered(row, plan, row.who.identifiers) or self._keyed(key) or self._once(row, plan)

    def _numbered(self, row: MemberRow, plan: str, identifiers: Iterable[Identifier]) -> Person | None:
        """By the plan's own number, unless it has passed to somebody else."""
        numbers = [one for one in identifiers if one[0] == "MB"]
        found = (person for one in numbers for person in _by_age(self.by_number.get(one, set())))
        return next((one for one in found if plan in one.enrolments and _fits(one.enrolments[plan], row)), None)

    def _keyed(self, key: str) -> Person | None:
        found = self.by_key.get(key, set()) if key else set()
        return next(iter(found)) if len(found) == 1 else None

    def _once(self, row: MemberRow, plan: str) -> Person | None:
        """By what the row says was wrong before."""
        old = row.before
        if old is None:
            return None
        key = match_key(old.family, old.given, old.birth_on or row.who.birth_on, row.who.zip5)
        return self._numbered(row, plan, old.numbers) or self._keyed(key)

    def _doubles(self, row: MemberRow, plan: str, key: str) -> set[Person]:
        old = self._once(row, plan)
        return set(self.by_key.get(key, ()) if key else ()) | ({old} if old else set())

    # -- persons who are one

    def _merged(self, person: Person, doubles: set[Person]) -> Person:
        if len(doubles) == 1:
            return person
        order = sorted(doubles, key=lambda one: (self._is_retired(one), one.number))
        for gone in order[1:]:
            self._merge(order[0], gone)
        return order[0]

    def _is_retired(self, person: Person) -> bool:
        names = {(one.plan, one.member_id) for one in person.enrolments.values()}
        return bool(names & set(self.retired_for_sure))

    def _merge(self, kept: Person, gone: Person) -> None:
        gone.merged_into = kept
        for plan, said in gone.deaths.items():
            kept.deaths[plan] = said.after(kept.deaths.get(plan))
        gone.deaths = {}
        for plan, one in gone.enrolments.items():
            _adopt(kept, plan, one)
            one.is_retired, one.spans = True, ()
        for found in (*self.by_number.values(), *self.by_key.values()):
            if gone in found:
                found.discard(gone)
                found.add(kept)
        kept.keys |= gone.keys
        self.merges.append((kept, gone))

    # -- who is not there

    def _mention(self, identifiers: Iterable[Identifier], plan: str, file_no: int) -> None:
        for identifier in identifiers:
            for person in self.by_number.get(identifier, ()):
                if plan in person.enrolments:
                    person.enrolments[plan].seen_in = file_no

    def _end_absent(self, roster: Roster, file_no: int) -> None:
        """Whoever a full file does not list has left, unless one of its rows does not say whose it is."""
        is_unsure = any(row.rejected and not row.who.identifiers for row in roster.rows)
        before = self.previous_full.get(roster.plan, 0) if is_unsure else file_no
        mine = [one for one in self.enrolments() if one.plan == roster.plan and not one.is_retired]
        insured = [one for one in mine if one.reaches(roster.said_on)]
        said = roster.said_on, roster.control
        absent = [one for one in insured if one.seen_in < before and one.said <= said]
        if absent and len(absent) >= ABSENT_SHARE * len(insured):
            self.absences[file_no] = "too-many", 0
            return
        self.absences[file_no] = "applied", len(absent)
        for one in absent:
            one.spans, one.said = cut(one.spans, roster.said_on - timedelta(days=1)), said


def _by_age(persons: Iterable[Person]) -> list[Person]:
    return sorted(persons, key=lambda one: one.number)


def _fits(known: Enrolment, row: MemberRow) -> bool:
    who = row.who
    is_unsaid = who.birth_on is None or known.birth_on is None or not who.family or not known.family
    same_name = (normal(who.family), normal(who.given)) == (normal(known.family), normal(known.given))
    return who.birth_on == known.birth_on or same_name or is_unsaid or row.before is not None


def _adopt(kept: Person, plan: str, orphan: Enrolment) -> None:
    known = kept.enrolments.get(plan)
    if known is None:
        copied = {name: getattr(orphan, name) for name in Enrolment.__slots__ if name != "person"}
        kept.enrolments[plan] = Enrolment(kept, **copied)
    else:
        known.spans = tuple(dict.fromkeys((*known.spans, *orphan.spans)))
        known.seen_in, known.said = max(known.seen_in, orphan.seen_in), max(known.said, orphan.said)


def _restate(one: Enrolment, row: MemberRow, said_on: date) -> None:
    """What the row leaves empty stays as it was known."""
    who = row.who
    one.member_id = next((value for kind, _, value in who.identifiers if kind == "MB"), one.member_id)
    one.group = row.group or one.group
    if who.family:
        one.family, one.given = who.family, who.given
    one.birth_on = who.birth_on or one.birth_on
    one.sex = one.sex if who.sex == "U" else who.sex
    one.races, one.ethnicity = who.races or one.races, who.ethnicity or one.ethnicity
    one.language, one.spoken = row.language or one.language, row.spoken or one.spoken
    if row.has_address:
        one.zip5, one.tract, one.county = who.zip5, who.tract, row.county
    one.is_restricted = row.is_restricted
    one.spans = restated(one.spans, row, said_on)


def agrees(who: Who, known: Enrolment) -> bool:
    """Whether a registry's record may be about this member, when a number says so."""
    if who.birth_on is None or who.birth_on != known.birth_on or {who.sex, known.sex} == {"F", "M"}:
        return False
    said, names = ({normal(one.family), normal(one.given)} for one in (who, known))
    return "" in said | names or bool(said & names)
