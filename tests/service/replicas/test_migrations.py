"""Deployed databases keep what they have heard, and the release before works beside the new one."""

import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from schemas.eligibility_v1 import ProgrammePublishedV1
from services.kit.migrations import Stage, migrate
from services.kit.postgres import prepare
from services.replicas.days import store as days
from services.replicas.persons import flow as persons_flow
from services.replicas.persons import store as persons
from services.replicas.persons.rules import Merge
from services.replicas.programmes import flow as programmes_flow
from services.replicas.programmes import store as programmes
from tests.facts import DAY, PROGRAMME, a_day, a_programme, member_token
from tests.servers import SERVICES, OpenDatabase
from tests.service.replicas import before

pytestmark = pytest.mark.postgres
FIRST, SECOND, THIRD = (a_programme(version=n, effective_on=DAY + timedelta(days=7 * (n - 1))) for n in (1, 2, 3))
BOB, ADA, EVE, ZOE = map(member_token, ("bob", "ada", "eve", "zoe"))
FIRST_OF_REPLICAS = {"outreach": 6, "scheduling": 5, "reporting": 6}
COLUMNS = """
select table_name, column_name, data_type, is_nullable from information_schema.columns
where table_name in ('person', 'programme', 'programme_version', 'business_day') order by 1, 2
"""
KEYS = """
select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
where contype = 'p' and conrelid::regclass::text in ('person', 'programme', 'programme_version', 'business_day')
order by 1
"""


class Deployed:
    """A database that the release before has filled, and that is brought on step by step."""

    def __init__(self, service: str, dsn: str, connection: asyncpg.Connection, older: Path) -> None:
        self.service, self.dsn, self.connection, self._older = service, dsn, connection, older

    async def migrate(self, *stages: Stage) -> None:
        """As far as replicas, in these stages."""
        names = sorted((SERVICES / self.service / "migrations").glob("*.sql"))
        for path in names:
            if "replicas" in path.name:
                shutil.copy(path, self._older)
        await migrate(self.dsn, [(self.service, self._older)], stages)

    async def hear_of(self, *tokens: UUID) -> None:
        """The release before hears of these members."""
        said = before.OUTREACH_MEMBERS if self.service == "outreach" else before.SCHEDULING_LOCK
        await self.connection.fetch(said, sorted(tokens))

    async def merge(self, retired: UUID, surviving: UUID) -> None:
        """The release before hears of a merge of two whom it knows."""
        if self.service == "outreach":
            await self.connection.fetch(before.OUTREACH_LOCK, [retired, surviving])
            await self.connection.execute(before.OUTREACH_MERGE, retired, surviving)
        else:
            await self.connection.execute(before.SCHEDULING_LOCK, [retired, surviving])
            await self.connection.execute(before.SCHEDULING_MERGE, [retired], [surviving])

    async def known_merges(self) -> dict[UUID, UUID]:
        """Retired → survivor, as the release before reads it."""
        if self.service == "outreach":
            rows = await self.connection.fetch(before.OUTREACH_LOCK, [BOB, ADA, EVE, ZOE])
        else:
            rows = await self.connection.fetch(before.SCHEDULING_SURVIVORS, [BOB, ADA, EVE, ZOE])
        return {retired: survivor for retired, survivor in rows if retired != survivor}

    async def open(self, business_on: date) -> None:
        """The release before hears that a day was opened."""
        if self.service == "scheduling":
            await self.connection.fetch(before.SCHEDULING_DAY, business_on)
        elif self.service == "outreach":
            await self.connection.execute(before.DAYS_BY_ZONE, ["America/Chicago"], [business_on])
        else:
            said = [{"time_zone": "America/Chicago", "business_on": business_on.isoformat()}]
            await self.connection.execute(before.REPORTING_DAYS, json.dumps(said))
        in_effect = f"{self.service.upper()}_IN_EFFECT"
        await self.connection.fetch(getattr(before, in_effect))

    async def publish(self, *published: ProgrammePublishedV1) -> None:
        """The release before hears of these versions."""
        if self.service == "reporting":
            said = f"[{','.join(one.model_dump_json() for one in published)}]"
            await self.connection.execute(before.REPORTING_VERSIONS, said)
        else:
            names = ["programme_id", "version", "vaccine_group", "effective_on"]
            if self.service == "outreach":
                names = ["programme_id", "version", "title", "vaccine_group", "time_zone", "effective_on"]
            values = [[getattr(one, name) for one in published] for name in names]
            await self.connection.execute(getattr(before, f"{self.service.upper()}_VERSIONS"), *values)
        await self.connection.fetch(getattr(before, f"{self.service.upper()}_IN_EFFECT"))

    async def in_effect(self) -> tuple[int, date] | None:
        """The version in effect and since when the programme runs, as the new release reads it."""
        programme = await programmes.load_programme(self.connection, PROGRAMME)
        return None if programme is None else (programme.version, programme.began_on)


Deploy = Callable[[str], Awaitable[Deployed]]


@pytest.fixture
async def deploy(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Deploy]:
    opened: list[asyncpg.Connection] = []

    async def deployed(service: str) -> Deployed:
        """The service's database as the release before had migrated it."""
        for path in (SERVICES / service / "migrations").glob("*.sql"):
            if int(path.name[:4]) < FIRST_OF_REPLICAS[service]:
                shutil.copy(path, tmp_path)
        dsn = (await database("kit")).owner_dsn
        await migrate(dsn, [(service, tmp_path)])
        connection = await asyncpg.connect(dsn, timeout=10, statement_cache_size=0)
        await prepare(connection)
        opened.append(connection)
        return Deployed(service, dsn, connection, tmp_path)

    yield deployed
    for connection in opened:
        await connection.close()


every = pytest.mark.parametrize("service", ["outreach", "scheduling", "reporting"])
locking = pytest.mark.parametrize("service", ["outreach", "scheduling"])
ALL: Sequence[Stage] = ("pre", "post")


@locking
async def test_who_was_whom_is_known_afterwards(deploy: Deploy, service: str) -> None:
    """Every token that was heard of has its row, and a merged one its person."""
    old = await deploy(service)
    await old.hear_of(BOB, ADA, EVE)
    await old.merge(BOB, ADA)
    await old.migrate(*ALL)
    assert await persons.load_persons(old.connection, [BOB, EVE]) == {BOB: ADA, ADA: ADA, EVE: EVE}


@every
async def test_programmes_and_the_day_are_known_afterwards(deploy: Deploy, service: str) -> None:
    """The version in effect goes on, since when the programme runs is known, and the next day lets the next version
    take effect."""
    old = await deploy(service)
    await old.open(DAY + timedelta(days=6))
    await old.publish(FIRST, SECOND)
    await old.migrate(*ALL)
    assert await days.load_day(old.connection) == DAY + timedelta(days=6)
    assert await old.in_effect() == (1, DAY)
    assert await programmes_flow.open_day(old.connection, [a_day(7)]) == {PROGRAMME}
    assert await old.in_effect() == (2, DAY)


@pytest.mark.parametrize("service", ["outreach", "reporting"])
async def test_of_days_by_time_zone_the_latest_is_the_day(deploy: Deploy, service: str) -> None:
    """A zone that the clock had before does not stand still, nor is it gone back to."""
    old = await deploy(service)
    zones = ["America/New_York", "America/Chicago", "UTC"]
    await old.connection.execute(before.DAYS_BY_ZONE, zones, [DAY - timedelta(days=9), DAY, DAY])
    await old.migrate(*ALL)
    assert await days.load_day(old.connection) == DAY
    assert await programmes_flow.open_day(old.connection, [a_day(-1)]) is None


@locking
async def test_two_releases_tell_each_other_of_merges(deploy: Deploy, service: str) -> None:
    """Until the migration after the rollout each knows the merges that the other has heard of, and of new members."""
    old = await deploy(service)
    await old.hear_of(BOB, ADA)
    await old.migrate("pre")
    await old.merge(BOB, ADA)
    await old.hear_of(EVE)
    known = await persons.lock_persons(old.connection, [BOB, EVE, ZOE])
    assert known == {BOB: ADA, ADA: ADA, EVE: EVE, ZOE: ZOE}
    await persons_flow.merge(old.connection, known, [Merge(ZOE, EVE)])
    assert await old.known_merges() == {BOB: ADA, ZOE: EVE}
    await old.migrate("post")
    assert await persons.load_persons(old.connection, [BOB, ZOE]) == {BOB: ADA, ADA: ADA, ZOE: EVE, EVE: EVE}


@every
async def test_two_releases_tell_each_other_of_days_and_programmes(deploy: Deploy, service: str) -> None:
    """Until the migration after the rollout either opens days and publishes versions, and the other knows."""
    old = await deploy(service)
    await old.open(DAY)
    await old.publish(FIRST)
    await old.migrate("pre")
    await old.publish(SECOND, THIRD)
    await old.open(DAY + timedelta(days=7))
    assert (await days.load_day(old.connection), await old.in_effect()) == (DAY + timedelta(days=7), (2, DAY))
    assert await programmes_flow.open_day(old.connection, [a_day(14)]) == {PROGRAMME}
    assert await old.connection.fetchval(before.LATEST_DAY) == DAY + timedelta(days=14)
    assert await old.connection.fetchval("select version from programme") == 3
    await old.migrate("post")
    assert (await days.load_day(old.connection), await old.in_effect()) == (DAY + timedelta(days=14), (3, DAY))
    assert await days.save_day(old.connection, DAY) is False


@pytest.mark.parametrize(
    ("service", "lock", "reference"),
    [("outreach", before.OUTREACH_LOCK, 0x6F757472), ("scheduling", before.SCHEDULING_LOCK, 0x70726F67)],
)
async def test_a_lock_keeps_out_the_release_before(deploy: Deploy, service: str, lock: str, reference: int) -> None:
    """A person whom one release has locked the other can't lock meanwhile; so with what holds for everybody."""
    old = await deploy(service)
    await old.hear_of(ADA)
    await old.migrate("pre")
    other = await asyncpg.connect(old.dsn, timeout=10, server_settings={"lock_timeout": "50"})
    async with old.connection.transaction():
        await persons.lock_persons(old.connection, [ADA])
        with pytest.raises(asyncpg.LockNotAvailableError):
            await other.fetch(lock, [ADA])
        await programmes.share_reference(old.connection)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await other.fetch("select pg_advisory_xact_lock($1)", reference)
    await other.close()


async def test_reporting_of_before_can_be_rebuilt_meanwhile(deploy: Deploy) -> None:
    """What it empties are tables still."""
    old = await deploy("reporting")
    await old.open(DAY)
    await old.migrate("pre")
    await old.connection.execute(before.REPORTING_EMPTY)
    assert await days.load_day(old.connection) is None


async def test_all_services_have_one_shape(database: OpenDatabase) -> None:
    """The same tables have the same columns, types and keys; reporting alone keeps no persons."""
    shapes = {}
    for service in ("outreach", "scheduling", "reporting"):
        pool = (await database(service)).pool
        shapes[service] = [*map(tuple, await pool.fetch(COLUMNS)), *map(tuple, await pool.fetch(KEYS))]
    assert shapes["outreach"] == shapes["scheduling"]
    assert shapes["reporting"] == [row for row in shapes["outreach"] if row[0] != "person"]
