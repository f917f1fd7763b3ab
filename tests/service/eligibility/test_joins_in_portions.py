"""A file whose rows join people is read in portions that end behind each join: their size changes nobody."""

from collections import defaultdict
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.decisions.flow import days
from services.eligibility.intake.flow import roster as rows_flow
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.settings import OwnSettings
from tests.servers import OpenDatabase
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
GIVEN = [f"O{chr(65 + no)}" for no in range(12)]
OLD = [Row(f"A{given}", given=given, family="Sesam") for given in GIVEN]
NEW = [Row(f"B{given}", given=given) for given in GIVEN]
JOINS = [
    Row(f"B{given}", given=given, action="001", was=(f"A{given}", "Sesam", given), zip5="94301") for given in GIVEN
]
LATER = [
    Row("BOA", given="OA", action="001", race="W"),  # of one whom the first row joined
    Row("NEW", given="Opa", sex="M"),
    Row("BOC", given="OC", action="024", end="20210201"),  # of one who is joined further down
    Row("AOD", given="OD", family="Sesam", action="001", race="A"),
    Row("NEW", given="Opa", sex="M", action="001", race="W"),
]
SHOTS = [Shot(f"E-{given}", given=given, ids=(f"C-{given}^^^CAIR^SR",), family="Sesam") for given in GIVEN[:4]]
OUTCOMES = "select row, outcome, code, changes from feed_row where file_id = $1 order by row"
LISTED = """
select member_id, family, given, zip5, races, is_retired, member_token, spans::text from enrolment
"""
DOSES = "select cvx, administered_on, is_retracted, member_token from dose order by dose_id"
JOINED = "select survivor, retired, tokens from person_join order by join_no"


@pytest.mark.parametrize("size", [1, 2, 1_000])
async def test_the_size_of_portions_changes_nobody(
    database: OpenDatabase, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Corrections with news of the same people before, between and behind them end alike, row by row, in people, doses
    and joins, however many rows are looked at behind a join."""
    usual = await _read(await _office(database))
    monkeypatch.setattr(rows_flow, "BEHIND_A_JOIN", size)
    assert await _read(await _office(database)) == usual
    assert len(usual["joins"]) == len(GIVEN)


async def _office(database: OpenDatabase) -> Office:
    opened = await database("eligibility")
    await days.begin(opened.pool, FIRST_DAY)
    return Office(opened, Intake(opened.settings(), opened.pool, OwnSettings()))


async def _read(office: Office) -> dict[str, list[Any]]:
    """What a file with joins leaves; persons by the numbers that they bear."""
    await office.read(roster(*OLD, *NEW, day=date(2021, 2, 26)))
    await office.read(vxu(*SHOTS))
    mixed = [*JOINS[:1], *LATER, *JOINS[1:5], Row("LAST", given="Ida"), *JOINS[5:]]
    file = await office.read(roster(*mixed, day=date(2021, 2, 27)))
    listed = await office.fetch(LISTED)
    numbers = defaultdict[UUID, set[str]](set)
    for row in listed:
        numbers[row["member_token"]].add(row["member_id"])
    return {
        "rows": await office.fetch(OUTCOMES, file.file_id),
        "people": sorted((_named(row, numbers) for row in listed), key=str),
        "doses": sorted((_named(row, numbers) for row in await office.fetch(DOSES)), key=str),
        "joins": [len(row["tokens"]) for row in await office.fetch(JOINED)],
        "facts": sorted((await office.last_facts()).keys()),
    }


def _named(row: dict[str, Any], numbers: dict[UUID, set[str]]) -> dict[str, Any]:
    return {**row, "member_token": sorted(numbers[row["member_token"]])}
