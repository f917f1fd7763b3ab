"""The checker's own readers: which rows of a file must be rejected, and what the others say."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from deploy.demo.population import Ledger, generate
from tests.chaos.checker.inputs import read_file
from tests.chaos.checker.inputs.records import Registry, Roster
from tests.chaos.checker.model.people_and_doses import take_files
from tests.flow.feeds import Row, Shot, a_member, a_registry_file, a_roster

MEMBERS, SEED, WEEKS = 900, 7, 4


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    folder = tmp_path_factory.mktemp("population")
    return folder, generate(folder, MEMBERS, SEED, WEEKS)


def read(folder: Path, content: bytes) -> Roster | Registry:
    path = folder / "feed"
    path.write_bytes(content)
    return read_file(path)


def nobodys(people: Path) -> set[tuple[int, int]]:
    """File, from 1, and row of each dose that links to nobody; what was not given waits for nobody."""
    with gzip.open(people, "rt") as file:
        truths = [json.loads(line) for line in file][1:]
    reports = [report for truth in truths for dose in truth["doses"] for report in dose["reports"]]
    return {
        (one["file"] + 1, one["row"])
        for one in reports
        if one["link"] == "none" and one["kind"] not in {"refusal", "retracted"}
    }


def members_of_plans(people: Path) -> int:
    """How many members the plans have, each person counted in each of his plans."""
    with gzip.open(people, "rt") as file:
        truths = [json.loads(line) for line in file][1:]
    return sum(len({one["plan"] for one in truth["enrolments"]}) for truth in truths)


def test_rejects_are_the_generators(population: tuple[Path, Ledger]) -> None:
    """Of every generated file each row that must be rejected is, and none that was not made wrong."""
    folder, ledger = population
    for truth in ledger.files:
        rows = read_file(folder / truth.path).rows
        rejected = {one.row for one in rows if one.rejected}
        assert len(rows) == truth.rows, truth.path
        assert (
            {one.row for one in truth.rejected if not one.optional} <= rejected <= {one.row for one in truth.rejected}
        )


def test_linkage_is_the_generators(population: tuple[Path, Ledger]) -> None:
    """The people as each plan has them, the doubles among them and the doses that are nobody's are those that the
    generator put in."""
    folder, ledger = population
    files = take_files(folder / one.path for one in ledger.files)
    totals = ledger.totals
    persons = [one for one in files.people.persons if one.merged_into is None]
    assert len(persons) == members_of_plans(folder / ledger.people) > totals["people"]
    assert len(files.people.merges) == totals["ended_merged"] > 0
    unlinked = {place for place, report in files.registrar.unlinked.items() if report.person is None}
    assert unlinked == nobodys(folder / ledger.people)


def test_a_roster_row(tmp_path: Path) -> None:
    """A member's row says who, where, from when, and who he was before."""
    double = a_member(family="Waffle")
    petra = a_member(family="Pancake", given="Petra", place=("90001", "06037239202"))
    roster = read(tmp_path, a_roster(date(2021, 3, 1), Row(petra, "merge", retired=double)))
    assert isinstance(roster, Roster)
    (part,) = roster.parts
    (row,) = part.rows
    assert (part.plan, part.is_full, part.said_on) == ("lakeshore", False, date(2021, 3, 1))
    assert (row.who.family, row.who.birth_on, row.who.zip5, row.who.tract) == (
        "PANCAKE", date(1950, 7, 4), "90001", "06037239202",
    )  # fmt: skip
    assert row.before is not None
    assert (row.before.family, row.before.numbers) == ("WAFFLE", (("MB", "LAKESHORE", double.member_id),))
    assert [(one.line, one.begin_on) for one in row.covers] == [("medicare-advantage", date(2020, 1, 1))]


@pytest.mark.parametrize(
    ("shot", "reason"),
    [({"cvx": "897"}, "cvx"), ({"rxa_3": "20210231"}, "date"), ({"rxa_3": "19400101"}, "order"), ({}, None)],
)
def test_a_dose_row(tmp_path: Path, shot: dict[str, str], reason: str | None) -> None:
    """A dose is rejected for an unknown vaccine, for no day at all, and for a day before the birth."""
    given = Shot(a_member(), date(2021, 3, 1), **shot)
    file = read(tmp_path, a_registry_file(date(2021, 3, 2), given))
    assert [one.rejected for one in file.rows] == [reason]
