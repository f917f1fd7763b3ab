"""What became of the member's appointments, and whether somebody must tell him. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases.evidence import Appointment, Flag, Situation, tries
from services.outreach.contacts.dispositions import EFFECTS
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


def _real(situation: Situation) -> Iterator[Appointment]:
    """Without those that were entered in error: they never were."""
    return (one for one in situation.appointments if one.status is not AppointmentStatus.ENTERED_IN_ERROR)


def missed(situation: Situation) -> bool:
    """A missed appointment is never a refusal: the member wanted to come. The one that is latest in time tells."""
    last = max(_real(situation), key=lambda one: (one.start_at, one.appointment_id), default=None)
    return last is not None and last.status is AppointmentStatus.NOSHOW


def _told_of_last(situation: Situation) -> Appointment | None:
    """The one with the last news: whoever books or cancels another one has spoken with the member."""
    return max(
        _real(situation),
        key=lambda one: (one.changed_on, one.told_at, one.start_at, one.appointment_id),
        default=None,
    )


def lost(situation: Situation, policy: Policy) -> Lost | None:
    """An appointment that is off though the member did not ask for that, until somebody has reached him or there is
    another one. He would come to a closed door."""
    last = _told_of_last(situation)
    if last is None or last.status is not AppointmentStatus.CANCELLED or not _by_others(last, policy):
        return None
    since = [one for one in situation.attempts if one.attempted_at > last.told_at]
    if any(EFFECTS[one.disposition].reaches for one in since):
        return None
    return Lost(last, len(tries(since)))


def _by_others(appointment: Appointment, policy: Policy) -> bool:
    reason = appointment.cancellation_reason or ""
    return appointment.by_rule or reason.startswith(policy.clinic_reasons)


def lifts_limits(gone: Lost | None, policy: Policy) -> TypeGuard[Lost]:
    """Whether the member may be tried beyond the window's limit, and during a pause, to be told."""
    return gone is not None and gone.tries < policy.lost_attempts


def flags(situation: Situation, policy: Policy) -> Iterator[Flag]:
    """What the appointments say at first sight."""
    if lost(situation, policy) is not None:
        yield Flag.APPOINTMENT_LOST
    if missed(situation):
        yield Flag.APPOINTMENT_MISSED
    if any(one.outcome_overdue and one.status is AppointmentStatus.BOOKED for one in situation.appointments):
        yield Flag.OUTCOME_OVERDUE
