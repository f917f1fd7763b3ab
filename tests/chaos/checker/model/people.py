"""Whom the rosters name and what they say of them: members come, change, leave, and turn out to be one person."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from tests.chaos.checker.inputs.records import Identifier, Roster, Said
from tests.chaos.checker.model import doubts as rows
from tests.chaos.checker.model import likeness
from tests.chaos.checker.model.doubts import Doubt, Doubtful, Doubts, Told
from tests.chaos.checker.model.joining import JOINED, completed_key, plans_of
from tests.chaos.checker.model.lists import FullList, lists_of
from tests.chaos.checker.model.member import Death, Enrolment, Person, adopt, restate
from tests.chaos.checker.model.repeated import Readings, fresh
from tests.chaos.checker.model.spans import cut
from tests.chaos.checker.model.turns import Turns
from tests.chaos.checker.model.whom import Acquainted, key_of


@dataclass(slots=True)
class People(Acquainted):
    """Everybody. `retired_for_sure` names the members of whom it is known that another entry outlived theirs: which of
    two does is the service's choice, and the only thing that is taken from it. `lists`: what was made of those whom
    full lists leave out, by file. `alike`: two plans' members who agreed exactly at some time."""

    retired_for_sure: Collection[tuple[str, str]] = ()
    persons: list[Person] = field(default_factory=list)
    merges: list[tuple[Person, Person]] = field(default_factory=list)
    previous_full: dict[str, int] = field(default_factory=dict)
    lists: dict[int, list[FullList]] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)
    doubts: Doubts = field(default_factory=Doubts)
    alike: set[tuple[Person, Person]] = field(default_factory=set)
    readings: Readings = field(default_factory=Readings)
    repeated: set[tuple[int, int]] = field(default_factory=set)
    """The rows that were read before, by file and row."""

    def take(self, roster: Roster, file_no: int) -> Iterator[Person]:
        """Take a file row by row; gives the person of each row that was taken, so that others can follow suit."""
        roster = self.readings.compared(roster, file_no)
        self.repeated |= {(file_no, row.row) for part in roster.parts if part.read_in for row in part.rows}
        for part in fresh(roster).parts:
            for row in part.rows:
                if row.rejected is not None:
                    self._mention(row.who.identifiers, part.plan, (file_no, part.said))
                elif (person := self._take_row(Told(row, part, file_no))) is not None:
                    yield person
        self.lists[file_no] = self._judged(roster, file_no)
        self.readings.note(roster, file_no)

    def in_turn(self, roster: Roster, file_no: int) -> bool:
        """Whether a file that has come may be read at once."""
        return self.turns.look(self.readings.compared(roster, file_no), file_no) is None

    def tie(self, identifier: Identifier, person: Person) -> bool:
        """Note that this number is of this person. False if that was known."""
        is_fresh = person not in self.by_number[identifier]
        self.by_number[identifier].add(person)
        person.keys.add("\x1f".join(identifier))
        return is_fresh

    def enrolments(self) -> Iterator[Enrolment]:
        for person in self.persons:
            yield from person.enrolments.values()

    def _take_row(self, told: Told, settled: Doubtful | None = None) -> Person | None:
        """`settled`: a person decided whom the row means, now or of one that said the same."""
        row, part = told.row, told.part
        found = settled.meant if settled else self._meant(told)
        if isinstance(found, Doubt):
            settled = self.doubts.decided_before(told, found)
            if settled is None or settled.meant is None:
                self._hold(told, found, is_refused=settled is not None)
                return None
            found = settled.meant
        if found and _is_stale(found, told):
            found.enrolments[part.plan].see(told.file_no, part.said[0])
            return found
        key = key_of(row) or (completed_key(told, found) if found else "")
        person = self._merged(found, self._joined(found, told, key) | {found}) if found else self._new()
        is_found_by_hand = settled is not None and settled.state == rows.ANOTHER_PERSON
        is_holder = self._takes_number(person, told, is_told=is_found_by_hand)
        self._note(person, told, key)
        enrolment = person.enrolments.setdefault(part.plan, Enrolment(person, part.plan, first_in=told.file_no))
        restate(enrolment, row, part.said_on, is_holder=is_holder)
        enrolment.see(told.file_no, part.said[0])
        enrolment.said_at, enrolment.said = (told.file_no, row.row), part.said
        self.doubts.clear(enrolment, told)
        self.alike |= {(person, other) for other in self._alike(person, enrolment)}
        return person

    def _alike(self, person: Person, enrolment: Enrolment) -> Iterator[Person]:
        """Who of other plans agrees exactly by now; no plan may have both."""
        key = enrolment.key
        for other in self.by_key.get(key, set()) - {person} if key else ():
            theirs = [one for one in other.enrolments.values() if not one.is_retired]
            if not plans_of(person) & plans_of(other) and any(one.key == key for one in theirs):
                yield other

    def _meant(self, told: Told) -> Person | Doubt | None:
        """Whom a row means; a doubt also where it would make him somebody else, unless it is older than what stands."""
        found = self.whose(told)
        if not isinstance(found, Person) or _is_stale(found, told):
            return found
        return self.unsure(found, told, key_of(told.row) or completed_key(told, found), self.doubts) or found

    def _note(self, person: Person, told: Told, key: str) -> None:
        """Its numbers and name find the person from now on; a prior number only if it is nobody's."""
        row, plan = told.row, told.part.plan
        told_before = row.before.numbers if row.before else ()
        prior = [one for one in told_before if not any(plan in it.enrolments for it in self.by_number.get(one, ()))]
        for identifier in (*row.who.identifiers, *prior):
            self.tie(identifier, person)
        if key:
            self.by_key[key].add(person)
            person.keys.add(key)
        if row.died or (row.is_back and plan in person.deaths):
            said = Death(told.part.said_on, row.died, row.death_on)
            person.deaths[plan] = said.after(person.deaths.get(plan))

    def _new(self) -> Person:
        self.persons.append(Person(len(self.persons)))
        return self.persons[-1]

    def _joined(self, person: Person, told: Told, key: str) -> set[Person]:
        """Who else this is."""
        return {one for one, verdict in self.beside(person, told, key, self.doubts).items() if verdict == JOINED}

    def _takes_number(self, person: Person, told: Told, *, is_told: bool) -> bool:
        """A number has one holder. Whoever is added or listed, renumbered, or found by a person takes it, but not from
        somebody of whom a newer row told; a mere change or end leaves it."""
        row, plan = told.row, told.part.plan
        own = [one for one in row.who.identifiers if one[0] == "MB"]
        numbers = {value for _, _, value in own}
        if all(self.by_number.get(one, set()) <= {person} for one in own):
            return True
        holders = [one for one in self.under(own, plan) if one.person is not person and one.member_id in numbers]
        takes = row.action in likeness.LISTS or bool(row.before and row.before.numbers)
        takes |= is_told and row.action != likeness.ENDED
        takes = takes and not any(told.part.said < one.said for one in holders)
        for one in holders if takes else ():
            one.member_id = ""
        return takes or not holders

    # -- what waits for a person

    def _hold(self, told: Told, doubt: Doubt, *, is_refused: bool) -> None:
        """The row changes nobody; whom it may mean stands in the list, unless a person refused what it says."""
        where = told.file_no, told.row.row
        self.doubts.outcomes[where] = "identity-refused" if is_refused else "doubtful-identity"
        if not is_refused:
            self._mention(told.numbers, told.part.plan, (told.file_no, told.part.said), key_of(told.row))
            self.doubts.open(told, doubt)

    def look(self, waiting: Doubtful) -> None:
        """A person looks at a row, and is shown everybody whom it may mean by now."""
        while more := self.also_meant(waiting):
            waiting.persons |= more

    def also_meant(self, waiting: Doubtful) -> frozenset[Person]:
        """Who comes into question beside those who were shown: a person must look at them before he decides."""
        found = self.whose(waiting.told, but=waiting.may_be)
        return found.persons if isinstance(found, Doubt) else frozenset()

    def decide(self, chosen: Doubtful, decision: str, person: Person | None) -> Iterator[Person]:
        """What a person says of a row, and so of all that wait and say the same and may mean nobody else: they take
        effect as if they had been clear when they came. Gives whom they changed."""
        if decision == rows.WITHDRAWN:
            self.doubts.withdraw(chosen)
            return
        shown = chosen.may_be | ({person} if person else set())
        for one in [one for one in self.doubts.alike(chosen) if one is chosen or one.may_be <= shown]:
            if decision == rows.REFUSED:
                self.doubts.close(one, decision, None)
                continue
            if person is None:
                found = self.whose(one.told, but=chosen.may_be)
                person = found if isinstance(found, Person) else self._new()
            others = chosen.may_be if decision == rows.ANOTHER_PERSON else set()
            key = key_of(one.told.row) or completed_key(one.told, person)
            alike = self.beside(person, one.told, key, self.doubts).keys()
            self.doubts.tell_apart(person, alike | others, one)
            self.doubts.close(one, decision, person)
            self._take_row(one.told, one)
            yield person
        if person is not None and decision == rows.ANOTHER_PERSON:
            self._end_left(person.enrolments[chosen.told.part.plan])

    def _end_left(self, one: Enrolment) -> None:
        """Who comes by a decision alone is not covered from the first newer list on that did not have him."""
        believed = [it for each in self.lists.values() for it in each if it.plan == one.plan and it.state == "applied"]
        newer = [it for it in believed if it.since > one.seen_in and it.said[0] > one.said[0]]
        if newer:
            first = min(newer, key=lambda it: it.said)
            one.spans, one.said = cut(one.spans, first.ends_on), (first.said[0], 0)

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
            adopt(kept, plan, one)
            one.is_retired, one.spans = True, ()
        for found in (*self.by_number.values(), *self.by_key.values()):
            if gone in found:
                found.discard(gone)
                found.add(kept)
        kept.keys |= gone.keys
        self.merges.append((kept, gone))

    # -- who is not there

    def _mention(self, identifiers: Iterable[Identifier], plan: str, place: tuple[int, Said], key: str = "") -> None:
        """Whoever these numbers and this name may mean stands in the file."""
        file_no, said = place
        persons = {person for one in identifiers for person in self.by_number.get(one, ())}
        for person in persons | (self.by_key.get(key, set()) if key else set()):
            if plan in person.enrolments:
                person.enrolments[plan].see(file_no, said[0])

    def _judged(self, roster: Roster, file_no: int) -> list[FullList]:
        """Each plan's list by itself. While a row of the plan, in the list or in what the file says later, does not say
        whose it is, only who was missing from the full file before too is missing."""
        found = lists_of(roster, file_no)
        for one in found:
            told = [part for part in roster.parts if part.plan == one.plan and part.said[0] >= one.said[0]]
            is_unsure = any(row.rejected and not row.who.identifiers for part in told for row in part.rows)
            one.since = min(one.since, self.previous_full.get(one.plan, 0)) if is_unsure else one.since
            self.previous_full[one.plan] = file_no
            one.judge(list(self.enrolments()))
            if one.state == "applied":
                one.end(self.enrolments())
        return found


def _is_stale(person: Person, told: Told) -> bool:
    """Whether its plan has said something newer of him."""
    known = person.enrolments.get(told.part.plan)
    return known is not None and told.part.said < known.said
