"""What a programme is after, with the edges of time: the day before, the day itself, the day after."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.eligibility.programmes.aim import (
    REASONS,
    Forecasted,
    ForecastRule,
    ServiceRule,
    by_forecast,
    by_service,
    covering,
)

DAY = date(2026, 3, 1)
ONE = timedelta(days=1)
DUE = Forecasted("4.64", "Not Complete", 2, DAY - 20 * ONE, DAY, DAY + 30 * ONE, None, 1, DAY + 90 * ONE)
RULE = ForecastRule("Zoster")


@pytest.mark.parametrize(
    ("opens", "shift", "reasons"),
    [
        ("due", 0, ()),
        ("due", -1, ("not-yet-due",)),
        ("earliest", -20, ()),
        ("earliest", -21, ("not-yet-due",)),
        ("overdue", 30, ("not-yet-due",)),
        ("overdue", 31, ()),
    ],
)
def test_outreach_opens_on_its_day(opens: str, shift: int, reasons: tuple[str, ...]) -> None:
    """Earliest and due dates count from the day itself; the past-due date is the last day that is not late."""
    answer = by_forecast(replace(RULE, opens=opens), DUE, "4.64", DAY + shift * ONE)
    assert answer.reasons == reasons
    assert all(day > DAY + shift * ONE for day in answer.turns_on)
    if reasons:
        assert min(answer.turns_on) <= {"due": DAY, "earliest": DAY - 20 * ONE, "overdue": DAY + 31 * ONE}[opens]


@pytest.mark.parametrize(
    ("status", "shared", "reasons", "is_done"),
    [
        ("Complete", False, ("already-vaccinated",), True),
        ("Immune", False, ("immune",), True),
        ("Contraindicated", False, ("contraindicated",), False),
        ("Not Recommended", False, ("not-recommended",), False),
        ("Aged Out", False, ("not-recommended",), False),
        ("Shared Clinical Decision", False, ("shared-decision",), False),
        ("Shared Clinical Decision", True, (), False),
    ],
)
def test_a_status(status: str, shared: bool, reasons: tuple[str, ...], is_done: bool) -> None:
    """A shared clinical decision opens outreach only where the document says so."""
    answer = by_forecast(replace(RULE, shared_decision=shared), replace(DUE, status=status), "4.64", DAY)
    assert (answer.reasons, answer.is_done, answer.release) == (reasons, is_done, "4.64")


def test_a_day_before_every_release_is_refused() -> None:
    """CDC's rules of today say nothing of 2021; each release speaks from its day until the next one does."""
    releases = (("4.64", date(2025, 11, 10)), ("4.70", date(2026, 6, 1)))
    days = (date(2025, 11, 9), date(2025, 11, 10), date(2026, 5, 31), date(2026, 6, 1))
    assert [covering(RULE, releases, day) for day in days] == [None, "4.64", "4.64", "4.70"]
    assert [covering(replace(RULE, release="4.64"), releases, day) for day in days] == [None, "4.64", "4.64", "4.64"]
    assert by_forecast(RULE, DUE, None, DAY).reasons == ("forecast-not-covered",)
    assert by_forecast(RULE, None, "4.64", DAY).reasons == ("not-forecast",)


@pytest.mark.parametrize(
    ("edge", "received", "on", "holds"),
    [
        ("never", {}, DAY, False),
        ("today", {"fecal-immunochemical-test": DAY}, DAY, True),
        ("the last day", {"fecal-immunochemical-test": date(2025, 3, 2)}, DAY, True),
        ("a year ago", {"fecal-immunochemical-test": date(2025, 3, 1)}, DAY, False),
        ("29 February, on 28 February", {"fecal-immunochemical-test": date(2024, 2, 29)}, date(2025, 2, 28), True),
        ("29 February, on 1 March", {"fecal-immunochemical-test": date(2024, 2, 29)}, date(2025, 3, 1), False),
        ("the longer one", {"fecal-immunochemical-test": date(2020, 1, 1), "colonoscopy": date(2019, 1, 1)}, DAY, True),
        ("lies ahead", {"colonoscopy": DAY + ONE}, DAY, False),
        ("in December", {"fecal-immunochemical-test": date(2025, 12, 31)}, date(2026, 12, 30), True),
    ],
)
def test_a_service_holds_for_its_months(edge: str, received: dict[str, date], on: date, holds: bool) -> None:
    """Until the day before that many months are over."""
    answer = by_service(ServiceRule({"colonoscopy": 120, "fecal-immunochemical-test": 12}), received, on)
    assert (answer.is_done, answer.reasons) == (holds, ("service-received",) if holds else ()), edge
    assert bool(answer.turns_on) is holds


def test_reasons_are_sentences() -> None:
    """Each can be read by a coordinator."""
    assert all(text.endswith(".") and code == code.lower() for code, text in REASONS.items())


@pytest.mark.parametrize(("months", "last"), [(1200, date(2126, 3, 1)), (99_999, date.max), (10**12, date.max)])
def test_a_service_that_holds_for_ages(months: int, last: date) -> None:
    """What would end after the last day that there is holds for good."""
    assert by_service(ServiceRule({"colonoscopy": months}), {"colonoscopy": DAY}, DAY).turns_on == (last,)
