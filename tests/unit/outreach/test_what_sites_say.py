"""How outreach takes what sites say of who came, and of days that they close."""

import pytest

from schemas.outreach_v1 import CaseStatus
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases.evidence import Flag
from services.outreach.cases.rules import decide
from services.outreach.policy import POLICY
from services.scheduling.appointments.site_steps import FOLLOWS, NotGiven
from services.scheduling.closures.rules import ClosedFor
from tests.unit.outreach.builders import an_appointment, some_evidence

CANCELLED = AppointmentStatus.CANCELLED


@pytest.mark.parametrize("reason", NotGiven)
def test_who_came_in_vain_is_called_again(reason: NotGiven) -> None:
    """His case is open, nothing counts as a refusal or a missed appointment, and he is called first only if the site
    had no vaccine."""
    came = an_appointment(0, CANCELLED, cancellation_reason=FOLLOWS[reason].value)
    state = decide(some_evidence(appointments=[came]), POLICY)
    lost = (Flag.APPOINTMENT_LOST,) if reason is NotGiven.NO_STOCK else ()
    assert (state.status, state.flags) == (CaseStatus.OPEN, lost)


@pytest.mark.parametrize("reason", ClosedFor)
def test_whose_clinic_is_closed_has_lost_his_booking(reason: ClosedFor) -> None:
    """Whatever the site's reason is, somebody calls him first."""
    gone = an_appointment(3, CANCELLED, cancellation_reason=reason.value)
    state = decide(some_evidence(appointments=[gone]), POLICY)
    assert (state.status, state.flags) == (CaseStatus.OPEN, (Flag.APPOINTMENT_LOST,))
