"""From counts to the figures of the report, with what must not be shown left out. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from schemas.outreach_v1 import Disposition
from services.reporting.figures.report import Disparity, Funnel, Row, Stage, Week, ZipRow
from services.reporting.population.rules import Question, can_show, cover, cover_table, monday_of, shown
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
STAGES = ("enrolled", "ever-eligible", "case-opened", "attempted", "reached", "booked", "dose-after-outreach")
OUTCOMES = ("dose-after-outreach", "dose-at-own-site-otherwise", "dose-elsewhere", "dose-before-the-case", "no-dose")
WEEKS = 12


Deeds = Mapping[tuple[date, str], Mapping[str, int]]
"""How often each sort of a deed was done, by the week and the deed."""


def disparity(groups: dict[str, Counts], level: str = "tract") -> Disparity | None:
    """None where one of the two could not be shown. ZIP values are shares and no ranks, so they have no quarters."""
    most, least = groups.get(f"{level}:4"), groups.get(f"{level}:1")
    if most is None or least is None or not (can_show(most) and can_show(least)):
        return None
    return Disparity(level, cover(most), cover(least), difference(most, least), ratio(most, least))


def coverage_rows(counts: dict[str, Counts]) -> tuple[Row, ...]:
    """A table of coverage by one column."""
    return tuple(
        Row(group, coverage) for group, coverage in zip(counts, cover_table(list(counts.values())), strict=True)
    )


def zip_rows(counts: dict[str, Counts], listed: Iterable[str]) -> tuple[ZipRow, ...]:
    """A table of coverage by ZIP that marks the listed target ZIPs."""
    wanted = set(listed)
    return tuple(ZipRow(row.group, row.coverage, row.group in wanted) for row in coverage_rows(counts))


def funnel_of(plan: str | None, counts: Mapping[str, int]) -> Funnel:
    """The funnel from exact counts, by the names of the stages and, each after "outcome ", of the outcomes."""
    stages, before = [], None
    for stage in STAGES:
        people = shown(counts[stage])
        stages.append(Stage(stage, people, people / before if people is not None and before else None))
        before = people
    return Funnel(plan, tuple(stages), {outcome: shown(counts[f"outcome {outcome}"]) for outcome in OUTCOMES})


def first_week(question: Question) -> date:
    """The Monday of the first week that the report shows."""
    return monday_of(question.as_of) - timedelta(weeks=WEEKS - 1)


def weeks_of(question: Question, deeds: Deeds) -> tuple[Week, ...]:
    """The last weeks up to the question's, from the first with any deed, also those without."""
    last = monday_of(question.as_of)
    begun = min((week_on for week_on, _ in deeds), default=last)
    weeks = [first_week(question) + timedelta(weeks=number) for number in range(WEEKS)]
    return tuple(_week(week_on, deeds) for week_on in weeks if week_on >= begun)


def _week(week_on: date, deeds: Deeds) -> Week:
    def sorts(deed: str) -> dict[str, int | None]:
        return {sort: shown(count) for sort, count in deeds.get((week_on, deed), {}).items()}

    def count(deed: str) -> int | None:
        return sorts(deed).get("", 0)

    return Week(
        week_on=week_on, attempts=sorts("attempt"), bookings=count("booking"), fulfilled=count("fulfilled"),
        walk_ins=count("walk-in"), noshows=count("noshow"), cancellations=count("cancellation"),
        doses_by_source=sorts("dose by source"), doses_by_svi=sorts("dose by svi"),
    )  # fmt: skip
