"""Who is declared dead by registries, of whom it must be checked, and how it is taken back."""

from pathlib import Path

import pytest

from tests.service.eligibility.cases import join_namesakes
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import message, said
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres
CASES = Path(__file__).parents[2] / "data" / "cases"


async def test_a_registry_declares_a_death(office: Office) -> None:
    """PID-29 and PID-30 count, for the member who is found by name, birth date and ZIP [s17b, s17c]."""
    await office.read((CASES / "s17b.834").read_bytes())
    await office.read((CASES / "s17c.hl7").read_bytes())
    assert (await said(office, "LE1"), await said(office, "LE2")) == ("deceased", "")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (message("20210220", "Y"), "deceased"),
        (message("20210220", ""), "deceased"),
        (message("", "Y"), "deceased"),
        (message("2021", ""), "deceased"),
        (message("20210230", "Y"), "deceased"),
        (message("20210230", ""), "death-reported"),
        (message("19300101", ""), "death-reported"),
        (message("20210220", "N"), "death-reported"),
        (message("20210401", "Y"), "death-reported"),
        (message("", "N"), ""),
        (message("", ""), ""),
        (message(status="P"), "death-reported"),
        (message("", "N", status="P"), "death-reported"),
        (message("20210220", "Y", status="P"), "deceased"),
        *((message(status=status), "") for status in "AILMU"),
    ],
)
async def test_what_a_registry_says_of_a_death(office: Office, told: str, expected: str) -> None:
    """An indicator or a day declares it; what contradicts itself or lies ahead, and PD1-16 = P, must be checked."""
    await office.read(roster(Row("LS1")))
    file = await office.read(told)
    assert (file.rows_accepted, file.rows_rejected) == (1, 0)
    assert await said(office) == expected
    assert (await office.last_facts())["LS1"]["contact_protected"] is False


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (message("20210220", "Y"), message("", "N", sent="20210302060000"), ""),
        (message("", "N", sent="20210302060000"), message("20210220", "Y"), ""),
        (message("20210220", "Y"), message("", "", sent="20210302060000"), "deceased"),
        (message("20210220", "Y"), message('""', '""', sent="20210302060000"), ""),
        (message(status="P"), message(status="A", sent="20210302060000"), ""),
        (message(status="A", sent="20210302060000"), message(status="P"), ""),
        (message(status="P"), message(sent="20210302060000"), "death-reported"),
        (message("", "Y"), message(status="A", sent="20210302060000"), "deceased"),
    ],
)
async def test_a_registry_takes_a_death_back(office: Office, first: str, then: str, expected: str) -> None:
    """By the instants of its messages, whichever is read first; blank takes nothing back."""
    await office.read(roster(Row("LS1")))
    await office.read(first)
    await office.read(then)
    assert await said(office) == expected


async def test_a_death_waits_for_its_member(office: Office) -> None:
    """Messages about somebody whom no roster names yet are heard when one does: each of them, by its own date."""
    for told in (message("", "N", sent="20210303060000"), message("20210220", "Y"), message(p12="Y")):
        assert (await office.read(told)).rows_accepted == 1
    await office.read(roster(Row("LS1")))
    assert await said(office) == ""
    assert (await office.last_facts())["LS1"]["contact_protected"] is True
    await office.read(message("20210220", "Y", sent="20210304060000"))
    assert await said(office) == "deceased"


async def test_a_plans_sender_declares_its_own_members_only(office: Office) -> None:
    """A message from a token that is bound to one plan declares, protects and bars for no other plan's member, even of
    one person."""
    await office.read(roster(Row("LS1")))
    await office.read(roster(Row("PR1"), plan="PRAIRIE"))
    await join_namesakes(office)
    await office.read(message("", "N", p12="N", sent="20210302060000"))
    await office.read(message("20210220", "Y", sent="20210303060000", p12="Y", p11="01"), tenant="prairie")
    assert (await said(office), await said(office, "PR1")) == ("death-reported", "deceased")
    facts = await office.last_facts()
    assert [facts[one]["contact_protected"] for one in ("LS1", "PR1")] == [False, True]
    assert [len(facts[one]["channels_barred"]) for one in ("LS1", "PR1")] == [0, 5]


async def test_a_plans_sender_takes_no_registrys_word_back(office: Office) -> None:
    """Whatever name it writes into MSH-4: the registry's death and protection stand."""
    await office.read(roster(Row("LS1")))
    await office.read(message("20210220", "Y", p12="Y"))
    await office.read(message("", "N", p12="N", sent="20210303060000"), tenant="lakeshore")
    assert (await said(office), (await office.last_facts())["LS1"]["contact_protected"]) == ("deceased", True)
