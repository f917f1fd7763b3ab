"""A patient series: one antigen series as one patient walks it, filled by chapters 6 and 7 and judged by chapter 8."""

from collections.abc import Sequence

from services.eligibility.forecast.dates import DISTANT_FUTURE
from services.eligibility.forecast.gather_necessary_data import DoseAdministered
from services.eligibility.forecast.model import EvaluationReason, EvaluationStatus, SeriesStatus, Step, TargetStatus
from services.eligibility.forecast.seasons import targets_in_season
from services.eligibility.forecast.schedule import AntigenSeries, Interval, SeriesDose


class Evaluation:
    """One dose's outcome against one target dose."""

    __slots__ = ("dose", "reasons", "status", "target")

    def __init__(
        self,
        dose: DoseAdministered,
        status: EvaluationStatus,
        reasons: tuple[EvaluationReason, ...] = (),
        target: SeriesDose | None = None,
    ) -> None:
        self.dose = dose
        self.status = status
        self.reasons = reasons
        self.target = target


class PatientSeries:
    """Target doses are `targets[i]` with `statuses[i]`; those from `current` on are not yet decided."""

    __slots__ = (
        "current",
        "dose_number",
        "earliest",
        "evaluations",
        "finish",
        "inadvertent",
        "latest",
        "maximum_age_date",
        "past_due",
        "previous",
        "recommended",
        "records",
        "satisfied",
        "series",
        "status",
        "statuses",
        "targets",
        "trail",
        "unadjusted_past_due",
        "unadjusted_recommended",
        "vaccines",
    )

    def __init__(self, series: AntigenSeries, records: Sequence[DoseAdministered], assessed: int) -> None:
        self.series = series
        self.records = records
        self.targets: list[SeriesDose] = targets_in_season(series.doses, assessed)
        self.statuses = [TargetStatus.NOT_SATISFIED] * len(self.targets)
        self.current = 0
        self.evaluations: list[Evaluation] = []
        self.satisfied: list[tuple[SeriesDose, int]] = []
        self.previous: int | None = None
        self.inadvertent: list[DoseAdministered] = []
        self.trail: list[Step] = []
        self.status = SeriesStatus.NOT_COMPLETE
        self.dose_number: int | None = None
        self.earliest: int | None = None
        self.recommended: int | None = None
        self.past_due: int | None = None
        self.latest: int | None = None
        self.unadjusted_recommended: int | None = None
        self.unadjusted_past_due: int | None = None
        self.vaccines: tuple[str, ...] = ()
        self.finish: int | None = None
        self.maximum_age_date = DISTANT_FUTURE

    @property
    def target(self) -> SeriesDose | None:
        return self.targets[self.current] if self.current < len(self.targets) else None

    def skip_target(self, rule: str, day: int) -> None:
        self.trail.append(Step(rule, day, self.targets[self.current].number))
        self.statuses[self.current] = TargetStatus.SKIPPED
        self.current += 1

    def satisfy_target(self, target: SeriesDose, day: int) -> None:
        """A recurring dose is followed by a new target dose identical to it (4.4, step 6a)."""
        self.statuses[self.current] = TargetStatus.SATISFIED
        self.satisfied.append((target, day))
        self.current += 1
        if target.recurring:
            self.targets.insert(self.current, target)
            self.statuses.insert(self.current, TargetStatus.NOT_SATISFIED)

    def satisfied_on(self, number: int) -> int | None:
        return next((day for target, day in reversed(self.satisfied) if target.number == number), None)

    def was_inadvertent(self, dose: DoseAdministered) -> bool:
        return any(dose is other for other in self.inadvertent)

    def status_of(self, dose: DoseAdministered) -> EvaluationStatus | None:
        return next((e.status for e in self.evaluations if e.dose is dose), None)


def reference_date(
    interval: Interval, patient_series: PatientSeries, earlier: Sequence[DoseAdministered], observed: dict[str, int | None]
) -> int | None:
    """Reference dose date: CALCDTINT-1, -2, -8 and -9; none where no such dose or observation is on record."""
    if interval.from_previous:
        return patient_series.previous
    if interval.from_target_dose is not None:
        return patient_series.satisfied_on(interval.from_target_dose)
    if interval.from_most_recent:
        wanted = interval.from_most_recent
        return next(
            (d.day for d in reversed(earlier) if d.cvx in wanted and not patient_series.was_inadvertent(d)),
            None,
        )
    return observed.get(interval.from_observation)
