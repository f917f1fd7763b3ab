"""A history as it is asked about over HTTP, and the answer."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, Tag

from schemas.envelope import Cvx
from services.eligibility.forecast.fhir_history import Bundle, Day
from services.eligibility.forecast.model import Dose, History, Observation


class _In(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DoseIn(_In):
    administered_on: Day
    cvx: Cvx
    mvx: str = Field(default="", max_length=4)
    is_sub_standard: StrictBool = Field(default=False, description="Recall, cold chain or wrong dose.")
    lot_expires_on: Day | None = None


class ObservationIn(_In):
    code: str = Field(pattern=r"^\d{3}$", description="A CDSi observation code.", examples=["014"])
    observed_on: Day | None = None


class HistoryIn(_In):
    """One person, with no name: the birth date and what was given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "birth_on": "1950-05-01", "gender": "female", "doses": [{"administered_on": "2024-03-01", "cvx": "187"}],
    }]})  # fmt: skip

    birth_on: Day
    gender: str = Field(default="unknown", pattern="^(female|male|other|unknown)$")
    birth_country: str = Field(default="", max_length=64)
    doses: tuple[DoseIn, ...] = Field(default=(), max_length=500)
    observations: tuple[ObservationIn, ...] = Field(default=(), max_length=500)

    def history(self) -> History:
        doses = tuple(
            Dose(dose.administered_on, dose.cvx, dose.mvx, lot_expires_on=dose.lot_expires_on,
                 sub_standard=dose.is_sub_standard)
            for dose in self.doses
        )  # fmt: skip
        observations = tuple(
            Observation(observation.code, observation.observed_on) for observation in self.observations
        )
        return History(self.birth_on, self.gender.capitalize(), doses, observations, self.birth_country)


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
    is_headline: bool = Field(description="The one to act upon; exactly one of each vaccine group.")
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
    contraindications: list[str] = Field(description="CDC's own texts, of what is contraindicated.")
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


class WarningOut(BaseModel):
    """Where the release no longer speaks of the day."""

    vaccine_group: str
    season_ended_on: date
    text: str


class OverlayOut(BaseModel):
    """What a state recommends otherwise than CDC, and by whose word."""

    code: str
    jurisdiction: str
    from_on: date
    until: date | None
    because: str
    source: str
    vaccine_groups: list[str] = Field(description="Those whose answers were made with it.")


class AnswerOut(BaseModel):
    release: str = Field(
        description="Of CDC's supporting data; behind a plus sign, the state whose overlay lies over it."
    )
    released_on: date
    assessment_on: date
    is_covered: bool = Field(description="False where the day lies before the release: CDC's rules were others then.")
    warnings: list[WarningOut] = Field(description="Seasons that were over in this release before the day.")
    overlay: list[OverlayOut] = Field(description="The state's changes that hold on the day.")
    forecasts: list[ForecastOut]
    observations: list[ObservationOut] = Field(description="What conditions and allergies were taken for.")
    not_used: list[NoteOut]
    recommendation: dict[str, Any] = Field(
        description="FHIR R4 ImmunizationRecommendation, with one recommendation per vaccine group."
    )
