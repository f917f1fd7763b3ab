"""The report's tables as rows, for CSV files. A hidden figure is an empty field; the watermark comes first."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from services.reporting.figures.report import WATERMARK, Report
from services.reporting.population.rules import Coverage, Question


def heading(question: Question) -> str:
    """The first line of every file."""
    return (
        f"# {WATERMARK}. {question.programme_id} as of {question.as_of}, as known on {question.known_on}. "
        "Empty: hidden (1 to 10 people, or a figure that would tell of so few)."
    )


def to_csv(rows: Iterable[Mapping[str, Any]], first_line: str) -> str:
    """Comma-separated values under a comment line."""
    listed = list(rows)
    out = io.StringIO()
    out.write(f"{first_line}\n")
    writer = csv.DictWriter(out, fieldnames=list(listed[0]) if listed else ["nothing"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _field(value) for name, value in row.items()} for row in listed)
    return out.getvalue()


def _field(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def rows_of(report: Report) -> dict[str, list[dict[str, Any]]]:
    """Every table of the report by the name of its file."""
    return {
        "funnel": [
            {"plan": funnel.plan or "all", "stage": stage.stage, "people": stage.people,
             "of_previous": stage.of_previous}
            for funnel in report.funnels for stage in funnel.stages
        ],
        "outcomes": [
            {"plan": funnel.plan or "all", "outcome": outcome, "people": people}
            for funnel in report.funnels for outcome, people in funnel.outcomes.items()
        ],
        "coverage_margins": [
            {"by": by, "group": row.group, **_coverage(row.coverage)}
            for by, rows in (("plan", report.by_plan), ("svi", report.by_svi), ("age", report.by_age),
                             ("race-ethnicity", report.by_race_ethnicity), ("arm", report.by_arm))
            for row in rows
        ],
        "coverage_zips": [{"zip5": row.zip5, "listed": row.listed, **_coverage(row.coverage)} for row in report.by_zip],
        "weeks": [
            {"week_on": week.week_on, "deed": deed, "sort": sort, "count": count}
            for week in report.weeks
            for deed, sorts in (
                ("attempt", week.attempts), ("dose by source", week.doses_by_source),
                ("dose by svi", week.doses_by_svi),
                ("booking", {"": week.bookings}), ("fulfilled", {"": week.fulfilled}), ("walk-in", {"": week.walk_ins}),
                ("noshow", {"": week.noshows}), ("cancellation", {"": week.cancellations}),
            )
            for sort, count in sorts.items()
        ],
        "reasons": [
            {"kind": kind, "code": reason.code, "people": reason.people}
            for kind, reasons in (("refusal", report.refusals), ("barrier", report.barriers)) for reason in reasons
        ],
        "slots": [
            {"week_on": slots.week_on, "site_id": slots.site_id, "plan": slots.plan or "all",
             "capacity": slots.capacity, "booked": slots.booked, "used": slots.used}
            for slots in report.slots
        ],
        "target_zips": [
            {"week_on": report.targets_week_on, "rank": target.rank, "zip5": target.zip5, "members": target.members,
             "unvaccinated": target.unvaccinated, "coverage": target.coverage}
            for target in report.targets
        ],
        "feeds": [
            {"kind": feed.kind, "files": feed.files, "rows_read": feed.rows_read, "rows_accepted": feed.rows_accepted,
             "rows_rejected": feed.rows_rejected, "rows_unlinked": feed.rows_unlinked,
             "rows_unchanged": feed.rows_unchanged}
            for feed in report.quality.feeds
        ],
        "rejections": [
            {"kind": rejection.kind, "reason": rejection.reason, "rows": rejection.rows}
            for rejection in report.quality.rejections
        ],
    }  # fmt: skip


def _coverage(coverage: Coverage) -> dict[str, Any]:
    share = coverage.share
    return {
        "members": coverage.members, "vaccinated": coverage.vaccinated,
        "coverage": None if share is None else share.value,
        "low": None if share is None else share.low, "high": None if share is None else share.high,
    }  # fmt: skip
