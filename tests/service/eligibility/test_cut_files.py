"""A file that stops in the middle, and then comes whole under its own numbers: what was lost is taken, once."""

import gzip
from datetime import date

import pytest

from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.test_several_transactions import (
    EVERYBODY,
    LATER,
    MONDAY,
    NEW,
    TUESDAY,
    covered,
    prairie,
)

pytestmark = pytest.mark.postgres
GUY, BERT = Row("P10", given="Guy"), Row("P11", given="Bert")
THREE = (NEW, GUY, BERT)
ENDED = Row("P9", given="Grover", action="024", end="20210226")


def cut_at(content: str, mark: str, behind: int = 0) -> str:
    """The file up to the last of these marks, and so much of that."""
    return content[: content.rindex(mark) + behind]


@pytest.mark.parametrize(
    ("edge", "mark", "behind", "lost"),
    [
        ("in a name", "*BERT", 3, 1),
        ("in a segment's name", "HD*", 1, 1),
        ("between two segments", "HD*", 0, 1),
        ("between two members", "INS*", 0, 1),  # whether the one before was whole nobody knows
        ("before SE", "SE*", 0, 1),
        ("in SE's name", "SE*", 2, 1),
        ("in SE's count", "SE*", 4, 0),
        ("in SE's number", "SE*", 8, 0),
    ],
)
async def test_what_was_cut_off_is_taken_from_the_whole_file(
    office: Office, edge: str, mark: str, behind: int, lost: int
) -> None:
    """It is not held for its numbers; rows that were read change nothing, those that were lost come in."""
    whole = prairie(*THREE, full=False, control=701)
    file = await office.read(cut_at(whole, mark, behind))
    there = 2 if mark == "INS*" else 3
    assert (file.state, file.rows_accepted, file.rows_rejected) == ("processed", there - lost, lost), edge
    file = await office.read(whole)
    assert (file.state, file.held, file.rows_rejected) == ("processed", None, 0)
    assert (file.rows_accepted, file.rows_unchanged) == (3, there - lost)
    assert await covered(office) == {"P9", "P10", "P11"}


async def test_what_was_whole_in_a_cut_file_is_a_repetition(office: Office) -> None:
    """Its transactions that have their ends were read; only the one that was cut is read again."""
    first, second = prairie(NEW, full=False, control=711), prairie(GUY, BERT, full=False, control=712)
    file = await office.read(cut_at(first + second, "*BERT"))
    assert (file.rows_accepted, file.rows_rejected) == (2, 1)
    file = await office.read(first + second)
    assert (file.state, file.changes, file.rows_unchanged) == ("processed", {"repeated": 1, "added": 1}, 2)
    assert await covered(office) == {"P9", "P10", "P11"}


async def test_cut_twice(office: Office) -> None:
    """At another place the second time: each brings what it has more."""
    whole = prairie(*THREE, full=False, control=721)
    for mark, known in (("*GUY", {"P9"}), ("*BERT", {"P9", "P10"})):
        assert (await office.read(cut_at(whole, mark))).held is None
        assert await covered(office) == known
    assert (await office.read(whole)).changes == {"added": 1}


async def test_what_was_said_since_stands(office: Office) -> None:
    """The whole file is as old as its cut part: it takes nothing back that is newer."""
    whole = prairie(*THREE, full=False, day=MONDAY, control=731)
    await office.read(cut_at(whole, "*BERT"))
    await office.read(prairie(ENDED, full=False, day=TUESDAY))
    file = await office.read(whole)
    assert (file.state, file.changes) == ("processed", {"stale": 1, "added": 1})
    assert await covered(office) == {"P10", "P11"}


async def test_other_content_under_the_numbers_of_what_was_whole_is_held(office: Office) -> None:
    """A cut transaction beside it frees its own numbers only."""
    one = prairie(NEW, full=False, control=741)
    await office.read(one + cut_at(prairie(GUY, BERT, full=False, control=742), "*BERT"))
    file = await office.read(prairie(BERT, full=False, control=741))
    assert (file.state, file.held) == ("held", "control-reused")


async def test_nobody_is_absent_for_a_list_that_was_cut(office: Office) -> None:
    """Whoever stood behind the cut stays covered, until the whole list says who has left."""
    await office.read(prairie(*EVERYBODY, day=MONDAY))
    whole = prairie(*EVERYBODY[1:], day=LATER, control=751)
    file = await office.read(cut_at(whole, "INS*"))
    assert (file.state, file.absence, file.absent_ended) == ("processed", "incomplete", 0)
    assert len(await covered(office)) == len(EVERYBODY)
    file = await office.read(whole)
    assert (file.held, file.absence, file.absent_ended) == (None, "applied", 1)
    assert "P0" not in await covered(office)


async def test_a_list_that_was_cut_is_no_list_before(office: Office) -> None:
    """Who stood in no row of the cut part was not missing there: an unreadable row of the whole list may be theirs."""
    await office.read(prairie(*EVERYBODY, day=MONDAY))
    unreadable = "INS*Y*18*999*28*A*C**FT"
    whole = roster(unreadable, *EVERYBODY[1:], plan="PRAIRIE", full=True, day=LATER, control=761)
    await office.read(cut_at(whole, "*0F*P2"))
    file = await office.read(whole)
    assert (file.absence, file.absent_ended, len(await covered(office))) == ("applied", 0, len(EVERYBODY))


@pytest.mark.parametrize(("scrap", "lost"), [("", 1), ("HD*021**HL", 1), ("IEA*1*000000771", 0)])
async def test_todays_file_behind_a_cut_one(office: Office, scrap: str, lost: int) -> None:
    """Appended to what was cut off, with or without a terminator between them, today's interchange is its own: under
    its own numbers and day, none of its rows is yesterday's."""
    yesterday = prairie(NEW, GUY, full=False, day=TUESDAY, control=771)
    today = prairie(BERT, full=False, day=LATER, control=772)
    before = cut_at(yesterday, "IEA*" if scrap.startswith("IEA") else "HD*") + scrap
    file = await office.read(before + today)
    assert (file.state, file.rows_accepted, file.rows_rejected) == ("processed", 3 - lost, lost)
    [stamp] = await office.fetch("select said_at::date, said_no from enrolment where member_id = 'P11'")
    assert stamp == {"said_at": LATER, "said_no": 772}
    file = await office.read(yesterday)
    assert (file.held, await covered(office)) == (None, {"P9", "P10", "P11"})
    assert (await office.read(today + prairie(Row("P12", given="Elmo"), full=False))).changes["repeated"] == 1


async def test_a_cut_gzip_is_refused_as_every_gzip(office: Office) -> None:
    """Nothing of it was read, so the roster that it packed comes in as it is."""
    whole = prairie(NEW, full=False, control=781)
    packed = gzip.compress(whole.encode())
    assert (await office.read(packed[: len(packed) // 2])).state == "refused"
    assert (await office.read(whole)).changes == {"added": 1}


# -- registries' messages

ONE, TWO = Shot("E-1"), Shot("E-2", on="20210222", cvx="207", lot="039K20A")


def batch(*shots: Shot) -> str:
    messages = vxu(*shots)
    head = "FHS|^~\\&|REG|CAIR\rBHS|^~\\&|REG|CAIR\r"
    return f"{head}{messages}BTS|{len(shots)}\rFTS|1\r"


async def doses(office: Office) -> list[tuple[str, date]]:
    rows = await office.fetch("select cvx, administered_on from dose where not is_retracted order by 2")
    return [(row["cvx"], row["administered_on"]) for row in rows]


@pytest.mark.parametrize("packed", [batch, vxu])
@pytest.mark.parametrize("mark", ["|207^x^CVX", "|20210222||207", "ORC|", "MSH|"])
async def test_messages_that_were_cut_off_come_whole(office: Office, packed: object, mark: str) -> None:
    """In a batch without its trailers or without any frame: no half message gives another vaccine or day, and the whole
    file under the same message numbers and instants brings what was lost, once."""
    assert callable(packed)
    await office.read(roster(Row("LS1", family="Sesame", given="Oma", born="19400501")))
    whole: str = packed(ONE, TWO)
    await office.read(cut_at(whole, mark, 3 if mark.startswith("|") else 0))
    first = ("208", date(2021, 2, 15))
    assert await doses(office) in ([first], [])
    file = await office.read(whole)
    assert (file.state, file.rows_rejected) == ("processed", 0)
    assert await doses(office) == [first, ("207", date(2021, 2, 22))]
