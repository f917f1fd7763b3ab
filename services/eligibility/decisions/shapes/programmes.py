"""Programmes and what a document would do, as they are told over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.kit.masking import protected

MAX_DOCUMENT_CHARS = 100_000


class DocumentIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    document: str = Field(max_length=MAX_DOCUMENT_CHARS, description="The programme document, YAML.")
    name: str = Field(default="document", max_length=100, description="Stands before the line of each error.")


class ProgrammeOut(BaseModel):
    programme_id: str
    version: int
    title: str
    effective_on: date
    time_zone: str
    plans: list[str]
    vaccine_group: str
    risk_model: str | None
    arms: dict[str, float]
    lawful_purpose: str = Field(description="Why race or ethnicity may be looked at; empty where it is not.")
    sha256: str
    is_live: bool
    document: str


class UnreadableOut(BaseModel):
    """A version that went live and can't be read by the service as it is now. Its programme's answers stand as they
    are until a later version is published, or a service that can read it starts."""

    programme_id: str
    version: int
    wrong: list[str] = Field(description="Line and field of what is wrong in the stored document.")


Count = int | None
"""None: fewer than 11, for who may not see small counts; then all others are rounded to tens."""


class MovementOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    enter: Count
    leave: Count
    stay: Count
    out: Count


class ScoresOut(BaseModel):
    mean: float
    p25: int
    p50: int
    p75: int
    p90: int
    tiers: dict[str, Count]


class GroupOut(MovementOut):
    """One group of one dimension."""

    dimension: str
    group: str
    share_in: float | None
    impact: float | None = Field(description="The group's share that is in, by that of everybody.")
    risk: ScoresOut | None


class CutOffOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    group: str
    population: Count
    admitted: Count
    least_score: int | None = Field(description="The score of the last one admitted; not told with rounded counts.")


class WhoOut(BaseModel):
    enrolment_id: Annotated[UUID, protected("tokens")]
    reasons: list[str] = Field(description="Of who leaves: why. Of who enters: what stood against it until now.")


class DryRunOut(BaseModel):
    """What the document would do today. Internal: nothing of it may be released. Who may not see small counts gets all
    counts rounded to tens, and none of fewer than 11."""

    programme_id: str
    version: int
    sha256: str
    business_on: date
    releases: list[str] = Field(description="Of CDC's rules that are here.")
    is_internal: bool = True
    is_rounded: bool = Field(default=False, description="Counts of fewer than 11 are null, others in tens.")
    total: MovementOut
    kept_out_by: dict[str, Count]
    left_by: dict[str, Count]
    entered_despite: dict[str, Count]
    reasons: dict[str, str] = Field(description="Each code as a sentence.")
    arms: dict[str, Count]
    cut_offs: list[CutOffOut]
    groups: list[GroupOut]
    entering: list[WhoOut]
    leaving: list[WhoOut]
