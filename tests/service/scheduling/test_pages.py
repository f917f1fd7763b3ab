"""Lists that are longer than a page say so, and go on where the page ended."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.service.scheduling.world import MONDAY, World, a_business_day, a_given_dose

pytestmark = pytest.mark.postgres


def followed(answer: httpx.Response) -> str | None:
    """Where the next page is."""
    link = answer.headers.get("Link")
    if link is None:
        return None
    target, relation = link.split("; ")
    assert relation == 'rel="next"'
    return str(target.strip("<>"))


async def pages(world: World, path: str, name: str, *, who: str = "state@*") -> list[list[str]]:
    """The ids of all pages, from the first to the last."""
    found: list[list[str]] = []
    asked: str | None = path
    while asked is not None:
        answer = await world.get(asked, who=who)
        assert answer.status_code == 200, answer.text
        found.append([one[name] for one in answer.json()])
        asked = followed(answer)
    return found


async def test_a_days_appointments_go_on_page_by_page(world: World) -> None:
    """Each once, in the order of their times, also several of one instant; the last page says that it is the last."""
    [slot] = await world.open_block(days=(0,), capacity=9, plan=None)
    whole = [await world.booked(await world.enrol(), slot) for _ in range(5)]
    walk_in = {"enrolment_id": str(await world.enrol()), "site_id": "united-center", "dose": a_given_dose()}
    whole.append((await world.post("/walk-ins", walk_in, who="site@*")).json()["appointment_id"])
    path = f"/appointments?site=united-center&on={MONDAY}"
    [all_at_once] = await pages(world, path, "appointment_id")
    assert set(all_at_once) == set(whole)
    found = await pages(world, f"{path}&limit=4", "appointment_id")
    assert [len(page) for page in found] == [4, 2]
    assert [one for page in found for one in page] == all_at_once


async def test_what_is_overdue_goes_on_page_by_page(world: World) -> None:
    """Also when one of the page before has its outcome by then: none is left out."""
    monday, tuesday = await world.open_block(days=(0, 1), capacity=9, plan=None)
    whole = [await world.booked(await world.enrol(), slot) for slot in (tuesday, monday, monday, tuesday, monday)]
    await world.hear(a_business_day(MONDAY + timedelta(days=2)))
    first = await world.get("/appointments/overdue?limit=2&least_days=1", who="state@*")
    for one in first.json():
        assert (await world.post(f"/appointments/{one['appointment_id']}/noshow", who="site@*")).status_code == 200
    after = followed(first)
    assert after is not None
    rest = [one for page in await pages(world, after, "appointment_id") for one in page]
    assert sorted([*(one["appointment_id"] for one in first.json()), *rest]) == sorted(whole)


async def test_free_slots_go_on_page_by_page(world: World) -> None:
    """Soonest first, each once, and with the other conditions of the look."""
    begin = datetime(2021, 3, 17, 14, tzinfo=UTC)
    slots = [
        {"start_at": (begin + n * timedelta(hours=1)).isoformat(), "capacity": 1,
         "end_at": (begin + n * timedelta(hours=1) + timedelta(minutes=30)).isoformat()}
        for n in range(5)
    ]  # fmt: skip
    opened = [str(slot) for slot in await world.open_block(plan=None, slots=slots)]
    found = await pages(world, "/slots?site=united-center&limit=2", "slot_id", who="coordinator@acme")
    assert found == [opened[:2], opened[2:4], opened[4:]]


@pytest.mark.parametrize("after", ["x", "1_2", "-5_" + "0" * 32, "9" * 18 + "_" + "0" * 32, "1_" + "g" * 32])
@pytest.mark.parametrize(
    "path", ["/slots?", f"/appointments?site=united-center&on={MONDAY}&", "/appointments/overdue?"]
)
async def test_a_place_is_one_that_a_page_named(world: World, path: str, after: str) -> None:
    """Anything else is refused, and never taken for the beginning."""
    assert (await world.get(f"{path}after={after}", who="state@*")).status_code == 422
    assert (await world.get(f"{path}after={'9' * 17}_{'f' * 32}", who="state@*")).json() == []
