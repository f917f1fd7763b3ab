"""Which weeks of slots may be opened, as tables."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from services.scheduling.blocks import rules
from services.scheduling.blocks.rules import OfferedBlock, SlotTime
from services.scheduling.refusals import RefusalCode
from tests.unit.scheduling.test_appointments import AT, SITE, TODAY

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_time(start: datetime = AT, hours: float = 1) -> SlotTime:
    return SlotTime(start, start + hours * HOUR, 3)


@pytest.mark.parametrize(("day", "fits"), [(-1, False), (0, True), (6, True), (7, False)])
def test_a_week_is_seven_days_from_its_monday(day: int, fits: bool) -> None:
    """Sunday is the last."""
    assert rules.opens_in_week(SITE, TODAY, [AT + timedelta(days=day)]) is fits


@pytest.mark.parametrize(
    ("weeks", "today", "expected"),
    [
        (0, 0, None),
        (0, 6, None),  # on its Sunday a week is not over
        (0, 7, RefusalCode.PAST_WEEK),
        (52, 0, None),
        (53, 0, RefusalCode.FAR_WEEK),
    ],
)
def test_a_week_that_is_opened_is_near(weeks: int, today: int, expected: RefusalCode | None) -> None:
    """Neither over nor more than a year ahead."""
    shift = timedelta(weeks=weeks)
    refusal = rules.check_week(SITE, TODAY + shift, [a_time(AT + shift)], TODAY + timedelta(days=today))
    assert refusal is expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([a_time(), a_time(AT + HOUR)], False),  # one ends as the next begins
        ([a_time(AT + HOUR), a_time()], False),
        ([a_time(), a_time()], True),
        ([a_time(), a_time(AT + HOUR / 2)], True),
        ([a_time(hours=8), a_time(AT + HOUR), a_time(AT + 2 * HOUR)], True),
        ([a_time(hours=8), a_time(AT + 9 * HOUR), a_time(AT + DAY)], False),
    ],
)
def test_slots_take_turns(times: list[SlotTime], expected: bool) -> None:
    """The same time twice and hours on top of each other are one mistake."""
    assert rules.overlap(times) is expected


@pytest.mark.parametrize(
    ("plan", "days", "held"), [("acme", 2, None), ("acme", 3, "acme"), (None, 9, None), ("acme", 0, None)]
)
def test_what_is_near_is_held_for_nobody(plan: str | None, days: int, held: str | None) -> None:
    """With a release of two days, the day after tomorrow is open from the first moment."""
    assert rules.held_for(plan, TODAY + timedelta(days=days), TODAY, 2) == held


@pytest.mark.parametrize(
    ("gives", "expected"),
    [
        ({"208": "covid-19", "197": "flu"}, False),
        ({"208": "covid-19", "207": "covid-19"}, False),
        ({"207": "covid-19"}, True),
        ({"208": "flu"}, True),
    ],
)
def test_a_product_left_out_breaks_its_blocks(gives: dict[str, str], expected: bool) -> None:
    """A block is for one product and vaccine; another of the same vaccine is not what it offers."""
    block = OfferedBlock(uuid4(), TODAY, "208", "covid-19", 2)
    gone = OfferedBlock(uuid4(), TODAY, "212", "covid-19", 0)  # withdrawn earlier: broken already
    assert rules.no_longer_given([block, gone], {"208": "covid-19"}, gives) == ([block] if expected else [])
