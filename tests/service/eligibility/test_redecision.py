"""Everybody asked again: what comes in between is not lost, and one person who can't be decided holds up nobody."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from services.eligibility.decisions.flow import days, publishing
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.programmes.documents import parse_programme
from services.kit.postgres import ALL_TENANTS, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.service.eligibility.conftest import FIRST_DAY, Office
from tests.service.eligibility.messages import Row, Shot, roster, vxu
from tests.service.eligibility.programmes import ARMS, HOMEBOUND, facts

pytestmark = pytest.mark.postgres


def street() -> str:
    return roster(*(Row(f"LS{n}", given="Count" + "x" * n, born=f"19{30 + n}0501") for n in range(6)))


async def publish(office: Office, text: str) -> None:
    async with transaction(office.database.pool, ALL_TENANTS) as connection:
        assert await publishing.publish(UnitOfWork(connection), parse_programme(text))


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
        await decision_store.ask_everybody(connection)
        old = await decision_store.load_sweep(connection, 3)
        assert old is not None
        ended = old._replace(tokens=[])
        await decision_store.advance_sweep(connection, ended)
        assert await decision_store.load_sweep(connection, 3) is None
        await decision_store.ask_everybody(connection)
        await decision_store.advance_sweep(connection, old)
        await decision_store.advance_sweep(connection, ended)
        new = await decision_store.load_sweep(connection, 3)
    assert new is not None
    assert (new.after, new.tokens) == (old.after, old.tokens)


# -- somebody who can't be decided


class Poison:
    """Makes the decision about some persons fail as data does: in the database, which undoes their whole batch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tokens: set[UUID] = set()
        monkeypatch.setattr(days, "redecide", self._redecide)

    async def _redecide(self, work: UnitOfWork, tokens: Collection[UUID], *about: Any) -> int:
        found = await redecide(work, tokens, *about)
        if not self.tokens.isdisjoint(tokens):
            await work.connection.execute("""select '"Infinity'::jsonb""")
        return found


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Poison:
    monkeypatch.setattr(days, "PERSONS_PER_BATCH", 4)
    return Poison(monkeypatch)


async def token_of(office: Office, member_id: str) -> UUID:
    [row] = await office.fetch("select member_token from enrolment where member_id = $1", member_id)
    return UUID(str(row["member_token"]))


@pytest.mark.expects_error_log("person set aside")
async def test_one_who_cannot_be_decided_holds_up_nobody(
    office: Office, poison: Poison, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everybody else gets the answer under the new programme, the day and the files go on, and an operator can count
    and see it; the log names nobody."""
    await office.read(street())
    before = REGISTRY.get_sample_value("vcc_set_aside_total", {"work": "decisions"}) or 0
    poison.tokens = {await token_of(office, "LS2")}
    await publish(office, HOMEBOUND)
    await office.work()
    assert set(await facts(office, "street-visits")) == {"LS0", "LS1", "LS3", "LS4", "LS5"}
    assert REGISTRY.get_sample_value("vcc_set_aside_total", {"work": "decisions"}) == before + 1
    said = capsys.readouterr().out
    assert "person set aside" in said
    assert not [word for word in (str(*poison.tokens), "LS2", "Count", "1932") if word in said]


@pytest.mark.expects_error_log("person set aside")
async def test_who_was_set_aside_is_tried_again_on_the_next_day(office: Office, poison: Poison) -> None:
    """On that day once, however often work is looked for; what was wrong is mended on the next one."""
    await office.read(street())
    poison.tokens = {await token_of(office, "LS2")}
    await publish(office, HOMEBOUND)
    await office.work()
    await office.open_day(FIRST_DAY + timedelta(days=1))
    assert "LS2" not in await facts(office, "street-visits")
    assert await days.redecide_due(office.database.pool) == 0
    poison.tokens = set()
    assert await days.redecide_due(office.database.pool) == 0
    assert await office.open_day(FIRST_DAY + timedelta(days=2)) == 1
    assert "LS2" in await facts(office, "street-visits")


@pytest.mark.expects_error_log("person set aside")
async def test_a_dose_is_shown_also_of_whom_cannot_be_decided(office: Office, poison: Poison) -> None:
    """Doses of two persons lay ahead: both are told when their day opens, and one of the two is decided."""
    await office.read(street())
    for name, born in (("Count", "19300501"), ("Countx", "19310501")):
        await office.read(vxu(Shot(name, given=name, born=born, on="20210310")))
    poison.tokens = {await token_of(office, "LS0")}
    await office.open_day(date(2021, 3, 10))
    assert len(await office.events("dose-administered")) == 2
    vaccinated = {name: fact["vaccinated"] for name, fact in (await office.last_facts()).items()}
    assert (vaccinated["LS0"], vaccinated["LS1"]) == (False, True)
