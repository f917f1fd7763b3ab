"""What the API of wishes takes and gives."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.envelope import Code
from services.kit.masking import protected
from services.outreach.policy import CODES
from services.outreach.wishes.rules import AvoidedKind, Wishes
from services.outreach.worklist.shapes import Shape

WorkerCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]


def _known_reason(code: str) -> str:
    if code not in CODES.avoidance_reasons:
        raise PydanticCustomError("unknown_reason", "Expected an avoidance reason of codes.yaml")
    return code


class AvoidanceIn(Shape):
    """Whom the member does not want to be called by."""

    kind: AvoidedKind
    code: WorkerCode = Field(description="The worker's code, or the organisation's.")
    reason: Annotated[
        Code, AfterValidator(_known_reason), Field(json_schema_extra={"enum": sorted(CODES.avoidance_reasons)})
    ]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "worker", "code": "w-17", "reason": "mistreatment"}]}
    )


class AvoidanceToldOut(Shape):
    """By what it is taken back."""

    avoidance_id: UUID


class WishesIn(Shape):
    """Whom the member had better be called by; replaces what was said before."""

    manager: WorkerCode | None = Field(default=None, description="The member's own case manager, by his code.")
    cultures: tuple[Code, ...] = Field(default=(), max_length=10)


class AvoidanceOut(Shape):
    """Whom the member avoids, why, and who recorded it."""

    avoidance_id: UUID
    kind: AvoidedKind
    code: str
    reason: Annotated[str, protected("barriers")]
    recorded_by: str
    recorded_at: datetime


class WishesOut(Shape):
    """What is on record of the member at the plan, and holds."""

    manager: str | None
    cultures: Annotated[tuple[str, ...], protected("barriers")]
    avoidances: tuple[AvoidanceOut, ...]


def wishes_of(wishes: Wishes) -> WishesOut:
    """The wishes as the API gives them."""
    return WishesOut(
        manager=wishes.manager,
        cultures=tuple(wishes.cultures),
        avoidances=tuple(
            AvoidanceOut.model_validate({name: getattr(one, name) for name in AvoidanceOut.model_fields})
            for one in wishes.avoidances
        ),
    )
