"""The hours in which a state lets people be called, and the holidays. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta

from services.outreach.gate.zones import ANY_STATE

SATURDAY, SUNDAY = 5, 6
EARLIEST = time(4)
"""No calling hours begin before: clocks are changed earlier in the night, so an opening is one instant of its day."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `opens` on, and before `closes`."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if not EARLIEST <= self.opens < self.closes:
            raise ValueError(f"expected hours from {EARLIEST:%H:%M} on, the opening before the closing")

    def has(self, at: time) -> bool:
        return self.opens <= at < self.closes


Week = tuple[Window | None, ...]
"""The hours of each weekday, Monday first; None: closed."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The weeks of the states that have their own, the federal one, and the strictest of all."""

    federal: Week
    states: Mapping[str, Week]
    strictest: Week

    def on(self, state: str, weekday: int) -> Window | None:
        week = self.strictest if state == ANY_STATE else self.states.get(state, self.federal)
        return week[weekday]


def hours_of(federal: Window, states: Mapping[str, tuple[Window | None, ...]]) -> Hours:
    """From hours as the file has them: for weekdays, Saturday and Sunday, or one for all."""
    weeks = {state: _week(said) for state, said in states.items()}
    usual = _week((federal,))
    return Hours(
        usual, weeks, tuple(_intersection([usual[day], *(week[day] for week in weeks.values())]) for day in range(7))
    )


def _week(said: tuple[Window | None, ...]) -> Week:
    if len(said) not in {1, 3}:
        raise ValueError("expected hours for weekdays, Saturday and Sunday, or one for all three")
    return (said[0],) * 5 + (said[1:] if len(said) == 3 else said * 2)


def _intersection(windows: list[Window | None]) -> Window | None:
    there = [window for window in windows if window is not None]
    opens, closes = max(one.opens for one in there), min(one.closes for one in there)
    return Window(opens, closes) if len(there) == len(windows) and opens < closes else None


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day of the year: a date, or the nth of a weekday in a month."""

    month: int
    day: int | None = None
    weekday: int | None = None
    nth: int | None = None

    def __post_init__(self) -> None:
        if (self.day is None) == (self.weekday is None or self.nth is None):
            raise ValueError("expected a day, or a weekday with its nth")

    def days_in(self, year: int) -> Iterator[date]:
        """The day itself, and the weekday on which it is kept if it falls on a weekend."""
        on = date(year, self.month, self.day) if self.day is not None else self._nth_weekday(year)
        yield on
        if on.weekday() == SATURDAY:
            yield on - timedelta(days=1)
        if on.weekday() == SUNDAY:
            yield on + timedelta(days=1)

    def _nth_weekday(self, year: int) -> date:
        assert self.weekday is not None
        assert self.nth is not None
        days = [date(year, self.month, 1) + timedelta(days=number) for number in range(31)]
        right = [day for day in days if day.month == self.month and day.weekday() == self.weekday]
        return right[self.nth - 1 if self.nth > 0 else self.nth]
