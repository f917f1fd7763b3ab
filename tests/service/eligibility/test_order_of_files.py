"""Files are put in order by what they say of themselves, not by their arrival; what does not fit waits for a person."""

from datetime import date
from typing import Any

import pytest

from services.eligibility.intake.store import files as file_store
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.cases import DAY, case, changes, enrolled, spans
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres
MONDAY, TUESDAY, LATER = date(2021, 3, 1), date(2021, 3, 2), date(2021, 3, 8)
ENDS = Row("LS1", action="024", end="20210226")
NEIGHBOURS = tuple(Row(f"N{n}", given=f"Count{'x' * n}") for n in range(4))


async def decided(office: Office, file: file_store.FeedFile, decision: str) -> file_store.FeedFile:
    """The file after a person decided and the worker worked."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await file_store.save_decision(connection, file.file_id, decision, "grover", "looked at")
    await office.work()
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        return await file_store.lock_file(connection, file.file_id)


async def statuses(office: Office, *members: str) -> dict[str, bool]:
    return {member: fact["enrolled"] for member, fact in (await office.last_facts()).items() if member in members}


async def test_an_old_add_after_a_newer_end(office: Office) -> None:
    """It changes nothing and each of its rows says so; the old file's own row was taken before."""
    await office.open_day(DAY)
    for name in ("s05a.834", "s05b.834"):
        await office.read(case(name))
    assert await enrolled(office) == {"FILE": False}
    file = await office.read(case("s05c.834"))
    assert (file.state, file.rows_accepted, file.rows_unchanged, file.changes) == ("processed", 1, 1, {"stale": 1})
    assert await changes(office, file) == {1: ("unchanged", "stale")}
    [row] = await office.fetch("select code, field, expected from feed_row where code is not null")
    assert (row["code"], row["field"]) == ("stale", "BGN-03")
    assert await enrolled(office) == {"FILE": False}
    assert await spans(office, "FILE") == [("medical", "2025-01-01", "2025-05-31")]


@pytest.mark.parametrize(
    ("edge", "first", "second", "is_stale"),
    [
        ("an hour earlier", {"hour": "0900"}, {"hour": "0800"}, True),
        ("an hour later", {"hour": "0800"}, {"hour": "0900"}, False),
        ("earlier by its zone", {"hour": "0900", "zone": "PT"}, {"hour": "1000", "zone": "ET"}, True),
        ("later by its zone", {"hour": "1000", "zone": "ET"}, {"hour": "0900", "zone": "PT"}, False),
        ("earlier by an offset", {"hour": "0900", "zone": "UT"}, {"hour": "0930", "zone": "01"}, True),
        ("at one instant with a lower number", {"control": 8}, {"control": 7}, True),
        ("at one instant with a higher number", {"control": 7}, {"control": 8}, False),
        ("a day earlier with a higher number", {"day": TUESDAY, "control": 7}, {"control": 8}, True),
    ],
)
async def test_which_is_newer(
    office: Office, edge: str, first: dict[str, Any], second: dict[str, Any], is_stale: bool
) -> None:
    """The instant decides, in its zone; at one instant the control number."""
    await office.read(roster(ENDS, **first))
    file = await office.read(roster(Row("LS1"), **second))
    assert (file.changes.get("stale") == 1, await statuses(office, "LS1")) == (is_stale, {"LS1": not is_stale}), edge


async def test_what_is_said_again_is_as_new_as_the_last_time(office: Office) -> None:
    """A row that changes nothing still makes what is older than itself stale."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("LS1"), day=LATER))
    file = await office.read(roster(ENDS, day=TUESDAY))
    assert file.changes == {"stale": 1}
    assert await statuses(office, "LS1") == {"LS1": True}


async def test_of_an_older_file_what_is_not_known_is_taken(office: Office) -> None:
    """Row by row: a member of whom nothing newer stands comes in."""
    await office.read(roster(ENDS, day=TUESDAY))
    file = await office.read(roster(Row("LS1"), Row("LS2", given="Bert")))
    assert file.changes == {"stale": 1, "added": 1}
    assert await statuses(office, "LS1", "LS2") == {"LS1": False, "LS2": True}


async def test_a_stale_row_merges_and_kills_nobody(office: Office) -> None:
    """No correction comes from a file that is older than what stands, and its death must be checked by somebody."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2"), day=LATER))
    died = Row("LS1", family="Sesam", action="024", reason="03", died="20210226")
    file = await office.read(roster(died, Row("LS2", action="001", was=("LS1", "Sesam", "Oma")), day=TUESDAY))
    assert file.changes == {"stale": 2, "death-reported": 1}
    assert await office.fetch("select from person where merged_into is not null") == []
    reasons = [one["reasons"] for one in (await office.last_facts()).values()]
    assert sorted("death-reported" in one for one in reasons) == [False, True]
    assert not any("deceased" in one for one in reasons)


async def test_a_file_of_a_time_to_come_is_as_new_as_its_arrival(office: Office) -> None:
    """A slip in the year does not make every later file stale."""
    await office.read(roster(ENDS, day=date(2098, 3, 1)))
    [row] = await office.fetch("select said_at < now() as is_past from enrolment")
    assert row["is_past"]


async def test_a_resubmission_is_as_old_as_its_original(office: Office) -> None:
    """BGN01 = 15 with BGN06 says again what the original said: it does not bring back what ended since."""
    await office.read(roster(Row("LS1"), control=5))
    await office.read(roster(ENDS, day=TUESDAY))
    original = f"REF-{MONDAY:%Y%m%d}-5"
    again = Row("LS2", given="Bert")
    file = await office.read(roster(Row("LS1"), again, day=LATER, begin="15", original=original))
    assert (file.state, file.changes) == ("processed", {"stale": 1, "added": 1})
    assert await statuses(office, "LS1", "LS2") == {"LS1": False, "LS2": True}


@pytest.mark.parametrize("name", ["s06_crlf.834", "s06_copy.834"])
async def test_the_same_content_with_other_line_ends(office: Office, name: str) -> None:
    """It is the same file, whatever ends its lines."""
    await office.read(case("s05b.834"))
    with pytest.raises(AssertionError):
        await office.submit(case(name))


async def test_a_control_number_used_again_is_held(office: Office) -> None:
    """Sender, plan, numbers and instant of another file over other content: nothing is read until a person says so."""
    await office.open_day(DAY)
    await office.read(case("s07a.834"))
    file = await office.read(case("s07b.834"))
    assert (file.state, file.held, file.rows_read) == ("held", "control-reused", 0)
    assert await enrolled(office) == {"CARA": True}
    file = await decided(office, file, "released")
    assert (file.state, file.changes) == ("processed", {"added": 1})
    assert await enrolled(office) == {"CARA": True, "CLEO": True}


async def test_another_plan_may_use_the_same_number(office: Office) -> None:
    """Two payers' files of one sender have nothing to do with each other."""
    for name in ("s01a.834", "s02.834", "s03d.834"):
        assert (await office.read(case(name))).state == "processed", name


async def test_a_number_used_again_later_is_told(office: Office) -> None:
    """The instant says that it is another file: it is read, and a notice tells of the number."""
    await office.read(roster(Row("LS1"), control=7))
    file = await office.read(roster(Row("LS2", given="Bert"), control=7, day=LATER))
    assert file.state == "processed"
    [notice] = await office.fetch("select field, code from feed_notice where file_id = $1", file.file_id)
    assert (notice["field"], notice["code"]) == ("ISA-13", "control-reused")


async def test_an_older_full_file_is_held(office: Office) -> None:
    """A full file older than the newest one waits; released, it changes nobody of whom something newer stands."""
    people = Row("P1"), Row("P2", given="Bert"), *NEIGHBOURS
    await office.read(roster(*people, plan="PRAIRIE", full=True, day=LATER))
    old = Row("P3", given="Ernie"), Row("P1", action="024", end="20210226"), *NEIGHBOURS
    file = await office.read(roster(*old, plan="PRAIRIE", full=True, day=TUESDAY))
    assert (file.state, file.held, file.rows_read) == ("held", "older-full", 0)
    assert await statuses(office, "P1", "P2", "P3") == {"P1": True, "P2": True}
    file = await decided(office, file, "released")
    assert (file.state, file.changes, file.absent_ended) == ("processed", {"added": 1, "stale": 5}, 0)
    assert await statuses(office, "P1", "P2", "P3") == {"P1": True, "P2": True, "P3": True}


async def test_a_refused_file_is_read_no_more(office: Office) -> None:
    """What a person refused changes nothing, and later files are measured against others."""
    people = Row("P1"), *NEIGHBOURS
    await office.read(roster(*people, plan="PRAIRIE", full=True, day=LATER))
    file = await decided(office, await office.read(roster(*people, plan="PRAIRIE", full=True, day=TUESDAY)), "refused")
    assert (file.state, file.decision, file.rows_read) == ("refused", "refused", 0)
    assert file.processed_at is not None


async def test_who_came_after_a_full_file_is_not_absent_from_it(office: Office) -> None:
    """A full file that is older than a member's newest row says nothing of that member."""
    people = Row("P1"), *NEIGHBOURS
    await office.read(roster(*people, plan="PRAIRIE", full=True))
    await office.read(roster(Row("P2", given="Bert"), plan="PRAIRIE", day=LATER))
    file = await office.read(roster(*people, plan="PRAIRIE", full=True, day=TUESDAY))
    assert (file.absence, file.absent_ended) == ("applied", 0)
    assert await statuses(office, "P2") == {"P2": True}


async def test_whom_a_full_file_left_out_no_older_row_brings_back(office: Office) -> None:
    """Not being listed is a statement of the full file's instant."""
    await office.read(roster(Row("P1"), Row("P2", given="Bert"), *NEIGHBOURS, plan="PRAIRIE", full=True))
    await office.read(roster(Row("P1"), *NEIGHBOURS, plan="PRAIRIE", full=True, day=LATER))
    file = await office.read(roster(Row("P2", given="Bert"), plan="PRAIRIE", day=TUESDAY))
    assert file.changes == {"stale": 1}
    assert await statuses(office, "P2") == {"P2": False}


@pytest.mark.parametrize(
    ("before", "absent", "is_believed"),
    [(1, 1, False), (2, 1, False), (3, 1, False), (4, 1, False), (5, 1, True), (8, 2, False), (9, 2, True),
     (10, 2, True), (10, 3, False), (40, 9, True), (40, 10, False), (16, 8, False)],
)  # fmt: skip
async def test_a_quarter_is_a_quarter(office: Office, before: int, absent: int, is_believed: bool) -> None:
    """A full file that would end a quarter of a plan or more waits for a person, however small the plan; released it
    ends whom it left out, refused nobody."""
    people = [Row(f"P{n}", given=f"Bert{'x' * n}") for n in range(before)]
    await office.read(roster(*people, plan="PRAIRIE", full=True))
    file = await office.read(roster(*people[absent:], plan="PRAIRIE", full=True, day=LATER))
    assert file.state == "processed"
    assert (file.absence, file.absent_ended) == (("applied", absent) if is_believed else ("too-many", 0))
    if not is_believed:
        file = await decided(office, file, "released")
        assert (file.absence, file.absent_ended, file.state) == ("applied", absent, "processed")
    assert sum(one["enrolled"] for one in (await office.last_facts()).values()) == before - absent


async def test_newcomers_make_no_plan_larger(office: Office) -> None:
    """Eight new members beside two who are left out: all of the plan that was there would end, so it waits."""
    old, new = ([Row(f"{letter}{n}", given=f"Bert{letter * (n + 1)}") for n in range(8)] for letter in "PQ")
    await office.read(roster(*old[:2], plan="PRAIRIE", full=True))
    file = await office.read(roster(*new, plan="PRAIRIE", full=True, day=LATER))
    assert (file.changes, file.absence, file.absent_ended) == ({"added": 8}, "too-many", 0)


async def test_a_released_absence_spares_who_came_back(office: Office) -> None:
    """Between the file and the decision a newer file listed one again: that one stays."""
    people = [Row(f"P{n}", given=f"Bert{'x' * n}") for n in range(4)]
    await office.read(roster(*people, plan="PRAIRIE", full=True))
    file = await office.read(roster(*people[2:], plan="PRAIRIE", full=True, day=TUESDAY))
    await office.read(roster(people[0], plan="PRAIRIE", day=LATER))
    file = await decided(office, file, "released")
    assert file.absent_ended == 1
    assert await statuses(office, "P0", "P1") == {"P0": True, "P1": False}


async def test_a_refused_absence_ends_nobody(office: Office) -> None:
    """The rows of the file stay taken."""
    people = [Row(f"P{n}", given=f"Bert{'x' * n}") for n in range(4)]
    await office.read(roster(*people, plan="PRAIRIE", full=True))
    file = await office.read(roster(*people[2:], plan="PRAIRIE", full=True, day=TUESDAY))
    file = await decided(office, file, "refused")
    assert (file.state, file.absence, file.absent_ended) == ("processed", "refused", 0)


async def test_half_a_small_plan_does_not_vanish(office: Office) -> None:
    """Eight of sixteen members missing from a full file stay covered until somebody has looked."""
    await office.open_day(DAY)
    text = case("s05g.834").decode()
    before = text.replace("20250605", "20250604").replace("*250605*", "*250604*").replace("000000205", "000000204")
    await office.read(before + before.replace("*PF", "*QF").replace("FULL*P", "FULL*Q"))
    file = await office.read(text)
    assert (file.absence, file.absent_ended) == ("too-many", 0)
    covered = await enrolled(office)
    assert (len(covered), all(covered.values())) == (16, True)


async def test_a_bound_sender_can_hold_no_other_plans_files(office: Office) -> None:
    """A full file of another plan that a token may not speak for is refused, and is no measure for that plan's own."""
    people = Row("P1"), *NEIGHBOURS
    refused = await office.read(roster(*people, plan="PRAIRIE", full=True, day=LATER), tenant="lakeshore")
    assert refused.state == "refused"
    assert (await office.read(roster(*people, plan="PRAIRIE", full=True, day=TUESDAY))).state == "processed"
