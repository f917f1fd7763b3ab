"""The whole of eligibility from the files that were submitted and the doses that sites recorded."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.chaos.checker.inputs import read_file
from tests.chaos.checker.inputs.records import Registry, Roster
from tests.chaos.checker.model import eligibility
from tests.chaos.checker.model.people import Enrolment, People, Person
from tests.chaos.checker.model.registry import Dose, Registrar, Said


@dataclass(frozen=True, slots=True)
class Files:
    """What became of people and doses, by the files in the order of their submission; numbered from 1."""

    read: tuple[Roster | Registry, ...]
    people: People
    registrar: Registrar


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


def decisions(files: Files, today: date) -> dict[tuple[str, str, bool, str], dict[str, Any]]:
    """What each enrolment's newest fact must say, by plan, member number, whether it is retired, and programme."""
    doses: defaultdict[Person, list[tuple[str, date, Dose]]] = defaultdict(list)
    for (person, group, on), dose in files.registrar.doses().items():
        doses[person].append((group, on, dose))
    return {
        (*one.name, programme_id): _decision(one, files.registrar, doses, rule, today)
        for one in files.people.enrolments()
        for programme_id, rule in eligibility.in_effect(today).items()
    }


def _decision(
    one: Enrolment, registrar: Registrar, doses: dict[Person, list[tuple[str, date, Dose]]],
    rule: eligibility.Document, today: date,
) -> dict[str, Any]:  # fmt: skip
    said = registrar.said.get(one.person, Said())
    return eligibility.decide(one, said, doses.get(one.person, []), rule, today)
