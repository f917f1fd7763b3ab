"""8 Select best patient series: one prioritized series per series group, then those that are not redundant."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.eligibility.forecast.create_relevant_patient_series import is_indicated
from services.eligibility.forecast.dates import add
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import EvaluationStatus, SeriesStatus
from services.eligibility.forecast.patient_series import PatientSeries
from services.eligibility.forecast.schedule import SeriesType

Candidates = Sequence[PatientSeries]
# Looking up a member of an enumeration costs more than what is done with it here.
_COMPLETE = SeriesStatus.COMPLETE
_CONTRAINDICATED = SeriesStatus.CONTRAINDICATED
_NOT_COMPLETE = SeriesStatus.NOT_COMPLETE
_EVALUATION_ONLY = SeriesType.EVALUATION_ONLY
_RISK = SeriesType.RISK
_STANDARD = SeriesType.STANDARD
_VALID = EvaluationStatus.VALID


class Selection(NamedTuple):
    """`set_aside` are prioritized patient series which an equivalent series group made redundant."""

    best: list[PatientSeries]
    set_aside: list[PatientSeries]


def select_best(relevant: Candidates, patient: Patient) -> Selection:
    """One prioritized patient series per series group of an antigen, then Table 8-14."""
    if len(relevant) == 1:
        chosen = prioritize(relevant, patient)
        return Selection([] if chosen is None or not _is_best(chosen, ()) else [chosen], [])
    groups: dict[str, list[PatientSeries]] = {}
    for patient_series in relevant:
        groups.setdefault(patient_series.series.group, []).append(patient_series)
    by_group = {group: p for group, members in groups.items() if (p := prioritize(members, patient)) is not None}
    if len(by_group) == 1:
        return Selection([p for p in by_group.values() if _is_best(p, ())], [])
    selection = Selection([], [])
    for p in by_group.values():
        equivalent = [by_group[g] for g in p.series.equivalent_groups if g in by_group]
        (selection.best if _is_best(p, equivalent) else selection.set_aside).append(p)
    return selection


def _is_best(prioritized: PatientSeries, equivalent: Candidates) -> bool:
    """Table 8-14."""
    if _is_complete(prioritized):
        return True
    if any(map(_is_complete, equivalent)) or prioritized.series.kind is _EVALUATION_ONLY:
        return False
    return prioritized.series.kind is _RISK or all(e.series.kind is not _RISK for e in equivalent)


def can_do_without_default(others: Candidates, patient: Patient) -> bool:
    """Tables 8-3 and 8-5 turn to a default series that started late only if no other is complete or in process."""
    return any(
        p.satisfied and (p.status is _COMPLETE or p.status is _NOT_COMPLETE) and _started_in_time(p, patient)
        for p in others
    )


def prioritize(group: Candidates, patient: Patient) -> PatientSeries | None:
    """Table 8-3; what it leaves open is scored."""
    if len(group) == 1 and group[0].series.default:
        return _because(group[0], "Table 8-3: the default patient series")
    scorable = pre_filter(group, patient)
    default = next((p for p in group if p.series.default), None)
    if not scorable and default is not None:
        return _because(default, "Table 8-3: the default patient series")
    scorable = scorable or _next_in_priority(group)
    if not scorable:
        return None
    if len(scorable) == 1:
        return _because(scorable[0], "Table 8-3: the single scorable patient series")
    return _score(scorable, default, patient)


def _next_in_priority(group: Candidates) -> list[PatientSeries]:
    """Table 8-2 leaves nobody where the series of the highest priority is contraindicated and others are not: the best
    of those is told then, for a group must not vanish from an answer."""
    left = [p for p in group if p.status is not _CONTRAINDICATED and p.series.kind is _RISK]
    highest = min((p.series.priority for p in left), default="")
    return [p for p in left if p.series.priority == highest]


def _score(scorable: Candidates, default: PatientSeries | None, patient: Patient) -> PatientSeries:
    """Table 8-5. It has no row for series with valid doses of which none is complete or in process (all are immune,
    contraindicated, aged out, …): what the patient has received decides then, so that no valid dose is told not to be.
    Where all are contraindicated, that goes before the default series (Table 8-3) too.
    """
    if complete := [p for p in scorable if _is_complete(p)]:
        return _highest(complete, _shared_points(1, _have_most(complete)), "Table 8-7: scored as complete")
    if in_process := [p for p in scorable if _is_in_process(p)]:
        return _highest(in_process, _in_process_points(in_process, patient), "Table 8-9: scored as in process")
    if all(p.status is _CONTRAINDICATED for p in scorable) and any(p.satisfied for p in scorable):
        return _highest(scorable, _shared_points(1, _have_most(scorable)), "SELECTB-19: the most valid doses")
    if default is not None:
        return _because(default, "Table 8-3: the default patient series")
    if any(p.satisfied for p in scorable):
        return _highest(scorable, _shared_points(1, _have_most(scorable)), "SELECTB-19: the most valid doses")
    return _highest(scorable, _no_valid_points(scorable, patient), "Table 8-11: scored without valid doses")


def pre_filter(group: Candidates, patient: Patient) -> list[PatientSeries]:
    """Table 8-2: SELECTB-24, then SELECTSCORE-2."""
    open_series = [p for p in group if p.status is not _CONTRAINDICATED] or list(group)
    no_valid_doses = not any(p.satisfied for p in group)
    no_default = not any(p.series.default for p in group)
    highest = min(p.series.priority for p in [p for p in group if _is_on_path(p, group, patient)] or group)
    scorable = []
    for p in open_series:
        kind = p.series.kind
        if kind is _RISK:
            is_scorable = p.series.priority <= highest
        elif kind is _EVALUATION_ONLY:
            is_scorable = _is_complete(p)
        else:
            is_scorable = _started_in_time(p, patient) if p.satisfied else no_valid_doses and no_default
        if is_scorable:
            scorable.append(p)
    return scorable


def _is_on_path(patient_series: PatientSeries, group: Candidates, patient: Patient) -> bool:
    """Whether its priority excludes others: the patient has begun the series, or can start at its first dose.

    SELECTSCORE-2 lets every relevant series exclude those of lower priority. CDC's cases show that one which the
    patient could only enter in its middle does not: an adult in an outbreak gets the single dose of meningococcal
    vaccine, not what is left of the series for infants, whose indications have no end age. Who entered it in its
    middle when no series of lower priority was for him yet, as an infant of 8 months, stays in it.
    """
    if not patient_series.satisfied:
        return patient_series.current == 0 and patient_series.status is _NOT_COMPLETE
    target, day = patient_series.satisfied[0]
    if target is patient_series.targets[0]:
        return True
    priority = patient_series.series.priority
    return not any(p.series.priority > priority and is_indicated(p.series, patient, day) for p in group)


def _started_in_time(patient_series: PatientSeries, patient: Patient) -> bool:
    maximum = patient_series.series.maximum_age_to_start
    return maximum is None or patient_series.satisfied[0][1] < patient.ages[maximum]


def _because(patient_series: PatientSeries, rule: str) -> PatientSeries:
    patient_series.trail.append((rule, 0, 0))
    return patient_series


def _highest(scored: Candidates, points: Sequence[int], rule: str) -> PatientSeries:
    """SELECTBEST-1 and SELECTBEST-2."""
    best, _ = min(zip(scored, points, strict=True), key=lambda pair: (-pair[1], pair[0].series.preference))
    return _because(best, rule)


def _in_process_points(scored: Candidates, patient: Patient) -> list[int]:
    """Table 8-9."""
    completable = [_is_completable(p, patient) for p in scored]
    left = [len(p.targets) - p.current for p in scored]
    finishes = [p.finish for p, can in zip(scored, completable, strict=True) if can and p.finish is not None]
    soonest = min(finishes, default=None)
    finish_earliest = [can and p.finish == soonest for p, can in zip(scored, completable, strict=True)]
    return _sum(
        _own_points(2, (p.series.product_path and _has_all_valid(p) for p in scored)),
        _own_points(3, completable),
        _shared_points(2, _have_most(scored)),
        _shared_points(2, [n == min(left) for n in left]),
        _shared_points(1, finish_earliest),
    )


def _no_valid_points(scored: Candidates, patient: Patient) -> list[int]:
    """Table 8-11."""
    completable = [_is_completable(p, patient) for p in scored]
    starts = [p.earliest for p in scored if p.earliest is not None]
    start_earliest = [p.earliest is not None and p.earliest == min(starts) for p in scored]
    return _sum(
        _shared_points(1, start_earliest),
        _own_points(1, completable),
        _own_points(-1, (p.series.product_path for p in scored)),
    )


def _own_points(points: int, conditions: Iterable[bool]) -> list[int]:
    return [points if is_true else -points for is_true in conditions]


def _shared_points(points: int, conditions: Sequence[bool]) -> list[int]:
    """Nobody gains by a condition that is true for two or more."""
    alone = sum(conditions) == 1
    return [(points if alone else 0) if is_true else -points for is_true in conditions]


def _sum(*points: list[int]) -> list[int]:
    return [sum(column) for column in zip(*points, strict=True)]


def _have_most(scored: Candidates) -> list[bool]:
    """SELECTB-19 with SELECTB-21."""
    most = max(len(p.satisfied) for p in scored)
    return [len(p.satisfied) == most for p in scored]


def _is_complete(patient_series: PatientSeries) -> bool:
    """SELECTB-6."""
    return patient_series.status is _COMPLETE


def _is_in_process(patient_series: PatientSeries) -> bool:
    """SELECTB-16."""
    return bool(patient_series.satisfied) and patient_series.status is _NOT_COMPLETE


def _has_all_valid(patient_series: PatientSeries) -> bool:
    """SELECTB-2."""
    return all(e.status is _VALID for e in patient_series.evaluations)


def _is_completable(patient_series: PatientSeries, patient: Patient) -> bool:
    """SELECTB-3 with the forecast finish date of SELECTB-12."""
    if patient_series.earliest is None:
        return False
    remaining = patient_series.targets[patient_series.current + 1 :]
    intervals = [i.minimum for target in remaining for i in target.intervals if i.minimum is not None]
    finish = max((add(patient_series.earliest, i) for i in intervals), default=patient_series.earliest)
    patient_series.finish = finish
    last_ages = [a for a in patient_series.targets[-1].ages if a.maximum is not None]
    return all(finish < patient.ages[a.maximum] for a in last_ages if a.maximum is not None)


def number_after_standard(selection: Selection) -> None:
    """FORECASTDN-1 across series groups: a risk series goes on counting from the doses valid in the standard series.

    The specification counts within the series alone; CDC's cases with doses of both kinds (asplenia after four doses of
    infant PCV: dose 6 follows the first PPSV23) count what the patient has received to any purpose.
    """
    for p in selection.best:
        if p.series.kind is not _RISK or p.dose_number is None:
            continue
        target = p.target
        since = target.season_start if target is not None and target.seasonal else 0
        prioritized = (*selection.best, *selection.set_aside)
        valid = {d.order for other in prioritized for d in other.valid_doses if d.day >= since}
        p.dose_number += len(valid - {d.order for d in p.valid_doses})
