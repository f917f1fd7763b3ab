"""Two plans that list one human being: neither row is evidence of the other plan's member, neither hears whether there
is one, and what a registry reports is of each with whom its patient agrees. ASVS v5.0.0-8.2.2, v5.0.0-8.2.3."""

from datetime import date
from typing import Any

import pytest

from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
HERS, COPIED = Row("LS1"), Row("P9")
ANSWERS = (
    "select file_no, row, outcome, code, field, expected, feed_row.changes from feed_row join feed_file using (file_id)"
    " where row > 0 order by 1, 2"
)


async def doses(office: Office) -> dict[str, list[date]]:
    """The days of the doses that stand, by the plan's number for the member."""
    rows = await office.fetch(
        "select member_id, administered_on from dose join enrolment using (member_token)"
        " where not is_retracted order by 1, 2"
    )
    found: dict[str, list[date]] = {}
    for row in rows:
        found.setdefault(row["member_id"], []).append(row["administered_on"])
    return found


async def test_a_copied_row_opens_nothing_that_the_plan_told(office: Office) -> None:
    """A death that one plan's roster tells is no word about the member of another plan who is listed alike."""
    await office.read(roster(HERS))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    await office.read(roster(Row("LS1", died="20210227"), day=date(2021, 3, 2)))
    facts = await office.last_facts()
    assert facts["LS1"]["reasons"] == ["deceased"]
    assert (facts["P9"]["enrolled"], "death-reported" in facts["P9"]["reasons"]) == (True, False)


async def test_a_copied_row_changes_nobody_elses_member(office: Office) -> None:
    """Who is invented as another plan's member and told dead leaves that member as she was: her plan's facts stay."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1")))
    before = (await office.last_facts())["LS1"]
    await office.read(roster(COPIED, plan="PRAIRIE"))
    await office.read(roster(Row("P9", died="20210227"), plan="PRAIRIE", day=date(2021, 3, 2)))
    assert (await office.last_facts())["LS1"] == before
    assert len([fact for fact in await office.events("member-eligibility") if fact["tenant_id"] == "lakeshore"]) == 2


@pytest.mark.parametrize("order", ["rosters first", "registry first", "between"])
async def test_a_registrys_dose_is_of_each_who_agrees(office: Office, order: str) -> None:
    """The registry's patient agrees exactly with two plans' members: each has the dose, whatever came first, once."""
    files = {"rosters first": "abv", "registry first": "vab", "between": "avb"}[order]
    content = {"a": roster(HERS), "b": roster(COPIED, plan="PRAIRIE"), "v": vxu(Shot("E-1"))}
    for one in files:
        await office.read(content[one])
    assert {number: len(days) for number, days in (await doses(office)).items()} == {"LS1": 1, "P9": 1}
    assert len(await office.events("dose-administered")) == 2


@pytest.mark.parametrize("order", ["abvd", "avbd", "avdb", "vdab"])
async def test_what_a_registry_takes_back_is_gone_for_each(office: Office, order: str) -> None:
    """A deletion meets each member's own report of the dose, also his who was listed after it."""
    gone = Shot("E-1", action="D", sent="20210302060000")
    content = {"a": roster(HERS), "b": roster(COPIED, plan="PRAIRIE"), "v": vxu(Shot("E-1")), "d": vxu(gone)}
    for one in order:
        await office.read(content[one])
    assert await doses(office) == {}


async def test_a_second_message_says_the_same_to_each(office: Office) -> None:
    """Told again under its number the dose is nobody's twice, and the row does not say that the number is another's."""
    await office.read(roster(HERS))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    await office.read(vxu(Shot("E-1")))
    again = await office.read(vxu(Shot("E-1", sent="20210302060000")))
    codes = await office.fetch("select code from feed_row where file_id = $1 and code is not null", again.file_id)
    assert (again.rows_unchanged, codes) == (1, [])
    assert {number: len(days) for number, days in (await doses(office)).items()} == {"LS1": 1, "P9": 1}


@pytest.mark.parametrize(
    ("edge", "listed"),
    [
        ("another ZIP", Row("P9", zip5="94301", tract="")),
        ("another birth date", Row("P9", born="19400502")),
        ("another given name", Row("P9", given="Ona")),
    ],
)
async def test_a_row_that_agrees_in_part_opens_no_dose(office: Office, edge: str, listed: Row) -> None:
    """Name, birth date and ZIP must all be what the registry says of its patient."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1")))
    await office.read(roster(listed, plan="PRAIRIE"))
    assert list(await doses(office)) == ["LS1"], edge


async def test_two_of_another_plan_hide_no_dose(office: Office) -> None:
    """Two members of one plan who agree exactly leave a report unlinked for that plan, and linked for the other."""
    await office.read(roster(HERS))
    await office.read(roster(COPIED, Row("P8", zip5="94301", tract=""), plan="PRAIRIE"))
    await office.read(roster(Row("P8", action="001", tract=""), plan="PRAIRIE", day=date(2021, 3, 2)))
    await office.read(vxu(Shot("E-1")))
    assert list(await doses(office)) == ["LS1"]


ROWS = (
    ("listed", (COPIED,)),
    ("changed to be her", (Row("P9", born="19400501", zip5="94301", tract=""), Row("P9", action="001"))),
    ("another birth date put right", (Row("P9", born="19550607"), Row("P9", action="001"))),
    ("renamed", (Row("P9", given="Vera"), Row("P9", action="001"))),
    ("a former name", (Row("P9", given="Vera"), Row("P9", action="001", was=("LS1", "Sesame", "Oma")))),
    ("her own number", (Row("LS1"), Row("LS1", action="001", family="Street"))),
    ("an ending", (COPIED, Row("P9", action="024", end="20210201"))),
)


@pytest.mark.parametrize(("edge", "rows"), ROWS)
async def test_no_answer_tells_whether_somebody_is_another_plans_member(
    office: Office, edge: str, rows: tuple[Row, ...]
) -> None:
    """Rows of a plan are answered alike, with the same doubts and changes, before another plan lists her and after."""
    for no, row in enumerate(rows, 1):
        await office.read(roster(row, plan="HARBOUR", day=date(2021, 3, no)))
    alone = await office.fetch(ANSWERS)
    await office.read(roster(HERS))
    for no, row in enumerate(rows, 1):
        await office.read(roster(row, plan="PRAIRIE", day=date(2021, 3, no)))
    beside = [one for one in await office.fetch(ANSWERS) if one["file_no"] > len(rows) + 1]
    assert [_told(one) for one in beside] == [_told(one) for one in alone], edge
    counted = await office.fetch("select count(*) as many from doubtful_row group by tenant_id")
    assert len({one["many"] for one in counted}) <= 1, edge


def _told(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "file_no"}
