"""A patient series: one antigen series as one patient walks it, filled by chapters 6 and 7 and judged by chapter 8."""

from collections.abc import Mapping, Sequence

from services.eligibility.forecast.dates import DISTANT_PAST
from services.eligibility.forecast.determine_contraindications import PatientFindings
from services.eligibility.forecast.gather_necessary_data import DoseAdministered
from services.eligibility.forecast.model import EvaluationReason, EvaluationStatus, SeriesStatus, Step
from services.eligibility.forecast.schedule import AntigenSeries, Interval, SeriesDose
from services.eligibility.forecast.seasons import targets_in_season


class Evaluation:
    """One dose's outcome against one target dose; without a target when the series had none left."""

    __slots__ = ("dose", "reasons", "status", "target")

    def __init__(
        self,
        dose: DoseAdministered,
        status: EvaluationStatus,
        reasons: Sequence[EvaluationReason],
        target: SeriesDose | None,
    ) -> None:
        self.dose = dose
        self.status = status
        self.reasons = reasons
        self.target = target


class PatientSeries:
    """Target doses before `current` were satisfied or skipped; those from it on are not satisfied, `target` first.

    `previous` is the reference date of CALCDTINT-1. Once no target dose is left, `complete_from` is the first day as of
    which the series is complete: that of the skip of the last one, or the day after the dose that satisfied it.
    What chapter 7 has not set keeps its class default.
    """

    current = 0
    previous: int | None = None
    status = SeriesStatus.NOT_COMPLETE
    dose_number: int | None = None
    earliest: int | None = None
    recommended: int | None = None
    past_due: int | None = None
    latest: int | None = None
    unadjusted_recommended: int | None = None
    unadjusted_past_due: int | None = None
    finish: int | None = None
    complete_from = DISTANT_PAST
    indicated_from: int | None = None
    vaccines: tuple[str, ...] = ()

    def __init__(
        self, series: AntigenSeries, records: Sequence[DoseAdministered], assessed: int, findings: PatientFindings
    ) -> None:
        self.series = series
        self.findings = findings
        self.records = records
        self.targets = targets_in_season(series, assessed)
        self.evaluations: list[Evaluation] = []
        self.valid_doses: list[DoseAdministered] = []
        self.satisfied: list[tuple[SeriesDose, int]] = []
        self.inadvertent: list[DoseAdministered] = []
        self.trail: list[Step] = []
        self.target: SeriesDose | None = self.targets[0] if self.targets else None

    def skip_target(self, why: str, day: int) -> None:
        """Table 6-11, in CDC's words; the day tells whether 6.2, 7.1 or 7.6.1 (a day to come) did so."""
        current, targets = self.current, self.targets
        self.trail.append((why, day, targets[current].number))
        self.current = current = current + 1
        self.complete_from = day
        self.target = targets[current] if current < len(targets) else None

    def satisfy_target(self, target: SeriesDose, dose: DoseAdministered) -> None:
        """A recurring dose is followed by a new target dose identical to it (4.4, step 6a)."""
        self.satisfied.append((target, dose.day))
        self.complete_from = dose.day + 1
        self.valid_doses.append(dose)
        following = self.current + 1
        if target.recurring:
            self.targets = (*self.targets[:following], target, *self.targets[following:])
        self.current = following
        self.target = self.targets[following] if following < len(self.targets) else None

    def reference_date(
        self, interval: Interval, earlier: Sequence[DoseAdministered], observed: Mapping[str, int | None]
    ) -> int | None:
        """CALCDTINT-1, -2, -8 and -9; none where no such dose or observation is on record."""
        if interval.from_previous:
            return self.previous
        if interval.from_target_dose is not None:
            number = interval.from_target_dose
            return next((day for target, day in reversed(self.satisfied) if target.number == number), None)
        if interval.from_most_recent:
            wanted, not_counted = interval.from_most_recent, self.inadvertent
            return next((d.day for d in reversed(earlier) if d.cvx in wanted and d not in not_counted), None)
        return observed.get(interval.from_observation)

    def status_of(self, dose: DoseAdministered) -> EvaluationStatus | None:
        return next((e.status for e in self.evaluations if e.dose is dose), None)
