"""The parts of the weekly report's page, a question each; a part without anything to show is empty."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from services.reporting.figures.report import Funnel, Report, Week
from services.reporting.figures.rules import CONVERSATION
from services.reporting.pages import charts, maps
from services.reporting.pages.charts import Series
from services.reporting.pages.elements import details, dots, half, left_out, section, table, two
from services.reporting.pages.words import LEVELS, number, percent, points, say, span
from services.reporting.population.rules import Coverage, monday_of


def _coverage(report: Report) -> str:
    halves = [] if report.by_svi else [left_out()]
    for level, title in LEVELS.items():
        rows = [row for row in report.by_svi if row.group.startswith(f"{level}:")]
        if rows:
            halves.append(half(title, dots(f"Coverage {title.lower()}", rows, 170)))
    unknown = [row for row in report.by_svi if row.group == "unknown"]
    if unknown:
        halves.append(half("Area unknown", dots("Coverage where the area is unknown", unknown, 170)))
    gap = report.disparity
    said = "Coverage by quarter of the Social Vulnerability Index. Levels of area are different things and never mixed."
    if gap is not None and gap.most.share and gap.least.share:
        said = (
            f"Of members in the most vulnerable quarter of census tracts {percent(gap.most.share.value)} are "
            f"vaccinated, in the least vulnerable {percent(gap.least.share.value)}: a difference of "
            f"{points(gap.difference)}. Levels of area are different things and never mixed."
        )
    return section("How wide is the gap?", said, two(*halves))


def _map(report: Report) -> str:
    whole, close = maps.draw(report.by_zip, {target.zip5: target.rank for target in report.targets})
    if not whole and not report.targets:
        return ""
    week = (
        f"Listed for the week of {report.targets_week_on:%d %B %Y}." if report.targets_week_on else "None listed yet."
    )
    if report.plan is not None:
        week += " Ranked over all plans; the figures are this plan's own."
    rows = [
        (str(target.rank), target.zip5, maps.places()[target.zip5].city if target.zip5 in maps.places() else "",
         number(target.members), number(target.unvaccinated), percent(target.coverage))
        for target in report.targets
    ]  # fmt: skip
    heads = ("rank", "ZIP", "place", "in the target group", "unvaccinated", "coverage")
    zips = [(row.zip5, "target" if row.listed else "", *_figures(row.coverage)) for row in report.by_zip]
    return section(
        "Where are they?",
        "Every circle is a ZIP, placed at its middle. Rings mark the target ZIPs, where most unvaccinated members of "
        "the target group live; the number is their rank in the table below.",
        f'<div class="maps"><div class="frame">{whole}</div><div class="frame">{close}</div></div>{maps.key()}'
        if whole
        else left_out(),
        half("Target ZIPs", table(week, heads, rows, 3)),
        details("All ZIPs as a table", table("Coverage by ZIP", ("ZIP", "", *FIGURES), zips, 2)),
    )


FIGURES = ("members", "vaccinated", "coverage", "95 % CI")


def _figures(coverage: Coverage) -> tuple[str, str, str, str]:
    share, counts = coverage.share, (number(coverage.members), number(coverage.vaccinated))
    return (*counts, percent(share.value), span(share)) if share else (*counts, "hidden", "")


def _funnel(report: Report) -> str:
    total = next((funnel for funnel in report.funnels if funnel.plan is None), None)
    if total is None:
        return ""
    steps = [
        (
            say(stage.stage),
            stage.people,
            "" if stage.of_previous is None else f"{percent(stage.of_previous)} of step before",
        )
        for stage in total.stages
    ]
    outcomes = [(say(name), people, "") for name, people in total.outcomes.items()]
    plans = [funnel for funnel in report.funnels if funnel.plan is not None]
    rows = [
        (
            say(stage.stage),
            *(f"{number(funnel.stages[i].people)} ({percent(funnel.stages[i].of_previous)})" for funnel in plans),
        )
        for i, stage in enumerate(total.stages)
    ]
    by_plan = table(
        "People, and their share of the step before", ("step", *(str(funnel.plan) for funnel in plans)), rows
    )
    return section(
        "How far does outreach get?",
        _funnel_words(total),
        two(half("Every step with all the steps before it", charts.bars("Funnel", steps, 190)),
             half("What became of those for whom a case was opened", charts.bars("Outcomes", outcomes, 290))),
        details("By plan", by_plan) if plans else left_out("By plan"),
    )  # fmt: skip


def _funnel_words(total: Funnel) -> str:
    steps = {stage.stage: stage for stage in total.stages}
    shares = {stage.stage: stage.of_previous for stage in total.stages[2:] if stage.of_previous is not None}
    said = f"Cases were opened for {number(steps['case-opened'].people)} people; "
    said += f"{number(steps['dose-after-outreach'].people)} of them had their dose at a visit that outreach booked."
    if shares:
        weakest = min(shares, key=lambda stage: shares[stage])
        said += f' Most are lost at the step "{say(weakest)}": {percent(shares[weakest])} get through.'
    return said


def _weeks(report: Report) -> str:
    weeks = [week.week_on for week in report.weeks]
    doses = [
        Series(say(source), [week.doses_by_source.get(source, 0) for week in report.weeks])
        for source in ("appointment", "iis", "plan")
        if any(week.doses_by_source.get(source, 0) != 0 for week in report.weeks)
    ]
    spoken = {str(disposition) for disposition in CONVERSATION}
    attempts = [
        Series("conversation", [_sum(week, spoken, within=True) for week in report.weeks]),
        Series("nobody reached", [_sum(week, spoken, within=False) for week in report.weeks]),
    ]
    visits = [
        Series("kept", [week.fulfilled for week in report.weeks]),
        Series("missed", [week.noshows for week in report.weeks]),
        Series("cancelled", [week.cancellations for week in report.weeks]),
    ]
    groups = sorted({group for week in report.weeks for group in week.doses_by_svi if group.startswith("tract:")})
    by_svi = [
        Series(f"quarter {group[-1]}", [week.doses_by_svi.get(group, 0) for week in report.weeks]) for group in groups
    ]
    halves = [
        half("Doses that count, by where they were given", charts.columns("Doses by source", weeks, doses)),
        half(
            "Attempts to reach a member",
            charts.columns("Attempts", weeks, attempts),
            "Without what is hidden of the dispositions in a week.",
        ),
        half("Booked visits", charts.columns("Visits", weeks, visits)),
        half("Doses by vulnerability of the tract (4: most)", charts.columns("Doses by quarter", weeks, by_svi)),
    ]
    return section(
        "Week by week",
        f"The last weeks show less than will be known of them: registries report late. {charts.hidden_note()}",
        two(*halves),
        details("Attempts by disposition", _dispositions(report.weeks)),
    )


def _sum(week: Week, wanted: set[str], *, within: bool) -> int | None:
    """None if all of it is hidden; hidden parts are left out else, so it is a lower bound."""
    counts = [count for disposition, count in week.attempts.items() if (disposition in wanted) is within]
    known = [count for count in counts if count is not None]
    return sum(known) if known or not counts else None


def _dispositions(weeks: Sequence[Week]) -> str:
    names = sorted({name for week in weeks for name in week.attempts})
    rows = [(say(name), *(number(week.attempts.get(name, 0)) for week in weeks)) for name in names]
    return table("Attempts by week", ("disposition", *(f"{week.week_on:%d %b}" for week in weeks)), rows)


def _reasons(report: Report) -> str:
    barriers = [(say(barrier.code), barrier.people, "") for barrier in report.barriers]
    refusals = [(say(refusal.code), refusal.people, "") for refusal in report.refusals]
    nothing = '<p class="note">Nobody named any yet.</p>'
    return section(
        "What stands in the way?",
        "People who named a barrier or refused, each counted once for each reason. A missed visit is never a refusal.",
        two(half("Barriers", charts.bars("People by barrier", barriers, 270) if barriers else nothing),
             half("Refusals, by domain of the reason (BeSD)",
                   charts.bars("People by reason of refusal", refusals, 270) if refusals else nothing)),
    )  # fmt: skip


def _equity(report: Report) -> str:
    unknown = next((row for row in report.by_race_ethnicity if row.group == "unknown"), None)
    share = unknown.coverage.members if unknown else 0
    everybody = report.headline.in_scope.members
    said = "Hispanic of any race first, then a single race, several races, unknown."
    if share and everybody:
        said += f" Race and ethnicity of {percent(share / everybody)} are unknown."
    return section(
        "Who is covered?",
        f"{said} The line is the 95 % confidence interval.",
        two(
            half("Race and ethnicity", dots("Coverage by race and ethnicity", report.by_race_ethnicity, 240)),
            "<div>" + half("Age", dots("Coverage by age", report.by_age, 110))
            + half("Plan", dots("Coverage by plan", report.by_plan, 110),
                    "Within a plan each of its members counts; a person in two plans counts in both.")
            + (half("Arm", dots("Coverage by arm", report.by_arm, 110), "As drawn; control is offered nothing.")
               if report.by_arm else "") + "</div>",
        ),
    )  # fmt: skip


def _slots(report: Report) -> str:
    if not report.slots:
        return ""
    rows = [
        (f"{slots.week_on:%d %b}", slots.site_id, slots.plan or "all plans", f"{slots.capacity:,}",
         number(slots.booked), number(slots.used))
        for slots in report.slots
    ]  # fmt: skip
    heads = ("week of", "site", "held for", "capacity", "booked", "used")
    now = {monday_of(report.as_of), monday_of(report.as_of) + timedelta(weeks=1)}
    recent = [row for row, slots in zip(rows, report.slots, strict=True) if slots.week_on in now]
    return section(
        "Are there places enough?",
        "Weekly blocks at sites, of every programme.",
        table("This week and the next", heads, recent, 3),
        details("All weeks", table("Slots by week, site and plan", heads, rows, 3)),
    )


def _quality(report: Report) -> str:
    quality = report.quality
    feeds = [
        (say(feed.kind), *(f"{count:,}" for count in (feed.files, feed.rows_read, feed.rows_accepted,
                                                      feed.rows_rejected, feed.rows_unlinked, feed.rows_unchanged)))
        for feed in quality.feeds
    ]  # fmt: skip
    rejections = [(say(rejection.kind), rejection.reason, f"{rejection.rows:,}") for rejection in quality.rejections]
    behind = "an unknown number of" if quality.records_behind is None else f"{quality.records_behind:,}"
    said = (
        f"{behind} records of the log are not read yet; {quality.dead_letters:,} could not be read and "
        f"{quality.parked:,} wait behind them."
    )
    heads = ("feed", "files", "rows read", "accepted", "rejected", "unlinked", "unchanged")
    return section(
        "How good are the data?",
        said[0].upper() + said[1:],
        two(
            table("Rows by kind of feed", heads, feeds),
            table("Rejected rows", ("feed", "reason", "rows"), rejections, 2),
        ),
    )


SECTIONS: Final[Sequence[Callable[[Report], str]]] = (
    _coverage, _map, _funnel, _weeks, _reasons, _equity, _slots, _quality,
)  # fmt: skip
"""In the order in which they stand on the page."""
