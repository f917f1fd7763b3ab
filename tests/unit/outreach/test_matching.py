"""Who may reach a member, who had better, and why."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outreach.matching.rules import (
    Avoided,
    Bar,
    Demand,
    Reason,
    Room,
    Wish,
    bars,
    ranked,
    room_of,
)
from services.outreach.workers.rules import Absence, Discipline, Level, Progress, Training, Worker
from tests.unit.outreach.crowds import COURSE, DEMANDS, FRIDAY, MONDAY, TRAINED, WISHES, WORKERS, a_worker, terms


def rooms(*workers: Worker, load: int = 0, hard_load: int = 0) -> dict[str, Room]:
    return {one.worker_id: room_of(one, terms(), load, hard_load) for one in workers}


@pytest.mark.parametrize(
    ("worker", "demand", "bar"),
    [
        (a_worker(), Demand(avoided=Avoided(workers=frozenset({"w-0"}))), Bar.AVOIDED),
        (a_worker(), Demand(avoided=Avoided(organizations=frozenset({"north"}))), Bar.AVOIDED),
        (a_worker(), Demand(language="es"), Bar.LANGUAGE),
        (a_worker(languages={"es": Level.B1}), Demand(language="es"), Bar.LANGUAGE),
        (a_worker(), Demand(courses=frozenset({COURSE})), Bar.TRAINING),
        (a_worker(trainings=(Training(COURSE, MONDAY),)), Demand(courses=frozenset({COURSE})), Bar.TRAINING),
        (a_worker(), Demand(disciplines=frozenset({Discipline.NURSE})), Bar.DISCIPLINE),
        (a_worker(absences=(Absence(MONDAY, FRIDAY),)), Demand(), Bar.ABSENT),
        (a_worker(working_days={6: "09:00-12:00"}), Demand(), Bar.ABSENT),
    ],
)
def test_each_hard_rule_bars(worker: Worker, demand: Demand, bar: Bar) -> None:
    """Whoever breaks one hard rule is barred by its code and by no other."""
    assert list(bars(worker, demand, terms())) == [bar]


@pytest.mark.parametrize(
    ("worker", "demand"),
    [
        (a_worker(languages={"es": Level.B2}), Demand(language="es")),
        (a_worker(trainings=(TRAINED,)), Demand(courses=frozenset({COURSE}))),
        (a_worker(absences=(Absence(MONDAY, FRIDAY - timedelta(days=1)),)), Demand()),
    ],
)
def test_what_suffices_does_not_bar(worker: Worker, demand: Demand) -> None:
    """The level of the policy, a course that is completed, and one day at work are enough."""
    assert list(bars(worker, demand, terms())) == []


def test_a_training_that_expires_before_the_end_bars() -> None:
    """A course has to hold on every day of the assignment."""
    expiring = Training(COURSE, date(2020, 1, 6), None, date(2020, 3, 9), expires_on=FRIDAY)
    assert list(bars(a_worker(trainings=(expiring,)), Demand(courses=frozenset({COURSE})), terms())) == [Bar.TRAINING]


def test_a_qualified_interpreter_stands_in_for_the_language() -> None:
    """Where the plan has one for the language nobody is barred, and who speaks it comes first."""
    speaking, other = a_worker("w-1", languages={"es": Level.C1}), a_worker("w-0")
    found = ranked([other, speaking], Demand(language="es"), Wish(), terms("es"), rooms(other, speaking))
    assert [(one.worker_id, one.bars, one.deciding) for one in found] == [
        ("w-1", (), Reason.SPEAKS),
        ("w-0", (), Reason.ONLY),
    ]


def test_the_order_of_preferences() -> None:
    """The own case manager first, then who spoke with the member, the language, the culture, the area, the load; each
    is told by its code."""
    staff = [
        a_worker("idle"),
        a_worker("near", zips=frozenset({"90001"})),
        a_worker("alike", cultures=frozenset({"mexican"})),
        a_worker("speaks", languages={"es": Level.C2}),
        a_worker("known"),
        a_worker("manager"),
    ]
    wish = Wish("manager", "known", frozenset({"mexican"}), "90001")
    loads = rooms(*staff) | rooms(a_worker("idle"), load=1)
    found = ranked(staff, Demand(language="es"), wish, terms("es"), loads)
    assert [(one.worker_id, one.deciding) for one in found] == [
        ("manager", Reason.OWN_MANAGER),
        ("known", Reason.CONTINUITY),
        ("speaks", Reason.SPEAKS),
        ("alike", Reason.CULTURE),
        ("near", Reason.AREA),
        ("idle", Reason.ONLY),
    ]


def test_the_load_decides_between_equals() -> None:
    """Of two for whom the same speaks the less loaded comes first, in parts of what each can bear."""
    busy, idle = a_worker("a", capacity=4), a_worker("b", capacity=2)
    loads = {"a": Room(20, 10, 15, 0), "b": Room(10, 4, 15, 0)}
    found = ranked([busy, idle], Demand(), Wish(), terms(), loads)
    assert [(one.worker_id, one.deciding) for one in found] == [("b", Reason.LOAD), ("a", Reason.ONLY)]


@pytest.mark.parametrize(
    ("room", "demand", "expected"),
    [
        (Room(20, 20, 15, 0), Demand(), [Bar.FULL]),
        (Room(20, 19, 15, 0), Demand(is_hard=True), [Bar.FULL]),
        (Room(20, 0, 15, 15), Demand(is_hard=True), [Bar.HARD_CALLS]),
        (Room(20, 0, 15, 15), Demand(), []),
    ],
)
def test_who_has_enough_is_barred(room: Room, demand: Demand, expected: list[Bar]) -> None:
    """A hard case weighs as much as two, and the rest rule caps hard cases alone."""
    [found] = ranked([a_worker()], demand, Wish(), terms(), {"w-0": room})
    assert list(found.bars) == expected


@given(WORKERS, DEMANDS, WISHES, st.randoms())
def test_the_order_of_workers_asked_about_changes_nothing(
    workers: list[Worker], demand: Demand, wish: Wish, dice: Random
) -> None:
    """Candidates come in one order with one explanation, however they are listed."""
    loads = rooms(*workers)
    mixed = list(workers)
    dice.shuffle(mixed)
    first = ranked(workers, demand, wish, terms(), loads)
    again = ranked(mixed, demand, wish, terms(), loads)
    assert [(one, one.deciding) for one in first] == [(one, one.deciding) for one in again]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2021, 1, 3), Progress.ENROLLED),
        (date(2021, 1, 4), Progress.IN_TRAINING),
        (date(2021, 3, 7), Progress.IN_TRAINING),
        (date(2021, 3, 8), Progress.COMPLETED),
        (date(2023, 3, 7), Progress.COMPLETED),
        (date(2023, 3, 8), Progress.EXPIRED),
    ],
)
def test_how_far_a_course_is(day: date, expected: Progress) -> None:
    """From enrolment to the certificate, which holds until the day before it expires."""
    course = Training("chw-certificate", date(2021, 1, 4), "spring", date(2021, 3, 8), date(2023, 3, 8))
    assert course.progress(day) is expected
