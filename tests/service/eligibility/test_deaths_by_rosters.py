"""Who is declared dead by plans' rosters, and how it is taken back."""

from dataclasses import replace
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest

from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import BACK, DIED, an_attempt, hear, ids, message, on, said
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
CASES = Path(__file__).parents[2] / "data" / "cases"


async def test_a_plan_takes_a_death_back(office: Office) -> None:
    """Terminated for death, then reinstated by a later file: he is no longer dead, and covered again [s11a-c]."""
    for name, expected in (("s11a", ""), ("s11b", "deceased"), ("s11c", "")):
        await office.read((CASES / f"{name}.834").read_bytes())
        assert await said(office, "K1") == expected, name


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_order_of_a_plans_files_decides_no_death(office: Office, order: tuple[int, ...]) -> None:
    """Death on the 2nd, reinstated on the 3rd: whatever file comes first, he lives."""
    files = [roster(Row("LS1")), roster(DIED, day=on(2)), roster(BACK, day=on(3))]
    for number in order:
        await office.read(files[number])
    assert await said(office) == ""


@pytest.mark.parametrize(
    ("row", "full", "expected"),
    [
        (replace(Row("LS1"), action="001", reason="25"), False, "deceased"),
        (replace(Row("LS1"), action="030", reason="XN"), True, "deceased"),
        (Row("LS1"), True, "deceased"),
        (Row("LS1"), False, ""),
        (BACK, False, ""),
        (replace(BACK, end="20210302"), False, "deceased"),
        (replace(Row("LS1"), action="024", reason="14", end="20210301"), False, "deceased"),
    ],
)
async def test_only_going_coverage_speaks_of_life(office: Office, row: Row, full: bool, expected: str) -> None:
    """A later row without a death takes none back, unless it reinstates, or adds in a file of changes, what goes on."""
    plan = "PRAIRIE" if full else "LAKESHORE"
    await office.read(roster(Row("LS1"), plan=plan))
    await office.read(roster(DIED, plan=plan, day=on(2)))
    await office.read(roster(row, plan=plan, full=full, day=on(3)))
    assert await said(office) == expected


async def test_a_repeated_death_is_unchanged(office: Office) -> None:
    """The plan's next file that says the same is no news, and brings no fact."""
    await office.read(roster(replace(DIED, died="20210301")))
    before = len(await office.events("member-eligibility"))
    file = await office.read(roster(replace(DIED, died="20210301"), day=on(5)))
    assert (file.rows_unchanged, len(await office.events("member-eligibility"))) == (1, before)


async def test_one_plans_death_is_another_plans_report(office: Office) -> None:
    """Lakeshore declares its own member dead; of the same person Prairie's enrolment must be checked; a registry
    settles it for both."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await join_namesakes(office)
    await office.read(roster(DIED, day=on(2)))
    assert (await said(office), await said(office, "PR1")) == ("deceased", "death-reported")
    assert [len(await office.fetch("select from person where merged_into is null"))] == [1]
    await office.read(vxu(Shot("E-1", completion="RE")))
    assert (await said(office), await said(office, "PR1")) == ("deceased", "death-reported")
    await office.read(message("20210301", "Y"))
    assert (await said(office), await said(office, "PR1")) == ("deceased", "deceased")
    await office.read(message("", "N", sent="20210304060000"))
    await office.read(roster(BACK, day=on(5)))
    assert (await said(office), await said(office, "PR1")) == ("", "")


async def test_the_dead_stay_dead_when_two_prove_to_be_one(office: Office) -> None:
    """What was said of either token is said of the survivor, and its source can still take it back."""
    await office.read(roster(Row("LS1", given="Omi"), Row("LS2")))
    await office.read(roster(replace(DIED, member_id="LS2"), day=on(2)))
    await hear(office, (await an_attempt(office)).model_copy(update=await ids(office, "LS1")))
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesame", "Omi")), day=on(3)))
    assert len(await office.fetch("select from person where merged_into is null")) == 1
    [(member, fact)] = (await office.last_facts()).items()
    assert "deceased" in fact["reasons"]
    assert fact["death_reports_until"]
    await office.read(roster(replace(BACK, member_id=member), day=on(4)))
    assert await said(office, member) == "death-reported"
    assert (
        await office.fetch("select from vital_statement left join person using (member_token) where person is null")
        == []
    )


async def test_a_mark_from_before_is_each_plans_word(office: Office) -> None:
    """What code of before this sets on a person counts as the word of every plan that has him, and is taken back by
    it."""
    await office.read(roster(Row("LS1")))
    await office.fetch("update person set is_deceased = true, death_on = '2021-02-01'")
    await office.read(roster(Row("LS1", zip5="90012")))
    assert await said(office) == "deceased"
    await office.read(roster(BACK, day=date(2099, 3, 5)))
    assert await said(office) == ""
