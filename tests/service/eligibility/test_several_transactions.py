"""A file may bring several transactions: each is held, told and judged by itself, wherever in the file it stands."""

from datetime import date

import pytest

from services.eligibility.feeds import profiles
from services.eligibility.intake.store import absence as absence_store
from services.eligibility.intake.store import files as file_store
from services.kit.postgres import ALL_TENANTS, transaction
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.test_order_of_files import decided

pytestmark = pytest.mark.postgres
MONDAY, TUESDAY, LATER = date(2021, 3, 1), date(2021, 3, 2), date(2021, 3, 8)
NAMES = ("Oma", "Bert", "Ernie", "Zoe", "Abby", "Elmo", "Cookie", "Rosita")
EVERYBODY = tuple(Row(f"P{n}", given=name) for n, name in enumerate(NAMES))
OTHERS = tuple(Row(f"L{n}", given=name, family="Street") for n, name in enumerate(NAMES))
NEW = Row("P9", given="Grover")


def in_one_interchange(*files: str) -> str:
    """The transactions of these files in the first one's envelope."""
    bodies = []
    for number, file in enumerate(files, 1):
        _, _, st, *rest, _, _, _ = file.split("~")
        se = rest[-1].split("*")
        bodies += [st.replace("*0001*", f"*{number:04d}*"), *rest[:-1], f"{se[0]}*{se[1]}*{number:04d}"]
    isa, gs, *_, ge, iea, _ = files[0].split("~")
    return "~".join([isa, gs, *bodies, ge.replace("GE*1*", f"GE*{len(files)}*"), iea]) + "~"


def prairie(*rows: Row, day: date = LATER, hour: str = "0600", full: bool = True, control: int = 0) -> str:
    return roster(*rows, plan="PRAIRIE", full=full, day=day, hour=hour, control=control)


async def covered(office: Office) -> set[str]:
    return {member for member, fact in (await office.last_facts()).items() if fact["enrolled"]}


async def absences(office: Office, file: file_store.FeedFile) -> dict[str, tuple[str, int]]:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        found = await absence_store.load_absences(connection, file.file_id)
    return {one.plan: (one.absence, one.ended) for one in found}


@pytest.fixture
async def plan(office: Office) -> Office:
    """A plan of eight members, listed on Monday."""
    await office.read(prairie(*EVERYBODY, day=MONDAY))
    return office


@pytest.mark.parametrize("full_first", [True, False])
@pytest.mark.parametrize("one_interchange", [True, False])
async def test_a_change_beside_a_full_list_hides_no_absence(
    plan: Office, full_first: bool, one_interchange: bool
) -> None:
    """Who is missing from the full list has left, whether a transaction of changes follows it or goes before; who comes
    with later changes has not."""
    plan.intake = plan.worker(rows_per_batch=3)
    parts = [prairie(*EVERYBODY[1:]), prairie(NEW, full=False, hour="0700")]
    parts = parts if full_first else parts[::-1]
    file = await plan.read(in_one_interchange(*parts) if one_interchange else "".join(parts))
    assert (file.state, file.absence, file.absent_ended) == ("processed", "applied", 1)
    assert await covered(plan) == {f"P{n}" for n in (1, 2, 3, 4, 5, 6, 7, 9)}


async def test_who_came_before_the_full_list_and_is_not_in_it_has_left(plan: Office) -> None:
    """An addition that the same file's later full list does not know is over."""
    file = await plan.read(prairie(NEW, full=False, day=TUESDAY) + prairie(*EVERYBODY))
    assert (file.absence, file.absent_ended) == ("applied", 1)
    assert "P9" not in await covered(plan)


@pytest.fixture
def both_end_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second sender whose profile lets absence speak."""
    text = (profiles.PROFILES / "lakeshore.yaml").read_text(encoding="utf-8")
    text = text.replace("absence_terminates: false", "absence_terminates: true").replace(
        "files: change", "files: bgn08"
    )
    known = {**profiles.profiles(), "lakeshore": profiles.parse_profile(text)}
    monkeypatch.setattr(profiles, "profiles", lambda: known)


def lakeshore(*rows: Row, day: date = LATER) -> str:
    return roster(*rows, plan="LAKESHORE", full=True, day=day)


@pytest.mark.usefixtures("both_end_absent")
@pytest.mark.parametrize("prairie_first", [True, False])
async def test_each_plans_list_is_judged(plan: Office, prairie_first: bool) -> None:
    """Two plans in one file: who is missing from either has left, and each list is told."""
    await plan.read(lakeshore(*OTHERS, day=MONDAY))
    after = [prairie(*EVERYBODY[1:]), lakeshore(*OTHERS[1:])]
    file = await plan.read("".join(after if prairie_first else after[::-1]))
    assert (file.absence, file.absent_ended) == ("applied", 2)
    assert await absences(plan, file) == {"lakeshore": ("applied", 1), "prairie": ("applied", 1)}
    assert not {"P0", "L0"} & await covered(plan)


@pytest.mark.usefixtures("both_end_absent")
@pytest.mark.parametrize("prairie_first", [True, False])
@pytest.mark.parametrize("decision", ["released", "refused"])
async def test_one_lists_guard_is_its_own(plan: Office, prairie_first: bool, decision: str) -> None:
    """A list that leaves out half of its plan waits for a person, and the other one of the file is believed."""
    await plan.read(lakeshore(*OTHERS, day=MONDAY))
    after = [prairie(*EVERYBODY[4:]), lakeshore(*OTHERS[1:])]
    file = await plan.read("".join(after if prairie_first else after[::-1]))
    assert (file.absence, file.absent_ended) == ("too-many", 1)
    assert await absences(plan, file) == {"lakeshore": ("applied", 1), "prairie": ("too-many", 0)}
    assert len(await covered(plan)) == 15
    file = await decided(plan, file, decision)
    ended = 4 if decision == "released" else 0
    assert file.absent_ended == 1 + ended
    assert (await absences(plan, file))["prairie"] == ("applied" if ended else "refused", ended)
    assert len(await covered(plan)) == 15 - ended


async def test_parts_of_one_list_are_one(plan: Office) -> None:
    """A list that is parted into transactions, minutes apart, ends nobody who stands in any part."""
    parts = [prairie(*EVERYBODY[:2]), prairie(*EVERYBODY[2:5], hour="0601"), prairie(*EVERYBODY[5:], hour="0615")]
    file = await plan.read(in_one_interchange(*parts))
    assert (file.absence, file.absent_ended) == ("applied", 0)
    assert len(await covered(plan)) == len(EVERYBODY)


@pytest.mark.parametrize("newer_first", [True, False])
@pytest.mark.parametrize("one_interchange", [True, False])
async def test_of_two_lists_the_newer_counts(plan: Office, newer_first: bool, one_interchange: bool) -> None:
    """Yesterday's list and today's in one file, in either order: who is in yesterday's alone has left, and the file
    tells that an older list was in it."""
    plan.intake = plan.worker(rows_per_batch=3)
    parts = [prairie(*EVERYBODY, day=TUESDAY), prairie(*EVERYBODY[1:])]
    parts = parts[::-1] if newer_first else parts
    file = await plan.read(in_one_interchange(*parts) if one_interchange else "".join(parts))
    assert (file.state, file.absence, file.absent_ended) == ("processed", "applied", 1)
    assert "P0" not in await covered(plan)
    notices = await plan.fetch("select field, code from feed_notice where file_id = $1 and row = 0", file.file_id)
    assert {"field": "BGN-03", "code": "older-full"} in notices


@pytest.mark.parametrize("older_first", [True, False])
async def test_an_older_list_anywhere_holds_the_file(plan: Office, older_first: bool) -> None:
    """Not only the first transaction is looked at: nothing is read, also of the slices before it, and the notice says
    which transaction it is; released, what is newer stands."""
    plan.intake = plan.worker(rows_per_batch=3)
    await plan.read(prairie(*EVERYBODY, day=LATER))
    parts = [roster(*OTHERS, plan="LAKESHORE", day=LATER), prairie(*EVERYBODY[1:], day=TUESDAY)]
    file = await plan.read("".join(parts[::-1] if older_first else parts))
    assert (file.state, file.held, file.rows_read) == ("held", "older-full", 0)
    [notice] = await plan.fetch("select code, expected from feed_notice where file_id = $1", file.file_id)
    assert (notice["code"], notice["expected"][-25:]) == (
        "older-full",
        f"transaction {1 if older_first else 2} of the file",
    )
    assert not any(member.startswith("L") for member in await covered(plan))
    file = await decided(plan, file, "released")
    assert (file.state, file.absent_ended) == ("processed", 0)
    assert await covered(plan) == {one.member_id for one in (*EVERYBODY, *OTHERS)}


async def test_a_control_number_used_again_anywhere_holds_the_file(plan: Office) -> None:
    """The second interchange bears the numbers and the instant of a file that was taken, over other content."""
    plan.intake = plan.worker(rows_per_batch=3)
    await plan.read(prairie(NEW, full=False, control=77))
    fresh = prairie(Row("P10", given="Count"), full=False, control=78)
    file = await plan.read(fresh + prairie(Row("P11", given="Guy"), full=False, control=77))
    assert (file.state, file.held, file.rows_read) == ("held", "control-reused", 0)


async def test_a_control_number_twice_in_a_file_is_told(plan: Office) -> None:
    """Both transactions are taken and known by themselves, and a notice tells of the number."""
    first, second = (prairie(one, full=False, control=77) for one in (NEW, Row("P10", given="Count")))
    file = await plan.read(first + second)
    assert (file.state, file.changes) == ("processed", {"added": 2})
    [notice] = await plan.fetch("select code from feed_notice where file_id = $1", file.file_id)
    assert notice["code"] == "control-reused"
    assert len(await plan.fetch("select from feed_transaction where file_id = $1", file.file_id)) == 2


async def test_rejected_and_doubtful_rows_of_the_newer_list_are_present(plan: Office) -> None:
    """Who stands in the newest list by a row that could not be taken has not left, though the older list in the same
    file was the last to tell of him."""
    broken = "~".join(EVERYBODY[0].segments()).replace("D8*19400501", "D8*99999999")
    newer = roster(broken, *EVERYBODY[1:], plan="PRAIRIE", full=True, day=LATER)
    file = await plan.read(prairie(*EVERYBODY, day=TUESDAY) + newer)
    assert (file.rows_rejected, file.absence, file.absent_ended) == (1, "applied", 0)
