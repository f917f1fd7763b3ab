"""Time passing: only those are asked again for whom it changes something, and only a changed answer is told."""

from datetime import date, timedelta

import pytest

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from services.eligibility.decisions.flow import days
from services.eligibility.programmes.documents import bundled, parse_programme
from tests.servers import OpenDatabase
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, roster

pytestmark = pytest.mark.postgres


@pytest.mark.capability("B2")
async def test_the_65th_birthday(office: Office) -> None:
    """On her birthday a member becomes eligible, by one fact; nobody else is told of."""
    await office.read(roster(Row("LS1", born="19560310"), Row("LS2", given="Bert", born="19400101")))
    assert (await office.last_facts())["LS1"]["reasons"] == ["under-age"]
    assert await office.open_day(date(2021, 3, 9)) == 0
    assert await office.open_day(date(2021, 3, 10)) == 1
    fact = (await office.last_facts())["LS1"]
    assert (fact["status"], fact["age_band"], fact["version"], fact["decided_on"]) == (
        "eligible", "65-69", 2, "2021-03-10",
    )  # fmt: skip


async def test_days_that_are_skipped_are_not_lost(office: Office) -> None:
    """Opening a later day at once asks for everything that came due in between."""
    await office.read(roster(Row("LS1", born="19560310"), Row("LS2", given="Bert", end="20210401")))
    assert await office.open_day(date(2021, 6, 1)) == 2
    facts = await office.last_facts()
    assert (facts["LS1"]["status"], facts["LS2"]["reasons"]) == ("eligible", ["not-enrolled"])


async def test_a_day_is_opened_once_and_never_backwards(office: Office) -> None:
    """Opening an open or a past day changes nothing and says nothing."""
    for day in (date(2021, 3, 3), date(2021, 3, 3), date(2021, 3, 2)):
        await office.open_day(day)
    opened = [fact["business_on"] for fact in await office.events("business-day-opened")]
    assert opened == ["2021-03-01", "2021-03-03"]
    assert await office.fetch("select business_on from clock") == [{"business_on": date(2021, 3, 3)}]


async def test_a_second_start_begins_nothing_again(office: Office) -> None:
    """The first day and the programme are told once, whatever day a later start is given."""
    await days.begin(office.database.pool, date(2029, 1, 1))
    counts = await office.counts()
    assert (counts["business-day-opened"], counts["programme"]) == (1, 1)


async def test_a_programme_document_never_changes(office: Office) -> None:
    """The same version with another text is a fault, not a silent change of rules."""
    changed = parse_programme(bundled()[0].document.replace("65 and older", "65 and wiser"))
    with pytest.raises(RuntimeError, match="new version"):
        await days.begin(office.database.pool, FIRST_DAY, [changed])


async def test_a_new_version_asks_everybody_when_it_takes_effect(office: Office) -> None:
    """A published version holds from its day on; each fact names the version that decided."""
    first = bundled()[0]
    second = parse_programme(
        first.document.replace("\nversion: 1", "\nversion: 2")
        .replace("effective_on: 2021-01-01", "effective_on: 2021-03-05")
        .replace("age_from: 65", "age_from: 75")
    )
    await office.read(roster(Row("LS1", born="19500101"), Row("LS2", given="Bert")))
    documents = [first, second]
    await days.begin(office.database.pool, FIRST_DAY, documents)
    assert await days.redecide_due(office.database.pool, programmes=documents) == 0
    await office.fetch("update clock set business_on = '2021-03-05'")
    assert await days.redecide_due(office.database.pool, programmes=documents) == 2
    facts = await office.last_facts()
    assert {fact["programme_version"] for fact in facts.values()} == {2}
    assert (facts["LS1"]["reasons"], facts["LS2"]["status"]) == (["under-age"], "eligible")


async def test_facts_are_contracts(office: Office) -> None:
    """What stands in the outbox is what the contract reads, and versions count up without a gap."""
    await office.read(roster(*(Row(f"LS{n}", given="Count" + "x" * n, born="19560310") for n in range(5))))
    await office.open_day(FIRST_DAY + timedelta(days=30))
    facts = [MemberEligibilityDecidedV1.model_validate(fact) for fact in await office.events("member-eligibility")]
    versions: dict[object, list[int]] = {}
    for fact in facts:
        versions.setdefault(fact.enrolment_id, []).append(fact.version)
    assert list(versions.values()) == [[1, 2]] * 5


async def test_the_first_day_is_today_if_nobody_says(database: OpenDatabase) -> None:
    """Without a setting the first start opens today in the programme's time zone."""
    opened = await database("eligibility")
    await days.begin(opened.pool, None)
    async with opened.pool.acquire() as connection:
        off = await connection.fetchval("select business_on - (now() at time zone time_zone)::date from clock")
    assert abs(off) <= 1
