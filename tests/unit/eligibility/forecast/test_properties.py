"""Facts that hold for every history, each narrowed by exactly what CDC's own rules make false."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.eligibility.forecast import evaluate_and_forecast_all_relevant_patient_series as walk
from services.eligibility.forecast.cases import Case, read_cases
from services.eligibility.forecast.create_relevant_patient_series import relevant_series
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import (
    Dose,
    EvaluationStatus,
    History,
    Observation,
    SeriesStatus,
    VaccineGroupForecast,
)
from services.eligibility.forecast.organize_immunization_history import organize
from services.eligibility.forecast.patient_series import PatientSeries
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, ConditionType, SupportingData
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.forecast.unused import unused
from tests.unit.eligibility.forecast import people

ASSESSED = date(2025, 11, 10)
CHILD_DAYS, ADULT_DAYS = 2500, 30000
CHILDHOOD = ["03", "05", "08", "10", "20", "21", "37", "48", "94", "107", "110", "116", "119", "122", "133", "203"]
ADULTHOOD = ["09", "33", "43", "88", "113", "115", "121", "140", "165", "187", "189", "208", "213", "215", "216", "303"]
CODES = [*CHILDHOOD, *ADULTHOOD, "312"]
CONDITIONS = ["007", "014", "019", "042", "053", "055", "080", "154", "160", "161", "186"]
quickly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Children and adults, most doses in early life, some of them mad."""
    lived = draw(st.integers(0, CHILD_DAYS) | st.integers(0, ADULT_DAYS))
    birth_on = ASSESSED - timedelta(days=lived)
    days = draw(st.lists(st.integers(0, min(lived, 900)) | st.integers(0, lived), max_size=8))
    doses = tuple(Dose(birth_on + timedelta(days=d), draw(st.sampled_from(CODES))) for d in days)
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), max_size=2, unique=True))
    return History(birth_on, draw(st.sampled_from(["Female", "Male"])), doses, tuple(map(Observation, conditions)))


@quickly
@given(history=histories(), data=st.data())
def test_the_order_of_entry_does_not_matter(supporting: SupportingData, history: History, data: st.DataObject) -> None:
    """Doses and observations entered in another order give the same forecasts and evaluations."""
    shuffled = dataclasses.replace(
        history,
        doses=tuple(data.draw(st.permutations(history.doses))),
        observations=tuple(data.draw(st.permutations(history.observations))),
    )
    assert comparable(shuffled, supporting) == comparable(history, supporting)


@quickly
@given(history=histories(), data=st.data())
def test_an_invalid_dose_never_makes_a_person_more_complete(
    supporting: SupportingData, history: History, data: st.DataObject
) -> None:
    """A vaccine group does not become complete by a dose that is not valid in it.

    False by CDC's rules where a Conditional Skip counts "Total" doses (CONDSKIP-1 takes any status: six doses of DTaP,
    or any PCV before a risk series, end the need), so a forecast whose path took such a skip is left out.
    """
    lived = (ASSESSED - history.birth_on).days
    given_on = history.birth_on + timedelta(days=data.draw(st.integers(0, lived)))
    extra = Dose(given_on, data.draw(st.sampled_from(CODES)))
    before = by_key(forecast(history, supporting, ASSESSED))
    more = dataclasses.replace(history, doses=(*history.doses, extra))
    by_total = skips_that_count_all_doses(supporting)
    for key, after in by_key(forecast(more, supporting, ASSESSED)).items():
        added = [e for e in after.evaluations if e.dose == len(history.doses)]
        if added and added[0].status is EvaluationStatus.NOT_VALID and by_total.isdisjoint(rules_of(after)):
            was_complete = key in before and before[key].series_status is SeriesStatus.COMPLETE
            assert was_complete or after.series_status is not SeriesStatus.COMPLETE


@quickly
@given(history=histories(), data=st.data())
def test_dates_do_not_move_backwards_when_time_passes_without_a_dose(
    supporting: SupportingData, history: History, data: st.DataObject
) -> None:
    """Neither the earliest nor the recommended date of a series ever comes nearer by waiting.

    False by CDC's rules where waiting makes another series the best one: the risk series of the ages 2 to 5 gives way
    to that of 6 to 18 (Table 5-4), which counts its own doses. So dates are compared while the same series is forecast.
    """
    lived = (ASSESSED - history.birth_on).days
    now = history.birth_on + timedelta(days=data.draw(st.integers(0, lived)))
    later = now + timedelta(days=data.draw(st.integers(1, 1500)))
    history = dataclasses.replace(history, doses=tuple(d for d in history.doses if d.administered_on <= now))
    afterwards = by_key(forecast(history, supporting, later))
    for key, first in by_key(forecast(history, supporting, now)).items():
        second = afterwards.get(key)
        if second is None or [s.series for s in first.series] != [s.series for s in second.series]:
            continue
        assert not_before(second.earliest_on, first.earliest_on)
        assert not_before(second.recommended_on, first.recommended_on)


@quickly
@given(history=histories())
def test_shortcuts_give_what_the_whole_walk_gives(supporting: SupportingData, history: History) -> None:
    """Answers shared by age, walks shared by twin antigens and series left out without a chance change no answer."""
    patient = Patient(history, ASSESSED)
    records = organize(patient, supporting)
    walked = [walk.forecast_group(group, patient, supporting, records) for group in supporting.groups]
    assert forecast(history, supporting, ASSESSED) == tuple(one for answers in walked for one in answers)
    for antigen in supporting.antigens.values():
        chosen = walk.select(antigen, patient, supporting, records)
        everything = walk.walk(antigen, relevant_series(antigen, patient), None, patient, supporting, records)
        assert [p.series for p in chosen.best] == [p.series for p in everything.best]


@quickly
@given(history=histories())
def test_dates_are_in_order_and_go_with_the_status(supporting: SupportingData, history: History) -> None:
    """Only what is not complete has dates, and earliest <= recommended, earliest <= past due."""
    for answer in forecast(history, supporting, ASSESSED):
        dates = (answer.earliest_on, answer.recommended_on, answer.past_due_on, answer.latest_on)
        if answer.series_status is not SeriesStatus.NOT_COMPLETE:
            assert dates == (None, None, None, None)
            assert answer.dose_number is None
        assert not_before(answer.recommended_on, answer.earliest_on)
        assert not_before(answer.past_due_on, answer.earliest_on)


@quickly
@given(history=histories())
def test_every_dose_is_evaluated_or_told_as_not_used(supporting: SupportingData, history: History) -> None:
    """A dose of a group that concerns the person is evaluated in each best series of its antigen; another is not used
    by its place."""
    told = {one.position for one in unused(history, supporting, ASSESSED) if one.kind == "doses"}
    answers = forecast(history, supporting, ASSESSED)
    records = organize(Patient(history, ASSESSED), supporting)
    for series in (s for answer in answers for s in (*answer.series, *answer.set_aside)):
        assert sorted(e.dose for e in series.evaluations) == sorted(d.position for d in records.get(series.antigen, ()))
    evaluated = {dose.position for doses in records.values() for dose in doses}
    assert evaluated | told == set(range(len(history.doses)))


@quickly
@given(history=histories())
def test_a_vaccine_group_agrees_with_its_antigens(supporting: SupportingData, history: History) -> None:
    """Its status is one of theirs, and every date of it one of theirs or a day of a dose (9.1 to 9.3)."""
    given_on = {dose.administered_on for dose in history.doses}
    for answer in forecast(history, supporting, ASSESSED):
        assert answer.series_status in {one.status for one in answer.series}
        for date_of in ("earliest_on", "recommended_on", "past_due_on", "latest_on"):
            found = getattr(answer, date_of)
            theirs = {getattr(one, date_of) for one in answer.series} | {one.earliest_on for one in answer.series}
            assert found in theirs | given_on
        assert bool(answer.contraindications) == any(s.status is SeriesStatus.CONTRAINDICATED for s in answer.series)
        assert {one.dose for one in answer.evaluations} == {e.dose for s in answer.series for e in s.evaluations}


@quickly
@given(history=histories())
def test_a_dose_valid_in_every_series_of_a_group_is_valid_in_the_best(
    supporting: SupportingData, history: History
) -> None:
    """Choosing among the series of a group (chapter 8) voids no dose that each of them counts."""
    patient = Patient(history, ASSESSED)
    records = organize(patient, supporting)
    for antigen in supporting.antigens.values():
        relevant = relevant_series(antigen, patient)
        best = walk.walk(antigen, relevant, None, patient, supporting, records).best
        for one in best:
            rivals = [
                walk_alone(antigen, s, patient, supporting, records) for s in relevant if s.group == one.series.group
            ]
            orders = [{d.order for d in p.valid_doses} for rival in rivals for p in rival]
            if orders and len(orders) == len(rivals):
                assert set.intersection(*orders) <= {d.order for d in one.valid_doses}


@quickly
@given(data=st.data())
def test_variants_of_cdcs_cases_are_answered(supporting: SupportingData, data: st.DataObject) -> None:
    """With days moved, products exchanged, doses left out or given twice, each group still answers once per series
    group, in order of days."""
    case = data.draw(st.sampled_from(cdc_cases()))
    shift = timedelta(days=data.draw(st.integers(-400, 400)))
    kept = [dose for dose in case.history.doses if data.draw(st.integers(0, 4))]
    codes = st.sampled_from(sorted(supporting.associations))
    doses = [
        dataclasses.replace(
            dose,
            administered_on=dose.administered_on + timedelta(days=data.draw(st.integers(-30, 30))),
            cvx=dose.cvx if data.draw(st.integers(0, 3)) else data.draw(codes),
        )
        for dose in (*kept, *kept[: data.draw(st.integers(0, 2))])
    ]
    on = case.assessment_on + shift
    answers = forecast(dataclasses.replace(case.history, doses=tuple(doses)), supporting, on)
    keys = [(one.vaccine_group, one.series_group) for one in answers]
    assert len(keys) == len(set(keys))
    for answer in answers:
        assert not_before(answer.recommended_on, answer.earliest_on)
        assert (answer.dose_number is None) == (answer.series_status is not SeriesStatus.NOT_COMPLETE)


@functools.cache
def cdc_cases() -> list[Case]:
    rules = bundled("4.64")
    return [case for path in (people.HEALTHY, people.CONDITIONS) for case in read_cases(path, rules)]


def walk_alone(
    antigen: Antigen, series: AntigenSeries, patient: Patient, supporting: SupportingData, records: walk.Records
) -> list[PatientSeries]:
    selection = walk.walk(antigen, [series], None, patient, supporting, records)
    return [*selection.best, *selection.set_aside]


def comparable(history: History, supporting: SupportingData) -> list[object]:
    """Forecasts with the doses they evaluate in place of their positions."""
    return [
        (
            f._replace(evaluations=(), series=(), set_aside=()),
            sorted((history.doses[e.dose].administered_on, history.doses[e.dose].cvx, e.status) for e in f.evaluations),
            [s.trail for s in f.series],
        )
        for f in forecast(history, supporting, ASSESSED)
    ]


def by_key(forecasts: Iterable[VaccineGroupForecast]) -> Mapping[tuple[str, str], VaccineGroupForecast]:
    return {(f.vaccine_group, f.series_group): f for f in forecasts}


def rules_of(answer: VaccineGroupForecast) -> set[str]:
    return {rule for series in answer.series for rule, _, _ in series.trail}


def skips_that_count_all_doses(supporting: SupportingData) -> set[str]:
    doses = (d for a in supporting.antigens.values() for s in a.series for d in s.doses)
    return {
        skip_set.description
        for dose in doses
        for skip in (*dose.evaluation_skips, *dose.forecast_skips)
        for skip_set in skip.sets
        if any(c.kind is ConditionType.VACCINE_COUNT and not c.only_valid for c in skip_set.conditions)
    }


def not_before(second: date | None, first: date | None) -> bool:
    return second is None or first is None or second >= first


def test_the_histories_are_worth_trying(supporting: SupportingData) -> None:
    """The strategy reaches every status but those that need a country or an ended season."""
    seen: set[SeriesStatus] = set()

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)  # a sample, always the same
    @given(history=histories())
    def look(history: History) -> None:
        seen.update(f.series_status for f in forecast(history, supporting, ASSESSED))

    look()
    assert seen >= {s for s in SeriesStatus if s is not SeriesStatus.NOT_RECOMMENDED}
