"""What the generator knows of each invented person against what eligibility has come to hold of that person."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.population import Ledger, generate
from tests.service.eligibility.conftest import Office

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(600)]
MEMBERS, SEED, WEEKS = 1_500, 20210301, 4

PARENTS = (
    ("enrolment", "person", "member_token"), ("person_identifier", "person", "member_token"),
    ("person_key", "person", "member_token"), ("member_statement", "person", "member_token"),
    ("dose", "person", "member_token"), ("dose_report", "person", "member_token"), ("dose_report", "dose", "dose_id"),
    ("decision", "enrolment", "enrolment_id"), ("feed_row", "feed_file", "file_id"),
)  # fmt: skip
"""Child, parent and the column of both that the database does not check."""

Doses = dict[int, list[tuple[str, str]]]
TOKENS = """
select lower(tenant_id) as plan, member_id, coalesce(person.merged_into, member_token) as member_token
from enrolment join person using (member_token)
"""
DOSES = """
select member_token, administered_on::text as given_on, cvx from dose where not is_retracted and administered_on <= $1
"""


def people(folder: Path, ledger: Ledger) -> Iterator[Mapping[str, Any]]:
    with gzip.open(folder / ledger.people, "rt") as file:
        next(file)
        yield from (json.loads(line) for line in file)


def expected(person: Mapping[str, Any], last_day: date) -> list[tuple[str, str]]:
    """The doses of which a readable report can be linked by the last day, each as the latest such report has it. What
    was recorded by mistake has been deleted again, and of whom the registry's messages protect nothing is told."""
    told = [one for dose in person["doses"] for one in dose["reports"] if one["kind"] != "extract"]
    if person["is_protected"] and any(one["visible_on"] and one["visible_on"] <= str(last_day) for one in told):
        return []
    found = []
    for dose in person["doses"]:
        seen = [one for one in dose["reports"] if one["visible_on"] and one["visible_on"] <= str(last_day)]
        if seen and dose["was_given"]:
            latest = max(seen, key=lambda one: (one["file"], one["row"]))
            found.append((latest["given_on"], dose["cvx"]))
    return sorted(found)


async def work_through(office: Office, folder: Path, ledger: Ledger) -> None:
    for number in range((ledger.last_day - ledger.first_day).days + 1):
        day = ledger.first_day + timedelta(days=number)
        await office.open_day(day)
        for file in ledger.days().get(day, []):
            read = await office.read((folder / file.path).read_bytes())
            assert read.state == "processed", file.path


async def held(office: Office, last_day: date) -> tuple[dict[tuple[str, str], Any], dict[Any, list[tuple[str, str]]]]:
    """The person of each enrolment, and each person's doses."""
    tokens = {(row["plan"], row["member_id"]): row["member_token"] for row in await office.fetch(TOKENS)}
    doses = defaultdict(list)
    for row in await office.fetch(DOSES, last_day):
        doses[row["member_token"]].append((row["given_on"], row["cvx"]))
    return tokens, {member_token: sorted(mine) for member_token, mine in doses.items()}


async def test_each_person_ends_with_exactly_the_expected_doses(office: Office, tmp_path: Path) -> None:
    """Late, twice, misspelt, corrected, deleted, in the extract or in another's message: after four weeks everybody
    holds each dose that can be known of, once as each plan's member, on its day, none is anybody else's, and no row has
    lost its parent."""
    ledger = generate(tmp_path, MEMBERS, SEED, WEEKS)
    await work_through(office, tmp_path, ledger)
    tokens, doses = await held(office, ledger.last_day)
    wrong, holders = {}, set()
    for person in people(tmp_path, ledger):
        mine = {tokens.get((one["plan"].lower(), one["member_id"])) for one in person["enrolments"]} - {None}
        holders |= mine
        wanted = expected(person, ledger.last_day)
        if found := [dose for dose in (doses.get(member_token, []) for member_token in mine) if dose != wanted]:
            wrong[person["person"]] = (wanted, found)
    assert wrong == {}
    assert doses.keys() <= holders
    assert sum(map(len, doses.values())) > MEMBERS / 2
    for child, parent, column in PARENTS:
        assert await office.fetch(f"select {column} from {child} where {column} is not null limit 1"), child
        orphans = f"select {column} from {child} left join {parent} using ({column}) where {child}.{column} is not null"
        assert await office.fetch(f"{orphans} and {parent} is null") == [], (child, column)
