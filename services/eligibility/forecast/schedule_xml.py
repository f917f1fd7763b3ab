"""ScheduleSupportingData.xml: vaccine groups, CVX to antigen, vaccine conflicts, coded observations."""

import re
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from services.eligibility.forecast.dates import Period, parse_period, period
from services.eligibility.forecast.schedule import (
    Antigen,
    Association,
    CodedObservation,
    SeriesType,
    VaccineConflict,
    VaccineGroup,
)


def text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def texts(element: Element, tag: str) -> tuple[str, ...]:
    return tuple(filter(None, ((e.text or "").strip() for e in element.iterfind(tag))))


def codes(value: str) -> frozenset[str]:
    return frozenset(filter(None, re.split(r"[;,\s]+", value)))


def groups_of(
    schedule: Element, antigens: Mapping[str, Antigen], conflicts: Mapping[str, Mapping[str, VaccineConflict]]
) -> tuple[VaccineGroup, ...]:
    full = {
        text(g, "name"): text(g, "administerFullVaccineGroup") == "Yes" for g in schedule.iterfind("*/vaccineGroup")
    }
    return tuple(
        _group([antigens[a] for a in texts(g, "antigen")], text(g, "name"), full.get(text(g, "name"), False), conflicts)
        for g in schedule.iterfind("*/vaccineGroupMap")
    )


def group_with(
    group: VaccineGroup, antigens: Mapping[str, Antigen], conflicts: Mapping[str, Mapping[str, VaccineConflict]]
) -> VaccineGroup:
    """The same group, of these antigens."""
    return _group([antigens[antigen.name] for antigen in group.antigens], group.name, group.administer_full, conflicts)


def _group(
    antigens: Sequence[Antigen],
    name: str,
    administer_full: bool,
    conflicts: Mapping[str, Mapping[str, VaccineConflict]],
) -> VaccineGroup:
    everybodys = [s for a in antigens for s in a.series if s.kind is not SeriesType.RISK]
    preferable = {v.cvx for a in antigens for s in a.series for d in s.doses for v in d.preferable}
    return VaccineGroup(
        name=name,
        antigens=tuple(antigens),
        antigen_names=frozenset(a.name for a in antigens),
        administer_full=administer_full,
        observations=frozenset().union(*(a.indicated_by | a.concerned_by for a in antigens)),
        looks_at=frozenset().union(*(a.looks_at for a in antigens), *(conflicts.get(cvx, {}) for cvx in preferable)),
        for_risk_only=not everybodys,
    )


def associations_of(schedule: Element) -> Mapping[str, tuple[Association, ...]]:
    return {text(m, "cvx"): tuple(map(_association, m.iterfind("association"))) for m in schedule.iterfind("*/cvxMap")}


def vaccine_names_of(schedule: Element) -> Mapping[str, str]:
    return {text(m, "cvx"): text(m, "shortDescription") for m in schedule.iterfind("*/cvxMap")}


def conflicts_of(schedule: Element) -> Mapping[str, Mapping[str, VaccineConflict]]:
    conflicts: dict[str, dict[str, VaccineConflict]] = {}
    for c in schedule.iterfind("*/liveVirusConflict"):
        conflicts.setdefault(text(c, "current/cvx"), {})[text(c, "previous/cvx")] = VaccineConflict(
            begin=_required(c, "conflictBeginInterval"),
            minimum_end=_required(c, "minConflictEndInterval"),
            end=_required(c, "conflictEndInterval"),
        )
    return conflicts


def observations_of(schedule: Element) -> Mapping[str, CodedObservation]:
    return {o.code: o for o in map(_observation, schedule.iterfind("*/observation"))}


def _observation(element: Element) -> CodedObservation:
    coded = tuple((text(c, "codeSystem"), text(c, "code")) for c in element.iterfind("codedValues/codedValue"))
    return CodedObservation(code=text(element, "observationCode"), title=text(element, "observationTitle"), codes=coded)


def _association(element: Element) -> Association:
    return Association(
        antigen=text(element, "antigen"),
        begin_age=parse_period(text(element, "associationBeginAge")),
        end_age=parse_period(text(element, "associationEndAge")),
    )


def _required(element: Element, tag: str) -> Period:
    return parse_period(text(element, tag)) or period(0, 0)
