"""Doses that sites record: with a lot, of a day that makes sense, and once."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.service.scheduling.test_booking import code_of
from tests.service.scheduling.world import (
    COVID,
    MONDAY,
    World,
    a_business_day,
    a_fact,
    a_given_dose,
    a_merge,
    a_programme,
    a_site,
)

pytestmark = pytest.mark.postgres


async def walk_in(world: World, enrolment: UUID, dose: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    body = {"enrolment_id": str(enrolment), "site_id": "united-center", "dose": dose or a_given_dose()}
    return await world.post("/walk-ins", body | more, who="site@*")


async def fulfil(world: World, appointment: str, dose: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    return await world.post(
        f"/appointments/{appointment}/fulfil", {"dose": dose or a_given_dose()} | more, who="site@*"
    )


@pytest.mark.parametrize(
    "lot",
    [
        "",
        "   ",
        "\t",
        "-",
        "?",
        "--//--",
        "unknown",
        "N/A",
        "None",
        "UNK",
        "x" * 33,
        "Zoë1",
        "0",
        "0000/00",
        "XX-XX",
        "not known",
        "Lot #",
        "none given",
        "not on file",
        "See chart",
        "lot unknown",
        "Quixwhistle",
        "1937-11-23",
        "2139997731",
        "no lot number",
        "LOT UNK",
        "unspecified",
        "999999",
    ],
)
async def test_a_lot_is_what_stands_on_the_vial(world: World, lot: str) -> None:
    """Blanks, signs and words for nothing are no lot number, and the refusal does not repeat them."""
    answer = await walk_in(world, await world.enrol(), a_given_dose() | {"lot": lot})
    assert (answer.status_code, code_of(answer)) == (422, "invalid-request")
    [error] = answer.json()["errors"]
    assert error["field"] == "body.dose.lot"
    assert len(lot.strip()) < 3 or lot not in answer.text


@pytest.mark.parametrize(
    ("lot", "kept"), [(" EN6201 ", "EN6201"), ("039K20A", "039K20A"), ("U-7100/AA", "U-7100/AA"), ("NOKIA1", "NOKIA1")]
)
async def test_a_lot_is_kept_without_blanks_around(world: World, lot: str, kept: str) -> None:
    """Blanks around it come from copying."""
    answer = await walk_in(world, await world.enrol(), a_given_dose() | {"lot": lot})
    assert answer.json()["dose"]["lot"] == kept


@pytest.mark.parametrize(
    ("on", "reason", "code"),
    [
        (MONDAY + timedelta(days=1), None, "future-dose"),
        (MONDAY - timedelta(days=30), None, ""),
        (MONDAY - timedelta(days=31), None, "late-dose"),
        (MONDAY - timedelta(days=31), "paper-record", ""),
        (date(2021, 1, 3), None, "late-dose"),  # the programme began on the 4th
        (date(2020, 12, 20), "told-late", ""),
        (date(2020, 12, 1), "told-late", "before-product"),  # authorized on the 2nd
        (date(2020, 3, 1), "told-late", "old-dose"),
        (date(1921, 3, 15), "other", "old-dose"),
    ],
)
async def test_a_walk_ins_day_makes_sense(world: World, on: date, reason: str | None, code: str) -> None:
    """Not to come, not of long ago or of before the programme without a reason; with any not of years ago, nor of
    before the product was in use."""
    answer = await walk_in(world, await world.enrol(), a_given_dose(on=on), late_reason=reason)
    assert code_of(answer) == code if code else (answer.status_code, answer.json()["late_reason"]) == (201, reason)


async def test_a_dose_that_is_recorded_after_weeks_needs_a_reason(world: World) -> None:
    """The outcome of an appointment of 31 days ago is taken with somebody's reason, which is kept."""
    [slot] = await world.open_block(days=(0,))
    booked = await world.booked(await world.enrol(), slot)
    await world.hear(a_business_day(MONDAY + timedelta(days=31)))
    assert code_of(await fulfil(world, booked)) == "late-dose"
    done = await fulfil(world, booked, late_reason="system-outage")
    assert (done.json()["status"], done.json()["late_reason"]) == ("fulfilled", "system-outage")


async def test_a_walk_in_and_a_visit_are_one_dose(world: World) -> None:
    """A member who came late is recorded as a walk-in, and then by the booking of the day before: once, and named."""
    [slot] = await world.open_block(days=(0,))
    enrolment = await world.enrol()
    booked = await world.booked(enrolment, slot)
    tuesday = a_given_dose(on=MONDAY + timedelta(days=1))
    await world.hear(a_business_day(MONDAY + timedelta(days=1)))
    given = (await walk_in(world, enrolment, tuesday)).json()["appointment_id"]
    twice = await fulfil(world, booked, tuesday | {"lot": "EN9999"})
    assert (twice.status_code, code_of(twice), twice.json()["appointment_id"]) == (409, "already-recorded", given)
    assert await world.status_of(booked) == "booked"


async def test_one_vaccine_on_one_day_is_one_dose(world: World) -> None:
    """Another product of the same vaccine, another lot, another programme, another plan: nobody has two on one day."""
    await world.hear(a_programme("il-boost"))
    gives = [{"cvx": cvx, "vaccine_group": "covid-19"} for cvx in (COVID, "207")]
    await world.post("/sites", a_site() | {"gives": gives}, who="state@*")
    member = uuid4()
    first, other = await world.enrol("acme", member), await world.enrol("blue", member, "il-boost")
    assert (await walk_in(world, first)).status_code == 201
    for enrolment, dose in ((first, a_given_dose("207")), (other, a_given_dose() | {"lot": "ZZ1"})):
        assert code_of(await walk_in(world, enrolment, dose)) == "already-recorded"
    yesterday = await walk_in(world, first, a_given_dose(on=MONDAY - timedelta(days=1)))
    assert yesterday.status_code == 201


async def test_the_same_dose_under_two_merged_tokens_is_found(world: World) -> None:
    """Recorded for one of two who turned out to be one, and then for the other: in either direction."""
    for is_retired_first in (True, False):
        retired, survivor = uuid4(), uuid4()
        old, new = await world.enrol("acme", retired), await world.enrol("blue", survivor)
        assert (await walk_in(world, old if is_retired_first else new)).status_code == 201
        await world.hear(a_merge(retired, survivor))
        await world.hear(a_fact(old, survivor, version=2))
        assert code_of(await walk_in(world, new if is_retired_first else old)) == "already-recorded"


async def test_what_was_recorded_in_error_may_be_recorded_again(world: World) -> None:
    """Once it is taken back it is no dose."""
    enrolment = await world.enrol()
    wrong = (await walk_in(world, enrolment)).json()["appointment_id"]
    await world.post(f"/appointments/{wrong}/entered-in-error", who="site@*")
    assert (await walk_in(world, enrolment)).status_code == 201


async def test_a_late_record_of_the_first_dose_leaves_the_second_booking(world: World) -> None:
    """A paper record of February goes in while dose 2 is booked: the booking was made after that dose, and stays."""
    [slot] = await world.open_block(days=(3,))
    enrolment = await world.enrol()
    booked = await world.booked(enrolment, slot)
    first = a_given_dose(on=MONDAY - timedelta(days=21))
    assert (await walk_in(world, enrolment, first)).status_code == 201
    assert await world.status_of(booked) == "booked"
