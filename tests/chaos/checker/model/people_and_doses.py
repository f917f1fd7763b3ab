"""The whole of eligibility from the files that were submitted and the doses that sites recorded."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tests.chaos.checker.inputs import read_file
from tests.chaos.checker.inputs.records import Registry, Roster
from tests.chaos.checker.model import eligibility
from tests.chaos.checker.model.people import Enrolment, People, Person
from tests.chaos.checker.model.registry import Dose, Registrar, Said


@dataclass(frozen=True, slots=True)
class Decided:
    """What the newest fact of an enrolment under a programme must say."""

    enrolment: Enrolment
    programme_id: str
    fact: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Files:
    """What became of people and doses, by the files in the order of their submission; numbered from 1. `reported_dead`:
    of whom a worker or a site says that he has died."""

    read: tuple[Roster | Registry, ...]
    people: People
    registrar: Registrar
    reported_dead: set[Person] = field(default_factory=set)


def take_files(paths: Iterable[Path], retired_for_sure: Collection[tuple[str, str]] = ()) -> Files:
    people = People(retired_for_sure)
    registrar, read = Registrar(people), []
    for number, path in enumerate(paths, 1):
        content = read_file(path)
        read.append(content)
        if isinstance(content, Roster):
            _take_roster(content, number, people, registrar)
        else:
            for row in content.rows:
                if row.rejected is None:
                    registrar.take(row, number)
    return Files(tuple(read), people, registrar)


def _take_roster(roster: Roster, number: int, people: People, registrar: Registrar) -> None:
    merged = len(people.merges)
    for person in people.take(roster, number):
        for kept, gone in people.merges[merged:]:
            registrar.merge(kept, gone)
        merged = len(people.merges)
        registrar.look_again(person)


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
