"""Whom a member wants to be called by, and whom not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class AvoidedKind(StrEnum):
    """What a member avoids: one worker, or all of an organisation's."""

    WORKER = "worker"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class Avoidance:
    """Somebody whom the member does not want to be called by, and who recorded it."""

    avoidance_id: UUID
    kind: str
    code: str
    reason: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything that is on record of an enrolment: his own case manager, cultures, whom he avoids."""

    manager: str | None
    cultures: Sequence[str]
    avoidances: Sequence[Avoidance]
