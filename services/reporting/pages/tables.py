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
        "Empty: hidden (1 to 10 people, or a figure that would tell such a count)."
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
            {"plan": one.plan or "all", "stage": each.stage, "people": each.people, "of_previous": each.of_previous}
            for one in report.funnels for each in one.stages
        ],
        "outcomes": [
            {"plan": one.plan or "all", "outcome": outcome, "people": people}
            for one in report.funnels for outcome, people in one.outcomes.items()
        ],
        "coverage_margins": [
            {"by": by, "group": row.group, **_coverage(row.coverage)}
            for by, rows in (("plan", report.by_plan), ("svi", report.by_svi), ("age", report.by_age),
                             ("race-ethnicity", report.by_race_ethnicity), ("arm", report.by_arm))
            for row in rows
        ],
        "coverage_zips": [{"zip5": one.zip5, "listed": one.listed, **_coverage(one.coverage)} for one in report.by_zip],
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
            {"kind": kind, "code": one.code, "people": one.people}
            for kind, reasons in (("refusal", report.refusals), ("barrier", report.barriers)) for one in reasons
        ],
        "slots": [
            {"week_on": one.week_on, "site_id": one.site_id, "plan": one.plan or "all", "capacity": one.capacity,
             "booked": one.booked, "used": one.used}
            for one in report.slots
        ],
        "target_zips": [
            {"week_on": report.targets_week_on, "rank": one.rank, "zip5": one.zip5, "members": one.members,
             "unvaccinated": one.unvaccinated, "coverage": one.coverage}
            for one in report.targets
        ],
        "feeds": [
            {"kind": one.kind, "files": one.files, "rows_read": one.rows_read, "rows_accepted": one.rows_accepted,
             "rows_rejected": one.rows_rejected, "rows_unlinked": one.rows_unlinked,
             "rows_unchanged": one.rows_unchanged}
            for one in report.quality.feeds
        ],
        "rejections": [
            {"kind": one.kind, "reason": one.reason, "rows": one.rows} for one in report.quality.rejections
        ],
    }  # fmt: skip


def _coverage(one: Coverage) -> dict[str, Any]:
    share = one.share
    return {
        "members": one.members, "vaccinated": one.vaccinated, "coverage": None if share is None else share.value,
        "low": None if share is None else share.low, "high": None if share is None else share.high,
    }  # fmt: skip
