"""A published document that the service can't read any more: its answers stand, everything else goes on."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.eligibility.decisions.flow import days, publishing
from services.eligibility.programmes.cli import _list_text
from services.eligibility.programmes.documents import parse_programme
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.programmes import ARMS

pytestmark = pytest.mark.postgres
SPOIL = "update programme set document = replace(document, 'unit: household', 'unit: street') where version = $1"
MEND = "update programme set document = replace(document, 'unit: street', 'unit: household')"
FACTS = """
select member_id, programme_id, fact from decision join enrolment using (enrolment_id) order by member_id, programme_id
"""


async def publish(office: Office, text: str) -> None:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await publishing.publish(UnitOfWork(connection), parse_programme(text))
    await office.work()


async def restart(office: Office) -> list[dict[str, Any]]:
    """Begin again as a new release of the service does; what it logs."""
    with capture_logs() as logs:
        await days.begin(office.database.pool, FIRST_DAY)
        await office.work()
    return [dict(one) for one in logs if one["log_level"] == "error"]


async def of(office: Office, programme_id: str = "street-trial") -> dict[str, dict[str, Any]]:
    return {row["member_id"]: row["fact"] for row in await office.fetch(FACTS) if row["programme_id"] == programme_id}


@pytest.fixture
async def spoilt(office: Office) -> Office:
    """Two members decided under a trial, whose document this service can't read."""
    await publish(office, ARMS)
    await office.read(roster(Row("LS1", born="19560310"), Row("LS2", given="Bert")))
    await office.fetch(SPOIL, 1)
    return office


def counted() -> float:
    return REGISTRY.get_sample_value("vcc_set_aside_total", {"work": "programmes"}) or 0.0


async def test_its_answers_stand_and_everything_else_goes_on(spoilt: Office) -> None:
    """The service starts, tells of it without its content, opens days and reads files; birthdays count elsewhere."""
    before, count = await of(spoilt), counted()
    assert set(before) == {"LS1", "LS2"}
    assert await restart(spoilt) == [{
        "event": "programme can't be read", "log_level": "error", "entity_id": "street-trial", "version": 1,
        "reason": "unreadable",
    }]  # fmt: skip
    assert counted() == count + 1
    await spoilt.open_day(FIRST_DAY + timedelta(days=20))
    await spoilt.read(roster(Row("LS1", born="19560310", end="20210301"), Row("LS3", given="Ernie")))
    assert await of(spoilt) == before
    others = await of(spoilt, "illinois-connectors-65")
    assert (others["LS1"]["reasons"], others["LS3"]["status"]) == (["not-enrolled"], "eligible")


async def test_once_it_can_be_read_what_was_missed_is_made_up_for(spoilt: Office) -> None:
    """The next service that reads it asks everybody: who left is told of, and who came has an arm."""
    await restart(spoilt)
    await spoilt.read(roster(Row("LS1", born="19560310", end="20210101"), Row("LS3", given="Ernie")))
    await spoilt.fetch(MEND)
    assert await restart(spoilt) == []
    facts = await of(spoilt)
    assert "not-enrolled" in facts["LS1"]["reasons"]
    assert set(facts) == {"LS1", "LS2", "LS3"}


async def test_a_later_version_takes_its_place(spoilt: Office) -> None:
    """Until then the version before it, which can be read, is not gone back to."""
    await spoilt.fetch(MEND)
    await publish(spoilt, ARMS.replace("version: 1", "version: 2").replace("age_from: 18", "age_from: 75"))
    await spoilt.fetch(SPOIL, 2)
    await restart(spoilt)
    await spoilt.read(roster(Row("LS3", given="Ernie")))
    facts = await of(spoilt)
    assert {member: fact["programme_version"] for member, fact in facts.items()} == {"LS1": 2, "LS2": 2}
    await publish(spoilt, ARMS.replace("version: 1", "version: 3"))
    facts = await of(spoilt)
    assert {member: fact["programme_version"] for member, fact in facts.items()} == {"LS1": 3, "LS2": 3, "LS3": 3}


def test_the_list_says_so() -> None:
    """An operator sees which version can't be read, and where it is wrong."""
    told = {"programme_id": "street-trial", "version": 1, "wrong": ["document:11: arms.unit: expected person"]}
    assert list(_list_text([told])) == [
        f"wrong {'street-trial':28}version 1, can't be read; its answers stand:",
        "      document:11: arms.unit: expected person",
    ]
