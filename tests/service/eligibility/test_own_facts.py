"""Eligibility knows what it has said."""

from datetime import date

import pytest

from services.eligibility.app import OWNED
from tests.own_facts import check_owned
from tests.servers import OpenDatabase
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu

pytestmark = pytest.mark.postgres


async def test_every_fact_is_found_in_the_store(office: Office, database: OpenDatabase) -> None:
    """Decisions, doses, merges, programmes, days and files that were announced are found by their newest version."""
    await office.read(roster(Row("LS1", family="Sesam"), Row("LS2")))
    await office.read(roster(Row("LS2", action="001", was=("LS1", "Sesam", "Oma")), day=date(2021, 3, 2)))
    await office.read(vxu(Shot("V1")))
    await office.open_day(date(2021, 3, 2))
    await check_owned(office.database.pool, OWNED, await database("eligibility"))
