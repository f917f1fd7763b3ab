"""Of whom somebody has to see to a lost booking without a call, and of whom nobody has."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.outreach_v1 import CaseClosedReason, Channel, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases.evidence import CaseState, Evidence, Flag
from services.outreach.cases.rules import decide
from services.outreach.lost_bookings.rules import channels_left
from services.outreach.policy import POLICY
from tests.unit.outreach.builders import NOON, a_dose, a_statement, an_appointment, an_attempt, some_evidence

CANCELLED, BOOKED = AppointmentStatus.CANCELLED, AppointmentStatus.BOOKED
LATER = NOON + timedelta(hours=3)
GONE = an_appointment(3, CANCELLED, told_at=LATER, cancellation_reason="prov")
OPTED_OUT = a_statement(an_attempt(Disposition.DO_NOT_CALL))
NO_LETTERS = a_statement(an_attempt(Disposition.DO_NOT_CALL), stops=tuple(Channel))


def a_loss(**changes: Any) -> Evidence:
    """A clinic cancels the booking of a member who has said that nobody is to call."""
    return some_evidence(**({"appointments": [GONE], "statements": [OPTED_OUT]} | changes))


def decided(**changes: Any) -> CaseState:
    return decide(a_loss(**changes), POLICY)


@pytest.mark.parametrize(
    ("changes", "closed"),
    [
        ({}, CaseClosedReason.OPTED_OUT),
        ({"statements": [NO_LETTERS]}, CaseClosedReason.OPTED_OUT),
        ({"statements": [], "enrolment": {"channels_barred": tuple(Channel)}}, CaseClosedReason.UNREACHABLE),
        ({"statements": [], "enrolment": {"contact_protected": True}}, CaseClosedReason.INELIGIBLE),
        ({"appointments": [an_appointment(3, CANCELLED, by_rule=True)]}, CaseClosedReason.OPTED_OUT),
    ],
)
def test_a_loss_of_whom_nobody_may_call_is_flagged(changes: dict[str, Any], closed: CaseClosedReason) -> None:
    """The case stays closed and unranked, and says that the member must hear of it."""
    state = decided(**changes)
    assert (state.closed_reason, state.flags, state.lost_bonus) == (closed, (Flag.LOST_NO_CALL,), 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"appointments": [an_appointment(3, CANCELLED, cancellation_reason="pat-fb")]},
        {"appointments": [GONE, an_appointment(9, BOOKED, appointment_id=UUID(int=8), told_at=LATER + timedelta(1))]},
        {"appointments": [an_appointment(3, CANCELLED, told_at=LATER, cancellation_reason="prov", told_how="letter")]},
        {"attempts": [an_attempt(Disposition.COMPLETE, attempted_at=LATER + timedelta(hours=1))]},
        {"doses": [a_dose()]},
        {"enrolment": {"eligible": False, "reasons": ("deceased",)}},
        {"enrolment": {"reasons": ("death-reported",), "eligible": False}},
        {"enrolment": {"eligible": False, "reasons": ("under-age",)}},
        {"enrolment": {"enrolled": False, "eligible": False}},
        {"retired": True},
    ],
)
def test_nobody_is_told_what_he_knows_or_need_not_hear(changes: dict[str, Any]) -> None:
    """The member cancelled, booked anew, was reached or told, has his dose, may have died, or is not the plan's to
    invite."""
    state = decided(**changes)
    assert state.closed_reason is not None
    assert state.flags == ()


def test_a_contact_ends_also_a_loss_that_was_told() -> None:
    """Whoever had a letter is told so with his case, until somebody has reached him."""
    written = an_appointment(3, CANCELLED, told_at=LATER, cancellation_reason="prov", told_how="letter")
    reached = an_attempt(Disposition.COMPLETE, attempted_at=LATER + timedelta(hours=1))
    states = [decided(appointments=[written], attempts=attempts) for attempts in ([], [reached])]
    assert [state.lost_told for state in states] == ["letter", None]


def test_an_opt_in_makes_it_a_call() -> None:
    """Who wants calls again is called, first of all."""
    again = a_statement(an_attempt(Disposition.COMPLETE, days=1), stops=(), resumes=(Channel.PHONE, Channel.TEXT))
    state = decided(statements=[OPTED_OUT, again])
    assert (state.closed_reason, state.flags) == (None, (Flag.APPOINTMENT_LOST,))


@pytest.mark.parametrize(
    ("changes", "channels"),
    [
        ({}, [Channel.EMAIL, Channel.LETTER, Channel.VISIT]),
        ({"statements": [NO_LETTERS]}, []),
        ({"enrolment": {"channels_barred": ("letter",)}}, [Channel.EMAIL, Channel.VISIT]),
        ({"statements": [], "enrolment": {"contact_protected": True}}, []),
    ],
)
def test_only_wanted_channels_are_named(changes: dict[str, Any], channels: list[Channel]) -> None:
    """ "Do not call" leaves letters and visits unless those are stopped too; a protected contact leaves nothing."""
    assert list(channels_left(a_loss(**changes), POLICY)) == channels
