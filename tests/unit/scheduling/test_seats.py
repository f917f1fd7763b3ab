"""Who may have a seat, as tables: one rule for a new one and for another one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.scheduling.appointments import seats
from services.scheduling.appointments.seats import Seeker
from services.scheduling.blocks.rules import Slot
from services.scheduling.days.rules import Moment, has_begun, hour_of, is_far
from services.scheduling.doses.rules import check_age
from services.scheduling.members.rules import Enrolment, Standing, choose_enrolment, standing_of
from services.scheduling.refusals import RefusalCode
from tests.service.scheduling.world import a_fact
from tests.unit.scheduling.test_appointments import AT, TODAY, a_slot, an_enrolment

TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
LATER = datetime(2026, 11, 29, 12, tzinfo=UTC)
UNKNOWN = Moment(LATER, LATER)
"""Days of another time are open, and nobody says an hour of them."""


@pytest.mark.parametrize(
    ("standing", "slot", "expected"),
    [
        (Standing.ELIGIBLE, a_slot(), None),
        (Standing.ELIGIBLE, a_slot(held_for=None), None),
        (Standing.ELIGIBLE, a_slot(held_for="blue"), RefusalCode.HELD),
        (Standing.ELIGIBLE, a_slot(group="flu"), RefusalCode.OTHER_VACCINE),
        (Standing.ELIGIBLE, replace(a_slot(), is_given=False), RefusalCode.NOT_GIVEN_HERE),
        (Standing.ELIGIBLE, a_slot(YESTERDAY), RefusalCode.PAST_SLOT),
        (Standing.ELIGIBLE, a_slot(TOMORROW), None),
        (Standing.VACCINATED, a_slot(), RefusalCode.VACCINATED),
        (Standing.INELIGIBLE, a_slot(), RefusalCode.INELIGIBLE),
        (Standing.DISENROLLED, a_slot(), RefusalCode.INELIGIBLE),
        (Standing.DECEASED, a_slot(), RefusalCode.INELIGIBLE),
    ],
)
def test_who_may_take_what(standing: Standing, slot: Slot, expected: RefusalCode | None) -> None:
    """The member must be eligible, the slot open to the plan, of the vaccine, given there, and not over."""
    assert seats.may_take(a_seeker(an_enrolment(standing)), slot, TODAY, UNKNOWN) == expected


def a_seeker(enrolment: Enrolment, *, is_reported: bool = False) -> Seeker:
    return Seeker(enrolment, "covid-19", is_reported)


@pytest.mark.parametrize(
    ("standing", "reasons", "is_reported", "expected"),
    [
        (Standing.ELIGIBLE, (), True, RefusalCode.DEATH_REPORTED),
        (Standing.ELIGIBLE, ("death-reported",), False, RefusalCode.DEATH_REPORTED),
        (Standing.INELIGIBLE, ("death-reported",), False, RefusalCode.DEATH_REPORTED),
        (Standing.INELIGIBLE, ("death-reported", "under-age"), False, RefusalCode.INELIGIBLE),
        (Standing.VACCINATED, (), True, RefusalCode.VACCINATED),
        (Standing.DECEASED, ("deceased",), True, RefusalCode.INELIGIBLE),
    ],
)
def test_whose_death_was_reported_gets_no_seat(
    standing: Standing, reasons: tuple[str, ...], is_reported: bool, expected: RefusalCode
) -> None:
    """Until it is checked, whether eligibility has heard of it or not; what would refuse the member anyhow is said."""
    enrolment = replace(an_enrolment(standing), reasons=reasons)
    assert seats.may_be_seated(a_seeker(enrolment, is_reported=is_reported)) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Standing.ELIGIBLE),
        ({"vaccinated": True}, Standing.ELIGIBLE),  # a booster
        ({"eligible": False, "vaccinated": True}, Standing.VACCINATED),
        ({"eligible": False, "vaccinated": True, "reasons": ["death-reported"]}, Standing.INELIGIBLE),
        ({"eligible": False, "vaccinated": True, "reasons": ["death-reported", "already-vaccinated"]},
         Standing.VACCINATED),
        ({"eligible": False, "reasons": ["deceased", "not-enrolled"], "enrolled": False}, Standing.DECEASED),
        ({"eligible": False, "reasons": ["death-reported", "not-enrolled"], "enrolled": False}, Standing.DISENROLLED),
    ],
)  # fmt: skip
def test_what_a_fact_means(change: dict[str, Any], expected: Standing) -> None:
    """Somebody who is out only until a death is checked is not taken for vaccinated: the next dose may be due."""
    fact = a_fact(an_enrolment().enrolment_id, an_enrolment().member_token, **change)
    assert standing_of(fact) is expected


@pytest.mark.parametrize(
    ("known", "programme", "expected"),
    [
        ([], None, RefusalCode.UNKNOWN_ENROLMENT),
        ([an_enrolment()], None, an_enrolment()),
        ([an_enrolment()], "il-covid", an_enrolment()),
        ([an_enrolment()], "il-flu", RefusalCode.UNKNOWN_ENROLMENT),
        ([an_enrolment(), an_enrolment(programme="il-flu")], None, RefusalCode.PROGRAMME_NEEDED),
        ([an_enrolment(), an_enrolment(programme="il-flu")], "il-covid", an_enrolment()),
        ([an_enrolment(Standing.MERGED)], None, RefusalCode.UNKNOWN_ENROLMENT),
    ],
)
def test_which_enrolment_is_meant(
    known: list[Enrolment], programme: str | None, expected: Enrolment | RefusalCode
) -> None:
    """The one that was named, or the only one; a merged one waits to be restated."""
    assert choose_enrolment(known, programme) == expected


@pytest.mark.parametrize(("minutes", "over"), [(None, False), (-1, False), (0, True), (1, True), (60 * 24, True)])
def test_a_slot_is_over_when_its_hour_has_come(minutes: int | None, over: bool) -> None:
    """This morning's slot is not booked this afternoon; where nobody knows the hour, the day counts."""
    moment = UNKNOWN if minutes is None else Moment(AT, AT + timedelta(minutes=minutes))
    assert (seats.may_take(a_seeker(an_enrolment()), a_slot(), TODAY, moment) is RefusalCode.PAST_SLOT) is over


A_DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("edge", "start_at", "start_on", "moment", "begun"),
    [
        ("the clock's day, and the site's ends later", AT, YESTERDAY, Moment(AT, AT - timedelta(minutes=1)), False),
        ("the clock's day, and the hour has come", AT, YESTERDAY, Moment(AT - A_DAY, AT), True),
        ("days are simulated, and one says yesterday", AT - A_DAY, YESTERDAY, Moment(AT - A_DAY * 1.1, LATER), True),
        ("days are simulated, and one says this morning", AT, TODAY, Moment(AT - A_DAY / 8, LATER), False),
        ("days are simulated, and one says this afternoon", AT, TODAY, Moment(AT + A_DAY / 8, LATER), True),
        ("days are simulated, and one says tomorrow", AT, TODAY, Moment(AT + A_DAY, LATER), True),
        ("nobody says an hour, and it is today", AT, TODAY, UNKNOWN, False),
        ("nobody says an hour, and it is over", AT, YESTERDAY, UNKNOWN, True),
    ],
)
def test_what_has_begun(edge: str, start_at: datetime, start_on: date, moment: Moment, begun: bool) -> None:
    """The clock says it while days are its own; where days are simulated nobody goes back behind the open one."""
    assert has_begun(start_at, start_on, moment, TODAY) is begun, edge


@pytest.mark.parametrize(
    ("at", "clock", "expected"),
    [
        (AT - timedelta(hours=9), AT, AT),  # what is said of an earlier hour turns no clock back
        (AT, AT + timedelta(days=1), AT + timedelta(days=1)),  # the next day is not opened yet
        (AT, LATER, AT),  # days of another time are opened: the request tells the hour
        (LATER, LATER, None),
    ],
)
def test_the_hour_is_the_clocks_while_days_are(at: datetime, clock: datetime, expected: datetime | None) -> None:
    """The clock tells it if the open day is its own or beside it, else the request, else nobody."""
    assert hour_of(Moment(at, clock), TODAY) == expected


@pytest.mark.parametrize(
    ("at", "clock", "far"),
    [
        (AT, AT, False),
        (AT + timedelta(minutes=4), AT, False),
        (AT + timedelta(hours=4), AT, True),
        (AT + timedelta(days=1), AT, True),
        (AT + timedelta(days=2), AT, True),
        (AT - timedelta(days=30), AT, False),
        (AT - timedelta(days=367), AT, True),
        (LATER, LATER, False),
        (AT + timedelta(days=1), LATER - timedelta(days=4000), False),
        (AT + timedelta(days=9), LATER - timedelta(days=4000), True),
    ],
)
def test_nobody_acts_in_the_far_past_or_in_the_future(at: datetime, clock: datetime, far: bool) -> None:
    """An instant to come, or of more than a year ago, is a slip of the pen."""
    assert is_far(Moment(at, clock), TODAY) is far


@pytest.mark.parametrize(
    ("days_ago", "began_days_ago", "reason", "expected"),
    [
        (0, 90, None, None),
        (30, 90, None, None),
        (31, 90, None, RefusalCode.LATE_DOSE),
        (31, 90, "paper-record", None),
        (5, 4, None, RefusalCode.LATE_DOSE),
        (5, 4, "told-late", None),
        (366, 500, "other", None),
        (367, 500, "other", RefusalCode.OLD_DOSE),
    ],
)
def test_a_dose_of_long_ago_needs_a_reason(
    days_ago: int, began_days_ago: int, reason: str | None, expected: RefusalCode | None
) -> None:
    """Within 30 days and the programme it needs none; of more than a year ago none will do."""
    given_on, began_on = (TODAY - timedelta(days=days) for days in (days_ago, began_days_ago))
    assert check_age(given_on, began_on, TODAY, reason) is expected


def test_days_and_hours_are_of_one_calendar() -> None:
    """What the tables above call today is the day of their instants."""
    assert AT.date() == TODAY == date(2021, 3, 15)
