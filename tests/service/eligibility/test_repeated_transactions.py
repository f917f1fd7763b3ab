"""Senders append today's interchange to yesterday's file: what was read before is a repetition and changes nothing."""

import io
import zipfile
from datetime import date

import pytest

from services.eligibility.intake.store import files as file_store
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.test_order_of_files import decided
from tests.service.eligibility.test_several_transactions import (
    EVERYBODY,
    LATER,
    MONDAY,
    NEW,
    TEN,
    TUESDAY,
    covered,
    in_one_interchange,
    prairie,
)

pytestmark = pytest.mark.postgres
WEDNESDAY = date(2021, 3, 3)
GUY = Row("P10", given="Guy")
ENDED = Row("P9", given="Grover", action="024", end="20210226")
UNREADABLE = "INS*Y*18*999*28*A*C**FT"


async def told(office: Office, file: file_store.FeedFile) -> list[str]:
    """The codes of what was odd about the file itself."""
    found = await office.fetch("select code from feed_notice where file_id = $1 and row = 0 order by 1", file.file_id)
    return [one["code"] for one in found]


@pytest.mark.parametrize("new_first", [True, False])
@pytest.mark.parametrize("one_interchange", [True, False])
@pytest.mark.parametrize("rows_per_batch", [1, 1000])
async def test_of_a_cumulative_file_only_the_new_is_taken(
    office: Office, new_first: bool, one_interchange: bool, rows_per_batch: int
) -> None:
    """Yesterday's transaction under its number changes nothing and is told, wherever today's stands."""
    office.intake = office.worker(rows_per_batch=rows_per_batch)
    yesterday = prairie(NEW, full=False, day=TUESDAY, control=501)
    await office.read(yesterday)
    before = await office.fetch("select * from enrolment")
    today = prairie(GUY, full=False, control=502)
    if one_interchange:
        content = in_one_interchange(yesterday, today)
    else:
        content = today + yesterday if new_first else yesterday + today
    file = await office.read(content)
    assert (file.state, file.held, file.changes) == ("processed", None, {"added": 1, "repeated": 1})
    assert (file.rows_accepted, file.rows_unchanged, file.rows_rejected) == (2, 1, 0)
    assert await told(office, file) == ["repeated"]
    assert await office.fetch("select * from enrolment where member_id = 'P9'") == before
    assert await covered(office) == {"P9", "P10"}


async def test_a_file_of_repetitions_alone(office: Office) -> None:
    """It is processed, every row says so, and what was said since stands."""
    first, second = prairie(NEW, full=False, control=511), prairie(GUY, full=False, control=512)
    await office.read(first + second)
    await office.read(prairie(ENDED, full=False, day=date(2021, 3, 9)))
    for content in (second + first, first, second):
        file = await office.read(content)
        rows = 2 if len(content) > len(first) + 9 else 1
        assert (file.state, file.changes, file.rows_unchanged) == ("processed", {"repeated": rows}, rows)
    assert await covered(office) == {"P10"}


async def test_a_transaction_twice_in_a_file_is_taken_once(office: Office) -> None:
    """The second one is a repetition of the first."""
    one = prairie(NEW, full=False, control=521)
    file = await office.read(one + one)
    assert (file.state, file.changes) == ("processed", {"added": 1, "repeated": 1})


@pytest.mark.parametrize("day", [LATER, TUESDAY])
async def test_a_sender_who_never_counts(office: Office, day: date) -> None:
    """Under one number for ever, the content says which of a file's transactions was read before, in any order."""
    first = prairie(NEW, full=False, day=MONDAY, control=1)
    await office.read(first)
    second = prairie(GUY, full=False, day=day, control=1)
    file = await office.read(second + first)
    assert (file.state, file.changes) == ("processed", {"added": 1, "repeated": 1})
    third = prairie(ENDED, full=False, day=date(2021, 3, 9), control=1)
    file = await office.read(first + third + second)
    assert (file.state, file.changes) == ("processed", {"ended": 1, "repeated": 2})


async def test_other_delimiters_and_line_ends(office: Office) -> None:
    """The content of the segments is the transaction's, not what parts them."""
    one = prairie(NEW, full=False, control=531)
    await office.read(one)
    other = one.replace(":", ">").replace("^", "!").replace("*", "|").replace("~", "*\r\n")
    file = await office.read(other)
    assert (file.state, file.changes) == ("processed", {"repeated": 1})


async def test_a_zipped_cumulative_file(office: Office) -> None:
    """Packed or not, it is the same transaction."""
    one = prairie(NEW, full=False, control=541)
    await office.read(one)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("roster.834", one + prairie(GUY, full=False, control=542))
    file = await office.read(packed.getvalue())
    assert (file.state, file.changes) == ("processed", {"added": 1, "repeated": 1})


async def test_other_content_under_the_number_is_held(office: Office) -> None:
    """Beside a repetition of that very number too."""
    one = prairie(NEW, full=False, control=551)
    await office.read(one)
    file = await office.read(one + prairie(GUY, full=False, control=551))
    assert (file.state, file.held, file.rows_read) == ("held", "control-reused", 0)
    file = await decided(office, file, "released")
    assert (file.state, file.changes) == ("processed", {"added": 1, "repeated": 1})


async def test_what_an_older_version_read_has_no_digest(office: Office) -> None:
    """Whether it is the same can't be known: the file is held, as any of other content."""
    one = prairie(NEW, full=False, control=561)
    await office.read(one)
    await office.fetch("update feed_transaction set digest = null returning 1")
    file = await office.read(one + prairie(GUY, full=False, control=562))
    assert (file.state, file.held) == ("held", "control-reused")


@pytest.mark.parametrize("decision", ["", "refused"])
async def test_what_a_held_or_refused_file_brought_was_not_read(office: Office, decision: str) -> None:
    """It is applied with the file that brings it again; the held one, released later, is the repetition then."""
    await office.read(prairie(*EVERYBODY, day=LATER))
    change = prairie(NEW, full=False, control=571)
    held = await office.read(change + prairie(*EVERYBODY[:4], day=TUESDAY))
    assert held.state == "held"
    if decision:
        await decided(office, held, decision)
    file = await office.read(change + prairie(GUY, full=False, control=572))
    assert (file.state, file.changes) == ("processed", {"added": 2})
    if not decision:
        held = await decided(office, held, "released")
        assert (held.state, held.changes["repeated"], held.absent_ended) == ("processed", 1, 0)


async def test_test_data_were_not_read(office: Office) -> None:
    """What was barred as test data is no repetition when it comes as production data."""
    one = prairie(NEW, full=False, control=581)
    assert (await office.read(one.replace("*0*P*:", "*0*T*:"))).state == "refused"
    file = await office.read(one + prairie(GUY, full=False, control=582))
    assert (file.state, file.changes) == ("processed", {"added": 2})


# -- full lists


@pytest.mark.parametrize("new_first", [True, False])
async def test_a_repeated_list_beside_a_new_one(office: Office, new_first: bool) -> None:
    """Who is in yesterday's list alone has left: absence is the new list's alone."""
    yesterday = prairie(*EVERYBODY, day=TUESDAY, control=601)
    await office.read(yesterday)
    today = prairie(*EVERYBODY[1:], day=WEDNESDAY, control=602)
    file = await office.read(today + yesterday if new_first else yesterday + today)
    assert (file.state, file.absence, file.absent_ended) == ("processed", "applied", 1)
    assert "P0" not in await covered(office)


async def test_a_repeated_list_alone_ends_nobody(office: Office) -> None:
    """Nothing new is said of who is in the plan, and the file holds nothing, be it older than the newest list."""
    first, change = prairie(*EVERYBODY, day=MONDAY, control=611), prairie(NEW, full=False, day=TUESDAY, control=612)
    await office.read(first + change)
    await office.read(prairie(*EVERYBODY[1:], NEW, day=WEDNESDAY, control=613))
    file = await office.read(first + prairie(GUY, full=False, control=614))
    assert (file.state, file.absence, file.absent_ended) == ("processed", None, 0)
    assert file.changes == {"added": 1, "repeated": 8}
    assert await covered(office) == {f"P{n}" for n in (1, 2, 3, 4, 5, 6, 7, 9, 10)}


async def test_a_repeated_list_is_no_list_that_lacks_everybody(office: Office) -> None:
    """The full file before a later one is the one that was read, also where a repetition came between them."""
    first = prairie(*EVERYBODY, day=MONDAY, control=621)
    await office.read(first)
    await office.read(first + prairie(NEW, full=False, day=TUESDAY, control=622))
    file = await office.read(roster(UNREADABLE, *EVERYBODY[1:], NEW, plan="PRAIRIE", full=True, day=LATER))
    assert (file.absence, file.absent_ended) == ("applied", 0)


async def test_an_unreadable_row_of_yesterday_delays_nothing(office: Office) -> None:
    """Yesterday's list has a row that names nobody; today's is clean, so who is missing has left."""
    yesterday = roster(UNREADABLE, *EVERYBODY, plan="PRAIRIE", full=True, day=TUESDAY, control=631)
    await office.read(prairie(*EVERYBODY, day=MONDAY))
    await office.read(yesterday)
    file = await office.read(yesterday + prairie(*EVERYBODY[1:], day=WEDNESDAY, control=632))
    assert (file.absence, file.absent_ended, file.rows_rejected) == ("applied", 1, 1)


async def test_parts_of_one_list_that_come_with_the_first_again(office: Office) -> None:
    """Who stands in a part that was read before stands in the list."""
    await office.read(prairie(*TEN, day=MONDAY))
    part = prairie(*TEN[:2], control=641)
    assert (await office.read(part)).absence == "too-many"
    file = await office.read(part + prairie(*TEN[2:], hour="0605", control=642))
    assert (file.state, file.absence, file.absent_ended) == ("processed", "applied", 0)


async def test_repeated_parts_of_another_day_wait(office: Office) -> None:
    """A later list that repeats nobody of the one read before may be its other part: a person says."""
    await office.read(prairie(*TEN, day=MONDAY))
    part = prairie(*TEN[:2], day=TUESDAY, control=651)
    await office.read(part)
    file = await office.read(part + prairie(*TEN[2:], control=652))
    assert (file.absence, file.absent_ended) == ("too-many", 0)


async def test_a_list_that_was_not_complete_is_judged_when_it_is(office: Office) -> None:
    """Cut off behind its last transaction it ended nobody; whole, under the same number, it does."""
    await office.read(prairie(*EVERYBODY, day=MONDAY))
    whole = prairie(*EVERYBODY[1:], day=TUESDAY, control=661)
    file = await office.read(whole[: whole.index("GE*")])
    assert (file.absence, file.absent_ended) == ("incomplete", 0)
    file = await office.read(whole + prairie(GUY, full=False, control=662))
    assert (file.state, file.absence, file.absent_ended) == ("processed", "applied", 1)


async def test_what_is_resent_ages_nobody_else(office: Office) -> None:
    """A resubmission is as old as its original; a transaction beside it, of the same minute and number, is not."""
    await office.read(prairie(NEW, full=False, day=MONDAY, control=671))
    await office.read(prairie(NEW, GUY, full=False, day=TUESDAY, control=672))
    again = roster(NEW, plan="PRAIRIE", day=LATER, control=673, begin="15", original="REF-20210301-671")
    fresh = prairie(Row("P10", given="Guy", action="024", end="20210226"), full=False, control=673)
    file = await office.read(in_one_interchange(again, fresh))
    assert file.changes == {"stale": 1, "ended": 1}
