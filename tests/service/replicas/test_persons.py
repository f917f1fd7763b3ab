"""Who is locked to decide about a person, on two connections at once."""

import asyncio
from uuid import UUID

import pytest

from services.kit.postgres import ALL_TENANTS, transaction
from services.replicas.persons import flow, store
from services.replicas.persons.rules import Merge
from tests.facts import member_token
from tests.servers import Database, OpenDatabase

pytestmark = pytest.mark.postgres
BOB, ADA, EVE = map(member_token, ("bob", "ada", "eve"))
WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest.fixture(params=["outreach", "scheduling"])
async def kept(request: pytest.FixtureRequest, database: OpenDatabase) -> Database:
    opened: Database = await database(request.param)
    return opened


async def lock(kept: Database, *tokens: UUID) -> dict[UUID, UUID]:
    async with transaction(kept.pool, ALL_TENANTS) as connection:
        return await store.lock_persons(connection, tokens)


async def until_waiting(kept: Database, task: "asyncio.Task[dict[UUID, UUID]]") -> None:
    async with asyncio.timeout(10):
        while not await kept.pool.fetchval(WAITING):
            assert not task.done(), "it had nothing to wait for"
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("wanted", [BOB, ADA])
async def test_who_waited_for_a_merge_has_the_whole_person(kept: Database, wanted: UUID) -> None:
    """Whether the retired token or the surviving one was wanted."""
    async with transaction(kept.pool, ALL_TENANTS) as connection:
        persons = await store.lock_persons(connection, [BOB, ADA])
        other = asyncio.create_task(lock(kept, wanted))
        await until_waiting(kept, other)
        await flow.merge(connection, persons, [Merge(BOB, ADA)])
    assert await other == {BOB: ADA, ADA: ADA}


async def test_somebody_nobody_has_heard_of_is_locked_too(kept: Database) -> None:
    """A second one, who wants the same new token, waits; both have it afterwards."""
    async with transaction(kept.pool, ALL_TENANTS) as connection:
        assert await store.lock_persons(connection, [EVE]) == {EVE: EVE}
        other = asyncio.create_task(lock(kept, EVE))
        await until_waiting(kept, other)
    assert await other == {EVE: EVE}


async def test_all_tokens_of_a_person_are_locked(kept: Database) -> None:
    """Whoever wants another token of the same person waits."""
    async with transaction(kept.pool, ALL_TENANTS) as connection:
        persons = await store.lock_persons(connection, [BOB, ADA, EVE])
        assert await flow.merge(connection, persons, [Merge(BOB, ADA), Merge(EVE, ADA)]) == dict.fromkeys(persons, ADA)
    async with transaction(kept.pool, ALL_TENANTS) as connection:
        await store.lock_persons(connection, [BOB])
        other = asyncio.create_task(lock(kept, EVE))
        await until_waiting(kept, other)
    assert await other == {BOB: ADA, ADA: ADA, EVE: ADA}


async def test_new_and_known_tokens_at_once_end_without_deadlock(kept: Database) -> None:
    """Many who want some of the same tokens, new to each other, all get them."""
    tokens = sorted(member_token(f"member-{n}") for n in range(40))
    got = await asyncio.gather(*(lock(kept, *tokens[n : n + 20 : 1 + n % 3], tokens[-1]) for n in range(20)))
    assert all(set(persons.values()) == set(persons) for persons in got)
