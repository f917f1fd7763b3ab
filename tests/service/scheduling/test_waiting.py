"""Bookings of a changed programme are settled page by page, beside the requests."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from schemas.catalog import PROGRAMME
from services.kit import review_queue
from services.kit.review_queue import review_page
from services.kit.unit_of_work import UnitOfWork
from services.scheduling.appointments.rules import Change, LiveBooking
from services.scheduling.doses.rules import Dose
from services.scheduling.settling import flow
from services.scheduling.settling.flow import settle_waiting
from services.scheduling.settling.rules import settle
from services.scheduling.settling.store import WAITING_MEMBERS
from tests.service.scheduling.world import HANDLERS, MONDAY, World, a_business_day, a_dose, a_programme

pytestmark = pytest.mark.postgres

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
EARLIER = a_programme("il-later", began_on=MONDAY, version=2)
MEMBERS, DOSES, PAGE = 7, 5, 2


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_queue, "AT_ONCE", PAGE)


async def booked_members(world: World) -> list[str]:
    """Bookings of seven members under a programme that begins on Wednesday; five had a dose on Tuesday."""
    [slot] = await world.open_block(days=(4,), capacity=MEMBERS, plan=None)
    await world.hear(a_programme("il-later", began_on=WEDNESDAY))
    members = [uuid4() for _ in range(MEMBERS)]
    booked = [await world.booked(await world.enrol("acme", member, "il-later"), slot) for member in members]
    await world.hear(*(a_dose(member, on=TUESDAY) for member in members[:DOSES]))
    return booked


async def hear_only(world: World, *events: object) -> None:
    """The handler of programmes alone: nobody is settled yet."""
    async with world.everything() as connection:
        await HANDLERS[PROGRAMME](UnitOfWork(connection), list(events))


async def waiting(world: World) -> int:
    async with world.everything() as connection:
        count: int = await connection.fetchval("select count(*) from waiting_member")
        return count


async def statuses(world: World, booked: Sequence[str]) -> list[str]:
    return [await world.status_of(appointment_id) for appointment_id in booked]


@pytest.mark.usefixtures("small_pages")
async def test_a_changed_programmes_bookings_are_settled_in_pages(world: World) -> None:
    """The programme's own transaction settles nobody, each page a bounded number, and the last page leaves what one
    transaction over all would have left."""
    booked = await booked_members(world)
    await hear_only(world, EARLIER)
    assert (await statuses(world, booked), await waiting(world)) == (["booked"] * MEMBERS, MEMBERS)
    left = []
    while await review_page(world.pool, WAITING_MEMBERS, settle_waiting):
        left.append(await waiting(world))
    assert left == [5, 3, 1, 0]
    assert await statuses(world, booked) == ["cancelled:pat"] * DOSES + ["booked"] * (MEMBERS - DOSES)
    told = Counter((str(event.appointment_id), event.version) for event in await world.appointment_news())
    assert told == Counter([(one, 1) for one in booked] + [(one, 2) for one in booked[:DOSES]])
    assert (await world.pool_news())[-1].booked == MEMBERS - DOSES


@pytest.mark.usefixtures("small_pages")
async def test_none_is_lost_when_the_process_dies(world: World) -> None:
    """A process that ends within a page has done nothing of it and forgotten nobody: the next one goes on."""
    booked = await booked_members(world)
    await hear_only(world, EARLIER)
    assert await review_page(world.pool, WAITING_MEMBERS, settle_waiting)

    async def die(work: UnitOfWork, members: Sequence[UUID]) -> int:
        await settle_waiting(work, members)
        raise ConnectionResetError

    before = await statuses(world, booked)
    with pytest.raises(ConnectionResetError):
        await review_page(world.pool, WAITING_MEMBERS, die)
    assert (await statuses(world, booked), await waiting(world)) == (before, MEMBERS - PAGE)
    assert await world.settle() == 3
    assert await statuses(world, booked) == ["cancelled:pat"] * DOSES + ["booked"] * (MEMBERS - DOSES)


@pytest.mark.usefixtures("small_pages")
async def test_several_instances_share_the_queue(world: World) -> None:
    """Whoever is taken by one instance is skipped by the others: each booking changes once."""
    booked = await booked_members(world)
    await hear_only(world, EARLIER)
    await asyncio.gather(*(world.settle() for _ in range(4)))
    await world.settle()
    assert await statuses(world, booked) == ["cancelled:pat"] * DOSES + ["booked"] * (MEMBERS - DOSES)
    assert len(await world.appointment_news()) == MEMBERS + DOSES


@pytest.mark.usefixtures("small_pages")
async def test_a_version_that_begins_with_the_day_lets_its_members_wait(world: World) -> None:
    """Whose programme changes as a day opens waits as well, and is settled by that day."""
    [slot] = await world.open_block(days=(4,), plan=None)
    await world.hear(a_programme("il-later"), a_programme("il-later", "flu", WEDNESDAY, version=2))
    booked = await world.booked(await world.enrol("acme", uuid4(), "il-later"), slot)
    async with world.everything() as connection:
        handler = HANDLERS[next(topic for topic in HANDLERS if "business-day" in topic.name)]
        await handler(UnitOfWork(connection), [a_business_day(WEDNESDAY)])
    assert await waiting(world) == 1
    assert await world.settle() == 1
    assert (await waiting(world), await world.status_of(booked)) == (0, "booked")


@pytest.mark.expects_error_log("member set aside")
async def test_one_who_cannot_be_settled_holds_up_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others' bookings end; that one's stays as it was, and waits no more."""
    booked = await booked_members(world)
    async with world.everything() as connection:
        query = "select member_token from appointment where appointment_id = $1"
        bad = await connection.fetchval(query, UUID(booked[0]))

    def choke(live: Sequence[LiveBooking], doses: Mapping[UUID, Sequence[Dose]], today: date) -> list[Change]:
        if any(booking.survivor == bad for booking in live):
            raise ValueError
        return settle(live, doses, today)

    await hear_only(world, EARLIER)
    monkeypatch.setattr(flow, "settle", choke)
    await world.settle()
    assert await statuses(world, booked) == ["booked", *["cancelled:pat"] * (DOSES - 1), *["booked"] * 2]
    assert await waiting(world) == 0
