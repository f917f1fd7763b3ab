"""The whole of eligibility from the files that were submitted and the doses that sites recorded."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tests.chaos.checker.inputs import read_file
from tests.chaos.checker.inputs.records import Registry, Roster
from tests.chaos.checker.model import eligibility
from tests.chaos.checker.model.cut_short import read_part
from tests.chaos.checker.model.doubts import ANOTHER_PERSON, DECIDED, SAME_PERSON, WAITING, WITHDRAWN, Doubtful
from tests.chaos.checker.model.lists import REFUSED, TOO_MANY
from tests.chaos.checker.model.member import Enrolment, Person
from tests.chaos.checker.model.people import People
from tests.chaos.checker.model.registry import Registrar
from tests.chaos.checker.model.registry_words import Said
from tests.chaos.checker.model.reports import Dose
from tests.chaos.checker.tables import Row


@dataclass(frozen=True, slots=True)
class Decided:
    """What the newest fact of an enrolment under a programme must say."""

    enrolment: Enrolment
    programme_id: str
    fact: dict[str, Any]


LOOKED = "looked"


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said after so many files: of a file that waits, or whose absence does (`row` 0), or of a doubtful
    row; `fields` tell by what the member whom the row means was known then. `is_refused`: he was told to look again. A
    look at a row is a word too (`LOOKED`): whom it showed may be decided on."""

    after: int
    file_no: int
    row: int
    said: str
    fields: Mapping[str, str] = field(default_factory=dict)
    is_refused: bool = False


@dataclass(slots=True)
class Files:
    """What became of people and doses, by the files in the order of their submission, numbered from 1, and by what
    persons said meanwhile. `reported_dead`: of whom a worker or a site says that he has died. `unclear` are words of
    which it can't be told what they mean: no such row waited, or nobody was known so."""

    read: tuple[Roster | Registry, ...]
    people: People
    registrar: Registrar
    reported_dead: set[Person] = field(default_factory=set)
    unclear: list[Word] = field(default_factory=list)
    _said: dict[tuple[int, int], str] = field(default_factory=dict)

    def take(self, number: int) -> None:
        """A file that comes in its turn, or that a person released."""
        content = self.read[number - 1]
        if isinstance(content, Roster):
            self._follow(self.people.take(content, number))
        else:
            for row in content.rows:
                if row.rejected is None:
                    self.registrar.take(row, number)

    def hear(self, word: Word) -> None:
        """Take what a person said; who says the same again changes nothing."""
        if not self._hear(word) and self._said.get((word.file_no, word.row)) != word.said:
            self.unclear.append(word)
        if not word.is_refused and word.said != LOOKED:
            self._said[word.file_no, word.row] = word.said

    def _hear(self, word: Word) -> bool:
        """Whether it was about something that waited."""
        if word.row:
            return self._hear_of_row(word)
        turns = self.people.turns
        if word.file_no not in turns.held or word.file_no in turns.refused:
            return self._hear_of_absence(word)
        if word.said == REFUSED:
            turns.refused.add(word.file_no)
        else:
            turns.held.discard(word.file_no)
            self.take(word.file_no)
        return True

    def _hear_of_absence(self, word: Word) -> bool:
        waiting = [one for one in self.people.lists.get(word.file_no, ()) if one.state == TOO_MANY]
        for one in waiting:
            if word.said == REFUSED:
                one.state = REFUSED
            else:
                one.end(self.people.enrolments())
        return bool(waiting)

    def _hear_of_row(self, word: Word) -> bool:
        chosen = self.people.doubts.at(word.file_no, word.row)
        if word.said == LOOKED:
            if chosen is not None and chosen.state == WAITING:
                self.people.look(chosen)
            return True
        is_open = chosen is not None and (
            chosen.state in DECIDED if word.said == WITHDRAWN else chosen.state == WAITING
        )
        person = _known_by(chosen, word.fields) if chosen is not None and word.said == SAME_PERSON else None
        if chosen is not None and chosen.state == word.said:
            return True
        if chosen is None or not is_open or (person is None) is (word.said == SAME_PERSON):
            return False
        more = self.people.also_meant(chosen) if word.said == ANOTHER_PERSON else frozenset()
        if not more:
            self._follow(self.people.decide(chosen, word.said, person))
        return bool(more) is word.is_refused

    def _follow(self, changed: Iterable[Person]) -> None:
        """Doses go with those who are one by now, and look for those who have come."""
        merged = len(self.people.merges)
        for person in changed:
            for kept, gone in self.people.merges[merged:]:
                self.registrar.merge(kept, gone)
            merged = len(self.people.merges)
            self.registrar.look_again(person)


def _known_by(chosen: Doubtful, fields: Mapping[str, str]) -> Person | None:
    """Of those whom a row may mean the one whom the plan knew so when a person looked."""
    plan = chosen.told.part.plan
    known = {one: one.enrolments[plan] for one in chosen.may_be if plan in one.enrolments}
    found = [
        one for one, each in known.items()
        if fields == {"member-number": each.member_id, "family-name": each.family, "given-name": each.given,
                      "birth-date": each.birth_on.isoformat() if each.birth_on else ""}
    ]  # fmt: skip
    return found[0] if len(found) == 1 else None


def take_files(
    paths: Iterable[Path],
    retired_for_sure: Collection[tuple[str, str]] = (),
    words: Sequence[Word] = (),
    rows: Sequence[Row] = (),
) -> Files:
    """The files in their turns, and after each of them what a person said then. `rows`: the files' own, which tell how
    far each was read; without any they were read to their ends."""
    people = People(retired_for_sure=retired_for_sure)
    read = [read_file(path) for path in paths]
    if rows:
        read = [read_part(content, row) for content, row in zip(read, rows, strict=True)]
    files = Files(tuple(read), people, Registrar(people))
    for number, content in enumerate(files.read, 1):
        if not isinstance(content, Roster) or people.in_turn(content, number):
            files.take(number)
        for word in words:
            if word.after == number:
                files.hear(word)
    return files


def decisions(files: Files, day_of: Callable[[Enrolment], date], today: date) -> Iterator[Decided]:
    """What each enrolment's newest fact must say under each programme. Time changes nothing for somebody who has died
    or whose entry was retired: the fact stands as of the day on which it was told, which is `day_of`'s."""
    doses: defaultdict[Person, list[tuple[str, date, Dose]]] = defaultdict(list)
    for (person, group, on), dose in files.registrar.doses().items():
        doses[person].append((group, on, dose))
    for one in files.people.enrolments():
        said = files.registrar.said.get(one.person, Said())
        day = day_of(one) if one.is_retired or one.person.has_died(one.plan) else today
        for programme_id, rule in eligibility.in_effect(today).items():
            fact = eligibility.decide(one, said, doses.get(one.person, []), rule, day, files.reported_dead)
            yield Decided(one, programme_id, fact)
