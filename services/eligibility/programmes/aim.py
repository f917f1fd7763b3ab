"""What a programme is after: a dated dose rule, CDC's forecast, or another preventive service. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

ONE_DAY = timedelta(days=1)

REASONS = {
    "not-forecast": "No forecast is known for the member yet.",
    "forecast-not-covered": "The release of CDC's rules does not cover this day.",
    "immune": "The member is immune.",
    "contraindicated": "The vaccine is contraindicated for the member.",
    "not-recommended": "CDC's rules recommend no dose to the member now.",
    "shared-decision": "A dose is a shared clinical decision, for which the programme does not open outreach.",
    "not-yet-due": "The next dose is not due yet.",
    "service-received": "The member has had the service, and it still holds.",
}
COMPLETE, IMMUNE, CONTRAINDICATED = "Complete", "Immune", "Contraindicated"
SHARED_DECISION, NOT_COMPLETE = "Shared Clinical Decision", "Not Complete"


@dataclass(frozen=True, slots=True)
class ForecastRule:
    """`opens` names the forecast date from which outreach is offered: earliest, due or overdue. Without a `release`
    the newest one that covers the day is asked; with a `jurisdiction`, that state's overlay lies over it."""

    cdsi_group: str
    release: str | None = None
    opens: str = "due"
    shared_decision: bool = False
    jurisdiction: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """Codes of services, each with the months for which it holds."""

    holds_months: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Forecasted:
    """A stored forecast of one vaccine group. Without a dose or news it stands until the day before `stale_on`."""

    release: str
    status: str
    dose_number: int | None = None
    earliest_on: date | None = None
    recommended_on: date | None = None
    past_due_on: date | None = None
    latest_on: date | None = None
    doses_valid: int = 0
    stale_on: date | None = None


class Answer(NamedTuple):
    """`turns_on`: days on which time alone may change this answer."""

    reasons: tuple[str, ...]
    is_done: bool = False
    doses_valid: int = 0
    rule: str = "doses"
    release: str | None = None
    due_on: date | None = None
    turns_on: tuple[date, ...] = ()


def covering(rule: ForecastRule, releases: Iterable[tuple[str, date]], day: date) -> str | None:
    """The release that the rule asks on this day: the one it names, else the newest; none that came out later, since
    the recommendations of the day were others."""
    out = [(on, name) for name, on in releases if on <= day and rule.release in {None, name}]
    if not out:
        return None
    name = max(out)[1]
    return f"{name}+{rule.jurisdiction}" if rule.jurisdiction else name


def by_forecast(rule: ForecastRule, forecasted: Forecasted | None, release: str | None, day: date) -> Answer:
    """`release`: the one that covers the day, None if none does."""
    if release is None:
        return Answer(("forecast-not-covered",), rule="forecast")
    if forecasted is None:
        return Answer(("not-forecast",), rule="forecast", release=release)
    opens_on = _opens_on(rule, forecasted)
    turning = (opens_on, forecasted.recommended_on, forecasted.stale_on)
    return Answer(
        reasons=_why_not(rule, forecasted, opens_on, day),
        is_done=forecasted.status in {COMPLETE, IMMUNE},
        doses_valid=forecasted.doses_valid,
        rule="forecast",
        release=forecasted.release,
        due_on=forecasted.recommended_on,
        turns_on=tuple(turn for turn in turning if turn is not None and turn > day),
    )


def _opens_on(rule: ForecastRule, forecasted: Forecasted) -> date | None:
    match rule.opens:
        case "earliest":
            return forecasted.earliest_on
        case "overdue":
            # CDC's past-due date is the last day on which the dose is not late.
            return None if forecasted.past_due_on is None else forecasted.past_due_on + ONE_DAY
        case _:
            return forecasted.recommended_on


def _why_not(rule: ForecastRule, forecasted: Forecasted, opens_on: date | None, day: date) -> tuple[str, ...]:
    match forecasted.status:
        case "Complete":
            return ("already-vaccinated",)
        case "Immune":
            return ("immune",)
        case "Contraindicated":
            return ("contraindicated",)
        case "Shared Clinical Decision" if not rule.shared_decision:
            return ("shared-decision",)
        case "Shared Clinical Decision" | "Not Complete":
            return () if opens_on is not None and opens_on <= day else ("not-yet-due",)
        case _:
            return ("not-recommended",)


def by_service(rule: ServiceRule, received: Mapping[str, date], day: date) -> Answer:
    """Held by any of the services while it lasts; it no longer holds on the day that many months after it."""
    ends = [
        _months_after(received[code], months)
        for code, months in rule.holds_months.items()
        if code in received and received[code] <= day
    ]
    last = max(ends, default=None)
    holds = last is not None and day < last
    reasons = ("service-received",) if holds else ()
    return Answer(reasons, holds, int(holds), "service", due_on=last, turns_on=(last,) if holds and last else ())


def _months_after(day: date, months: int) -> date:
    """The same day of the month; where there is none, the first of the next. What ends after all dates never does."""
    years, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    if years >= date.max.year:
        return date.max
    try:
        return date(years, month0 + 1, day.day)
    except ValueError:
        return date(years + (month0 == 11), (month0 + 1) % 12 + 1, 1)
