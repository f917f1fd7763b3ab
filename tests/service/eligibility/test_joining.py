"""Whether one row joins two members who are both known: not by agreeing with somebody, but by a correction that says
so; and never with another plan's member."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.feeds.records import RosterRecord
from services.eligibility.intake.api import doubtful_rows as doubtful_api
from services.eligibility.intake.flow import roster
from services.eligibility.people.flow import load_book
from services.eligibility.people.roster import Book
from services.kit.postgres import Connection
from tests.service.eligibility.cases import a_south_file, an_834, member
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.door import acting, door
from tests.service.eligibility.messages import Shot, vxu
from tests.service.eligibility.test_doubtful_rows import CHANGED, DORA, ENDED, PLAN, decide, people, waiting

pytestmark = pytest.mark.postgres
LISTED = "Y*18*030*XN"
NAMESAKE = member("M2", "FIX*DORA", "19710909")
TIM, JIM = (member(number, f"DUO*{given}", "20100303", "M") for number, given in (("M1", "TIM"), ("M2", "JIM")))
TWO = {"M1": "DORA FIX", "M2": "DORA FIX"}


@pytest.fixture
def app(office: Office) -> FastAPI:
    app = door(office.database, doubtful_api.routes)
    acting(app, "supervisor", PLAN)
    return app


async def persons(office: Office) -> int:
    return len(await office.fetch("select from person where merged_into is null"))


def bare(row: str) -> str:
    """A row without an address."""
    return "~".join(one for one in row.split("~") if not one.startswith(("N3", "N4")))


@pytest.mark.parametrize(
    ("edge", "first", "row"),
    [
        ("a birth date", (DORA, NAMESAKE), member("M1", "FIX*DORA", "19710909", ins=CHANGED)),
        ("the same, listed", (DORA, NAMESAKE), member("M1", "FIX*DORA", "19710909", ins=LISTED)),
        ("the same without an address", (DORA, NAMESAKE), bare(member("M1", "FIX*DORA", "19710909", ins=CHANGED))),
        ("the same, ended", (DORA, NAMESAKE), member("M1", "FIX*DORA", "19710909", ins=ENDED, end="20250531")),
        ("a birth date that was unsaid", (DORA, member("M2", "FIX*DORA")),
         member("M2", "FIX*DORA", "19500101", ins=CHANGED)),
        ("a family name", (DORA, member("M2", "ROE*DORA", "19500101")), member("M1", "ROE*DORA", "19500101",
                                                                              ins=CHANGED)),
        ("a twin's given name", (TIM, JIM), member("M1", "DUO*JIM", "20100303", "M", ins=CHANGED)),
        ("a number and a name", (TIM, JIM), member("M3", "DUO*JIM", "20100303", "M", ins=CHANGED, prior="M1")),
        ("a former name that is another's", (DORA, member("M2", "ROE*DORA", "19500101")),
         member("M1", "FIXX*DORA", "19500101", ins=CHANGED, was="ROE*DORA*19500101")),
    ],
)  # fmt: skip
async def test_an_ordinary_row_joins_nobody(
    client: httpx.AsyncClient, office: Office, edge: str, first: tuple[str, ...], row: str
) -> None:
    """Two members of one plan under numbers of their own: a row by which one would become the other changes neither,
    waits with both beside it, and keeps both in the file."""
    await office.read(an_834(*first))
    before = await people(office)
    file = await office.read(an_834(row, control=2, day="20250602"))
    assert (file.rows_rejected, sorted(await people(office)), await persons(office)) == (1, sorted(before), 2), edge
    [one] = await waiting(client)
    tokens = {
        str(row["member_token"])
        for row in await office.fetch("select member_token from enrolment where not is_retired")
    }
    assert set(one["may_be"]) == tokens
    assert {row["seen_file_no"] for row in await office.fetch("select seen_file_no from enrolment")} == {file.file_no}


@pytest.mark.parametrize(
    ("edge", "row"),
    [
        ("both numbers and the former name", member("M2", "FIX*DORA", "19710909", ins=CHANGED, prior="M1",
                                                    was="FIX*DORA*19500101")),
        ("the former name of who is the other", member("M1", "FIX*DORA", "19710909", ins=CHANGED,
                                                       was="FIX*DORA*19500101")),
    ],
)  # fmt: skip
async def test_a_stated_correction_joins(office: Office, edge: str, row: str) -> None:
    """NM1*70 says that the one was wrongly called what the other is not: one person is left, by either number."""
    await office.read(an_834(DORA, NAMESAKE))
    file = await office.read(an_834(row, control=2, day="20250602"))
    assert (file.rows_rejected, await persons(office), len(await people(office))) == (0, 1, 1), edge
    assert file.changes["merged"] == 1


async def test_a_prior_number_joins_who_agrees_exactly(office: Office) -> None:
    """The same name and birth date at another ZIP, and the row names both numbers."""
    await office.read(an_834(DORA, member("M2", "FIX*DORA", "19500101", zip5="60605")))
    row = member("M2", "FIX*DORA", "19500101", ins=CHANGED, zip5="60605", prior="M1")
    assert (await office.read(an_834(row, control=2, day="20250602"))).rows_rejected == 0
    assert await persons(office) == 1


@pytest.mark.parametrize(
    ("edge", "row"),
    [
        ("its own former name", member("M1", "FIX*DORA", "19710909", ins=CHANGED, was="FIX*DORRA*19500101")),
        ("a former name and a former number", member("M9", "FIX*DORA", "19710909", ins=CHANGED, prior="M1",
                                                     was="FIX*DORRA*19500101")),
    ],
)  # fmt: skip
async def test_a_correction_that_fits_two_joins_nobody(
    client: httpx.AsyncClient, office: Office, edge: str, row: str
) -> None:
    """A correction by which its person would be exactly two members of the plan at once makes one of no two of them: it
    waits, with all three beside it."""
    await office.read(an_834(member("M1", "FIX*DORRA", "19500101"), NAMESAKE,
                             member("M3", "FIX*DORA", "19710909", zip5="60605")))  # fmt: skip
    await office.read(an_834(member("M3", "FIX*DORA", "19710909", ins=CHANGED), control=2, day="20250602"))
    file = await office.read(an_834(row, control=3, day="20250603"))
    assert (file.rows_rejected, file.changes.get("merged", 0), await persons(office)) == (1, 0, 3), edge
    [one] = await waiting(client)
    assert (one["code"], len(one["may_be"])) == ("agrees-with-another", 3)


@pytest.mark.parametrize("ins", [CHANGED, LISTED, "Y*18*021*20"])
async def test_who_moves_to_a_namesake_is_taken_at_the_word(
    client: httpx.AsyncClient, office: Office, ins: str
) -> None:
    """Name, birth date and number are the member's as known, so it is the member who moved; that makes nobody one."""
    await office.read(an_834(DORA, member("M2", "FIX*DORA", "19500101", zip5="60605")))
    moved = member("M2", "FIX*DORA", "19500101", ins=ins)
    assert (await office.read(an_834(moved, control=2, day="20250602"))).rows_rejected == 0
    rows = await office.fetch("select member_id, zip5 from enrolment order by 1")
    assert [tuple(row.values()) for row in rows] == [("M1", "60601"), ("M2", "60601")]
    assert (await persons(office), await waiting(client)) == (2, [])


async def test_a_correction_that_is_told_again_joins_nobody(office: Office) -> None:
    """The wrong name of before has a true bearer by now: the same correction again is of whom it was made."""
    await office.read(an_834(member("A1", "STONE*ROSE", "19440404")))
    correction = member("A1", "HILL*VERA", "19510505", ins=CHANGED, was="STONE*ROSE*19440404")
    await office.read(an_834(correction, control=2, day="20250602"))
    await office.read(an_834(member("B1", "STONE*ROSE", "19440404"), control=3, day="20250603"))
    file = await office.read(an_834(correction, control=4, day="20250604"))
    assert (file.rows_rejected, await persons(office)) == (0, 2)
    assert await people(office) == [("B1", "ROSE STONE", "1944-04-04"), ("A1", "VERA HILL", "1951-05-05")]


async def test_a_twin_is_not_joined_by_the_others_number(office: Office) -> None:
    """A row that is letter by letter of its own number's member, beside the twin's number as the prior one."""
    await office.read(an_834(TIM, JIM))
    row = member("M1", "DUO*TIM", "20100303", "M", ins=CHANGED, prior="M2", zip5="60605")
    assert (await office.read(an_834(row, control=2, day="20250602"))).rows_rejected == 0
    rows = await office.fetch("select member_id, given, zip5 from enrolment order by 1")
    assert [tuple(one.values()) for one in rows] == [("M1", "TIM", "60605"), ("M2", "JIM", "60601")]


# -- members of several plans


@pytest.mark.parametrize(
    ("edge", "first"),
    [
        ("a slip mended", member("S1", "FIX*DORA", "19500110")),
        ("a marriage", member("S1", "MAID*DORA", "19500101")),
        ("the birth date of somebody else", member("S1", "FIX*DORA", "19840607")),
    ],
)
async def test_a_row_meets_nobody_of_another_plan(
    app: FastAPI, client: httpx.AsyncClient, office: Office, edge: str, first: str
) -> None:
    """Corrected to be exactly a member of another plan, a member stays whom the plan says, as if there were no other
    plan; nothing waits and nobody is joined."""
    row = a_south_file(member("S1", "FIX*DORA", "19500101", ins=CHANGED), day="20250602", control=51)
    await office.read(an_834(DORA))
    await office.read(a_south_file(first, control=50))
    file = await office.read(row)
    assert (file.rows_rejected, file.changes.get("merged", 0), await persons(office)) == (0, 0, 2), edge
    acting(app, "supervisor", "south-plan")
    assert await waiting(client) == []


async def test_two_of_another_plan_are_not_joined_by_a_third_row(office: Office) -> None:
    """Two members of one plan who agree exactly, by a move: another plan's new member of that name is neither's token,
    and joins them no more than they are."""
    await office.read(an_834(DORA, member("M2", "FIX*DORA", "19500101", zip5="60605")))
    moved = member("M2", "FIX*DORA", "19500101", ins=CHANGED)
    await office.read(an_834(moved, control=2, day="20250602"))
    file = await office.read(a_south_file(member("S1", "FIX*DORA", "19500101"), control=50))
    assert (file.rows_rejected, await persons(office)) == (0, 3)


# -- what a person decides of it, and what others say


async def test_a_person_says_whose_it_is(client: httpx.AsyncClient, office: Office) -> None:
    """Decided to be the number's holder, the row takes effect, and both are told apart: the next one that says so needs
    nobody, and merges nobody."""
    await office.read(an_834(DORA, NAMESAKE))
    row = member("M1", "FIX*DORA", "19710909", ins=CHANGED)
    await office.read(an_834(row, control=2, day="20250602"))
    [one] = await waiting(client)
    assert one["code"] == "agrees-with-another"
    [member_token] = [
        row["member_token"] for row in await office.fetch("select member_token from enrolment where member_id = 'M1'")
    ]
    assert (await decide(client, one, "same-person", str(member_token))).status_code == 200
    file = await office.read(an_834(row, control=3, day="20250603"))
    assert (file.rows_rejected, await persons(office)) == (0, 2)
    assert [born for *_, born in await people(office)] == ["1971-09-09", "1971-09-09"]


async def test_a_number_that_nobody_has_of_two_who_agree(client: httpx.AsyncClient, office: Office) -> None:
    """Two of the plan agree exactly with a row under a new number: it waits, and makes no third."""
    await office.read(an_834(DORA, member("M2", "FIX*DORA", "19500101", zip5="60605")))
    await office.read(an_834(member("M2", "FIX*DORA", "19500101", ins=CHANGED), control=2, day="20250602"))
    file = await office.read(an_834(member("M3", "FIX*DORA", "19500101"), control=3, day="20250603"))
    assert (file.rows_rejected, await persons(office), len((await waiting(client))[0]["may_be"])) == (1, 2, 2)


async def test_what_is_older_than_what_stands_waits_for_nobody(client: httpx.AsyncClient, office: Office) -> None:
    """A late row under the member's own number would change nothing anyway."""
    await office.read(an_834(DORA, NAMESAKE, day="20250605"))
    late = member("M1", "FIX*DORA", "19710909", ins=CHANGED)
    file = await office.read(an_834(late, control=2, day="20250602"))
    assert (file.changes, await waiting(client)) == ({"stale": 1}, [])


async def test_a_clear_row_closes_it(client: httpx.AsyncClient, office: Office) -> None:
    """The sender says the next day who the number's holder is: nobody has to decide."""
    await office.read(an_834(DORA, NAMESAKE))
    await office.read(an_834(member("M1", "FIX*DORA", "19710909", ins=CHANGED), control=2, day="20250602"))
    await office.read(an_834(DORA, control=3, day="20250603"))
    assert (await waiting(client), await persons(office)) == ([], 2)


@pytest.mark.parametrize("name", [("Fix", "Dora", "19710909"), ("Fix", "Dora", "19500101")])
async def test_a_registry_joins_nobody(office: Office, name: tuple[str, str, str]) -> None:
    """Messages tie a number to a person; whatever they say under the number of one, members are not joined by it."""
    await office.read(an_834(DORA, NAMESAKE))
    family, given, born = name
    await office.read(vxu(Shot("E-1", family="Fix", given="Dora", born="19500101", zip5="60601")))
    await office.read(vxu(Shot("E-2", family=family, given=given, born=born, zip5="60601", sent="20210302060000")))
    assert (await persons(office), len(await people(office))) == (2, 2)


async def test_a_file_of_corrections_loads_no_rest_for_each(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that joins ends its portion; behind it a few rows are loaded, and not all that are left of the slice."""
    asked: list[int] = []

    async def counted(connection: Connection, records: Sequence[RosterRecord], *more: Any) -> Book:
        asked.append(len(records))
        return await load_book(connection, records, *more)

    letters = [f"FIX{chr(65 + no // 10)}{chr(65 + no % 10)}" for no in range(60)]
    await office.read(an_834(*[member(f"A{name}", f"{name}*DORA", "19500101") for name in letters],
                             *[member(f"B{name}", f"{name}*DORA", "19710909") for name in letters]))  # fmt: skip
    monkeypatch.setattr(roster, "load_book", counted)
    corrections = [
        member(f"B{name}", f"{name}*DORA", "19710909", ins=CHANGED, prior=f"A{name}", was=f"{name}*DORA*19500101")
        for name in letters
    ]
    file = await office.read(an_834(*corrections, control=2, day="20250602"))
    assert (file.changes["merged"], await persons(office)) == (60, 60)
    assert (len(asked), sum(asked) <= 60 * 17) == (60, True)
