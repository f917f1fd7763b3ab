"""What is known of a member, and why it is decided so, as it is told over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.kit.masking import protected


class SviOut(BaseModel):
    level: str = Field(description="Where the index was read: tract, zip, county or unknown.")
    release: str
    value: float | None
    vulnerable: bool


class ReasonOut(BaseModel):
    code: str
    text: str


class ProgrammeAnswerOut(BaseModel):
    """The answer that stands for one enrolment under one programme."""

    enrolment_id: Annotated[UUID, protected("tokens")]
    plan: str
    member_id: Annotated[str, protected("numbers")]
    programme_id: str | None
    programme_version: int | None
    phase: str | None
    status: str | None
    reasons: list[ReasonOut] = Field(description="Every criterion that fails; none for who is eligible.")
    priority: int | None
    age_band: str | None
    svi: SviOut | None
    is_enrolled: bool | None
    is_protected: bool | None
    version: int | None
    decided_on: date | None
    rule: str | None = Field(default=None, description="What the programme is after: doses, forecast or service.")
    release: str | None = Field(default=None, description="Of CDC's rules, where the rule is the forecast.")
    due_on: date | None = None
    arm: str | None = None
    risk_tier: Annotated[str | None, protected("clinical")] = None
    risk_model: str | None = None
    interpreter_needed: str | None = Field(default=None, description="yes, no, possible or unknown.")


class ContributionOut(BaseModel):
    factor: str
    title: str
    value: float | None = Field(description="None where nothing is known of it.")
    points: int
    source: str


class RiskOut(BaseModel):
    """A risk score, made of its contributions; `inputs` give it again."""

    model: str
    score: int
    tier: str
    scored_on: date
    contributions: list[ContributionOut]
    inputs: dict[str, float]


class BenefitOut(BaseModel):
    """What the member may ask for; the plan or the county decides."""

    code: str
    title: str
    kind: str
    rule: str = Field(description="The list and version that says so.")
    is_indicated: bool
    because: list[str] = Field(description="Needs and conditions that speak for it.")
    missing: list[str] = Field(description="coverage, line-of-business, age or need.")


class DoseOut(BaseModel):
    dose_id: UUID
    vaccine_group: str
    vaccine_groups: list[str] = Field(description="Every group that the dose counts for.")
    cvx: str
    administered_on: date
    sources: list[str]


class RemarkOut(BaseModel):
    """What a registry says of the member beside doses, until it takes it back."""

    kind: str = Field(description="refusal, immunity, contraindication, indication or reaction.")
    system: str = Field(description="Of the code: nip002 for the reason of a refusal, snomed, cdcphinvs, icd10 …")
    code: str
    cvx: str | None = Field(description="Of the vaccine that it was said with; 998 for none.")
    observed_on: date
    expires_on: date | None = Field(default=None, description="The last day of a temporary contraindication.")
    source: str = Field(description="Who says it: the sender of the message.")
    observations: list[str] = Field(description="CDC's observations that it stands for; the forecast looks at them.")


class MemberOut(BaseModel):
    """What is known of one person in the asking plan, and what follows from it."""

    member_token: Annotated[UUID, protected("tokens")]
    merged_into: Annotated[UUID | None, protected("tokens")]
    answers: list[ProgrammeAnswerOut]
    doses: list[DoseOut]
    risks: Annotated[list[RiskOut], protected("clinical")] = []
    benefits: list[BenefitOut] = []
    remarks: Annotated[list[RemarkOut], protected("clinical", "barriers")] = []
    is_history_withheld: bool = Field(
        default=False, description="A registry protects the member: what it reported is in none of these answers."
    )
