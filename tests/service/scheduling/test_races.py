"""Many at once over real connections: nothing oversold, nobody booked twice, nothing done twice, no deadlock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from schemas.catalog import PROGRAMME
from services.kit.postgres import ALL_TENANTS, Pool, transaction
from services.kit.unit_of_work import UnitOfWork
from tests.servers import OpenDatabase, prepare_tests
from tests.service.scheduling.world import (
    COVID,
    FLU,
    HANDLERS,
    MONDAY,
    World,
    a_business_day,
    a_dose,
    a_fact,
    a_given_dose,
    a_programme,
    a_site,
)

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

CONNECTIONS, BOOKERS, PLACES = 100, 200, 20


@pytest.fixture
async def crowd(database: OpenDatabase) -> AsyncIterator[World]:
    """The world with a hundred connections."""
    entered = await database("scheduling")
    async with Pool(entered.dsn, max_size=CONNECTIONS, init=prepare_tests) as pool:
        opened = World(pool, entered.owner)
        await opened.begin()
        yield opened
        await opened.check()
        await opened.close()


async def at_once(acts: Iterable[Callable[[], Awaitable[httpx.Response | bool | None]]]) -> list[object]:
    """As many at a time as there are connections, so that nobody waits for one."""
    gate = asyncio.Semaphore(CONNECTIONS)

    async def one(act: Callable[[], Awaitable[httpx.Response | bool | None]]) -> object:
        async with gate:
            return await act()

    return await asyncio.gather(*(one(act) for act in acts))


async def with_places_as_rows(world: World) -> int:
    """The service's own booking, by HTTP."""
    [slot] = await world.open_block(capacity=PLACES)
    members = [uuid4() for _ in range(BOOKERS)]
    await world.hear(*(a_fact(member, member) for member in members))
    answers = await at_once([partial(world.book, member, slot) for member in members])
    codes = [answer.status_code for answer in answers if isinstance(answer, httpx.Response)]
    assert sorted(set(codes)) == [201, 409]
    return codes.count(201)


async def with_read_then_decrement(world: World) -> int:
    """How the open booking interfaces of the field do it."""
    async with world.everything() as connection:
        await connection.execute("create table naive_slot as select $1::int as free", PLACES)

    async def book() -> bool:
        async with transaction(world.pool, ALL_TENANTS) as connection:
            free = await connection.fetchval("select free from naive_slot")
            if free < 1:
                return False
            await connection.execute("update naive_slot set free = $1", free - 1)
            return True

    return (await at_once([book] * BOOKERS)).count(True)


@pytest.mark.capability("F3")
@pytest.mark.parametrize(
    ("book", "oversells"), [(with_places_as_rows, False), (with_read_then_decrement, True)], ids=["ours", "planted"]
)
async def test_two_hundred_bookers_on_twenty_places(
    crowd: World, book: Callable[[World], Awaitable[int]], oversells: bool
) -> None:
    """Exactly twenty get a place; the same crowd oversells where the count is read first."""
    await asyncio.gather(*(crowd.pool.execute("select") for _ in range(CONNECTIONS)))  # it is places they race for
    assert (await book(crowd) > PLACES) is oversells
    if not oversells:
        async with crowd.everything() as connection:
            assert await connection.fetchval("select count(*) from appointment where status = 'booked'") == PLACES
        pools = await crowd.pool_news()
        assert [one.booked for one in sorted(pools, key=lambda one: one.version)] == list(range(PLACES + 1))
        assert [one.version for one in pools] == list(range(1, PLACES + 2))


async def test_of_two_plans_one_books_the_member(crowd: World) -> None:
    """Both plans book the same person at once: one does, whichever it is, for every person."""
    [slot] = await crowd.open_block(capacity=100, plan=None)
    pairs = [[(tenant, uuid4()) for tenant in ("acme", "blue")] for _ in range(40)]
    for pair in pairs:
        member = uuid4()
        await crowd.hear(*(a_fact(enrolment, member, tenant=tenant) for tenant, enrolment in pair))
    flat = [one for pair in pairs for one in pair]
    answers = await at_once([partial(crowd.book, e, slot, tenant=t) for t, e in flat])
    codes = [answer.status_code for answer in answers if isinstance(answer, httpx.Response)]
    assert [sorted(codes[i : i + 2]) for i in range(0, len(codes), 2)] == [[201, 409]] * len(pairs)


async def test_a_cancel_racing_a_dose_record_has_one_winner(crowd: World) -> None:
    """Either the appointment was cancelled or its dose is recorded; never both, and the counts agree."""
    [slot] = await crowd.open_block(days=(0,), capacity=40)
    booked = [await crowd.booked(await crowd.enrol(), slot) for _ in range(30)]
    acts: list[Callable[[], Awaitable[httpx.Response]]] = []
    for one in booked:
        acts.append(partial(crowd.post, f"/appointments/{one}/cancel", {"reason": "pat"}))
        acts.append(partial(crowd.post, f"/appointments/{one}/fulfil", {"dose": a_given_dose()}, who="site@*"))
    answers = await at_once(acts)
    codes = [answer.status_code for answer in answers if isinstance(answer, httpx.Response)]
    assert [sorted(codes[i : i + 2]) for i in range(0, len(codes), 2)] == [[200, 409]] * len(booked)


async def test_a_death_heard_while_booking_leaves_no_booking(crowd: World) -> None:
    """Whoever comes first: the news waits for the booking and cancels it, or the booking waits and is refused."""
    [slot] = await crowd.open_block(capacity=100)
    enrolments = [await crowd.enrol() for _ in range(40)]
    async with crowd.everything() as connection:
        tokens = dict(await connection.fetch("select enrolment_id, member_token from enrolment"))
    acts: list[Callable[[], Awaitable[httpx.Response | None]]] = []
    for one in enrolments:
        died = a_fact(one, tokens[one], version=2, eligible=False, reasons=["deceased"])
        acts.append(partial(crowd.book, one, slot))
        acts.append(partial(crowd.hear, died))
    await at_once(acts)
    async with crowd.everything() as connection:
        assert await connection.fetchval("select count(*) from appointment where status = 'booked'") == 0


async def test_a_dose_heard_while_booking_is_either_known_before_or_cancels(crowd: World) -> None:
    """A booking stands only if the dose was known when it was made."""
    [slot] = await crowd.open_block(capacity=100)
    members = [(await crowd.enrol(member=member), member) for member in (uuid4() for _ in range(40))]
    acts: list[Callable[[], Awaitable[httpx.Response | None]]] = []
    for enrolment, member in members:
        acts.append(partial(crowd.book, enrolment, slot))
        acts.append(partial(crowd.hear, a_dose(member)))
    await at_once(acts)
    async with crowd.everything() as connection:
        query = """select count(*) from appointment join dose using (member_token)
            where (status = 'booked') <> (since_no > heard_no)"""
        assert await connection.fetchval(query) == 0


async def test_moving_both_ways_at_once_never_deadlocks(crowd: World) -> None:
    """Members change places between two full blocks while doses, days and cancellations arrive: every place that is
    free at the end was freed once (any fault would be in the log, and fail this)."""
    [a] = await crowd.open_block(days=(3,), capacity=12)
    [b] = await crowd.open_block(days=(4,), capacity=12, plan=None)
    members = [uuid4() for _ in range(20)]
    await crowd.hear(*(a_fact(member, member) for member in members))
    booked = [await crowd.booked(member, a if i % 2 else b) for i, member in enumerate(members)]
    acts: list[Callable[[], Awaitable[httpx.Response | None]]] = [
        partial(crowd.post, f"/appointments/{one}/reschedule", {"slot_id": str(b if i % 2 else a)})
        for i, one in enumerate(booked)
    ]
    acts += [partial(crowd.hear, *(a_dose(one) for one in m)) for m in (members[:4], members[3::-1])]
    acts += [partial(crowd.post, f"/appointments/{one}/cancel", {"reason": "pat"}) for one in booked[4:8]]
    acts.append(partial(crowd.hear, a_business_day(MONDAY + timedelta(days=1))))
    answers = [answer for answer in await at_once(acts) if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in answers} <= {200, 409}


async def test_a_site_described_by_many_at_once(crowd: World) -> None:
    """Everybody's description is taken, one after the other, without a deadlock."""
    acts = [lambda: crowd.post("/sites", a_site(), who="state@*")] * 30
    answers = [answer for answer in await at_once(acts) if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in answers} == {200}


async def two_bookings(world: World) -> tuple[UUID, UUID, list[UUID]]:
    """An enrolment with a live booking under each of two programmes, a free slot in a third block, the bookings."""
    assert (await world.post("/sites", a_site(site_id="loretto"), who="state@*")).status_code == 200
    enrolment, member = uuid4(), uuid4()
    await world.hear(*(a_fact(enrolment, member, programme=name) for name in ("il-covid", "il-flu")))
    for programme, cvx in (("il-covid", COVID), ("il-flu", FLU)):
        [slot] = await world.open_block(days=(0,), cvx=cvx)
        body = {"enrolment_id": str(enrolment), "slot_id": str(slot), "programme_id": programme}
        assert (await world.post("/appointments", body)).status_code == 201
    [free] = await world.open_block(days=(0,), site_id="loretto", cvx=FLU)
    async with world.everything() as connection:
        rows = await connection.fetch("select appointment_id from appointment order by appointment_id")
    return enrolment, free, [row["appointment_id"] for row in rows]


ACTS: dict[str, Callable[[World, UUID, UUID, list[UUID]], Awaitable[httpx.Response]]] = {
    "book": lambda world, enrolment, free, _: world.post(
        "/appointments", {"enrolment_id": str(enrolment), "slot_id": str(free), "programme_id": "il-flu"}
    ),
    "reschedule": lambda world, _, free, booked: world.post(
        f"/appointments/{booked[1]}/reschedule", {"slot_id": str(free)}
    ),
    "cancel": lambda world, _, __, booked: world.post(f"/appointments/{booked[1]}/cancel", {"reason": "pat"}),
    "fulfil": lambda world, _, __, booked: world.post(
        f"/appointments/{booked[1]}/fulfil", {"dose": a_given_dose(FLU)}, who="site@*"
    ),
    "walk-in": lambda world, enrolment, _, __: world.post(
        "/walk-ins",
        {
            "enrolment_id": str(enrolment),
            "site_id": "united-center",
            "dose": a_given_dose(FLU),
            "programme_id": "il-flu",
        },
        who="site@*",
    ),
}


@pytest.mark.parametrize("act", list(ACTS))
async def test_every_request_locks_in_the_one_order(crowd: World, act: str) -> None:
    """Whoever waits for a person's first appointment has locked no later appointment and no block: somebody who
    goes through appointments and blocks in the documented order is not held up, and there is no deadlock."""
    enrolment, free, booked = await two_bookings(crowd)
    async with crowd.everything() as other:
        await other.execute("select from appointment where appointment_id = $1 for update", booked[0])
        asking = asyncio.ensure_future(ACTS[act](crowd, enrolment, free, booked))
        await until_somebody_waits(crowd.pool)
        await other.execute("set local lock_timeout = '2s'")
        await other.execute("select from appointment where appointment_id = $1 for update", booked[1])
        await other.execute("select from block order by block_id for update")
    assert (await asking).status_code in {200, 201, 409}


async def until_somebody_waits(pool: asyncpg.Pool) -> None:
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while not await pool.fetchval(query):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


async def test_news_of_an_enrolment_that_changed_hands_locks_the_booked_person(crowd: World) -> None:
    """A past booking stays with its member when the enrolment goes to somebody who has a booking: further news of the
    enrolment waits for whoever has locked that member, before it locks the booking."""
    member, rightful = uuid4(), uuid4()
    enrolment, own = await crowd.enrol(member=member), await crowd.enrol(member=rightful)
    today, later = await crowd.open_block(days=(0, 4))
    booked = await crowd.booked(enrolment, today)
    await crowd.booked(own, later)
    await crowd.hear(a_business_day(MONDAY + timedelta(days=1)))
    await crowd.hear(a_fact(enrolment, rightful, version=2))
    async with crowd.everything() as other:
        await other.execute("select from person where member_token = $1 for update", member)
        hearing = asyncio.ensure_future(crowd.hear(a_fact(enrolment, rightful, version=3)))
        await until_somebody_waits(crowd.pool)
        await other.execute("set local lock_timeout = '2s'")
        await other.execute("select from appointment where appointment_id = $1 for update", UUID(booked))
        await other.execute("select from block for update")
    await hearing
    assert await crowd.status_of(booked) == "booked"


async def test_a_dose_waits_for_a_programme_under_way(crowd: World) -> None:
    """A booking is made, and a dose for it heard, while a version of the programme that makes the dose count has looked
    for bookings already: the dose waits for the programme, and ends the booking."""
    enrolment, member, wednesday = uuid4(), uuid4(), MONDAY + timedelta(days=2)
    await crowd.hear(a_programme("il-later", began_on=wednesday), a_fact(enrolment, member, programme="il-later"))
    [slot] = await crowd.open_block()
    async with crowd.everything() as connection:
        earlier = a_programme("il-later", began_on=MONDAY, version=2)
        await HANDLERS[PROGRAMME](UnitOfWork(connection), [earlier])
        booked = await crowd.booked(enrolment, slot)
        hearing = asyncio.ensure_future(crowd.hear(a_dose(member, on=MONDAY + timedelta(days=1))))
        waiting = asyncio.ensure_future(until_somebody_waits(crowd.pool))
        await asyncio.wait([hearing, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    await hearing
    assert await crowd.status_of(booked) == "cancelled:pat"


async def test_the_same_request_sent_ten_times_at_once_books_once(crowd: World) -> None:
    """One appointment, ten equal answers."""
    [slot] = await crowd.open_block(capacity=10)
    enrolment = await crowd.enrol()
    answers = await at_once([lambda: crowd.book(enrolment, slot, key="the-one-and-only")] * 10)
    ids = {answer.json()["appointment_id"] for answer in answers if isinstance(answer, httpx.Response)}
    assert len(ids) == 1


@pytest.mark.expects_error_log("dependency unavailable")
async def test_a_request_whose_connection_was_cut_can_be_sent_again(crowd: World) -> None:
    """The database connection dies in the middle of a booking: nothing is known, the same request with the same key
    books once, and once more gives the same answer."""
    [slot] = await crowd.open_block()
    enrolment = await crowd.enrol()
    async with crowd.pool.acquire() as holder, holder.transaction():
        await holder.execute("select set_config('vcc.tenant', '*', true)")
        await holder.execute("select from block for update")
        asking = asyncio.create_task(crowd.book(enrolment, slot, key="cut-in-the-middle"))
        await cut_the_one_that_waits(crowd.pool)
        assert (await asking).status_code == 503
    again = [await crowd.book(enrolment, slot, key="cut-in-the-middle") for _ in range(2)]
    assert [answer.status_code for answer in again] == [201, 201]
    assert again[0].json() == again[1].json()
    assert again[1].headers["idempotency-replayed"] == "true"
    assert len(await crowd.appointment_news()) == 1


async def cut_the_one_that_waits(pool: asyncpg.Pool) -> None:
    query = """select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and datname = current_database() and wait_event_type = 'Lock'"""
    async with asyncio.timeout(60):
        while await pool.fetchval(query) is None:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


async def test_a_walk_in_of_the_same_dose_at_once_is_recorded_once(crowd: World) -> None:
    """Two clerks record the same walk-in: one dose."""
    enrolment: UUID = await crowd.enrol()
    body = {"enrolment_id": str(enrolment), "site_id": "united-center", "dose": a_given_dose(COVID)}
    answers = await at_once([lambda: crowd.post("/walk-ins", body, who="site@*")] * 6)
    codes = sorted(answer.status_code for answer in answers if isinstance(answer, httpx.Response))
    assert codes == [201, *[409] * 5]
