"""What a registry reported of one plan's member is, all of it, of another plan's who is listed later and agrees."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.intake.flow.roster import settle_book
from services.eligibility.people.enrolment import Person
from services.eligibility.people.flow import load_persons_book
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import members as people_store
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS, Connection, transaction
from services.kit.unit_of_work import working
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.deaths import message
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.pairs import join
from tests.service.eligibility.test_plans_apart import doses
from tests.service.eligibility.test_withheld import IMMUNE

pytestmark = pytest.mark.postgres
HERS, COPIED = Row("LS1"), Row("P9")
LATER = "20210302060000"
RETIRED = """
select from decision join enrolment using (enrolment_id) join person using (member_token)
where merged_into is not null and not is_retired
"""


async def told(office: Office, member: str = "P9") -> dict[str, Any]:
    return (await office.last_facts())[member]


async def listed_by_a_second_plan(office: Office) -> dict[str, Any]:
    """The fact of who is listed by another plan once everything was reported."""
    await office.read(roster(COPIED, plan="PRAIRIE"))
    return await told(office)


@pytest.mark.parametrize("edge", ["with the dose", "by a message about her alone"])
async def test_who_is_listed_later_is_protected_too(office: Office, edge: str) -> None:
    """A registry's PD1-12 = Y about one plan's member holds of another plan's who gets her reports: no dose is told."""
    await office.read(roster(HERS))
    if edge == "with the dose":
        await office.read(vxu(Shot("E-1", protected="Y")))
    else:
        await office.read(vxu(Shot("E-1")))
        await office.read(message(p12="Y", sent=LATER))
    before = await office.counts()
    fact = await listed_by_a_second_plan(office)
    assert (fact["contact_protected"], fact["vaccinated"], fact["doses_valid"]) == (True, False, 0), edge
    assert (await office.counts())["dose-administered"] == before["dose-administered"]


async def test_who_is_listed_later_has_died_too(office: Office) -> None:
    """A death that the registry told of its patient (PID-30 = Y) is told of who gets its reports later."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1")))
    await office.read(message(pid30="Y", sent=LATER))
    fact = await listed_by_a_second_plan(office)
    assert (fact["enrolled"], "deceased" in fact["reasons"]) == (False, True)


async def test_who_is_listed_later_is_called_no_more_either(office: Office) -> None:
    """A publicity code that bars channels bars them of who gets the registry's reports later."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1")))
    await office.read(message(p11="03^^HL70215", sent=LATER))
    barred = (await told(office, "LS1"))["channels_barred"]
    assert barred == ["phone"]
    assert (await listed_by_a_second_plan(office))["channels_barred"] == barred


async def test_another_registrys_word_stays_hers(office: Office) -> None:
    """What a registry said that reported no dose of her is nothing that goes with another registry's dose."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1")))
    await office.read(message(p12="Y", sent=LATER).replace("|REG|CAIR|", "|REG|I-CARE|"))
    fact = await listed_by_a_second_plan(office)
    assert (fact["contact_protected"], fact["vaccinated"]) == (False, True)


@pytest.mark.parametrize("action", ["D", "U"])
async def test_a_number_speaks_of_who_is_listed_later_too(office: Office, action: str) -> None:
    """A correction or deletion that finds its patient by the number alone meets each who has her reports."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1")))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    await office.read(vxu(Shot("E-1", action=action, on="20210105", zip5="94301", sent=LATER)))
    day = date(2021, 1, 5)
    assert await doses(office) == ({} if action == "D" else {"LS1": [day], "P9": [day]})


async def test_what_a_number_alone_reported_is_shared_too(office: Office) -> None:
    """Once a report that says the name has tied the number, the others under it are of who is listed later too."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1"), Shot("E-2", cvx="141", zip5="94301")))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    days = [date(2021, 2, 15)] * 2
    assert await doses(office) == {"LS1": days, "P9": days}


async def test_a_third_plans_member_has_them_too(office: Office) -> None:
    """Who agrees with the report, but in key or number with a holder of its copy only, gets it."""
    await office.read(roster(Row("LS1", zip5="94301", tract="")))
    await office.read(vxu(Shot("E-0", cvx="141", zip5="94301")))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    await office.read(vxu(Shot("E-1")))
    await office.read(roster(Row("H1"), plan="HARBOUR"))
    days = [date(2021, 2, 15)] * 2
    assert await doses(office) == {"H1": days, "LS1": days, "P9": days}


async def test_a_deleted_remark_stays_deleted(office: Office) -> None:
    """What a registry has deleted is no remark about who is listed later."""
    await office.read(roster(HERS))
    await office.read(vxu(Shot("E-1")) + f"{IMMUNE}\r")
    await office.read(vxu(Shot("E-1", action="D", sent=LATER)))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    assert await office.fetch("select from registry_remark where not is_retracted") == []


async def test_a_placeholder_number_shares_nothing(office: Office) -> None:
    """Whoever bears a number that everybody bears is listed like nobody by it."""
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        tokens = [new_id() for _ in range(21)]
        await people_store.save_persons(connection, [Person(member_token) for member_token in tokens])
        everybodys, theirs = ("PI", "", "0"), ("PI", "CAIR", "C-1")
        ties = [*((everybodys, member_token) for member_token in tokens), *((theirs, token) for token in tokens[:20])]
        await key_store.save_keys(connection, ties[:21], ())
        assert await key_store.load_alike(connection, tokens[:1]) == set()
        await key_store.save_keys(connection, ties[21:], ())
        assert await key_store.load_alike(connection, tokens[:1]) == set(tokens[:20])


async def test_a_holder_in_doubt_keeps_his_report(office: Office) -> None:
    """Of two members of one plan who come to agree alike the holder keeps her dose, and another plan's gets his own."""
    await office.read(roster(HERS, Row("LS2", born="19400502", family="Street")))
    await office.read(vxu(Shot("", ids=())))
    key = "insert into person_key select match_key, (select member_token from enrolment where member_id = 'LS2')"
    await office.fetch(f"{key} from person_key join enrolment using (member_token) where member_id = 'LS1' returning 1")
    await office.fetch("update enrolment set birth_on = '1940-05-01' where member_id = 'LS2' returning 1")
    await office.read(roster(COPIED, plan="PRAIRIE"))
    await office.read(vxu(Shot("", ids=(), sent=LATER)))
    assert set(await doses(office)) == {"LS1", "P9"}


async def test_one_plans_word_on_sharing_is_that_plans(office: Office) -> None:
    """Y by one plan's token withholds race and home in that plan's facts, and in no other's."""
    await office.read(roster(Row("LS1", race="", tract="")))
    await office.read(roster(Row("P9", race="", tract=""), plan="PRAIRIE"))
    await office.read(vxu(Shot("E-1", race="2106-3^White^CDCREC", tract="06037228410")))
    await join(office)
    await office.read(message(p12="Y", sent=LATER), tenant="prairie")
    facts = await office.last_facts()
    assert (facts["LS1"]["race_ethnicity"], facts["P9"]["race_ethnicity"]) == ("white", "unknown")


async def test_who_is_joined_meanwhile_is_asked_as_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who become one between a row's being linked and their being locked get its dose as one person."""
    await office.read(roster(HERS))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    lock_persons = people_store.lock_persons

    async def joined_first(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, Person]:
        monkeypatch.setattr(people_store, "lock_persons", lock_persons)
        await join(office)
        return await lock_persons(connection, tokens)

    monkeypatch.setattr(people_store, "lock_persons", joined_first)
    await office.read(vxu(Shot("E-1")))
    assert await office.fetch(RETIRED) == []
    assert len(await office.fetch("select from dose")) == 1


async def test_who_is_joined_has_each_report_once(office: Office) -> None:
    """Of a third plan's member the person made of two has no further report of what one of them had."""
    await office.read(roster(Row("H1"), plan="HARBOUR"))
    await office.read(vxu(Shot("E-1")))
    await office.read(roster(Row("LS1", zip5="94301", tract="")))
    await office.read(roster(COPIED, plan="PRAIRIE"))
    first, *_, third = [row["member_token"] for row in await office.fetch("select member_token from person order by 1")]
    async with working(office.database.pool) as work:
        [older] = await office.fetch("select member_token from enrolment where member_id = 'LS1'")
        book = await load_persons_book(work.connection, [older["member_token"], third])
        book.join(older["member_token"], third)
        await settle_book(work, book, 0, date(2021, 3, 2))
    of_whom = "select member_token from dose_report where not is_retracted order by 1"
    assert [row["member_token"] for row in await office.fetch(of_whom)] == [first, older["member_token"]]
