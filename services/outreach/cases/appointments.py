"""What became of the member's appointments, and whether somebody must tell him. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TypeGuard

from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases.evidence import Evidence, Flag
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import Attempt, tries
from services.outreach.members.rules import Appointment
from services.outreach.policy import Policy


@dataclass(frozen=True, slots=True)
class Lost:
    """The last appointment, taken away by the clinic or by the news, and how often somebody tried since to say so."""

    appointment: Appointment
    tries: int

    @property
    def since(self) -> datetime:
        """From then on the member is to be told."""
        return self.appointment.told_at


def _real(evidence: Evidence) -> Iterator[Appointment]:
    """Without those that were entered in error: they never were."""
    return (booking for booking in evidence.appointments if booking.status is not AppointmentStatus.ENTERED_IN_ERROR)


def missed(evidence: Evidence) -> bool:
    """A missed appointment is never a refusal: the member wanted to come. The one that is latest in time tells."""
    last = max(_real(evidence), key=attrgetter("start_at", "appointment_id"), default=None)
    return last is not None and last.status is AppointmentStatus.NOSHOW


def _told_of_last(evidence: Evidence) -> Appointment | None:
    """The one with the last news: whoever books or cancels another one has spoken with the member."""
    return max(
        _real(evidence),
        key=attrgetter("changed_on", "told_at", "start_at", "appointment_id"),
        default=None,
    )


def lost(evidence: Evidence, policy: Policy) -> Lost | None:
    """An appointment that is off though the member did not ask for that, until somebody has reached him or there is
    another one. He would come to a closed door."""
    last = taken_away(evidence, policy)
    if last is None or last.is_told:
        return None
    return Lost(last, len(tries(_attempts_since(evidence, last))))


def taken_away(evidence: Evidence, policy: Policy) -> Appointment | None:
    """The last appointment, if somebody else than the member took it away and nobody has reached him since; whether he
    has heard of it without a call or not."""
    last = _told_of_last(evidence)
    if last is None or last.status is not AppointmentStatus.CANCELLED or not _by_others(last, policy):
        return None
    reached = any(EFFECTS[attempt.disposition].reaches for attempt in _attempts_since(evidence, last))
    return None if reached else last


def _attempts_since(evidence: Evidence, appointment: Appointment) -> list[Attempt]:
    return [attempt for attempt in evidence.attempts if attempt.attempted_at > appointment.told_at]


def _by_others(appointment: Appointment, policy: Policy) -> bool:
    reason = appointment.cancellation_reason or ""
    return appointment.by_rule or reason.startswith(policy.clinic_reasons)


def lifts_limits(loss: Lost | None, policy: Policy) -> TypeGuard[Lost]:
    """Whether the member may be tried beyond the window's limit, and during a pause, to be told."""
    return loss is not None and loss.tries < policy.lost_attempts


def flags(evidence: Evidence, policy: Policy) -> Iterator[Flag]:
    """What the appointments say at first sight."""
    if lost(evidence, policy) is not None:
        yield Flag.APPOINTMENT_LOST
    if missed(evidence):
        yield Flag.APPOINTMENT_MISSED
    booked = [appointment for appointment in evidence.appointments if appointment.status is AppointmentStatus.BOOKED]
    if any(appointment.outcome_overdue for appointment in booked):
        yield Flag.OUTCOME_OVERDUE
