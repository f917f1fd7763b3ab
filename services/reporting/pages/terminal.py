"""The weekly report as some lines of text, for a terminal."""

from collections.abc import Iterable, Sequence

from services.reporting.figures.report import Report
from services.reporting.pages.page import headline
from services.reporting.pages.words import LEVELS, number, percent, say, span

BAR = 24


def lines(report: Report) -> Iterable[str]:
    """Headline, gap, funnel, weeks, target ZIPs, what stands in the way, feeds."""
    plan = report.plan or "all plans"
    yield f"{report.title}  ({plan})"
    yield f"as of {report.as_of}, as known on {report.known_on}   ** {report.watermark} **"
    yield ""
    yield headline(report)
    yield from _block("Coverage by vulnerability of the area", _coverage(report))
    yield from _block("Funnel (people)", _funnel(report))
    yield from _block("By week", _weeks(report))
    yield from _block("Target ZIPs", _targets(report))
    reasons = [*report.barriers[:4], *report.refusals[:3]]
    yield from _block(
        "What stands in the way (people)", [f"{say(reason.code):<40}{number(reason.people):>8}" for reason in reasons]
    )
    yield from _block("Feeds (rows)", _feeds(report))
    yield ""
    yield report.why_internal


def _block(title: str, body: Sequence[str]) -> Iterable[str]:
    if body:
        yield from ("", title, *(f"  {line}" for line in body))


def _coverage(report: Report) -> list[str]:
    said = []
    for row in report.by_svi:
        level, _, _ = row.group.partition(":")
        share = row.coverage.share
        bar = "#" * round(BAR * share.value) if share else ""
        figures = f"{percent(share.value):>6} ({span(share)})" if share else "hidden"
        name = f"{level} {say(row.group)}" if level in LEVELS else "area unknown"
        said.append(f"{name:<28}{bar:<{BAR}} {figures} of {number(row.coverage.members)}")
    return said


def _funnel(report: Report) -> list[str]:
    total = next((funnel for funnel in report.funnels if funnel.plan is None), None)
    if total is None:
        return []
    first = total.stages[0].people or 1
    said = []
    for stage in total.stages:
        bar = "#" * round(BAR * (stage.people or 0) / first)
        step = f"  {percent(stage.of_previous)}" if stage.of_previous is not None else ""
        said.append(f"{say(stage.stage):<28}{bar:<{BAR}} {number(stage.people):>8}{step}")
    others = "  ".join(f"{say(name).lower()}: {number(people)}" for name, people in list(total.outcomes.items())[1:])
    return [*said, f"of those with a case: {others}"]


def _weeks(report: Report) -> list[str]:
    said = [f"{'week of':<12}{'attempts':>10}{'booked':>8}{'kept':>8}{'missed':>8}{'cancelled':>11}{'doses':>8}"]
    for week in report.weeks:
        attempts, doses = _sum(week.attempts.values()), _sum(week.doses_by_source.values())
        said.append(
            f"{week.week_on!s:<12}{attempts:>10}{number(week.bookings):>8}{number(week.fulfilled):>8}"
            f"{number(week.noshows):>8}{number(week.cancellations):>11}{doses:>8}"
        )
    return said


def _sum(counts: Iterable[int | None]) -> str:
    listed = list(counts)
    total = f"{sum(count or 0 for count in listed):,}"
    return f"{total}+" if None in listed else total


def _targets(report: Report) -> list[str]:
    return [
        f"{target.rank:>3}  {target.zip5}  {number(target.unvaccinated):>7} unvaccinated of {number(target.members)}"
        for target in report.targets[:10]
    ]


def _feeds(report: Report) -> list[str]:
    said = [
        f"{say(feed.kind):<30}{feed.files:>5} files{feed.rows_read:>10,} read{feed.rows_accepted:>10,} accepted"
        f"{feed.rows_rejected:>8,} rejected{feed.rows_unlinked:>8,} unlinked"
        for feed in report.quality.feeds
    ]
    behind = "unknown" if report.quality.records_behind is None else f"{report.quality.records_behind:,}"
    waiting = f"dead letters {report.quality.dead_letters:,}, parked {report.quality.parked:,}"
    return [*said, f"records of the log not read yet: {behind}; {waiting}"]
