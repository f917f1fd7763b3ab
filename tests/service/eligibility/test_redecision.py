"""Everybody asked again: what comes in between is not lost, and one person who can't be decided holds up nobody."""

from typing import Any

import pytest

from services.eligibility import days, store_decisions
from services.eligibility.programmes.documents import parse_programme
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import Office
from tests.service.eligibility.messages import Row, roster
from tests.service.eligibility.programmes import ARMS, HOMEBOUND
from tests.service.eligibility.test_programmes_live import facts

pytestmark = pytest.mark.postgres


def street() -> str:
    return roster(*(Row(f"LS{n}", given="Count" + "x" * n, born=f"19{30 + n}0501") for n in range(6)))


async def publish(office: Office, text: str) -> None:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        assert await days.publish(UnitOfWork(connection), parse_programme(text))


async def test_a_second_publication_during_the_first_sweep_is_not_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that goes live while the sweep of another is at its first persons has everybody asked all the same."""
    await office.read(street())
    in_lanes, meanwhile = days._redecide_in_lanes, [HOMEBOUND]

    async def with_a_publication(*about: Any) -> int:
        found = await in_lanes(*about)
        if meanwhile:
            await publish(office, meanwhile.pop())
        return found

    monkeypatch.setattr(days, "_redecide_in_lanes", with_a_publication)
    await publish(office, ARMS)
    await days.redecide_due(office.database.pool)
    assert [len(await facts(office, name)) for name in ("street-trial", "street-visits")] == [6, 6]


async def test_a_sweep_that_ended_and_began_again_is_another_one(office: Office) -> None:
    """Two who sweep at once: the slower one, which still holds the old sweep, neither moves nor ends the new one."""
    await office.read(street())
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        await store_decisions.ask_everybody(connection)
        old = await store_decisions.load_sweep(connection, 3)
        assert old is not None
        ended = old._replace(tokens=[])
        await store_decisions.advance_sweep(connection, ended)
        assert await store_decisions.load_sweep(connection, 3) is None
        await store_decisions.ask_everybody(connection)
        await store_decisions.advance_sweep(connection, old)
        await store_decisions.advance_sweep(connection, ended)
        new = await store_decisions.load_sweep(connection, 3)
    assert new is not None
    assert (new.after, new.tokens) == (old.after, old.tokens)
