"""Whom registries protect, and by which channels they bar."""

from itertools import permutations
from pathlib import Path

import pytest

from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import message
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres
CASES = Path(__file__).parents[2] / "data" / "cases"


@pytest.mark.parametrize("name", ["s18qa", "s18qb"])
async def test_an_inactive_record_silences_nobody(office: Office, name: str) -> None:
    """A registry that has lost a patient (PD1-16 = I) bars no plan from its own member [s18q]."""
    await office.read((CASES / "s18q.834").read_bytes())
    await office.read((CASES / f"{name}.hl7").read_bytes())
    assert (await office.last_facts())["LQ1"]["contact_protected"] is False


@pytest.mark.parametrize("status", ["I", "L", "M"])
async def test_a_lost_patient_is_no_lost_member(office: Office, status: str) -> None:
    """PD1-16 = I (inactive), L (lost) or M (moved) silences no plan's own member, bars no channel and withholds no
    dose: who was lost is often the one to be found."""
    await office.read(roster(Row("LS1"), Row("LS2", given="Opa")))
    await office.read(vxu(Shot("E-1", ids=("C-1^^^CAIR^SR",))))
    await office.read(message(status=status, sent="20210302060000"))
    known = await office.last_facts()
    assert [known[one]["contact_protected"] for one in ("LS1", "LS2")] == [False, False]
    assert known["LS1"].get("channels_barred", []) == []
    assert (known["LS1"]["reasons"], known["LS1"]["vaccinated"]) == (["already-vaccinated"], True)
    await office.read(vxu(Shot("E-1", action="D", sent="20210303060000")))
    assert (await office.last_facts())["LS1"]["status"] == "eligible"


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_newest_protection_holds_whatever_comes_last(office: Office, order: tuple[int, ...]) -> None:
    """Protected on the 1st, shared on the 2nd, and nothing said on the 3rd, in any order."""
    told = [message(p12="Y"), message(p12="N", p13="20210302", sent="20210302060000"), message(sent="20210303060000")]
    await office.read(roster(Row("LS1")))
    for number in order:
        await office.read(told[number])
    assert (await office.last_facts())["LS1"]["contact_protected"] is False


@pytest.mark.parametrize("is_listed_first", [True, False])
async def test_a_message_whose_dose_is_rejected_still_protects(office: Office, is_listed_first: bool) -> None:
    """PD1-12 = Y beside a vaccine that there is not: the dose is rejected, the member protected, whichever comes first,
    and what the registry had reported before is withheld."""
    broken = vxu(Shot("E-2", cvx="9999", protected="Y", sent="20210302060000"))
    files = [roster(Row("LS1")), vxu(Shot("E-1")), broken]
    for content in files if is_listed_first else reversed(files):
        file = await office.read(content)
        assert file.rows_rejected == (content == broken)
    fact = (await office.last_facts())["LS1"]
    assert (fact["contact_protected"], fact["vaccinated"]) == (True, False)
    await office.read(message(p12="N", sent="20210303060000"))
    assert (await office.last_facts())["LS1"]["vaccinated"] is True


async def test_another_registry_lifts_no_protection(office: Office) -> None:
    """Each registry takes back its own word only."""
    await office.read(roster(Row("LS1")))
    await office.read(message(p12="Y"))
    await office.read(message(p12="N", sent="20210302060000").replace("|REG|CAIR|", "|REG|I-CARE|"))
    assert (await office.last_facts())["LS1"]["contact_protected"] is True
    await office.read(message(p12="N", sent="20210303060000"))
    assert (await office.last_facts())["LS1"]["contact_protected"] is False


async def test_publicity_is_told_and_taken_back(office: Office) -> None:
    """PD1-11 bars its channels in the fact; the newest by PD1-18 or the message holds; who is barred is eligible."""
    await office.read(roster(Row("LS1")))
    bars = []
    for told in (message(p11="03"), message(p11="01", p18="20210305", sent="20210302060000"),
                 message(p11="02", sent="20210303060000"), message(p11="02", sent="20210306060000")):  # fmt: skip
        await office.read(told)
        fact = (await office.last_facts())["LS1"]
        bars.append(" ".join(fact["channels_barred"]))
        assert fact["status"] == "eligible"
    assert bars == ["phone", "phone text letter email visit", "phone text letter email visit", ""]


@pytest.mark.parametrize("is_told_first", [True, False])
async def test_what_a_dose_said_before_it_found_its_member_holds(office: Office, is_told_first: bool) -> None:
    """Y under a name that is nobody's, and the same dose again under the member's, without a word: whichever comes
    first, the member is protected and the dose withheld."""
    await office.read(roster(Row("LS1")))
    told = [
        vxu(Shot("E-1", given="Tilda", protected="Y")),
        vxu(Shot("E-1", action="U", sent="20210302060000")),
    ]
    for content in told if is_told_first else reversed(told):
        await office.read(content)
    fact = (await office.last_facts())["LS1"]
    assert (fact["contact_protected"], fact["vaccinated"]) == (True, False)
