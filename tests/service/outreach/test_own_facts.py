"""Outreach knows what it has said."""

import pytest

from services.outreach.app import OWNED
from tests.facts import a_fact
from tests.own_facts import check_owned
from tests.servers import OpenDatabase
from tests.service.outreach.builders import Outreach, Worker, case_id
from tests.service.outreach.partnerships import is_ready, referred

pytestmark = pytest.mark.postgres


async def test_every_fact_is_found_in_the_store(outreach: Outreach, worker: Worker, database: OpenDatabase) -> None:
    """Cases, referrals, attempts and retractions that were announced are found by their newest version."""
    await outreach.hear(a_fact("ada"), a_fact("bob"))
    await worker.claim()
    answer = await worker.log(case_id("ada"), "no-answer")
    assert answer.status_code == 201, answer.text
    assert (await worker.retract(answer.json()["attempt_id"])).status_code == 200
    await is_ready(Worker(worker.client, "sue", role="supervisor"), worker)
    await referred(worker)
    await check_owned(outreach.database.pool, OWNED, await database("outreach"))
