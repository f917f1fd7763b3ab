"""What the API of the gate takes and gives."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from schemas.outreach_v1 import Channel
from services.outreach.gate.asked import Reason
from services.outreach.gate.policy import CallKind
from services.outreach.worklist.shapes import Shape


class PermissionOut(Shape):
    """Whether the member may be contacted now."""

    channel: Channel
    kind: CallKind
    is_permitted: bool
    reason: Reason | None = Field(description="Why not.")
    next_permitted_at: datetime | None = Field(description="The next instant; none: not before there is news.")
    asked_at: datetime


class ReservationIn(Shape):
    """A contact that the caller is about to make."""

    channel: Channel
    kind: CallKind = CallKind.MANUAL

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "phone"}]})


class ReservationOut(Shape):
    """It counts as made until then, or until its attempt is logged."""

    reservation_id: UUID
    expires_at: datetime
