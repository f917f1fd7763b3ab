"""What a state recommends otherwise than CDC, laid over a release: dated changes, each of one series.

A change holds from its first day to the day before `until`, as of the day of the assessment. The release below stays
as it is: laying the changes over it makes another schedule, with which the same engine works.
"""

from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from services.eligibility.forecast.antigen_xml import antigen_with
from services.eligibility.forecast.dates import DISTANT_FUTURE
from services.eligibility.forecast.schedule import (
    Age,
    Antigen,
    AntigenSeries,
    Change,
    DoseChange,
    Interval,
    Overlay,
    SeriesDose,
    SupportingData,
)
from services.eligibility.forecast.schedule_xml import group_with


def laid_over(supporting: SupportingData, overlay: Overlay) -> SupportingData:
    """The release with the overlay's changes to come: `as_of` lays those over it that hold on a day."""
    name = f"{supporting.release}+{overlay.jurisdiction}"
    return replace(supporting, release=name, overlay=overlay, edition=overlay.digest)


def as_of(supporting: SupportingData, on: date) -> SupportingData:
    """The schedule of that day, also of one that is as of another day."""
    if supporting.overlay is None:
        return supporting
    below = supporting if supporting.below is None else supporting.below
    return _changed(below, tuple(change for change in supporting.overlay.changes if change.holds(on)))


@lru_cache(maxsize=64)
def _changed(supporting: SupportingData, changes: tuple[Change, ...]) -> SupportingData:
    antigens = dict(supporting.antigens)
    for change in changes:
        antigens[change.antigen] = _antigen(antigens[change.antigen], change)
    groups = tuple(group_with(group, antigens, supporting.conflicts) for group in supporting.groups)
    changed: dict[tuple[str, str], tuple[Change, ...]] = {}
    for entry in changes:
        for name in (entry.as_series,) if entry.as_series else entry.series:
            changed[entry.antigen, name] = (*changed.get((entry.antigen, name), ()), entry)
    return replace(supporting, antigens=antigens, groups=groups, changed=changed, below=supporting)


def _antigen(antigen: Antigen, change: Change) -> Antigen:
    series: list[AntigenSeries] = []
    for original in antigen.series:
        if original.name not in change.series:
            series.append(original)
        elif change.as_series:
            series += [original, _series(replace(original, name=change.as_series, default=False), change)]
        else:
            series.append(_series(original, change))
    return antigen_with(antigen, series)


def _series(series: AntigenSeries, change: Change) -> AntigenSeries:
    doses = list(series.doses)
    for entry in change.doses:
        if entry.number > len(doses):
            doses.append(replace(doses[-1], number=entry.number))
        doses[entry.number - 1] = _dose(doses[entry.number - 1], entry)
    fields = dict(change.fields)
    if change.indications:
        fields["indications"] = change.indications
    is_seasonal = any(dose.seasonal and dose.season_end != DISTANT_FUTURE for dose in doses)
    return replace(series, doses=tuple(doses), is_seasonal=is_seasonal, **fields)


def _dose(dose: SeriesDose, change: DoseChange) -> SeriesDose:
    fields: dict[str, Any] = {}
    if change.age:
        fields["ages"] = tuple(replace(age, **change.age) for age in dose.ages or (Age(),))
    if change.interval:
        from_previous = [interval for interval in dose.intervals if interval.from_previous] or [
            Interval(from_previous=True)
        ]
        others = [interval for interval in dose.intervals if not interval.from_previous]
        fields["intervals"] = (*(replace(interval, **change.interval) for interval in from_previous), *others)
    if change.season:
        fields |= {"seasonal": True, **change.season}
    if change.recurring is not None:
        fields["recurring"] = change.recurring
    return replace(dose, **fields)
