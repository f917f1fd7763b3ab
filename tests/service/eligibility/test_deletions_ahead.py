"""A deletion that comes before what it deletes is kept, whatever it leaves out, and takes effect then."""

import pytest

from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
EARLY, LATE, LATEST = "20210302060000", "20210303060000", "20210304060000"


def deletion(event: str, sent: str = LATE, cvx: str = "", on: str = "20210215", given: str = "Oma") -> str:
    """A deletion, with an empty RXA-5 unless a vaccine is named."""
    text = vxu(Shot(event, action="D", sent=sent, on=on, given=given))
    return text.replace("|208^x^CVX|", f"|{cvx}^x^CVX|" if cvx else "||")


async def alive(office: Office) -> list[str]:
    return [row["cvx"] for row in await office.fetch("select cvx from dose where not is_retracted order by cvx")]


async def outcome(office: Office, text: str) -> tuple[str, str | None]:
    file = await office.read(text)
    [row] = await office.fetch("select outcome, code from feed_row where file_id = $1", file.file_id)
    return row["outcome"], row["code"]


@pytest.mark.parametrize("cvx", ["", "208"])
@pytest.mark.parametrize("is_known", [True, False], ids=["known member", "member comes last"])
async def test_by_its_number(office: Office, cvx: str, is_known: bool) -> None:
    """The older addition under the same number changes nothing, also where the deletion names no vaccine, and whether
    or not the member is known yet; a newer one is another word."""
    if is_known:
        await office.read(roster(Row("LS1")))
    assert await outcome(office, deletion("E-1", cvx=cvx)) == ("unchanged", "nothing-deleted")
    assert await outcome(office, vxu(Shot("E-1", sent=EARLY))) == ("unchanged", "older-message")
    await office.read(roster(Row("LS1"), Row("LS2", given="Bert")))
    assert await alive(office) == []
    assert (await outcome(office, vxu(Shot("E-1", sent=LATEST))))[0] == "accepted"
    assert await alive(office) == ["208"]


async def test_in_one_file(office: Office) -> None:
    """The order in a file says nothing: what MSH-7 says counts."""
    await office.read(roster(Row("LS1")))
    await office.read(deletion("E-1") + vxu(Shot("E-1", sent=EARLY)))
    assert await alive(office) == []


async def test_said_again_it_is_as_new_as_the_last_time(office: Office) -> None:
    """An addition between two deletions of nothing stays deleted."""
    await office.read(roster(Row("LS1")))
    await office.read(deletion("E-1", sent=EARLY))
    await office.read(deletion("E-1", sent=LATEST))
    assert await outcome(office, vxu(Shot("E-1", sent=LATE))) == ("unchanged", "older-message")
    assert await alive(office) == []


@pytest.mark.parametrize("given", ["Oma", "Bert"])
async def test_another_patients_dose_of_that_number_lives(office: Office, given: str) -> None:
    """A number is one's within sender and patient: somebody else's is not deleted."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Bert", born="19410601")))
    await office.read(deletion("E-1"))
    text = vxu(Shot("E-1", sent=EARLY, given=given, born="19400501" if given == "Oma" else "19410601",
                    ids=(f"C-{given}^^^CAIR^SR",)))  # fmt: skip
    await office.read(text)
    assert await alive(office) == ([] if given == "Oma" else ["208"])


async def test_another_senders_dose_of_that_number_lives(office: Office) -> None:
    """Only its own sender's."""
    await office.read(roster(Row("LS1")))
    await office.read(deletion("E-1").replace("|REG|CAIR|", "|EHR|CLINIC|"))
    await office.read(vxu(Shot("E-1", sent=EARLY)))
    assert await alive(office) == ["208"]


@pytest.mark.parametrize(
    ("edge", "cvx", "shot", "lives"),
    [
        ("no vaccine, no number", "", Shot("", sent=EARLY), False),
        ("no vaccine, under a number", "", Shot("E-1", sent=EARLY), False),
        ("the vaccine, under a number", "208", Shot("E-1", sent=EARLY), False),
        ("another vaccine", "187", Shot("E-1", sent=EARLY), True),
        ("another day", "", Shot("E-1", sent=EARLY, on="20210216"), True),
        ("later than the deletion", "", Shot("E-1", sent=LATEST), True),
    ],
)
async def test_without_a_number(office: Office, edge: str, cvx: str, shot: Shot, lives: bool) -> None:
    """It is about all that the sender said of the patient, the day and, if one is said, the vaccine."""
    await office.read(roster(Row("LS1")))
    await office.read(deletion("", cvx=cvx))
    await office.read(vxu(shot))
    assert await alive(office) == (["208"] if lives else []), edge
