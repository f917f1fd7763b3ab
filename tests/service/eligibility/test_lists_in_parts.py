"""A plan's full list that comes in several files: who is in none of them has left, once all of them were read."""

from datetime import date

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.store import files as file_store
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.test_order_of_files import decided
from tests.service.eligibility.test_several_transactions import (
    EVERYBODY,
    LATER,
    NEW,
    absences,
    both_end_absent,
    covered,
    lakeshore,
    prairie,
)

__all__ = ["both_end_absent"]  # a fixture

pytestmark = pytest.mark.postgres
MONDAY, NEXT_WEEK = date(2021, 3, 1), date(2021, 3, 15)
BROKEN = "INS*Y*18*030*XN*A*E**FT~NM1*IL*1*Sesame*Nobody"
THREE = (EVERYBODY[1:3], EVERYBODY[3:6], EVERYBODY[6:])
"""All but the first one, in three parts."""


@pytest.fixture
async def plan(office: Office) -> Office:
    """A plan of eight members, listed on Monday."""
    await office.read(prairie(*EVERYBODY, day=MONDAY))
    return office


async def read_part(
    office: Office, content: str, part: int, parts: int = 3, name: str = "march"
) -> file_store.FeedFile:
    return await office.read(content, part_of=(name, part, parts))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
async def test_nobody_has_left_before_the_last_part(plan: Office, order: tuple[int, ...]) -> None:
    """In whatever order the parts come, minutes apart either way: each but the last to come ends nobody, that one ends
    who is in none of them, and nobody is held up for a part that is older than another."""
    for place, part in enumerate(order, 1):
        file = await read_part(plan, prairie(*THREE[part - 1], hour=f"060{part}"), part)
        assert (file.state, file.held) == ("processed", None)
        expected = ("part", 0) if place < 3 else ("applied", 1)
        assert (file.absence, file.absent_ended) == expected
    assert await covered(plan) == {f"P{n}" for n in range(1, 8)}


async def test_without_saying_so_each_file_is_a_list(plan: Office) -> None:
    """As before: a third of the plan as a full file of its own waits for a person."""
    file = await plan.read(prairie(*THREE[0]))
    assert file.absence == "too-many"


async def test_a_list_that_lacks_a_part_ends_nobody(plan: Office) -> None:
    """A part that was cancelled or stopped is not there; the same part of another list is none of this one."""
    await read_part(plan, prairie(*THREE[0]), 1)
    await read_part(plan, prairie(*THREE[1], hour="0601"), 2)
    other = await read_part(plan, prairie(*THREE[2], hour="0602"), 3, name="april")
    assert other.absence == "part"
    assert len(await covered(plan)) == len(EVERYBODY)


async def test_a_part_of_another_sender_is_none_of_the_list(plan: Office) -> None:
    """Names of lists are each sender's own."""
    await read_part(plan, prairie(*THREE[0]), 1, parts=2)
    foreign = await plan.read(prairie(*THREE[1], hour="0601"), part_of=("march", 2, 2), tenant="prairie")
    assert foreign.absence == "part"


async def test_a_part_that_broke_off_is_sent_again(plan: Office) -> None:
    """A file that ends too early keeps its list from being complete; sent again, whole, it completes it."""
    whole = prairie(*THREE[1], hour="0602")
    first = await read_part(plan, whole[: whole.index("SE*")], 2)
    assert first.absence == "incomplete"
    await read_part(plan, prairie(*THREE[0], hour="0601"), 1)
    last = await read_part(plan, prairie(*THREE[2], hour="0603"), 3)
    assert last.absence == "part"
    again = await read_part(plan, prairie(*THREE[1], hour="0604"), 2)
    assert (again.absence, again.absent_ended) == ("applied", 1)
    assert "P0" not in await covered(plan)


@pytest.mark.parametrize("decision", ["released", "refused"])
async def test_a_list_that_ends_too_many_waits(plan: Office, decision: str) -> None:
    """A quarter of the plan is missing from all parts: the file that completed the list waits, and newcomers of an
    earlier part make the quarter no smaller."""
    newcomers = tuple(Row(f"N{n}", given=f"Bert{'x' * (n + 1)}") for n in range(6))
    await read_part(plan, prairie(*EVERYBODY[2:5], *newcomers), 1, parts=2)
    file = await read_part(plan, prairie(*EVERYBODY[5:], hour="0601"), 2, parts=2)
    assert (file.absence, file.absent_ended) == ("too-many", 0)
    file = await decided(plan, file, decision)
    assert file.absent_ended == (2 if decision == "released" else 0)
    assert ("P0" in await covered(plan)) is (decision == "refused")


@pytest.mark.usefixtures("both_end_absent")
async def test_a_plan_that_stands_in_one_part_only_is_judged(plan: Office) -> None:
    """A list of several plans: each is judged when the list is complete, also one that the last part does not name."""
    others = tuple(Row(f"L{n}", given=row.given, family="Street") for n, row in enumerate(EVERYBODY))
    await plan.read(lakeshore(*others, day=MONDAY))
    first = await read_part(plan, lakeshore(*others[1:], day=LATER), 1, parts=2)
    assert await absences(plan, first) == {"lakeshore": ("part", 0)}
    last = await read_part(plan, prairie(*EVERYBODY[1:], hour="0601"), 2, parts=2)
    assert await absences(plan, last) == {"lakeshore": ("applied", 1), "prairie": ("applied", 1)}
    assert not {"P0", "L0"} & await covered(plan)


async def test_who_stood_in_any_part_was_in_the_list_before(plan: Office) -> None:
    """A row that names nobody keeps who was in the list before: also whom an earlier part of it listed."""
    for part, rows in enumerate((EVERYBODY[:4], EVERYBODY[4:]), 1):
        await read_part(plan, prairie(*rows, hour=f"060{part}"), part, parts=2)
    file = await plan.read(roster(*EVERYBODY[1:7], BROKEN, plan="PRAIRIE", full=True, day=NEXT_WEEK))
    assert (file.rows_rejected, file.absent_ended) == (1, 0)
    assert len(await covered(plan)) == len(EVERYBODY)


async def test_a_newcomer_of_any_part_stays(plan: Office) -> None:
    """Who came with the first part is in the list, though the others do not name him."""
    await read_part(plan, prairie(*EVERYBODY[1:4], NEW), 1, parts=2)
    file = await read_part(plan, prairie(*EVERYBODY[4:], hour="0601"), 2, parts=2)
    assert file.absent_ended == 1
    assert await covered(plan) == {f"P{n}" for n in (1, 2, 3, 4, 5, 6, 7, 9)}


@pytest.fixture
def app(office: Office) -> FastAPI:
    return door(office.database, files_api.routes_taking(2000))


@pytest.mark.parametrize(
    "told",
    [
        {"list": "march"},
        {"part": 1, "parts": 2},
        {"list": "march", "part": 3, "parts": 2},
        {"list": "march", "part": 0, "parts": 2},
        {"list": "mar ch", "part": 1, "parts": 2},
        {"list": "march", "part": 1, "parts": 1001},
    ],
)
async def test_half_a_place_is_refused(app: FastAPI, client: httpx.AsyncClient, told: dict[str, str | int]) -> None:
    """List, part and parts come together and fit each other."""
    acting(app, "integration")
    assert (await client.post("/feed-files", content=b"ISA", params=told)).status_code == 422


async def test_a_sender_says_where_a_file_belongs(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    """The front door keeps the place and tells it; a list in one file is a file as any other."""
    acting(app, "integration")
    told: dict[str, str | int] = {"list": "march", "part": 2, "parts": 3}
    part = (await client.post("/feed-files", content=b"ISA1", params=told)).json()
    assert (part["list_name"], part["part"], part["parts"]) == ("march", 2, 3)
    alone = (await client.post("/feed-files", content=b"ISA2", params={**told, "part": 1, "parts": 1})).json()
    assert (alone["list_name"], alone["part"], alone["parts"]) == (None, None, None)
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        assert len(await file_store.load_files(connection, None, 10)) == 2


async def test_the_front_door_takes_as_much_as_it_is_told(app: FastAPI, client: httpx.AsyncClient) -> None:
    """The limit of an upload is a setting: up to it a file is taken, beyond it refused."""
    acting(app, "integration")
    assert (await client.post("/feed-files", content=b"I" * 2000)).status_code == 201
    assert (await client.post("/feed-files", content=b"J" * 2001)).status_code == 413
