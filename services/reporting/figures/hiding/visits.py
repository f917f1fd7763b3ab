"""What of bookings, visits and places may be shown, week by week."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from services.reporting.figures.report import Slots
from services.reporting.population.rules import is_few, leaves_open, shown


@dataclass(frozen=True, slots=True)
class Visits:
    """What became of bookings in one week, exactly; `used` by site and plan, where there were blocks."""

    bookings: int = 0
    fulfilled: int = 0
    walk_ins: int = 0
    noshows: int = 0
    cancellations: int = 0
    doses: int = 0
    used: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class VisitsShown:
    """The same as it may be shown; `no_used`: none of the week's places used."""

    bookings: int | None
    fulfilled: int | None
    walk_ins: int | None
    noshows: int | None
    cancellations: int | None
    no_used: bool


def visits(weeks: Mapping[date, Visits], *, no_sum: bool = False) -> dict[date, VisitsShown]:
    """Visits kept are the places used, and with the walk-ins they are the doses at own sites: they are hidden where
    one of these would come out. A booking is kept, missed, cancelled or open: where one of these is few, one week's
    bookings are hidden; and with `no_sum`, because more are not booked than there are bookings."""
    found = {week_on: _week_of_visits(week) for week_on, week in weeks.items()}
    ends = sum(week.fulfilled + week.noshows + week.cancellations for week in weeks.values())
    is_few_open = is_few(abs(sum(week.bookings for week in weeks.values()) - ends))
    is_any_hidden = any(None in {week.fulfilled, week.noshows, week.cancellations} for week in found.values())
    some = [week_on for week_on, week in weeks.items() if week.bookings]
    if some and (no_sum or is_few_open or is_any_hidden) and all(week.bookings is not None for week in found.values()):
        least = min(some, key=lambda week_on: weeks[week_on].bookings)
        found[least] = replace(found[least], bookings=None)
    return found


def _week_of_visits(week: Visits) -> VisitsShown:
    used = [count for count in week.used or () if count]
    is_hidden = (
        is_few(week.fulfilled)
        or is_few(week.walk_ins)
        or is_few(abs(week.fulfilled + week.walk_ins - week.doses))
        or (week.used is not None and is_few(abs(week.fulfilled - sum(used))))
        or (any(map(is_few, used)) and not leaves_open(used))
    ) and bool(week.fulfilled)
    return VisitsShown(
        bookings=shown(week.bookings), fulfilled=None if is_hidden else week.fulfilled,
        walk_ins=None if is_few(abs(week.walk_ins - week.doses)) and not week.fulfilled else shown(week.walk_ins),
        noshows=shown(week.noshows), cancellations=shown(week.cancellations),
        no_used=is_hidden or any(map(is_few, used)),
    )  # fmt: skip


def slots(exact: Iterable[Slots], seen: Mapping[date, VisitsShown]) -> tuple[Slots, ...]:
    """Places by site; in a week in which one place's use can't be told none is."""
    return tuple(
        replace(slot, booked=shown(slot.booked or 0), used=_used(slot.used or 0, seen.get(slot.week_on)))
        for slot in exact
    )


def _used(used: int, week: VisitsShown | None) -> int | None:
    return None if used and week is not None and week.no_used else shown(used)
