"""A member's referral to a partner: what kinds there are, and how far one has come (Gravity's Task)."""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field, PositiveInt

from schemas.envelope import Code, Event


class ReferralKind(StrEnum):
    """What a member is referred to."""

    SOCIAL_SERVICE = "social-service"
    TRANSPORT = "transport"
    MEDICAL_TRANSPORT = "medical-transport"
    IHSS = "ihss"
    CBAS = "cbas"
    ECM = "ecm"
    COMMUNITY_SUPPORT = "community-support"


class ReferralStatus(StrEnum):
    """FHIR Task.status, as far as Gravity uses it."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"


class ReferralChangedV1(Event):
    """A member was referred to a partner, or the referral has come further. A snapshot: of two, the higher `version`
    holds. No name, no note: what the partner is told goes another way."""

    event_type: ClassVar[str] = "vcc.referral.changed.v1"

    referral_id: UUID
    version: PositiveInt
    enrolment_id: UUID
    member_token: UUID
    tenant_id: Code
    partner_id: Code | None = Field(default=None, description="None where the need is kept apart.")
    kind: ReferralKind
    need: Code | None = Field(
        default=None, description="Gravity's category. None where it is kept apart: of violence or substance use."
    )
    status: ReferralStatus
    status_reason: Code | None = None
    status_on: date
    requested_on: date
    due_on: date | None = Field(default=None, description="The last day for the next answer. None: it has ended.")
    overdue: bool = Field(default=False, description="That day is over, and somebody of the plan has to see to it.")
    gates_appointment_id: UUID | None = Field(
        default=None, description="The appointment that can't be without it: at risk until it is accepted."
    )

    def key(self) -> str:
        return str(self.member_token)
