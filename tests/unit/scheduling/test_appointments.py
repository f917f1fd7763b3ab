"""The rules of appointments as tables: what one may become, what is counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from schemas.scheduling_v1 import AppointmentStatus as Status
from schemas.scheduling_v1 import DoseGiven
from services.replicas.programmes.rules import Programme
from services.scheduling.appointments import rules
from services.scheduling.appointments.cancellation import Cancellation
from services.scheduling.appointments.rules import NEXT, Appointment
from services.scheduling.blocks.api.problems import problem_of
from services.scheduling.blocks.rules import Slot
from services.scheduling.days.rules import SiteDay
from services.scheduling.doses.rules import DoseRecord
from services.scheduling.members.rules import Enrolment, Standing
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites.rules import Site

TODAY = date(2021, 3, 15)
DAY = SiteDay(TODAY, TODAY)
AT = datetime(2021, 3, 15, 15, tzinfo=UTC)
DOSE = DoseGiven(cvx="208", lot="EN6201", administered_on=TODAY)
PROGRAMME = Programme("il-covid", 1, "covid-19", date(2021, 1, 4))
SITE = Site("united-center", "United Center", "60612", "America/Chicago", "mass", {"208": "covid-19", "197": "flu"})


def an_enrolment(standing: Standing = Standing.ELIGIBLE, programme: str = "il-covid") -> Enrolment:
    return Enrolment(UUID(int=1), programme, "acme", UUID(int=2), 1, standing)


def a_slot(on: date = TODAY, held_for: str | None = "acme", group: str = "covid-19") -> Slot:
    return Slot(uuid4(), uuid4(), "united-center", held_for, AT, AT + timedelta(hours=1), on, 3, "208", group)


def an_appointment(status: Status = Status.BOOKED, on: date = TODAY) -> Appointment:
    booked = rules.book(uuid4(), an_enrolment(), a_slot(on), DAY, "00000000")
    return replace(booked, status=status, dose=DOSE if status is Status.FULFILLED else None)


ACTS: dict[Status, Callable[[Appointment], Appointment | RefusalCode]] = {
    Status.FULFILLED: lambda one: rules.fulfil(one, SITE, DoseRecord(DOSE), DAY),
    Status.CANCELLED: lambda one: rules.cancel(one, Cancellation.PAT_LT, DAY),
    Status.NOSHOW: lambda one: rules.miss(one, DAY),
    Status.ENTERED_IN_ERROR: lambda one: rules.retract(one, TODAY),
}


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("act", list(ACTS))
def test_the_state_table_is_what_the_acts_do(before: Status, act: Status) -> None:
    """Each act leads where the table allows, and is refused everywhere else."""
    after = ACTS[act](an_appointment(before))
    if act in NEXT[before]:
        assert isinstance(after, Appointment)
        assert (after.status, after.version) == (act, 2)
    else:
        assert after is RefusalCode.NOT_BOOKED


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.BOOKED])
def test_only_what_is_booked_can_move(status: Status) -> None:
    """An ended appointment stays where it was."""
    assert rules.reschedule(an_appointment(status), a_slot(), TODAY) is RefusalCode.NOT_BOOKED


@pytest.mark.parametrize(("days", "late"), [(-1, True), (0, True), (1, False)])
def test_a_cancellation_is_late_from_the_day_itself(days: int, late: bool) -> None:
    """The day before is in time."""
    after = rules.cancel(an_appointment(on=TODAY + timedelta(days=days)), Cancellation.PAT_LT, DAY)
    assert isinstance(after, Appointment)
    assert after.cancelled_late is late


@pytest.mark.parametrize(("changes", "moves"), [(0, True), (2, True), (3, False)])
def test_three_changes_are_the_limit(changes: int, moves: bool) -> None:
    """The third is allowed, the fourth is not."""
    after = rules.reschedule(replace(an_appointment(), changes=changes), a_slot(), TODAY)
    assert (after is not RefusalCode.TOO_MANY_CHANGES) is moves


@pytest.mark.parametrize(
    ("cvx", "given_on", "expected"),
    [
        ("208", TODAY, None),
        ("208", TODAY + timedelta(days=1), RefusalCode.FUTURE_DOSE),
        ("208", TODAY - timedelta(days=1), RefusalCode.EARLY_DOSE),
        ("197", TODAY, RefusalCode.OTHER_VACCINE),
        ("207", TODAY, RefusalCode.NOT_GIVEN_HERE),
    ],
)
def test_a_dose_fits_its_appointment_and_its_site(cvx: str, given_on: date, expected: RefusalCode | None) -> None:
    """What the site gives, what was booked, on the day or late but not in the future."""
    record = DoseRecord(DoseGiven(cvx=cvx, lot="L1", administered_on=given_on))
    after = rules.fulfil(an_appointment(), SITE, record, DAY)
    assert (after if isinstance(after, RefusalCode) else None) == expected


def test_a_member_who_comes_a_day_late_is_recorded_with_the_day_they_came() -> None:
    """Yesterday's appointment, today's dose."""
    after = rules.fulfil(an_appointment(on=TODAY - timedelta(days=1)), SITE, DoseRecord(DOSE), DAY)
    assert isinstance(after, Appointment)
    assert (after.dose, after.start_on) == (DOSE, TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("days", "group", "ends"),
    [(-1, "covid-19", False), (0, "covid-19", True), (3, "covid-19", True), (3, "flu", False)],
)
def test_a_dose_ends_the_members_other_bookings_for_that_vaccine(days: int, group: str, ends: bool) -> None:
    """From the dose's day on; not for another vaccine, not of a past day, and never the appointment itself."""
    given = a_walk_in(DOSE)
    other = replace(an_appointment(on=TODAY + timedelta(days=days)), vaccine_group=group)
    ended = rules.overtaken([other, given], given, TODAY)
    assert [(before, after.status) for before, after in ended] == ([(other, Status.CANCELLED)] if ends else [])


@pytest.mark.parametrize(
    ("booked", "days", "ends"), [(-1, 9, True), (0, 6, True), (0, 7, False), (0, 9, False), (1, 9, False)]
)
def test_a_dose_recorded_late_leaves_the_booking_that_was_made_after_it(booked: int, days: int, ends: bool) -> None:
    """Dose 1 of ten days ago, recorded today: whoever booked since then booked dose 2; so did who booked on that day,
    for a day on which dose 2 can be due: three weeks after it, less four days of grace."""
    given_on = TODAY - timedelta(days=10)
    given = a_walk_in(DOSE.model_copy(update={"administered_on": given_on}))
    other = replace(an_appointment(on=TODAY + timedelta(days=days)), booked_on=given_on + timedelta(days=booked))
    assert bool(rules.overtaken([other], given, TODAY)) is ends


def a_walk_in(dose: DoseGiven) -> Appointment:
    given = rules.walk_in(uuid4(), an_enrolment(), SITE, DoseRecord(dose), PROGRAMME, DAY)
    assert isinstance(given, Appointment)
    return given


@pytest.mark.parametrize(
    ("hour", "missed", "given"),
    [(None, True, True), (-61, False, False), (-60, False, True), (-1, False, True), (0, True, True), (90, True, True)],
)
def test_an_appointment_has_no_outcome_before_its_hour(hour: int | None, missed: bool, given: bool) -> None:
    """Nobody is missed before the hour; somebody may come an hour early. Without a clock the day alone counts."""
    now = DAY._replace(hour=None if hour is None else AT + timedelta(minutes=hour))
    assert isinstance(rules.miss(an_appointment(), now), Appointment) is missed
    assert isinstance(rules.fulfil(an_appointment(), SITE, DoseRecord(DOSE), now), Appointment) is given


def test_nobody_is_missed_before_the_hour_at_a_site_whose_day_ends_later() -> None:
    """At midnight in Chicago an evening's visit in Los Angeles is still to come."""
    yesterday = an_appointment(on=TODAY - timedelta(days=1))
    assert rules.miss(yesterday, DAY._replace(hour=AT - timedelta(minutes=1))) is RefusalCode.NOT_YET
    assert isinstance(rules.miss(yesterday, DAY._replace(hour=AT)), Appointment)


def test_an_outcome_that_is_overdue_is_told_and_awaited() -> None:
    """It stays booked; whatever becomes of it is no longer overdue, and a person's deed."""
    due = rules.fall_due(an_appointment(on=TODAY - timedelta(days=1)), TODAY)
    assert (due.status, due.version, due.outcome_overdue, due.by_rule) == (Status.BOOKED, 2, True, True)
    later = [rules.miss(due, DAY), rules.cancel(due, Cancellation.PAT, DAY),
             rules.reschedule(due, a_slot(), TODAY)]  # fmt: skip
    assert [(one.outcome_overdue, one.by_rule) for one in later if isinstance(one, Appointment)] == [(False, False)] * 3


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2021-03-14T07:59:00Z", "America/Los_Angeles", date(2021, 3, 13)),  # winter, -8
        ("2021-03-14T08:00:00Z", "America/Los_Angeles", date(2021, 3, 14)),
        ("2021-03-15T06:59:00Z", "America/Los_Angeles", date(2021, 3, 14)),  # summer, -7
        ("2021-03-15T07:00:00Z", "America/Los_Angeles", date(2021, 3, 15)),
        ("2021-11-08T07:59:00Z", "America/Los_Angeles", date(2021, 11, 7)),  # winter again
        ("2021-03-14T23:00:00Z", "Pacific/Guam", date(2021, 3, 15)),
    ],
)
def test_a_site_counts_its_own_days(instant: str, zone: str, day: date) -> None:
    """Midnight is the site's, before and after the clocks change."""
    assert replace(SITE, time_zone=zone).day_of(datetime.fromisoformat(instant)) == day


@pytest.mark.parametrize(("day", "hour_utc"), [(date(2021, 3, 13), 18), (date(2021, 3, 15), 17)])
def test_a_walk_ins_noon_is_the_sites(day: date, hour_utc: int) -> None:
    """Noon in Chicago, in winter and in summer."""
    assert SITE.noon(day).astimezone(UTC) == datetime(day.year, day.month, day.day, hour_utc, tzinfo=UTC)


def test_blocks_are_counted_by_what_changed() -> None:
    """A move takes from one block and gives to the other; within a block, or of a walk-in, nothing changes."""
    one = an_appointment()
    assert one.block_id is not None
    slot = a_slot()
    moved = replace(one, slot_id=slot.slot_id, block_id=slot.block_id)
    fulfilled = replace(one, status=Status.FULFILLED)
    walk_in = replace(one, slot_id=None, block_id=None, walk_in=True, status=Status.FULFILLED)
    assert rules.count_changes([(None, one)]) == {one.block_id: (1, 0)}
    assert rules.count_changes([(one, moved)]) == {one.block_id: (-1, 0), slot.block_id: (1, 0)}
    assert rules.count_changes([(one, fulfilled)]) == {one.block_id: (-1, 1)}
    assert rules.count_changes([(one, replace(one, status=Status.NOSHOW))]) == {one.block_id: (-1, 0)}
    assert rules.count_changes([(one, replace(one, slot_id=uuid4())), (None, walk_in)]) == {}


def test_every_refusal_says_what_to_do() -> None:
    """No code lacks its title, its sentence or its status."""
    for refusal in RefusalCode:
        problem = problem_of(refusal)
        assert (problem.code, 400 <= problem.status < 500, bool(problem.title), problem.detail.endswith(".")) == (
            refusal,
            True,
            True,
            True,
        )


def test_the_cancellation_reasons_are_the_whole_code_system() -> None:
    """HL7's list has 32 codes."""
    assert len(Cancellation) == 32
