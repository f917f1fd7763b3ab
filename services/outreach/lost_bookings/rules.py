"""Bookings that are off, not by the wish of a member whom nobody may call: who has to hear of it, and how. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from schemas.outreach_v1 import Channel
from services.outreach.cases.channels import usable_channels
from services.outreach.cases.evidence import Evidence
from services.outreach.members.rules import AppointmentOnRecord, NotedLoss
from services.outreach.policy import Policy

AFTER = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9a-f]{32}$"
"""The form of a page's `next`: the last case's day and its id."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list: after the case that was closed or changed on that day."""

    limit: int
    programme_id: str | None
    after: tuple[date, UUID] | None


@dataclass(frozen=True, slots=True)
class FlaggedCase:
    """A closed case, flagged because the member must hear, without a call, that a booking is off."""

    case_id: UUID
    programme_id: str
    enrolment_id: UUID
    member_token: UUID
    closed_reason: str
    changed_on: date


@dataclass(frozen=True, slots=True)
class LostBooking:
    """The case, what is known about its member, and the booking that is off."""

    case: FlaggedCase
    evidence: Evidence
    appointment: AppointmentOnRecord


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list; `last` is the case after which it goes on, if it does."""

    bookings: Sequence[LostBooking]
    last: FlaggedCase | None


@dataclass(frozen=True, slots=True)
class Retractor:
    """Who takes a notice back."""

    worker_id: str
    is_supervisor: bool


def may_retract(retractor: Retractor, notice: NotedLoss, policy: Policy) -> bool:
    """As of an attempt: whoever gave it while it is fresh, or a supervisor."""
    is_fresh = notice.asked_at - notice.noted_at <= timedelta(hours=policy.own_retraction_hours)
    return retractor.is_supervisor or (retractor.worker_id == notice.worker_id and is_fresh)


def channels_left(evidence: Evidence, policy: Policy) -> tuple[Channel, ...]:
    """By which the member may hear of it; none of a protected one, who hears of it from the provider alone."""
    return () if evidence.enrolment.contact_protected else tuple(usable_channels(evidence, policy))


def next_of(part: Part) -> str | None:
    """The text that asks for what follows this part; None where the list has ended."""
    return None if part.last is None else f"{part.last.changed_on}_{part.last.case_id.hex}"


def place_of(after: str | None) -> tuple[date, UUID] | None:
    """The place that the text of `next_of` names."""
    if after is None:
        return None
    day, case_id = after.split("_")
    return date.fromisoformat(day), UUID(case_id)


def checked(after: str | None) -> str | None:
    """The same text; ValueError if its form is right and its day is none of the calendar's."""
    place_of(after)
    return after
