"""The erasure of a member's contact details, and legal holds, as they are told over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.kit.masking import protected


class ErasureIn(BaseModel):
    """Why the plan has it done."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"reason": "member-request"}]}
    )

    reason: Literal["member-request", "plan-instruction", "retention-over", "agreement-ended"]


class ErasureOut(BaseModel):
    """Of which enrolments nothing is kept any more by which the member could be reached."""

    enrolment_ids: Annotated[list[UUID], protected("tokens")]


class LegalHoldOut(BaseModel):
    """Whether anything of the member may be erased."""

    member_token: Annotated[UUID, protected("tokens")]
    is_on_hold: bool
