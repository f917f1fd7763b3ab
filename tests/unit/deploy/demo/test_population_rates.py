"""The population has the shape that it states: ages, places, uptake gradient, and each defect at its rate."""

import hashlib
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from deploy.demo.population import generate, rates, stated
from deploy.demo.population.names import FAMILY, MEN, WOMEN, by_community
from services.eligibility.places.rules import Geography, Level
from tests.unit.deploy.demo.worlds import Record, World


def is_near(found: int, of: int, rate: float) -> bool:
    """Within four standard deviations of a fair draw, and one."""
    return abs(found - of * rate) <= 4 * math.sqrt(of * rate * (1 - rate)) + 1


def members(world: World) -> list[Record]:
    return [person for person in world.people if not person["is_stranger"]]


def age(person: Record, day: date) -> int:
    born = date.fromisoformat(person["birth_on"])
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def test_as_many_members_of_65_as_asked_for_and_some_on_the_way(world: World) -> None:
    """The younger ones come on top; a stated share of them turns 65 within the programme."""
    first, last = world.ledger.first_day, world.ledger.last_day
    ages = Counter(age(person, first) >= 65 for person in members(world))
    assert (ages[True], ages[False]) == (4_000, round(4_000 * rates.SHARE_60_TO_64))
    younger = [person for person in members(world) if age(person, first) < 65]
    assert all(60 <= age(person, first) <= 64 for person in younger)
    assert is_near(sum(age(person, last) >= 65 for person in younger), len(younger), rates.SHARE_TURNING_65)
    assert max(age(person, first) for person in members(world)) in range(95, 101)


def test_everybody_lives_in_a_tract_of_their_zip(world: World) -> None:
    """At most sixty real ZIPs of many counties, over the whole range of vulnerability, placed at tract level."""
    geography = Geography.load()
    homes = {(home["zip5"], home["tract"]) for person in world.people for home in person["homes"]}
    placed = [geography.place(zip5, tract) for zip5, tract in homes]
    assert len({zip5 for zip5, _ in homes}) == 60
    assert len({placement.county_fips for placement in placed}) >= 15
    assert all(placement.level is Level.TRACT and not placement.reasons for placement in placed)
    ranks = sorted(person["svi"] for person in world.people)
    assert ranks[0] < 0.05
    assert ranks[len(ranks) // 2] == pytest.approx(0.7, abs=0.1)
    assert ranks[-1] > 0.99


def test_tracts_are_drawn_by_the_older_people_in_them(world: World) -> None:
    """Within a ZIP the tract with most people of 65 and older has most members, as far as chance allows."""
    tables = Geography.load().tables
    homes = [person["homes"][0] for person in members(world)]
    zip5, count = Counter(home["zip5"] for home in homes).most_common(1)[0]
    weights = {part.tract: part.residents_65 or 0 for part in tables.tracts_of_zip(zip5)}
    found = Counter(home["tract"] for home in homes if home["zip5"] == zip5)
    assert all(is_near(found[tract], count, weight / sum(weights.values())) for tract, weight in weights.items())


def test_the_vulnerable_are_less_vaccinated(world: World) -> None:
    """Uptake at the start is the stated share and falls from quarter to quarter of vulnerability."""
    first = str(world.ledger.first_day)
    seniors = sorted(
        (person for person in members(world) if age(person, world.ledger.first_day) >= 65),
        key=lambda person: person["svi"],
    )
    had = [any(dose["given_on"] < first and dose["was_given"] for dose in person["doses"]) for person in seniors]
    assert sum(had) / len(had) == pytest.approx(rates.UPTAKE_AT_START, abs=0.025)
    quarter = len(had) // 4
    shares = [sum(had[start : start + quarter]) / quarter for start in range(0, 4 * quarter, quarter)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[3] > 0.2


def reported(world: World) -> list[tuple[Record, list[Record]]]:
    """Doses that were given, with their reports by message; only those of whom everything is in by the last day."""
    known = []
    horizon = world.ledger.last_day - timedelta(days=16)
    for person in world.people:
        for dose in person["doses"]:
            rows = [row for row in dose["reports"] if row["kind"] not in {"extract", "historical"}]
            if dose["was_given"] and rows and world.day_of(rows[0]) <= horizon:
                known.append((dose, rows))
    return known


DEFECTS: dict[str, Callable[[list[Record]], bool]] = {
    "NAME_TYPOS": lambda rows: bool(rows[0]["typo"]),
    "RESENT": lambda rows: any(row["kind"] == "resent" for row in rows),
    "REPEATED_IN_FILE": lambda rows: any(row["kind"] == "repeated" for row in rows),
    "CORRECTED": lambda rows: any(row["kind"] == "corrected" for row in rows),
    "MALFORMED": lambda rows: rows[0]["defect"] not in {None, "dated-ahead"},
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_occurs_at_its_stated_rate(world: World, name: str) -> None:
    """Of all doses that the registry reports, within what chance allows."""
    doses = reported(world)
    assert is_near(sum(DEFECTS[name](rows) for _, rows in doses), len(doses), stated()[name])


def test_reports_are_late_at_the_stated_rate_and_mostly_soon(world: World) -> None:
    """Of doses given in the first weeks of the programme: most within four days, a few after a fortnight."""
    first = world.ledger.first_day
    lags = [
        (world.day_of(rows[0]) - date.fromisoformat(dose["given_on"])).days
        for dose, rows in reported(world)
        if str(first) <= dose["given_on"] <= str(first + timedelta(days=14)) and not rows[0]["defect"]
    ]
    assert len(lags) > 300
    assert is_near(sum(lag > 14 for lag in lags), len(lags), rates.LATE)
    assert sum(0 <= lag <= 4 for lag in lags) / len(lags) > 0.7
    assert max(lags) <= 22


def test_a_typo_makes_a_second_record_at_the_stated_rate(world: World) -> None:
    """The registry then knows the person under another id, and nothing can tie the two."""
    typos = [row for _, _, row in world.reports() if row["typo"] and row["kind"] == "new"]
    split = [row for row in typos if row["registry_id"].startswith("9000")]
    assert is_near(len(split), len(typos), rates.TYPO_SPLITS_RECORD)
    assert all(row["link"] == "none" for row in split)


@pytest.mark.parametrize(
    ("ending", "weekly"), [("terminated", rates.WEEKLY_TERMINATED), ("deceased", rates.WEEKLY_DECEASED)]
)
def test_members_leave_at_the_stated_rate(world: World, ending: str, weekly: float) -> None:
    """Over the weeks between the first file and the last."""
    left = sum(any(one["ended_by"] == ending for one in person["enrolments"]) for person in members(world))
    assert is_near(left, len(members(world)), weekly * 5)


def test_some_are_in_both_plans_and_lakeshore_has_its_share(world: World) -> None:
    """One person with two member ids in two plans is still one person."""
    plans = Counter(frozenset(one["plan"] for one in person["enrolments"]) for person in members(world))
    assert is_near(plans[frozenset({"LAKESHORE", "PRAIRIE"})], len(members(world)), rates.SHARE_IN_BOTH_PLANS)
    assert is_near(plans[frozenset({"LAKESHORE"})], len(members(world)), rates.SHARE_LAKESHORE)


def test_race_is_missing_at_the_stated_rate(world: World) -> None:
    """In both plans' ways of saying nothing: no DMG05, or code 7."""
    rows = [row for file in world.files("834")[:2] for row in world.rows(file)]
    births = [segment for row in rows for segment in row if segment[0] == "DMG"]
    silent = sum(len(segment) < 6 or segment[5] == "7" for segment in births)
    assert is_near(silent, len(births), rates.RACE_NOT_PROVIDED)


def test_names_come_from_many_communities() -> None:
    """At least three hundred family and two hundred given names, and none that X12 or HL7 could trip over."""
    families = {name for names in by_community(FAMILY).values() for name in names}
    given = {name for table in (WOMEN, MEN) for names in by_community(table).values() for name in names}
    assert len(families) >= 300
    assert len(given) >= 200
    assert all(name.isascii() and not set(name) & set("*~:^|&\\") for name in families | given)


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(folder)).encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """In another process too, whose sets have another order; another seed gives others."""
    generate(tmp_path / "here", members=300, seed=3, weeks=3)
    generate(tmp_path / "other", members=300, seed=4, weeks=3)
    code = "import sys, pathlib; from deploy.demo.population import generate;"
    code += "generate(pathlib.Path(sys.argv[1]), members=300, seed=3, weeks=3)"
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(Path(__file__).parents[4])}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True, env=environment)
    assert digest(tmp_path / "here") == digest(tmp_path / "there")
    assert digest(tmp_path / "here") != digest(tmp_path / "other")


@pytest.mark.slow
def test_the_cost_of_a_population_grows_with_its_members(tmp_path: Path) -> None:
    """Eight times as many members take at most sixteen times the processor time, so that a large demo can start too."""
    few_s = min(_cost_s(tmp_path / f"few{turn}", 1_000) for turn in range(2))
    assert _cost_s(tmp_path / "many", 8_000) < 16 * few_s


def _cost_s(folder: Path, members: int) -> float:
    began = time.process_time()
    ledger = generate(folder, members=members)
    assert ledger.totals["people_65"] == members
    return time.process_time() - began
