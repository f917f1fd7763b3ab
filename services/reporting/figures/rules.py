"""From counts to the figures of the report, with what must not be shown left out. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from schemas.outreach_v1 import Disposition
from services.reporting.figures.hiding.tables import one_table, two_tables
from services.reporting.figures.hiding.visits import Visits, VisitsShown, visits
from services.reporting.figures.report import Disparity, Row, Slots, Week, ZipRow
from services.reporting.population.rules import Coverage, Question, monday_of
from services.reporting.population.shares import Counts, difference, ratio

CONVERSATION = (
    Disposition.COMPLETE,
    Disposition.INITIAL_REFUSAL,
    Disposition.DO_NOT_CALL,
    Disposition.CALLBACK_SCHEDULED,
    Disposition.ALREADY_VACCINATED,
    Disposition.BOOKED,
    Disposition.MOVED,
)
"""Somebody spoke with the member. Not: machines, third parties, a language that nobody spoke."""
WEEKS = 12


Activity = Mapping[tuple[date, str], Mapping[str, int]]
"""How many events of each sort there were, by the week and their kind."""


def disparity(rows: Iterable[Row], level: str = "tract") -> Disparity | None:
    """Of two rows as they are shown: None where one of them is hidden, for whatever reason. ZIP values are shares and
    no ranks, so they have no quarters."""
    seen = {row.group: row.coverage for row in rows}
    most, least = seen.get(f"{level}:4"), seen.get(f"{level}:1")
    if most is None or least is None:
        return None
    first, second = _counts(most), _counts(least)
    if first is None or second is None:
        return None
    return Disparity(level, most, least, difference(first, second), ratio(first, second))


def _counts(seen: Coverage) -> Counts | None:
    return None if seen.members is None or seen.vaccinated is None else Counts(seen.members, seen.vaccinated)


def zip_rows(rows: Iterable[Row], listed: Iterable[str]) -> tuple[ZipRow, ...]:
    """A table of coverage by ZIP that marks the listed target ZIPs."""
    wanted = set(listed)
    return tuple(ZipRow(row.group, row.coverage, row.group in wanted) for row in rows)


def first_week(question: Question) -> date:
    """The Monday of the first week that the report shows."""
    return monday_of(question.as_of) - timedelta(weeks=WEEKS - 1)


def weeks_of(
    question: Question, activity: Activity, slots: Iterable[Slots], hidden_stages: Collection[str]
) -> tuple[tuple[Week, ...], dict[date, VisitsShown]]:
    """The last weeks up to the question's, from the first with any activity, also those without, as they may be shown
    beside the places used and the funnel: no more people took a step than there are events of it."""
    last = monday_of(question.as_of)
    begun = min((week_on for week_on, _ in activity), default=last)
    every = [first_week(question) + timedelta(weeks=number) for number in range(WEEKS)]
    weeks = [week_on for week_on in every if week_on >= begun]
    used: dict[date, list[int]] = defaultdict(list)
    for slot in slots:
        used[slot.week_on].append(slot.used or 0)
    exact = {week_on: _visits(activity, week_on, used.get(week_on)) for week_on in weeks}
    seen = visits(exact, no_sum="booked" in hidden_stages)
    cells = {
        (week_on, sort): count for week_on in weeks for sort, count in activity.get((week_on, "attempt"), {}).items()
    }
    groups = {"attempted": list(cells), "reached": [cell for cell in cells if cell[1] in CONVERSATION]}
    attempts = one_table(cells, [groups[stage] for stage in groups if stage in hidden_stages])
    return tuple(_week(week_on, activity, attempts, seen[week_on]) for week_on in weeks), seen


def _visits(activity: Activity, week_on: date, used: Sequence[int] | None) -> Visits:
    def count(kind: str) -> int:
        return activity.get((week_on, kind), {}).get("", 0)

    return Visits(
        count("booking"), count("fulfilled"), count("walk-in"), count("noshow"), count("cancellation"),
        activity.get((week_on, "dose by source"), {}).get("appointment", 0), None if used is None else tuple(used),
    )  # fmt: skip


def _week(
    week_on: date, activity: Activity, attempts: Mapping[tuple[date, str], int | None], seen: VisitsShown
) -> Week:
    by_source, by_svi = two_tables(
        activity.get((week_on, "dose by source"), {}), activity.get((week_on, "dose by svi"), {})
    )
    return Week(
        week_on=week_on, attempts={sort: count for (on, sort), count in attempts.items() if on == week_on},
        bookings=seen.bookings, fulfilled=seen.fulfilled, walk_ins=seen.walk_ins, noshows=seen.noshows,
        cancellations=seen.cancellations, doses_by_source=by_source, doses_by_svi=by_svi,
    )  # fmt: skip
