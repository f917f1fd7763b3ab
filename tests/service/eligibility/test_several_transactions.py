"""A file may bring several transactions: each is held, told and judged by itself, wherever in the file it stands."""

from collections.abc import Callable
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
TEN = tuple(Row(f"P{n}", given=f"Bert{'x' * (n + 1)}") for n in range(10))


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


# -- whoever stands in the file has not left


@pytest.mark.parametrize("later_first", [True, False])
async def test_interchanges_minutes_apart_are_one_list(office: Office, later_first: bool) -> None:
    """A list of ten, parted into an interchange of two and one of eight five minutes later, ends nobody and holds
    nothing."""
    await office.read(prairie(*TEN, day=MONDAY))
    parts = [prairie(*TEN[:2]), prairie(*TEN[2:], hour="0605")]
    file = await office.read("".join(parts[::-1] if later_first else parts))
    assert (file.state, file.absence, file.absent_ended) == ("processed", "applied", 0)
    assert not await office.fetch("select from feed_notice where code = 'older-full'")


async def test_a_list_made_over_midnight_is_one(office: Office) -> None:
    """Two transactions two minutes apart are parts of one list, though the day changed between them."""
    await office.read(prairie(*TEN, day=MONDAY))
    parts = prairie(*TEN[:2], day=TUESDAY, hour="2359"), prairie(*TEN[2:], day=date(2021, 3, 3), hour="0001")
    assert (await office.read(in_one_interchange(*parts))).absent_ended == 0


async def test_each_sponsor_lists_its_own(office: Office) -> None:
    """A list of one sponsor's members is no newer list of another's, on whatever day each was made."""
    await office.read(prairie(*TEN, day=MONDAY))
    union = prairie(*TEN[:2], day=TUESDAY).replace("N1*P5*PRAIRIE*FI*990000001", "N1*P5*THE UNION*FI*770000001")
    file = await office.read(union + prairie(*TEN[2:]))
    assert (file.state, file.absence, file.absent_ended) == ("processed", "applied", 0)


async def test_a_row_that_cannot_be_stored_is_present(office: Office) -> None:
    """A member whose street can't be kept stands in the list all the same, this month and the next."""
    await office.read(prairie(*TEN, day=MONDAY))
    odd = "~".join(TEN[0].segments()).replace("123 SESAME ST", "123 SES\x00AME ST")
    for day in (TUESDAY, LATER):
        file = await office.read(roster(odd, *TEN[1:], plan="PRAIRIE", full=True, day=day))
        assert (file.rows_rejected, file.absence, file.absent_ended) == (1, "applied", 0)


async def test_a_row_that_cannot_be_stored_may_be_anybodys(office: Office) -> None:
    """Where its number can't be kept either, nobody has left who stood in the list before."""
    await office.read(prairie(*TEN, day=MONDAY))
    odd = "~".join(TEN[0].segments()).replace("REF*0F*P0", "REF*0F*P\x000")
    file = await office.read(roster(odd, *TEN[1:], plan="PRAIRIE", full=True, day=LATER))
    assert (file.rows_rejected, file.absence, file.absent_ended) == (1, "applied", 0)


@pytest.mark.parametrize(("control", "ended"), [(901, 0), (899, 1)])
async def test_of_one_instant_the_control_number_says_what_is_newer(office: Office, control: int, ended: int) -> None:
    """Who was added in the list's very minute, under a higher number of the sender, is not absent from it."""
    await office.read(prairie(*TEN, day=MONDAY))
    await office.read(prairie(Row("P99", given="Grover"), full=False, control=control))
    assert (await office.read(prairie(*TEN, control=900))).absent_ended == ended


async def test_the_control_number_counts_when_a_person_releases(office: Office) -> None:
    """What waited is judged as the list was made: who came under a higher number of that instant stays."""
    await office.read(prairie(*TEN, day=MONDAY))
    await office.read(prairie(Row("P99", given="Grover"), full=False, control=901))
    file = await office.read(prairie(*TEN[5:], control=900))
    assert file.absence == "too-many"
    assert (await decided(office, file, "released")).absent_ended == 5
    assert "P99" in await covered(office)


async def test_a_first_file_of_two_lists(office: Office) -> None:
    """Newcomers of the older list whom the newer leaves out have left; they are measured by everybody."""
    file = await office.read(prairie(*TEN, day=MONDAY) + prairie(*TEN[1:], day=TUESDAY))
    assert (file.absence, file.absent_ended) == ("applied", 1)


async def test_parts_of_different_days_wait(office: Office) -> None:
    """A later list that repeats nobody of the older one may be its other part: a person says, and nobody is ended."""
    await office.read(prairie(*TEN, day=MONDAY))
    file = await office.read(prairie(*TEN[:2], day=TUESDAY) + prairie(*TEN[2:]))
    assert (file.absence, file.absent_ended) == ("too-many", 0)
    assert (await decided(office, file, "released")).absent_ended == 2


async def test_newcomers_hide_no_mass_of_absences(office: Office) -> None:
    """A list that doubles the plan and leaves out three of eight waits: the share is of those who were there."""
    await office.read(prairie(*EVERYBODY, day=MONDAY))
    file = await office.read(prairie(*EVERYBODY[3:], *OTHERS))
    assert (file.absence, file.absent_ended) == ("too-many", 0)


@pytest.mark.parametrize("rows_per_batch", [3, 1000])
async def test_what_its_own_file_makes_old_holds_nothing(office: Office, rows_per_batch: int) -> None:
    """Older than the newest list taken, and than another one of its own file, which is newer than both."""
    office.intake = office.worker(rows_per_batch=rows_per_batch)
    await office.read(prairie(*TEN, day=TUESDAY, control=30))
    file = await office.read(prairie(*TEN, day=MONDAY, control=31) + prairie(*TEN, day=LATER, control=32))
    assert (file.state, file.absent_ended) == ("processed", 0)


# -- a plan's list waits for its own rows only


def unreadable(*rows: Row, plan: str) -> str:
    """A list with a row that names nobody."""
    return roster("INS*Y*18*999*28*A*C**FT", *rows, plan=plan, full=True, day=LATER)


def unstorable(*rows: Row, plan: str) -> str:
    """A list with a row whose number can't be kept."""
    odd = "~".join(Row("X9", given="Odd").segments()).replace("REF*0F*X9", "REF*0F*X\x009")
    return roster(odd, *rows, plan=plan, full=True, day=LATER)


def miscounted(*rows: Row, plan: str) -> str:
    """A list whose SE declares another number of segments."""
    return roster(*rows, plan=plan, full=True, day=LATER).replace("SE*", "SE*9")


@pytest.mark.usefixtures("both_end_absent")
@pytest.mark.parametrize("prairie_first", [True, False])
@pytest.mark.parametrize("broken", ["PRAIRIE", "LAKESHORE"])
@pytest.mark.parametrize("break_list", [unreadable, unstorable, miscounted])
async def test_a_broken_list_delays_no_other_plans(
    plan: Office, prairie_first: bool, broken: str, break_list: Callable[..., str]
) -> None:
    """The plan whose list has the unreadable part waits as the rule says; who is missing from the other's has left."""
    await plan.read(lakeshore(*OTHERS, day=MONDAY))
    rows = {"PRAIRIE": EVERYBODY[1:], "LAKESHORE": OTHERS[1:]}
    lists = {name: roster(*mine, plan=name, full=True, day=LATER) for name, mine in rows.items()}
    lists[broken] = break_list(*rows[broken], plan=broken)
    file = await plan.read("".join(lists[name] for name in sorted(lists, reverse=prairie_first)))
    assert file.absent_ended == 1
    gone = {"P0", "L0"} - await covered(plan)
    assert gone == {"L0" if broken == "PRAIRIE" else "P0"}
    waits = "incomplete" if break_list is miscounted else "applied"
    assert (await absences(plan, file))[broken.lower()] == (waits, 0)


@pytest.mark.parametrize(("day", "ended"), [(TUESDAY, 1), (date(2021, 3, 9), 0)])
async def test_an_unreadable_change_may_be_of_who_seems_absent(plan: Office, day: date, ended: int) -> None:
    """A row that names nobody, in changes as new as the list, may be of one of the absent; in older ones not."""
    change = roster("INS*Y*18*999*28*A*C**FT", plan="PRAIRIE", day=day)
    file = await plan.read(change + prairie(*EVERYBODY[1:]))
    assert (file.absence, file.absent_ended) == ("applied", ended)


async def test_an_unreadable_row_of_an_older_list_delays_nothing(plan: Office) -> None:
    """Whoever it is has left unless the newer list of the same file has him."""
    older = roster("INS*Y*18*999*28*A*C**FT", *EVERYBODY, plan="PRAIRIE", full=True, day=TUESDAY)
    file = await plan.read(older + prairie(*EVERYBODY[1:]))
    assert (file.absence, file.absent_ended) == ("applied", 1)


async def test_an_unreadable_row_of_test_data_delays_nothing(plan: Office) -> None:
    """What is barred says nothing of anybody."""
    barred = unreadable(plan="LAKESHORE").replace("*0*P*:", "*0*T*:")
    file = await plan.read(barred + prairie(*EVERYBODY[1:]))
    assert (file.absence, file.absent_ended) == ("applied", 1)
