"""Of whom each report is once two persons who were one are two again. Pure.

Who had it before has it again, as it was or as it was corrected since. What came since is of the plan's member whose
plan, or whose booking, it is; what a registry reported, of whom its patient agrees with. Reports of one numbered
vaccination that each had say the same again: the newest word of it holds for both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.eligibility.doses.registry import key_of_row
from services.eligibility.doses.reports import REGISTRY, Report
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.parting import Holders, Side
from services.eligibility.vital.sharing import ALL_REGISTRIES, registry_names

_UNDATED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KeptReports:
    """The reports that each of both had, and what the person had that they became; and the retired one's doses."""

    survivor: tuple[Report, ...] = ()
    retired: tuple[Report, ...] = ()
    made: tuple[Report, ...] = ()
    doses: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Parting:
    """Who is parted from whom, and by what; `linked`: of registries' reports, with whom the patient
    agrees, by the report's key."""

    survivor: UUID
    retired: UUID
    holders: Holders
    linked: Mapping[str, frozenset[UUID]]

    @property
    def by_side(self) -> tuple[tuple[Side, UUID], ...]:
        return (Side.SURVIVOR, self.survivor), (Side.RETIRED, self.retired)


def agreeing(kept: KeptReports, reports: Iterable[Report], parting: Parting) -> dict[str, frozenset[Side]]:
    """With whom of both a registry's patient agrees, by the registry's name: who had a report of it, or is linked to
    one. A report from before senders were kept may be of any (`*`)."""
    found: dict[str, frozenset[Side]] = {}
    for report in reports:
        tokens = parting.linked.get(report.event_key, frozenset()) | {
            known.member_token for known in (*kept.survivor, *kept.retired) if known.report_id == report.report_id
        }
        sides = {side for side, one in parting.by_side if one in tokens}
        for name in registry_names(report.sender) if report.sender else (ALL_REGISTRIES,):
            found[name] = found.get(name, frozenset()) | sides
    return found


def parted_reports(kept: KeptReports, now: Iterable[Report], parting: Parting) -> list[Report]:
    """Every report, with whom it is of."""
    now = list(now)
    made = {report.report_id: report for report in kept.made}
    his = {report.report_id: report for report in kept.retired}
    hers = {report.report_id: report for report in kept.survivor}
    found = []
    for report in now:
        known = his.get(report.report_id) or hers.get(report.report_id)
        if known is None:
            found.append(report._replace(member_token=_whose(report, parting)))
            continue
        token = parting.retired if report.report_id in his else parting.survivor
        stands = known if _says(report) == _says(made.get(report.report_id)) else report
        found.append(stands._replace(member_token=token, dose_id=known.dose_id))
    return _alike(found)


def _says(report: Report | None) -> Report | None:
    """Without of whom, and of which dose, it is a report: a join changes that."""
    return report and report._replace(member_token=None, dose_id=None)


def _whose(report: Report, parting: Parting) -> UUID:
    if report.source == REGISTRY and report.tenant_id == EVERY_TENANT:
        tokens = parting.linked.get(report.event_key, frozenset())
        return parting.retired if parting.retired in tokens and parting.survivor not in tokens else parting.survivor
    sides = parting.holders.of_plan(report.tenant_id)
    return parting.retired if sides == {Side.RETIRED} else parting.survivor


def _alike(reports: list[Report]) -> list[Report]:
    """Of one numbered vaccination that several have the newest word, for each of them."""
    newest: dict[str, Report] = {}
    for report in (known for known in reports if known.event_id):
        known = newest.setdefault(key_of_row(report), report)
        if _said(report) > _said(known):
            newest[key_of_row(report)] = report
    return [_as_said(report, newest[key_of_row(report)]) if report.event_id else report for report in reports]


def _as_said(report: Report, newest: Report) -> Report:
    if _said(newest) <= _said(report):
        return report
    own = ("report_id", "event_key", "member_token", "dose_id")
    return newest._replace(**{name: getattr(report, name) for name in own})


def _said(report: Report) -> datetime:
    return report.stated_at or _UNDATED
