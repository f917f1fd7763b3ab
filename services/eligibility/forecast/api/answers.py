"""From a history that was asked about to the answer. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from services.eligibility.forecast import fhir_history
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.explain import changes_in, explain_group, opening
from services.eligibility.forecast.fhir_history import NOTES, Bundle, Note, patient_of
from services.eligibility.forecast.fhir_recommendation import code_of, recommendation
from services.eligibility.forecast.headlines import headlines
from services.eligibility.forecast.model import History, Observation, VaccineGroupForecast
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.season_warnings import seasons_over
from services.eligibility.forecast.shapes import (
    AnswerOut,
    EvaluationOut,
    ForecastOut,
    HistoryIn,
    NoteOut,
    ObservationOut,
    OverlayOut,
    WarningOut,
)
from services.eligibility.forecast.unused import unused


class Asked(NamedTuple):
    """A history, and where its doses and observations stood in the request."""

    history: History
    observations: list[ObservationOut]
    notes: list[Note]
    places: list[str]
    observed: list[str]
    patient_id: str


def read(body: HistoryIn | Bundle, supporting: SupportingData) -> Asked | None:
    """None where the bundle does not hold exactly one patient."""
    if isinstance(body, HistoryIn):
        places, observed = ([f"{what}.{n}" for n in range(len(of))] for what, of in (
            ("doses", body.doses), ("observations", body.observations),
        ))  # fmt: skip
        return Asked(body.history(), [], [], places, observed, "")
    patient = patient_of(body)
    if patient is None:
        return None
    return of_fhir(fhir_history.history_of(body, patient, supporting), patient, supporting)


def of_fhir(read: fhir_history.Read, patient: fhir_history.Patient, supporting: SupportingData) -> Asked:
    taken = [ObservationOut(where=finding.where, code=finding.observation.code,
                            title=_title(finding.observation, supporting))
             for finding in read.found]  # fmt: skip
    observed = [finding.where for finding in read.found]
    return Asked(read.history, taken, read.notes, read.places, observed, patient.id)


def _title(observation: Observation, supporting: SupportingData) -> str:
    return supporting.observations[observation.code].title


def answered(read: Asked, supporting: SupportingData, on: date) -> AnswerOut:
    """`supporting`: as of the day."""
    history, places = read.history, read.places
    forecasts = forecast(history, supporting, on)
    told = [list(explain_group(answer, history.doses, supporting, on)) for answer in forecasts]
    lines = [opening(supporting, on), *(line for explanation in told for line in explanation)]
    firsts = {id(headline.forecast) for headline in headlines(forecasts, on)}
    return AnswerOut(
        release=supporting.release,
        released_on=supporting.released_on,
        assessment_on=on,
        is_covered=supporting.released_on <= on,
        warnings=[
            WarningOut(
                vaccine_group=season.vaccine_group,
                season_ended_on=season.ended_on,
                text=season.text(supporting.release),
            )
            for season in seasons_over(supporting, on)
        ],
        overlay=_overlay(forecasts, supporting),
        forecasts=[
            _forecast(answer, on, places, explanation, is_headline=id(answer) in firsts)
            for answer, explanation in zip(forecasts, told, strict=True)
        ],
        observations=read.observations,
        not_used=[
            NoteOut(where=note.where, code=note.code, text=NOTES[note.code]) for note in _notes(read, supporting, on)
        ],
        recommendation=recommendation(
            forecasts, supporting, on, read.patient_id, list(zip(places, history.doses, strict=True)), lines
        ),
    )


def _notes(read: Asked, supporting: SupportingData, on: date) -> Iterator[Note]:
    yield from read.notes
    for entry in unused(read.history, supporting, on):
        places = read.places if entry.kind == "doses" else read.observed
        yield Note(places[entry.position], entry.code)


def _overlay(forecasts: Sequence[VaccineGroupForecast], supporting: SupportingData) -> list[OverlayOut]:
    if supporting.overlay is None:
        return []
    groups: dict[str, list[str]] = {}
    for answer in forecasts:
        for change in changes_in(answer, supporting):
            groups.setdefault(change.code, []).append(answer.vaccine_group)
    holding = {change.code: change for changes in supporting.changed.values() for change in changes}
    return [
        OverlayOut(
            code=code, jurisdiction=supporting.overlay.jurisdiction, from_on=change.from_on, until=change.until,
            because=change.because, source=change.source, vaccine_groups=list(dict.fromkeys(groups.get(code, ()))),
        )
        for code, change in holding.items()
    ]  # fmt: skip


def _forecast(
    one: VaccineGroupForecast, on: date, places: list[str], told: list[str], *, is_headline: bool
) -> ForecastOut:
    return ForecastOut(
        vaccine_group=one.vaccine_group,
        series_type=one.series_type.value,
        is_headline=is_headline,
        contraindications=list(one.contraindications),
        status=code_of(one, on),
        dose_number=one.dose_number,
        earliest_on=one.earliest_on,
        recommended_on=one.recommended_on,
        past_due_on=one.past_due_on,
        latest_on=one.latest_on,
        recommended_vaccines=list(one.recommended_vaccines),
        evaluations=[
            EvaluationOut(
                dose=places[evaluation.dose], status=evaluation.status.value, reasons=list(evaluation.reasons),
                target_dose=evaluation.target_dose,
            )
            for evaluation in one.evaluations
        ],
        explanation=told,
    )  # fmt: skip
