"""A deletion that comes before what it deletes is kept, whatever it leaves out, and takes effect then."""

from typing import Any

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


async def test_a_number_without_a_vaccine_spares_the_days_other_numbers(office: Office) -> None:
    """A deletion that names a number of its own and no vaccine is about that number alone: the flu shot of that day
    lives, and the COVID shot that it is about stays out when its older addition comes."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", cvx="140", sent=EARLY)))
    assert await outcome(office, deletion("E-2")) == ("unchanged", "nothing-deleted")
    assert await outcome(office, vxu(Shot("E-2", sent=EARLY))) == ("unchanged", "older-message")
    assert await alive(office) == ["140"]


async def test_what_hit_something_by_what_it_says_holds_under_its_number_too(office: Office) -> None:
    """A deletion found a dose by day and vaccine under another number; the older addition under its own number stays
    out as well."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("E-1", sent=EARLY)))
    assert await outcome(office, deletion("E-2", sent=LATEST, cvx="208")) == ("accepted", None)
    assert await outcome(office, vxu(Shot("E-2", sent=LATE))) == ("unchanged", "older-message")
    assert await alive(office) == []


@pytest.mark.parametrize("member", ["first", "between", "last"])
@pytest.mark.parametrize(
    "change",
    [
        {"ids": ("M-9^^^CLIN^MR", "C-1^^^CAIR^SR")},
        {"given": "Oma Lou"},
        {"ids": ("M-9^^^CLIN^MR",)},
        {"cvx": "213"},
    ],
)
async def test_without_a_number_it_finds_the_same_patient(office: Office, change: dict[str, Any], member: str) -> None:
    """The numbers in another order, another given name beside the same number and birth date, other numbers beside the
    same name, birth date and ZIP, another code of the same group: the patient is the same, known or not."""
    files = [vxu(Shot("", action="D", sent=LATE, **change)), vxu(Shot("E-1", sent=EARLY))]
    files.insert(["first", "between", "last"].index(member), roster(Row("LS1")))
    for one in files:
        await office.read(one)
    assert await alive(office) == []


async def test_without_a_number_another_patients_dose_lives(office: Office) -> None:
    """A shared number is no shared birth date: the namesake's dose of that day stays."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Bert", born="19410601")))
    await office.read(vxu(Shot("", action="D", sent=LATE)))
    await office.read(vxu(Shot("E-1", sent=EARLY, given="Bert", born="19410601", ids=("C-2^^^CAIR^SR",))))
    assert await alive(office) == ["208"]


async def test_who_turns_out_to_be_one_patient_later(office: Office) -> None:
    """A deletion and an older addition that nothing ties together wait; once both are one member's, it holds."""
    await office.read(vxu(Shot("", action="D", sent=LATE, ids=("C-1^^^CAIR^SR",), zip5="94301")))
    await office.read(vxu(Shot("E-1", sent=EARLY, ids=("M-9^^^CLIN^MR",))))
    await office.read(roster(Row("LS1")))
    assert await alive(office) == ["208"]
    await office.read(vxu(Shot("E-7", cvx="140", on="20201001", sent=EARLY)))
    assert await alive(office) == ["140"]


async def test_a_refusal_without_a_number_is_no_deletion(office: Office) -> None:
    """That a dose was refused first says nothing against the one that was given the same day."""
    await office.read(roster(Row("LS1")))
    await office.read(vxu(Shot("", completion="RE", sent=LATE)))
    await office.read(vxu(Shot("E-1", sent=EARLY)))
    assert await alive(office) == ["208"]
