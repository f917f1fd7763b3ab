"""Which cases a decision changes, and what others hear of the change. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from uuid import UUID

from schemas.outreach_v1 import CaseChangedV1, LostBooking
from services.outreach.cases.evidence import CaseState, Evidence, Flag


@dataclass(frozen=True, slots=True)
class KnownCase:
    """Evidence with the case as it stands; no `state` while there is no case yet."""

    evidence: Evidence
    case_id: UUID
    version: int
    opened_on: date | None
    state: CaseState | None


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """A case to be saved. `announced`: the change is one that others hear of."""

    case_id: UUID
    enrolment_id: UUID
    programme_id: str
    version: int
    opened_on: date
    changed_on: date
    state: CaseState
    announced: bool

    def event(self, at: datetime) -> CaseChangedV1:
        """The snapshot that others hear."""
        state = self.state
        return CaseChangedV1(
            occurred_at=at, case_id=self.case_id, version=self.version, enrolment_id=self.enrolment_id,
            member_token=state.member_token, tenant_id=state.tenant_id, programme_id=self.programme_id,
            status=state.status, closed_reason=state.closed_reason, priority=state.priority, attempts=state.attempts,
            opened_on=self.opened_on, changed_on=self.changed_on, paused_until_on=state.paused_until_on,
            lost_booking=lost_booking_of(state),
        )  # fmt: skip


LOST = (Flag.APPOINTMENT_LOST, Flag.LOST_NO_CALL)
_snapshot = attrgetter(
    "tenant_id", "member_token", "status", "closed_reason", "priority", "attempts", "paused_until_on"
)


def _announced(state: CaseState) -> tuple[object, ...]:
    return *_snapshot(state), lost_booking_of(state)


def lost_booking_of(state: CaseState) -> LostBooking | None:
    """The booking that was taken away, as others hear of it."""
    if state.lost_appointment_id is None:
        return None
    flag = next((flag for flag in LOST if flag in state.flags), None)
    return LostBooking(
        appointment_id=state.lost_appointment_id, reason=state.lost_reason, flag=flag, told_how=state.lost_told
    )


def changed(known: KnownCase, state: CaseState) -> ChangedCase | None:
    """What this decision changes. A case is there from the first day on which outreach might be offered."""
    enrolment = known.evidence.enrolment
    if enrolment.eligible_on is None or (state == known.state and enrolment.eligible_on == known.opened_on):
        return None
    announced = (
        known.state is None or enrolment.eligible_on != known.opened_on or _announced(state) != _announced(known.state)
    )
    return ChangedCase(
        case_id=known.case_id,
        enrolment_id=enrolment.enrolment_id,
        programme_id=enrolment.programme_id,
        version=known.version + announced,
        opened_on=enrolment.eligible_on,
        changed_on=known.evidence.today,
        state=state,
        announced=announced,
    )
