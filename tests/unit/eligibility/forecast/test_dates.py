"""CALCDT-1 to CALCDT-6, on the days of the calendar that trip date arithmetic."""

from datetime import date

import pytest

from services.eligibility.forecast.dates import PeriodError, add, parse_period


@pytest.mark.parametrize(
    ("start", "text", "expected"),
    [
        ("2025-11-10", "0 days", "2025-11-10"),
        ("2025-11-10", "6 weeks", "2025-12-22"),
        ("2025-11-10", "6 weeks - 4 days", "2025-12-18"),
        ("2025-11-10", "12 months", "2026-11-10"),
        ("2025-11-10", "12 months - 4 days", "2026-11-06"),
        ("2025-11-10", "7 years + 4 weeks", "2032-12-08"),
        ("2025-11-10", "16 years - 4 months", "2041-07-10"),
        ("2024-02-29", "1 year", "2025-03-01"),
        ("2024-02-29", "4 years", "2028-02-29"),
        ("2024-02-29", "1 years - 4 days", "2025-02-25"),
        ("2025-01-31", "1 month", "2025-03-01"),
        ("2023-12-31", "2 months", "2024-03-01"),
        ("2000-10-31", "6 months", "2001-05-01"),
        ("2025-12-31", "6 months", "2026-07-01"),
        ("2025-10-31", "2 months", "2025-12-31"),
    ],
)
def test_a_period_is_added_as_cdc_adds_it(start: str, text: str, expected: str) -> None:
    """Months come before days, and a day that the month lacks becomes the first of the next month."""
    period = parse_period(text)
    assert period is not None
    assert date.fromordinal(add(date.fromisoformat(start).toordinal(), period)) == date.fromisoformat(expected)


@pytest.mark.parametrize("text", ["", "  ", "n/a"])
def test_an_empty_period_is_none(text: str) -> None:
    """Where CDC gives no value the caller assumes what its table says."""
    assert parse_period(text) is None


@pytest.mark.parametrize("text", ["a fortnight", "12 moons", "12 months minus 4 days", "12"])
def test_an_unknown_period_is_refused(text: str) -> None:
    """A release with a new way to write a period fails when it is loaded, not by a wrong date."""
    with pytest.raises(PeriodError):
        parse_period(text)


def test_equal_periods_are_one_object() -> None:
    """Ages are looked up by the identity of their period."""
    assert parse_period("1 year") is parse_period("12 months")
