"""CDC's supporting data, compiled: the Schedule, its Antigen Series and Series Doses (chapter 3 of the specification).

Everything is immutable and holds no person's data, so one copy serves every thread and every history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, Period


class SeriesType(StrEnum):
    STANDARD = "Standard"
    RISK = "Risk"
    EVALUATION_ONLY = "Evaluation Only"


class ConditionType(StrEnum):
    AGE = "Age"
    COMPLETED_SERIES = "Completed Series"
    INTERVAL = "Interval"
    VACCINE_COUNT = "Vaccine Count"


@dataclass(frozen=True, slots=True)
class Validity:
    """The dates between which a rule is in force, both included."""

    effective: int = DISTANT_PAST
    cessation: int = DISTANT_FUTURE


ALWAYS = Validity()


@dataclass(frozen=True, slots=True)
class Age:
    absolute_minimum: Period | None = None
    minimum: Period | None = None
    earliest_recommended: Period | None = None
    latest_recommended: Period | None = None
    maximum: Period | None = None
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class Interval:
    from_previous: bool
    from_target_dose: int | None = None
    from_most_recent: frozenset[str] = frozenset()
    from_observation: str = ""
    absolute_minimum: Period | None = None
    minimum: Period | None = None
    earliest_recommended: Period | None = None
    latest_recommended: Period | None = None
    priority: bool = False
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class Vaccine:
    cvx: str
    name: str
    begin_age: Period | None = None
    end_age: Period | None = None
    trade_name: str = ""
    mvx: str = ""
    volume_ml: float | None = None
    recommended: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    kind: ConditionType
    begin_age: Period | None = None
    end_age: Period | None = None
    start: int = DISTANT_PAST
    end: int = DISTANT_FUTURE
    interval: Period | None = None
    dose_count: int = 0
    count_logic: str = ""
    only_valid: bool = False
    vaccine_types: frozenset[str] = frozenset()
    series_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class SkipSet:
    description: str
    every_condition: bool
    conditions: tuple[Condition, ...]
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True, eq=False)
class ConditionalSkip:
    every_set: bool
    sets: tuple[SkipSet, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesDose:
    """`is_dated`: some age or interval is in force for a time only.

    `evaluation_skips` and `forecast_skips` hold the Conditional Skips by their context ("Both" is in each).
    """

    number: int
    ages: tuple[Age, ...]
    is_dated: bool
    intervals: tuple[Interval, ...]
    allowable_intervals: tuple[Interval, ...]
    preferable: tuple[Vaccine, ...]
    recommended: tuple[Vaccine, ...]
    preferable_by_cvx: Mapping[str, tuple[Vaccine, ...]]
    allowable_by_cvx: Mapping[str, tuple[Vaccine, ...]]
    inadvertent: frozenset[str]
    evaluation_skips: tuple[ConditionalSkip, ...]
    forecast_skips: tuple[ConditionalSkip, ...]
    recurring: bool
    seasonal: bool
    season_start: int
    season_end: int


@dataclass(frozen=True, slots=True)
class Indication:
    observation: str
    begin_age: Period | None
    end_age: Period | None
    guidance: str


@dataclass(frozen=True, slots=True)
class SharedDecision:
    """The ages at which CDC leaves the series to a shared clinical decision (None: every age)."""

    begin_age: Period | None = None
    end_age: Period | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AntigenSeries:
    """`countable` are the vaccine types that some dose of the series accepts."""

    name: str
    antigen: str
    vaccine_group: str
    kind: SeriesType
    genders: frozenset[str]
    indications: tuple[Indication, ...]
    group: str
    group_name: str
    equivalent_groups: frozenset[str]
    default: bool
    countable: frozenset[str]
    product_path: bool
    priority: str
    preference: int
    minimum_age_to_start: Period | None
    maximum_age_to_start: Period | None
    doses: tuple[SeriesDose, ...]
    guidance: str
    shared_decision: SharedDecision | None
    depends_on_groups: frozenset[str]
    is_seasonal: bool


@dataclass(frozen=True, slots=True)
class BirthDateImmunity:
    before: int
    birth_country: str
    exclusions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contraindication:
    """`vaccines` is empty when the whole antigen is contraindicated."""

    observation: str
    begin_age: Period | None
    end_age: Period | None
    text: str
    guidance: str
    vaccines: Mapping[str, tuple[Vaccine, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Antigen:
    """Its series in the order of evaluation: those that look at another group's completed series come last (6.2).

    `concerned_by` are all observations that its immunity and contraindications name, `looks_at` all vaccine types
    which its intervals and skips look for, whatever their antigen.
    """

    name: str
    immunity_observations: frozenset[str]
    immunity_by_birth: tuple[BirthDateImmunity, ...]
    contraindications: tuple[Contraindication, ...]
    vaccine_contraindications: tuple[Contraindication, ...]
    series: tuple[AntigenSeries, ...]
    indicated_by: frozenset[str]
    concerned_by: frozenset[str]
    looks_at: frozenset[str]


@dataclass(frozen=True, slots=True)
class Association:
    antigen: str
    begin_age: Period | None
    end_age: Period | None


@dataclass(frozen=True, slots=True)
class VaccineConflict:
    begin: Period
    minimum_end: Period
    end: Period


@dataclass(frozen=True, slots=True, eq=False)
class VaccineGroup:
    """`observations` and `looks_at` are all that its antigens' rules look at beyond their own doses; `for_risk_only`:
    without an observation no series is relevant (Table 5-5)."""

    name: str
    antigens: tuple[Antigen, ...]
    antigen_names: frozenset[str]
    administer_full: bool
    observations: frozenset[str]
    looks_at: frozenset[str]
    for_risk_only: bool


@dataclass(frozen=True, slots=True)
class CodedObservation:
    code: str
    title: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ObservationLists:
    """What is not CDC's: ICD-10-CM prefixes and the observations they stand for, and by kind the observations that
    count also when the condition that told of them is over."""

    icd10: Mapping[str, tuple[str, ...]]
    past: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, eq=False)
class DoseChange:
    """`number`: which dose of the series; one beyond the last is a new dose, made like the last one."""

    number: int
    age: Mapping[str, Any]
    interval: Mapping[str, Any]
    season: Mapping[str, int]
    recurring: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Of one or several `series` of an antigen. `as_series`: the changed series stands beside CDC's, under this name,
    instead of taking its place."""

    code: str
    from_on: date
    until: date | None
    because: str
    source: str
    antigen: str
    series: tuple[str, ...]
    as_series: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    doses: tuple[DoseChange, ...] = ()
    indications: tuple[Indication, ...] = ()

    def holds(self, on: date) -> bool:
        return self.from_on <= on and (self.until is None or on < self.until)


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """`digest` tells one text of it from another."""

    jurisdiction: str
    title: str
    changes: tuple[Change, ...]
    digest: str

    def edges(self) -> Iterable[date]:
        """The days from which something else holds."""
        return (day for change in self.changes for day in (change.from_on, change.until) if day is not None)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SupportingData:
    """One release of the schedule; `conflicts` maps the impacted CVX to its conflicting CVX codes (section 6.7).

    `overlay` is what a state recommends beside it, of the text that `edition` tells from others; `changed` has the
    changes laid over the schedule by antigen and series, `below` is the one they are laid over."""

    release: str
    released_on: date
    antigens: Mapping[str, Antigen]
    groups: tuple[VaccineGroup, ...]
    associations: Mapping[str, tuple[Association, ...]]
    vaccine_names: Mapping[str, str]
    conflicts: Mapping[str, Mapping[str, VaccineConflict]]
    observations: Mapping[str, CodedObservation]
    lists: ObservationLists
    overlay: Overlay | None = None
    edition: str = ""
    changed: Mapping[tuple[str, str], tuple[Change, ...]] = field(default_factory=dict)
    below: SupportingData | None = None

    def knows(self, cvx: str) -> bool:
        """Whether the release maps the vaccine to an antigen: the one table of the vaccine codes that count."""
        return bool(self.associations.get(cvx))

    def vaccine_groups_of(self, cvx: str) -> tuple[str, ...]:
        """The vaccine groups to which a dose of this vaccine may belong, at whatever age."""
        antigens = {association.antigen for association in self.associations.get(cvx, ())}
        return tuple(group.name for group in self.groups if not group.antigen_names.isdisjoint(antigens))

    def observations_coded(self, system: str, code: str) -> frozenset[str]:
        """CDSi observations which a SNOMED, CVX or PHIN code stands for."""
        return frozenset(o.code for o in self.observations.values() if (system, code) in o.codes)
