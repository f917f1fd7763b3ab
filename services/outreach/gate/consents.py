"""A member's consents as they are on record. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from uuid import UUID

from schemas.outreach_v1 import Channel
from services.outreach.gate.asked import Consent
from services.outreach.gate.policy import CallKind


class ConsentSource(StrEnum):
    """How the member agreed."""

    SPOKEN = "spoken"
    WRITTEN = "written"
    WEB_FORM = "web-form"
    TEXT = "text"
    ENROLMENT_FORM = "enrolment-form"


@dataclass(frozen=True, slots=True)
class ConsentOnRecord:
    """That a member agreed, from when until before when, who recorded it, and who recorded that he agrees no more."""

    consent_id: UUID
    tenant_id: str
    enrolment_id: UUID
    channel: Channel
    call_kind: CallKind
    scope: str
    source: str
    given_on: date
    expires_on: date | None
    recorded_by: str
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    def asked(self) -> Consent:
        """As the gate asks for it. Its days begin by UTC, ahead of every place here: it ends too early, never late."""
        expires_at = None if self.expires_on is None else _begin_of(self.expires_on)
        given_at = _begin_of(self.given_on)
        return Consent(self.channel, self.call_kind, self.scope, self.source, given_at, expires_at, self.withdrawn_at)


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
