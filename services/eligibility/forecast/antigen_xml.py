"""AntigenSupportingData-*.xml: one antigen's immunity, contraindications and series."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from itertools import chain
from xml.etree.ElementTree import Element

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, Period, parse_period, period
from services.eligibility.forecast.schedule import (
    ALWAYS,
    Age,
    Antigen,
    AntigenSeries,
    BirthDateImmunity,
    Condition,
    ConditionalSkip,
    ConditionType,
    Contraindication,
    Indication,
    Interval,
    SeriesDose,
    SeriesType,
    SharedDecision,
    SkipSet,
    Vaccine,
    Validity,
)
from services.eligibility.forecast.schedule_xml import codes, text, texts

LAST_PREFERENCE = 99
LONGEST_GUIDANCE = 5000
"""The time that the pattern takes grows with the square of the length."""
_SHARED_AGES = re.compile(r"shared clinical decision.making.*?persons (?:aged )?(\d+)-(\d+) years", re.I | re.S)


def antigen_of(root: Element) -> Antigen:
    series = _in_order(map(_series, root.iterfind("series")))
    immunity = frozenset(text(c, "guidelineCode") for c in root.iterfind("immunity/clinicalHistory"))
    by_birth = tuple(map(_birth_immunity, root.iterfind("immunity/dateOfBirth")))
    contraindications = _contraindications(root, "vaccineGroup")
    vaccine_contraindications = _contraindications(root, "vaccine")
    return Antigen(
        name=series[0].antigen,
        immunity_observations=immunity,
        immunity_by_birth=by_birth,
        contraindications=contraindications,
        vaccine_contraindications=vaccine_contraindications,
        series=series,
        indicated_by=_indicated_by(series),
        looks_at=_looks_at(series),
        concerned_by=immunity.union(
            (c.observation for c in (*contraindications, *vaccine_contraindications)),
            *(rule.exclusions for rule in by_birth),
        ),
    )


def antigen_with(antigen: Antigen, series: Iterable[AntigenSeries]) -> Antigen:
    """The antigen with other series."""
    ordered = _in_order(series)
    return replace(antigen, series=ordered, indicated_by=_indicated_by(ordered), looks_at=_looks_at(ordered))


def _in_order(series: Iterable[AntigenSeries]) -> tuple[AntigenSeries, ...]:
    """Those that look at another group's completed series come last (6.2)."""
    return tuple(sorted(series, key=lambda s: bool(s.depends_on_groups)))


def _indicated_by(series: Iterable[AntigenSeries]) -> frozenset[str]:
    return frozenset(i.observation for s in series for i in s.indications)


def _looks_at(series: Iterable[AntigenSeries]) -> frozenset[str]:
    return frozenset(chain.from_iterable(_vaccine_types(d) for s in series for d in s.doses))


def _vaccine_types(dose: SeriesDose) -> Iterator[str]:
    for interval in dose.intervals:
        yield from interval.from_most_recent
    for condition in _conditions(dose):
        if not condition.only_valid:
            yield from condition.vaccine_types


def _series(element: Element) -> AntigenSeries:
    name, guidance = text(element, "seriesName"), texts(element, "seriesAdminGuidance")
    select = _child(element, "selectSeries")
    doses = tuple(map(_series_dose, element.iterfind("seriesDose")))
    indications = tuple(_indication(i) for i in _filled(element, "indication"))
    return AntigenSeries(
        name=name,
        antigen=text(element, "targetDisease"),
        vaccine_group=text(element, "vaccineGroup"),
        kind=SeriesType(text(element, "seriesType")),
        genders=frozenset(g for e in element.iterfind("requiredGender") if (g := (e.text or "").strip())),
        indications=indications,
        group=text(select, "seriesGroup"),
        group_name=text(select, "seriesGroupName"),
        equivalent_groups=codes(text(element, "equivalentSeriesGroups")),
        countable=frozenset(chain.from_iterable((*d.preferable_by_cvx, *d.allowable_by_cvx) for d in doses)),
        default=text(select, "defaultSeries") == "Yes",
        product_path=text(select, "productPath") == "Yes",
        priority=text(select, "seriesPriority"),
        preference=int(text(select, "seriesPreference") or LAST_PREFERENCE),
        minimum_age_to_start=_period(select, "minAgeToStart"),
        maximum_age_to_start=_period(select, "maxAgeToStart"),
        doses=doses,
        guidance="\n".join(guidance),
        shared_decision=_shared_decision(name, guidance),
        depends_on_groups=frozenset(chain.from_iterable(c.series_groups for d in doses for c in _conditions(d))),
        is_seasonal=any(d.seasonal and d.season_end != DISTANT_FUTURE for d in doses),
    )


def _conditions(dose: SeriesDose) -> Iterator[Condition]:
    for skip in (*dose.evaluation_skips, *dose.forecast_skips):
        for skip_set in skip.sets:
            yield from skip_set.conditions


def _shared_decision(name: str, guidance: tuple[str, ...]) -> SharedDecision | None:
    """CDC has no flag for it: the series' name says so, or its guidance says so for a span of ages."""
    if "shared clinical decision" in name.lower():
        return SharedDecision()
    for ages in filter(None, (_SHARED_AGES.search(said[:LONGEST_GUIDANCE]) for said in guidance)):
        return SharedDecision(period(12 * int(ages[1]), 0), period(12 * (int(ages[2]) + 1), 0))
    return None


def _series_dose(element: Element) -> SeriesDose:
    preferable = tuple(_vaccine(v) for v in _filled(element, "preferableVaccine"))
    skips = [(text(s, "context"), _skip(s)) for s in _filled(element, "conditionalSkip")]
    season = _child(element, "seasonalRecommendation")
    ages = tuple(_age(a) for a in _filled(element, "age"))
    intervals = tuple(_interval(i) for i in _filled(element, "interval"))
    return SeriesDose(
        number=int(text(element, "doseNumber").removeprefix("Dose ")),
        ages=ages,
        is_dated=any(v != ALWAYS for v in (*(a.validity for a in ages), *(i.validity for i in intervals))),
        intervals=intervals,
        allowable_intervals=tuple(_interval(i) for i in _filled(element, "allowableInterval")),
        preferable=preferable,
        recommended=tuple(v for v in preferable if v.recommended),
        preferable_by_cvx=_by_cvx(preferable),
        allowable_by_cvx=_by_cvx(_vaccine(v) for v in _filled(element, "allowableVaccine")),
        inadvertent=frozenset(text(v, "cvx") for v in _filled(element, "inadvertentVaccine")),
        evaluation_skips=tuple(skip for context, skip in skips if context in {"Evaluation", "Both"}),
        forecast_skips=tuple(skip for context, skip in skips if context in {"Forecast", "Both"}),
        recurring=text(element, "recurringDose") == "Yes",
        seasonal=bool(text(season, "startDate")),
        season_start=_day(season, "startDate", DISTANT_PAST),
        season_end=_day(season, "endDate", DISTANT_FUTURE),
    )


def _age(element: Element) -> Age:
    return Age(
        absolute_minimum=_period(element, "absMinAge"),
        minimum=_period(element, "minAge"),
        earliest_recommended=_period(element, "earliestRecAge"),
        latest_recommended=_period(element, "latestRecAge"),
        maximum=_period(element, "maxAge"),
        validity=_validity(element),
    )


def _interval(element: Element) -> Interval:
    target = text(element, "fromTargetDose")
    return Interval(
        from_previous=text(element, "fromPrevious") == "Y",
        from_target_dose=int(target) if target.isdigit() else None,
        from_most_recent=codes(text(element, "fromMostRecent")) - {"n/a"},
        from_observation=text(element, "fromRelevantObs/code"),
        absolute_minimum=_period(element, "absMinInt"),
        minimum=_period(element, "minInt"),
        earliest_recommended=_period(element, "earliestRecInt"),
        latest_recommended=_period(element, "latestRecInt"),
        priority=text(element, "intervalPriority").lower() in {"override", "y"},
        validity=_validity(element),
    )


def _vaccine(element: Element) -> Vaccine:
    volume = text(element, "volume")
    return Vaccine(
        cvx=text(element, "cvx"),
        name=text(element, "vaccineType"),
        begin_age=_period(element, "beginAge"),
        end_age=_period(element, "endAge"),
        trade_name=text(element, "tradeName").casefold(),
        mvx=text(element, "mvx"),
        volume_ml=float(volume) if volume else None,
        recommended=text(element, "forecastVaccineType") == "Y",
    )


def _skip(element: Element) -> ConditionalSkip:
    return ConditionalSkip(
        every_set=text(element, "setLogic") == "AND",
        sets=tuple(
            SkipSet(
                description=text(s, "setDescription"),
                every_condition=text(s, "conditionLogic") != "OR",
                conditions=tuple(map(_condition, s.iterfind("condition"))),
                validity=_validity(s),
            )
            for s in element.iterfind("set")
        ),
    )


def _condition(element: Element) -> Condition:
    kind = text(element, "conditionType").lower()
    return Condition(
        kind=ConditionType.VACCINE_COUNT if kind.startswith("vaccine count") else ConditionType(kind.title()),
        begin_age=_period(element, "beginAge"),
        end_age=_period(element, "endAge"),
        start=_day(element, "startDate", DISTANT_PAST),
        end=_day(element, "endDate", DISTANT_FUTURE),
        interval=_period(element, "interval"),
        dose_count=int(text(element, "doseCount") or 0),
        count_logic=text(element, "doseCountLogic").lower(),
        only_valid=text(element, "doseType").lower() == "valid",
        vaccine_types=codes(text(element, "vaccineTypes")),
        series_groups=codes(text(element, "seriesGroups")),
    )


def _indication(element: Element) -> Indication:
    return Indication(
        observation=text(element, "observationCode/code"),
        begin_age=_period(element, "beginAge"),
        end_age=_period(element, "endAge"),
        guidance=text(element, "guidance"),
    )


def _birth_immunity(element: Element) -> BirthDateImmunity:
    before = datetime.strptime(text(element, "immunityBirthDate"), "%m/%d/%Y")  # noqa: DTZ007 - a date without a zone
    return BirthDateImmunity(
        before=before.toordinal(),
        birth_country=text(element, "birthCountry"),
        exclusions=frozenset(text(e, "exclusionCode") for e in element.iterfind("exclusion")),
    )


def _contraindications(root: Element, level: str) -> tuple[Contraindication, ...]:
    return tuple(
        Contraindication(
            observation=text(c, "observationCode"),
            begin_age=_period(c, "beginAge"),
            end_age=_period(c, "endAge"),
            text=text(c, "contraindicationText"),
            guidance=text(c, "contraindicationGuidance"),
            vaccines=_by_cvx(_vaccine(v) for v in _filled(c, "contraindicatedVaccine")),
        )
        for c in root.iterfind(f"contraindications/{level}/contraindication")
    )


def _by_cvx(vaccines: Iterable[Vaccine]) -> Mapping[str, tuple[Vaccine, ...]]:
    by_cvx: dict[str, tuple[Vaccine, ...]] = {}
    for vaccine in vaccines:
        by_cvx[vaccine.cvx] = (*by_cvx.get(vaccine.cvx, ()), vaccine)
    return by_cvx


def _filled(element: Element, tag: str) -> Iterator[Element]:
    """CDC writes an empty element where there is nothing to say."""
    return (e for e in element.iterfind(tag) if len(e))


def _child(element: Element, tag: str) -> Element:
    found = element.find(tag)
    return found if found is not None else Element(tag)


def _period(element: Element, tag: str) -> Period | None:
    return parse_period(text(element, tag))


def _validity(element: Element) -> Validity:
    return Validity(_day(element, "effectiveDate", DISTANT_PAST), _day(element, "cessationDate", DISTANT_FUTURE))


def _day(element: Element, tag: str, otherwise: int) -> int:
    written = text(element, tag)
    if not written:
        return otherwise
    return date(int(written[:4]), int(written[4:6]), int(written[6:8])).toordinal()
