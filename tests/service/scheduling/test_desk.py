"""The desk of a site: booking codes, and how somebody who stands there is found."""

from unittest.mock import patch
from uuid import UUID

import httpx
import pytest

from services.scheduling.appointments import codes
from tests.service.scheduling.world import LOOK_UPS, World, a_site

pytestmark = pytest.mark.postgres

CLERK = "vaccinator@*/united-center"


async def look_up(world: World, code: str, *, site: str = "united-center", who: str = CLERK) -> httpx.Response:
    return await world.get(f"/sites/{site}/appointments?code={code}", who=who)


async def code_of(world: World, slot: UUID) -> str:
    """Of a new booking."""
    answer = await world.book(await world.enrol(), slot)
    return str(answer.json()["booking_code"])


async def test_who_books_is_told_a_code_by_which_the_site_finds_the_booking(world: World) -> None:
    """A booking's answer has a code in two groups, and whoever hears it at the site finds that one booking."""
    [slot] = await world.open_block()
    booked = (await world.book(await world.enrol(), slot)).json()
    await world.booked(await world.enrol(), slot)
    [found] = (await look_up(world, booked["booking_code"].lower().replace("-", " "))).json()
    assert found["appointment_id"] == booked["appointment_id"]
    assert len(booked["booking_code"]) == 9


async def test_a_code_is_for_who_books_and_not_for_a_list(world: World) -> None:
    """The plan's workers read a booking's code again; the site's staff, whose list it would be, do not."""
    [slot] = await world.open_block()
    booked = (await world.book(await world.enrol(), slot)).json()
    path = f"/appointments/{booked['appointment_id']}"
    assert (await world.get(path)).json()["booking_code"] == booked["booking_code"]
    for who in (CLERK, "site@*", "state@*"):
        seen = (await world.get(path, who=who)).json()
        assert (seen["status"], "booking_code" in seen) == ("booked", False)


async def test_a_code_finds_live_bookings_of_the_own_site_alone(world: World) -> None:
    """At another site, to a clerk of another site, or once the booking is off, the code finds nobody."""
    await world.post("/sites", a_site(site_id="navy-pier"), who="state@*")
    [slot] = await world.open_block()
    booked = (await world.book(await world.enrol(), slot)).json()
    code = booked["booking_code"]
    assert (await look_up(world, code, site="navy-pier")).json() == []
    assert (await look_up(world, code, who="vaccinator@*/navy-pier")).json() == []
    await world.post(f"/appointments/{booked['appointment_id']}/cancel", {"reason": "pat-lt"})
    assert (await look_up(world, code)).json() == []


async def test_guesses_run_out(world: World) -> None:
    """Whoever tries codes that nobody has may ask four times a minute; a slip of the tongue costs nothing."""
    [slot] = await world.open_block()
    code = await code_of(world, slot)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for _ in range(LOOK_UPS + 1):
        answer = await look_up(world, wrong)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:vcc:problem:wrong-code")
    for number in range(LOOK_UPS // 10):
        assert (await look_up(world, codes.spell(number))).json() == []
    assert (await look_up(world, code)).status_code == 429


async def test_no_two_live_bookings_have_one_code(world: World) -> None:
    """A code that is drawn while a live booking has it is drawn again; once that one is off it may be another's."""
    [slot] = await world.open_block()
    with patch("services.scheduling.appointments.flow.bookings.secrets.randbits", side_effect=[7, 7, 8]):
        first, second = [(await world.book(await world.enrol(), slot)).json() for _ in range(2)]
    assert first["booking_code"] != second["booking_code"]
    await world.post(f"/appointments/{first['appointment_id']}/cancel", {"reason": "pat-lt"})
    with patch("services.scheduling.appointments.flow.bookings.secrets.randbits", side_effect=[7]):
        assert await code_of(world, slot) == first["booking_code"]


async def test_no_code_is_told_or_written_to_the_trail(world: World) -> None:
    """Facts and the audit trail name the appointment, never its code."""
    [slot] = await world.open_block()
    code = (await code_of(world, slot)).replace("-", "")
    await look_up(world, code)
    async with world.everything() as connection:
        kept = await connection.fetch(
            "select convert_from(payload, 'UTF8') from outbox union all select audit::text from audit"
        )
    assert len(kept) >= 4
    assert any('"booked"' in row[0] for row in kept), "the fact of the booking is among them"
    assert not [row for row in kept if code in row[0] or codes.spoken(code) in row[0]]
