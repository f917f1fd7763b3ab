"""What becomes of live bookings by all that is known, as tables."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from schemas.scheduling_v1 import AppointmentStatus as Status
from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.rules import LiveBooking
from services.scheduling.doses.rules import Dose
from services.scheduling.members.rules import Standing
from services.scheduling.settling.rules import settle
from tests.unit.scheduling.test_appointments import TODAY, an_appointment

BEGAN = date(2021, 1, 4)
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
SHORT, LONG = timedelta(days=16), timedelta(days=17)
A, B, C = (UUID(int=n) for n in (10, 11, 12))


def a_live(
    on: date = TOMORROW,
    standing: Standing = Standing.ELIGIBLE,
    survivor: UUID | None = None,
    booked_on: date = TODAY,
    *,
    doubted: bool = False,
) -> LiveBooking:
    booking = replace(an_appointment(on=on), since_no=5, booked_on=booked_on)
    return LiveBooking(booking, standing, survivor or booking.member_token, BEGAN, doubted)


def a_dose(
    on: date = TODAY,
    heard_no: int = 6,
    *,
    retracted: bool = False,
    group: str = "covid-19",
    groups: tuple[str, ...] = (),
) -> Dose:
    return Dose(uuid4(), 1, UUID(int=2), group, on, retracted, None, heard_no, groups)


@pytest.mark.parametrize(
    ("live", "doses", "reason"),
    [
        (a_live(), [], None),
        (a_live(standing=Standing.DECEASED), [], Cancellation.PAT_DEC),
        (a_live(TODAY, Standing.DECEASED), [], Cancellation.PAT_DEC),
        (a_live(YESTERDAY, Standing.DECEASED), [], None),
        (a_live(standing=Standing.DISENROLLED), [], Cancellation.PAT_MT),
        (a_live(standing=Standing.INELIGIBLE), [], None),
        (a_live(standing=Standing.MERGED), [], None),
        (a_live(standing=Standing.VACCINATED), [], Cancellation.PAT),
        (a_live(TODAY, Standing.VACCINATED), [], None),  # perhaps by this very visit
        (a_live(), [a_dose()], Cancellation.PAT),
        (a_live(), [a_dose(heard_no=4)], None),  # known when it was booked
        (a_live(), [a_dose(heard_no=4), a_dose()], Cancellation.PAT),
        (a_live(), [a_dose(retracted=True)], None),
        (a_live(), [a_dose(group="flu")], None),
        (a_live(), [a_dose(group="mmr", groups=("mmr", "covid-19"))], Cancellation.PAT),  # a combination
        (a_live(booked_on=TOMORROW - SHORT), [a_dose(TOMORROW - SHORT)], Cancellation.PAT),
        (a_live(booked_on=TOMORROW - LONG), [a_dose(TOMORROW - LONG)], None),  # that of the day is for the next dose
        (a_live(booked_on=BEGAN - timedelta(days=9)), [a_dose(BEGAN - timedelta(days=1))], None),
        (a_live(), [a_dose(YESTERDAY)], None),  # given before somebody booked: an earlier one, reported late
        (a_live(), [a_dose(BEGAN)], None),
        (a_live(standing=Standing.INELIGIBLE), [a_dose(YESTERDAY)], Cancellation.PAT),  # and nothing is due
        (a_live(TODAY, Standing.VACCINATED), [a_dose(YESTERDAY)], Cancellation.PAT),
        (a_live(standing=Standing.INELIGIBLE, doubted=True), [a_dose(YESTERDAY)], None),  # out for another reason
        (a_live(TODAY, booked_on=YESTERDAY), [a_dose(YESTERDAY)], Cancellation.PAT),
        (a_live(TODAY), [a_dose(TODAY)], None),  # the registry may be faster than the site
        (a_live(YESTERDAY), [a_dose(BEGAN)], None),
    ],
)
def test_what_is_known_decides(live: LiveBooking, doses: list[Dose], reason: Cancellation | None) -> None:
    """One booking and what is known of its member: kept, or cancelled for a fitting reason, and never late."""
    changes = settle([live], {live.survivor: doses}, TODAY)
    assert [after.cancellation_reason for _, after in changes] == ([reason] if reason else [])
    assert not any(after.cancelled_late for _, after in changes)
    assert all(after.by_rule for _, after in changes)


def test_the_dose_of_the_appointment_itself_does_not_cancel_it() -> None:
    """Were its own dose heard while it is still booked, the site's record is awaited."""
    live = a_live()
    own = replace(a_dose(), appointment_id=live.appointment.appointment_id)
    assert settle([live], {live.survivor: [own]}, TODAY) == []


def test_a_booking_moves_to_the_survivor_or_ends() -> None:
    """The survivor's own stays; of two that would move, the first moves; one of a past day is left alone."""
    survivor = UUID(int=99)
    moves, ends = a_live(survivor=survivor), a_live(survivor=survivor)
    [first, second] = settle([moves, ends], {}, TODAY)
    assert (first[1].cancellation_reason, second[1].member_token) == (Cancellation.OTH_ERR, survivor)
    own = a_live()
    own = own._replace(appointment=replace(own.appointment, member_token=survivor), survivor=survivor)
    [(_, after)] = settle([moves, own], {}, TODAY)
    assert (after.appointment_id, after.status) == (moves.appointment.appointment_id, Status.CANCELLED)
    assert settle([a_live(YESTERDAY, survivor=survivor), own], {}, TODAY) == []
