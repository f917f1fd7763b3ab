"""What the engine is told about a person, and what it answers."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from services.eligibility.forecast.schedule import SeriesType


@dataclass(frozen=True, slots=True)
class Dose:
    """A vaccine dose administered. `sub_standard` is CDC's dose condition flag (recall, cold chain, wrong dose)."""

    administered_on: date
    cvx: str
    mvx: str = ""
    trade_name: str = ""
    volume_ml: float | None = None
    lot_expires_on: date | None = None
    sub_standard: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """An active patient observation or adverse reaction, by its CDSi observation code."""

    code: str
    observed_on: date | None = None


@dataclass(frozen=True, slots=True)
class History:
    """One person. The order of doses and observations carries no meaning; results name doses by their position."""

    birth_on: date
    gender: str = "Unknown"
    doses: tuple[Dose, ...] = ()
    observations: tuple[Observation, ...] = ()
    birth_country: str = ""


class EvaluationStatus(StrEnum):
    VALID = "Valid"
    NOT_VALID = "Not Valid"
    EXTRANEOUS = "Extraneous"
    SUB_STANDARD = "Sub-standard"


class EvaluationReason(StrEnum):
    TOO_YOUNG = "Age: Too Young"
    TOO_OLD = "Age: Too Old"
    GRACE_PERIOD = "Grace Period"
    TOO_SOON = "Interval: Too Soon"
    CONFLICT = "Live Virus Conflict"
    INADVERTENT = "Inadvertent Vaccine"
    NOT_ALLOWED = "Vaccine: Not Preferable or Allowable"
    LOW_VOLUME = "Volume Less than Recommended"
    LOT_EXPIRED = "Lot Expired"
    SUB_STANDARD = "Dose Condition"
    SERIES_COMPLETE = "Series Already Complete"


class SeriesStatus(StrEnum):
    """Patient series status of Table 7-10."""

    NOT_COMPLETE = "Not Complete"
    COMPLETE = "Complete"
    IMMUNE = "Immune"
    CONTRAINDICATED = "Contraindicated"
    NOT_RECOMMENDED = "Not Recommended"
    AGED_OUT = "Aged Out"


class ForecastStatus(StrEnum):
    """The patient series status, but with what CDC leaves to a shared clinical decision told apart."""

    NOT_COMPLETE = "Not Complete"
    SHARED_DECISION = "Shared Clinical Decision"
    COMPLETE = "Complete"
    IMMUNE = "Immune"
    CONTRAINDICATED = "Contraindicated"
    NOT_RECOMMENDED = "Not Recommended"
    AGED_OUT = "Aged Out"


# One rule that was taken, its day (proleptic ordinal) and its target dose number, 0 where it is about none.
Step = tuple[str, int, int]


class DoseEvaluation(NamedTuple):
    """`dose` is the position in `History.doses`."""

    dose: int
    status: EvaluationStatus
    reasons: tuple[EvaluationReason, ...] = ()
    target_dose: int | None = None


class SeriesForecast(NamedTuple):
    antigen: str
    series: str
    series_type: SeriesType
    series_group: str
    status: SeriesStatus
    dose_number: int | None = None
    earliest_on: date | None = None
    recommended_on: date | None = None
    past_due_on: date | None = None
    latest_on: date | None = None
    starts_on: date | None = None
    unadjusted_recommended_on: date | None = None
    unadjusted_past_due_on: date | None = None
    recommended_vaccines: tuple[str, ...] = ()
    priority: bool = False
    shared_decision: bool = False
    guidance: str = ""
    contraindications: tuple[str, ...] = ()
    evaluations: tuple[DoseEvaluation, ...] = ()
    trail: tuple[Step, ...] = ()


class VaccineGroupForecast(NamedTuple):
    """One vaccine group's forecast for one series group: a person at risk may have two of the same vaccine group.

    `evaluations` has one entry per dose of the group, the least favourable of its antigens;
    `series` holds the best patient series which it blends, each with its trail of rules, and `set_aside` those of the
    vaccine group which another series made redundant; `starts_on` is the minimum age to start the series;
    `contraindications` are CDC's own texts, of what is contraindicated alone.
    """

    vaccine_group: str
    series_group: str
    series_type: SeriesType
    status: ForecastStatus
    series_status: SeriesStatus
    dose_number: int | None = None
    earliest_on: date | None = None
    recommended_on: date | None = None
    past_due_on: date | None = None
    latest_on: date | None = None
    starts_on: date | None = None
    unadjusted_recommended_on: date | None = None
    unadjusted_past_due_on: date | None = None
    recommended_antigens: tuple[str, ...] = ()
    recommended_vaccines: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()
    contraindications: tuple[str, ...] = ()
    evaluations: tuple[DoseEvaluation, ...] = ()
    series: tuple[SeriesForecast, ...] = ()
    set_aside: tuple[SeriesForecast, ...] = ()
