"""What a person needs, since when and why: a history in, CDC's answer out. Nothing is stored and nothing looked up."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from schemas.envelope import Cvx
from services.eligibility import store_decisions
from services.eligibility.forecast import fhir_history
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.explain import explain_group, opening
from services.eligibility.forecast.fhir_history import NOTES, Bundle, Day, Note, patient_of
from services.eligibility.forecast.fhir_recommendation import code_of, recommendation
from services.eligibility.forecast.model import Dose, History, Observation, VaccineGroupForecast
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.supporting_data import bundled, releases
from services.kit.auth import Principal, require
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading

FHIR_JSON = "application/fhir+json"
NO_RELEASE = Refusal("release-unknown", "Unknown Release", "There is no such release of CDC's supporting data.", 422)
NO_PATIENT = Refusal("one-patient", "One Patient Expected", "The bundle must hold exactly one Patient.", 422)
NOT_BORN = Refusal("not-born", "Not Born", "The birth date lies after the day of the assessment.", 422)

Asker = Annotated[Principal, require("coordinator", "supervisor", "chw", "site", "integration", "operator")]

routes = APIRouter()


class _In(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DoseIn(_In):
    administered_on: Day
    cvx: Cvx
    mvx: str = Field(default="", max_length=4)
    is_sub_standard: bool = Field(default=False, description="Recall, cold chain or wrong dose.")
    lot_expires_on: Day | None = None


class ObservationIn(_In):
    code: str = Field(pattern=r"^\d{3}$", description="A CDSi observation code.", examples=["014"])
    observed_on: Day | None = None


class HistoryIn(_In):
    """One person, with no name: the birth date and what was given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "born_on": "1950-05-01", "gender": "female", "doses": [{"administered_on": "2024-03-01", "cvx": "187"}],
    }]})  # fmt: skip

    born_on: Day
    gender: str = Field(default="unknown", pattern="^(female|male|other|unknown)$")
    birth_country: str = Field(default="", max_length=64)
    doses: tuple[DoseIn, ...] = Field(default=(), max_length=500)
    observations: tuple[ObservationIn, ...] = Field(default=(), max_length=500)

    def history(self) -> History:
        doses = tuple(
            Dose(one.administered_on, one.cvx, one.mvx, lot_expires_on=one.lot_expires_on,
                 sub_standard=one.is_sub_standard)
            for one in self.doses
        )  # fmt: skip
        observations = tuple(Observation(one.code, one.observed_on) for one in self.observations)
        return History(self.born_on, self.gender.capitalize(), doses, observations, self.birth_country)


def _form(body: Any) -> str:
    is_fhir = "resourceType" in body if isinstance(body, dict) else isinstance(body, Bundle)
    return "fhir" if is_fhir else "json"


AskIn = Annotated[Annotated[HistoryIn, Tag("json")] | Annotated[Bundle, Tag("fhir")], Discriminator(_form)]


class EvaluationOut(BaseModel):
    dose: str = Field(description="The place of the dose in the request.")
    status: str
    reasons: list[str]
    target_dose: int | None


class ForecastOut(BaseModel):
    """One vaccine group; somebody at risk may have two forecasts of one."""

    vaccine_group: str
    series_type: str
    status: str = Field(
        description="not-yet-due, due, overdue, shared-decision, complete, immune, contraindicated, not-recommended "
        "or aged-out, as of the day of the assessment."
    )
    dose_number: int | None
    earliest_on: date | None
    recommended_on: date | None
    past_due_on: date | None
    latest_on: date | None
    recommended_vaccines: list[str] = Field(description="CVX codes.")
    evaluations: list[EvaluationOut]
    explanation: list[str]


class ObservationOut(BaseModel):
    where: str
    code: str
    title: str


class NoteOut(BaseModel):
    """What of the request was not used."""

    where: str
    code: str
    text: str


class AnswerOut(BaseModel):
    release: str = Field(description="Of CDC's supporting data.")
    released_on: date
    assessment_on: date
    is_covered: bool = Field(description="False where the day lies before the release: CDC's rules were others then.")
    forecasts: list[ForecastOut]
    observations: list[ObservationOut] = Field(description="What conditions and allergies were taken for.")
    not_used: list[NoteOut]
    recommendation: dict[str, Any] = Field(description="FHIR R4 ImmunizationRecommendation.")


@routes.post(
    "/forecasts",
    response_model=AnswerOut,
    responses={200: {"description": f"The ImmunizationRecommendation alone where {FHIR_JSON} was asked for."}},
)
async def ask_forecast(
    body: AskIn,
    pool: Pool,
    principal: Asker,
    assessment_on: Annotated[Day | None, Query(description="Else the open business day.")] = None,
    release: Annotated[str | None, Query(max_length=32, description="Else the newest.")] = None,
    form: Annotated[str, Query(alias="_format", max_length=32, description=f"{FHIR_JSON} for FHIR alone.")] = "",
) -> Response | AnswerOut:
    """Every vaccine group's forecast by CDC's own logic (CDSi), with the path of rules in plain language. A history
    is a JSON document or a FHIR Bundle of a Patient with Immunizations, Conditions and AllergyIntolerances. Nothing of
    it is stored."""
    if release is not None and release not in releases():
        return refuse(NO_RELEASE)
    supporting = bundled(release)
    read = _read(body, supporting)
    if isinstance(read, Refusal):
        return refuse(read)
    on = assessment_on or await _business_day(pool, principal)
    if read[0].born_on > on:
        return refuse(NOT_BORN)
    answer = _answer(read, supporting, on)
    if form.replace(" ", "+") == FHIR_JSON:
        return JSONResponse(answer.recommendation, media_type=FHIR_JSON)
    return answer


_Read = tuple[History, list[ObservationOut], list[Note], list[str], str]


def _read(body: HistoryIn | Bundle, supporting: SupportingData) -> _Read | Refusal:
    if isinstance(body, HistoryIn):
        return body.history(), [], [], [f"doses.{n}" for n in range(len(body.doses))], ""
    patient = patient_of(body)
    if patient is None:
        return NO_PATIENT
    history, found, notes, places = fhir_history.history_of(body, patient, supporting)
    taken = [ObservationOut(where=one.where, code=one.observation.code, title=_title(one.observation, supporting))
             for one in found]  # fmt: skip
    return history, taken, notes, places, patient.id


def _title(observation: Observation, supporting: SupportingData) -> str:
    return supporting.observations[observation.code].title


async def _business_day(pool: Pool, principal: Principal) -> date:
    async with reading(pool, principal) as connection:
        clock = await store_decisions.load_clock(connection)
    if clock is None:
        raise TimeoutError  # the first day is opened seconds after the first start
    return clock.business_on


def _answer(read: _Read, supporting: SupportingData, on: date) -> AnswerOut:
    history, observations, notes, places, patient_id = read
    forecasts = forecast(history, supporting, on)
    told = [list(explain_group(one, history.doses, supporting, on)) for one in forecasts]
    lines = [opening(supporting, on), *(line for each in told for line in each)]
    return AnswerOut(
        release=supporting.release,
        released_on=supporting.released_on,
        assessment_on=on,
        is_covered=supporting.released_on <= on,
        forecasts=[_forecast(one, on, places, each) for one, each in zip(forecasts, told, strict=True)],
        observations=observations,
        not_used=[NoteOut(where=one.where, code=one.code, text=NOTES[one.code]) for one in notes],
        recommendation=recommendation(
            forecasts, supporting, on, patient_id, list(zip(places, history.doses, strict=True)), lines
        ),
    )


def _forecast(one: VaccineGroupForecast, on: date, places: list[str], told: list[str]) -> ForecastOut:
    return ForecastOut(
        vaccine_group=one.vaccine_group,
        series_type=one.series_type.value,
        status=code_of(one, on),
        dose_number=one.dose_number,
        earliest_on=one.earliest_on,
        recommended_on=one.recommended_on,
        past_due_on=one.past_due_on,
        latest_on=one.latest_on,
        recommended_vaccines=list(one.recommended_vaccines),
        evaluations=[
            EvaluationOut(
                dose=places[each.dose], status=each.status.value, reasons=list(each.reasons),
                target_dose=each.target_dose,
            )
            for each in one.evaluations
        ],
        explanation=told,
    )  # fmt: skip
