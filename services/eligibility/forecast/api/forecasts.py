"""What a person needs, since when and why: a history in, CDC's answer out. Nothing is stored and nothing looked up."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from services.eligibility.clock import store as clock_store
from services.eligibility.forecast import immds
from services.eligibility.forecast.api.answers import answered, of_fhir, read
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.fhir_history import Day, history_of, patient_of
from services.eligibility.forecast.headlines import headlines
from services.eligibility.forecast.overlay import as_of
from services.eligibility.forecast.overlay_documents import overlay_paths
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.shapes import AnswerOut, AskIn
from services.eligibility.forecast.supporting_data import bundled, releases
from services.kit.auth import Principal, may
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading

FHIR_JSON = "application/fhir+json"
NO_RELEASE = Refusal("unknown-release", "Unknown Release", "There is no such release of CDC's supporting data.", 422)
NO_OVERLAY = Refusal("unknown-overlay", "Unknown Overlay", "No overlay of that state's recommendations is here.", 422)
NO_DAY = Refusal("assessment-date", "Assessment Date Expected", "Parameters must hold one assessmentDate.", 422)
NO_PATIENT = Refusal("one-patient", "One Patient Expected", "The bundle must hold exactly one Patient.", 422)
NOT_BORN = Refusal("not-born", "Not Born", "The birth date lies after the day of the assessment.", 422)

Asker = Annotated[Principal, may("forecasts.ask")]

routes = APIRouter()

Release = Annotated[str | None, Query(max_length=32, description="Else the newest.")]
Jurisdiction = Annotated[
    str | None,
    Query(max_length=8, description="A state whose own recommendations lie over CDC's.", examples=["US-CA"]),
]


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
    release: Release = None,
    jurisdiction: Jurisdiction = None,
    form: Annotated[str, Query(alias="_format", max_length=32, description=f"{FHIR_JSON} for FHIR alone.")] = "",
) -> Response | AnswerOut:
    """Every vaccine group's forecast by CDC's own logic (CDSi), with the path of rules in plain language. A history
    is a JSON document or a FHIR Bundle of a Patient with Immunizations, Conditions and AllergyIntolerances. Nothing of
    it is stored."""
    supporting = _rules(release, jurisdiction)
    if isinstance(supporting, Refusal):
        return refuse(supporting)
    found = read(body, supporting)
    if found is None:
        return refuse(NO_PATIENT)
    on = assessment_on or await _business_day(pool, principal)
    if found.history.birth_on > on:
        return refuse(NOT_BORN)
    answer = answered(found, as_of(supporting, on), on)
    if form.replace(" ", "+") == FHIR_JSON:
        return JSONResponse(answer.recommendation, media_type=FHIR_JSON)
    return answer


@routes.post(
    "/$immds-forecast",
    responses={200: {"description": "FHIR R4 Parameters with `evaluation` and `recommendation`.",
                     "content": {FHIR_JSON: {"schema": {"type": "object"}}}}},
    response_class=JSONResponse,
)  # fmt: skip
async def ask_immds_forecast(
    body: immds.Parameters, principal: Asker, release: Release = None, jurisdiction: Jurisdiction = None
) -> Response:
    """The operation of HL7's Immunization Decision Support Forecast guide. Nothing of it is stored."""
    supporting = _rules(release, jurisdiction)
    if isinstance(supporting, Refusal):
        return refuse(supporting)
    on = body.assessed_on()
    if on is None:
        return refuse(NO_DAY)
    bundle, places = body.bundle()
    patient = patient_of(bundle)
    if patient is None:
        return refuse(NO_PATIENT)
    if patient.birth_date > on:
        return refuse(NOT_BORN)
    given = history_of(bundle, patient, supporting, places)
    answer = answered(of_fhir(given, patient, supporting), as_of(supporting, on), on)
    said = [
        *(("", warning.text) for warning in answer.warnings),
        *((note.where, note.text) for note in answer.not_used),
    ]
    firsts = headlines(forecast(given.history, supporting, on), on)
    told = immds.parameters_of(firsts, answer.recommendation, given.shots, patient, on, said)
    return JSONResponse(told, media_type=FHIR_JSON)


def _rules(release: str | None, jurisdiction: str | None) -> SupportingData | Refusal:
    if release is not None and release not in releases():
        return NO_RELEASE
    if jurisdiction is None:
        return bundled(release)
    if jurisdiction not in overlay_paths():
        return NO_OVERLAY
    return bundled(f"{release or releases()[-1]}+{jurisdiction}")


async def _business_day(pool: Pool, principal: Principal) -> date:
    async with reading(pool, principal) as work:
        clock = await clock_store.load_clock(work.connection)
    if clock is None:
        raise TimeoutError  # the first day is opened seconds after the first start
    return clock.business_on
