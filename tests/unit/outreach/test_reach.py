"""By which numbers and addresses a member can be reached, and what a lost appointment does."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases.channels import invalid_channels
from services.outreach.cases.evidence import Evidence, Flag, OffList
from services.outreach.cases.rules import decide
from services.outreach.contacts.rules import Attempt
from services.outreach.policy import POLICY
from tests.unit.outreach.builders import DAY, NOON, a_dose, a_statement, an_appointment, an_attempt, some_evidence

D, Ch = Disposition, Channel
NUMBER = {Ch.PHONE, Ch.TEXT}


def wrong(channel: Channel, days: int = 0, **changes: Any) -> Attempt:
    return an_attempt(D.WRONG_NUMBER, days, channel=channel, **changes)


@pytest.mark.parametrize(
    ("attempts", "invalid"),
    [
        ([wrong(Ch.PHONE)], NUMBER),
        ([wrong(Ch.TEXT)], NUMBER),
        ([wrong(Ch.LETTER)], {Ch.LETTER}),
        ([wrong(Ch.PHONE, -2), an_attempt(D.COMPLETE, -1, channel=Ch.TEXT)], set()),
        ([wrong(Ch.PHONE, -2), an_attempt(D.LEFT_MESSAGE, -1, channel=Ch.TEXT)], NUMBER),
        ([wrong(Ch.PHONE, -2), an_attempt(D.NO_ANSWER, -1)], NUMBER),
        ([wrong(Ch.PHONE, -2), an_attempt(D.COMPLETE, -1, direction=Direction.INBOUND)], NUMBER),
        ([wrong(Ch.PHONE, direction=Direction.INBOUND)], NUMBER),
        ([an_attempt(D.DISCONNECTED), an_attempt(D.FAX)], NUMBER),
    ],
)
def test_calls_and_texts_share_the_number(attempts: list[Attempt], invalid: set[Channel]) -> None:
    """What is wrong for a call is wrong for a text, until the right person was reached by that number."""
    assert invalid_channels(some_evidence(attempts=attempts)) == invalid


@pytest.mark.parametrize(
    ("channel", "version"),
    [
        (Ch.PHONE, "phone_version"), (Ch.TEXT, "phone_version"), (Ch.LETTER, "address_version"),
        (Ch.VISIT, "address_version"), (Ch.EMAIL, "email_version"),
    ],
)  # fmt: skip
def test_a_new_number_or_address_reopens(channel: Channel, version: str) -> None:
    """An unreachable member is reachable again once a roster brings another number or address, by that one only."""
    attempts = [wrong(one) for one in Channel]
    gone = decide(some_evidence(attempts=attempts), POLICY)
    again = decide(some_evidence(attempts=attempts, enrolment={version: 1}), POLICY)
    assert gone.closed_reason is CaseClosedReason.UNREACHABLE
    assert again.status is CaseStatus.OPEN
    assert channel not in invalid_channels(some_evidence(attempts=attempts, enrolment={version: 1}))
    tried_anew = [*attempts, wrong(channel, 1, reach=1, attempt_id=UUID(int=999))]
    assert channel in invalid_channels(some_evidence(attempts=tried_anew, enrolment={version: 1}))


def test_wrong_numbers_that_were_replaced_fill_no_window() -> None:
    """After five calls to a wrong number a new one may be called at once; calls that nobody answered count on."""
    days = range(-9, POLICY.attempts_per_window - 9)
    another = {"phone_version": 1}
    wrongs, unanswered = [wrong(Ch.PHONE, n) for n in days], [an_attempt(D.NO_ANSWER, n) for n in days]
    assert decide(some_evidence(attempts=wrongs), POLICY).held_by is OffList.ATTEMPTS
    assert decide(some_evidence(attempts=wrongs, enrolment=another), POLICY).held_by is None
    assert decide(some_evidence(attempts=unanswered, enrolment=another), POLICY).held_by is OffList.ATTEMPTS


def test_a_new_address_ends_moved() -> None:
    """Who is said to have moved is called again once a roster brings another address, though within the same tract."""
    moved = [an_attempt(D.MOVED)]
    assert decide(some_evidence(attempts=moved), POLICY).closed_reason is CaseClosedReason.MOVED
    assert decide(some_evidence(attempts=moved, enrolment={"address_version": 1}), POLICY).closed_reason is None


@pytest.mark.parametrize(
    ("left", "reason"),
    [("60623/17031843500", CaseClosedReason.MOVED), ("60623/", CaseClosedReason.MOVED), ("60623//1", None),
     ("60623/17031843500/1", None), ("60609/", None)],
)  # fmt: skip
def test_a_place_of_before_is_known_again(left: str, reason: CaseClosedReason | None) -> None:
    """Attempts from when facts named the tract are compared by ZIP and address."""
    moved = [an_attempt(D.MOVED, place=left)]
    assert decide(some_evidence(attempts=moved, enrolment={"tract": None}), POLICY).closed_reason is reason


def test_a_registry_bars_channels() -> None:
    """A barred channel is not named; with all of them barred the member can't be reached."""
    assert decide(some_evidence(enrolment={"channels_barred": ("phone", "text")}), POLICY).next_channel is Ch.EMAIL
    barred = some_evidence(enrolment={"channels_barred": tuple(one.value for one in Channel)})
    assert decide(barred, POLICY).closed_reason is CaseClosedReason.UNREACHABLE


FIVE = [an_attempt(D.NO_ANSWER, day) for day in range(-4, 1)]
CANCELLED = AppointmentStatus.CANCELLED
LATER = NOON + timedelta(hours=1)


def after_five(*more: Attempt, **appointment: Any) -> Evidence:
    said = {"told_at": LATER, "cancellation_reason": "prov-pers"} | appointment
    return some_evidence(attempts=[*FIVE, *more], appointments=[an_appointment(3, CANCELLED, **said)])


@pytest.mark.parametrize(
    "said", [{}, {"cancellation_reason": "oth-weath"}, {"cancellation_reason": None, "by_rule": True}]
)
def test_a_clinic_that_cancels_makes_the_member_callable(said: dict[str, Any]) -> None:
    """Whatever the limit and the rest, somebody must tell the member, and first."""
    state = decide(after_five(**said), POLICY)
    assert (state.status, state.held_by, state.lost_bonus) == (CaseStatus.OPEN, None, POLICY.rank.lost_appointment)
    assert Flag.APPOINTMENT_LOST in state.flags


@pytest.mark.parametrize("reason", ["pat-cpp", "pat-fb", None])
def test_a_member_who_cancels_is_told_nothing(reason: str | None) -> None:
    """What the member cancelled himself lifts no limit."""
    state = decide(after_five(cancellation_reason=reason), POLICY)
    assert (state.held_by, state.flags) == (OffList.ATTEMPTS, ())


def test_told_he_is_spared_again() -> None:
    """Once the member was reached, or tried three times in vain, the window holds again."""
    later: dict[str, Any] = {"attempted_at": LATER + timedelta(hours=1)}
    told = an_attempt(D.COMPLETE, attempt_id=UUID(int=50), **later)
    assert decide(after_five(told), POLICY).held_by is OffList.ATTEMPTS
    vain = [an_attempt(D.NO_ANSWER, attempt_id=UUID(int=50 + n), **later) for n in range(POLICY.lost_attempts)]
    assert decide(after_five(vain[0]), POLICY).held_by is OffList.RESTING
    assert decide(after_five(*vain), POLICY).held_by is OffList.ATTEMPTS
    assert decide(after_five(*vain), POLICY).flags == (Flag.APPOINTMENT_LOST,)


@pytest.mark.parametrize("said", [D.INITIAL_REFUSAL, D.ALREADY_VACCINATED])
def test_a_lost_appointment_is_told_in_a_pause(said: Disposition) -> None:
    """Who refused, booked all the same, and loses that appointment is called; what he says afterwards pauses again."""
    gone = an_appointment(3, CANCELLED, told_at=LATER, cancellation_reason="prov")
    state = decide(some_evidence(attempts=[an_attempt(said)], appointments=[gone]), POLICY)
    assert (state.status, state.held_by, state.flags) == (CaseStatus.OPEN, None, (Flag.APPOINTMENT_LOST,))
    since = an_attempt(said, attempted_at=LATER + timedelta(hours=1))
    assert decide(some_evidence(attempts=[since], appointments=[gone]), POLICY).status is CaseStatus.PAUSED
    elsewhere = a_statement(since, tenant_id="prairie")
    told = some_evidence(statements=[elsewhere], appointments=[gone])
    assert decide(told, POLICY).status is CaseStatus.PAUSED


@pytest.mark.parametrize(("loss", "status"), [({"cancellation_reason": "prov"}, "open"), ({"by_rule": True}, "paused")])
def test_a_lost_second_appointment_is_told_after_a_recent_dose(loss: dict[str, Any], status: str) -> None:
    """A clinic that cancels the visit for dose 2 makes the member callable, who would come to a closed door; a visit
    that the dose itself has ended waits until the next dose is due."""
    gone = an_appointment(3, CANCELLED, told_at=LATER, **loss)
    known = some_evidence(doses=[a_dose(20)], enrolment={"doses_valid": 1}, appointments=[gone])
    assert decide(known, POLICY).status == status


@pytest.mark.parametrize(("status", "reason"), [(AppointmentStatus.BOOKED, None), (CANCELLED, "pat")])
def test_another_appointment_ends_the_loss(status: AppointmentStatus, reason: str | None) -> None:
    """Whoever books anew for an earlier day, or gives that up as well, knows of the loss."""
    lost = an_appointment(5, CANCELLED, told_at=NOON, cancellation_reason="prov")
    anew = an_appointment(2, status, appointment_id=UUID(int=8), told_at=LATER, cancellation_reason=reason)
    assert decide(some_evidence(appointments=[lost, anew]), POLICY).flags == ()


def test_what_was_entered_in_error_hides_nothing() -> None:
    """A missed appointment stays missed, and a lost one lost, when a later record turns out to be an error."""
    error = an_appointment(6, AppointmentStatus.ENTERED_IN_ERROR, appointment_id=UUID(int=8), told_at=LATER)
    missed = an_appointment(-2, AppointmentStatus.NOSHOW)
    assert decide(some_evidence(appointments=[missed, error]), POLICY).flags == (Flag.APPOINTMENT_MISSED,)
    lost = an_appointment(5, CANCELLED, cancellation_reason="prov")
    assert decide(some_evidence(appointments=[lost, error]), POLICY).flags == (Flag.APPOINTMENT_LOST,)


def test_an_overdue_outcome_is_flagged() -> None:
    """An appointment that is past without an outcome is told to whoever opens the case."""
    overdue = an_appointment(-2, outcome_overdue=True)
    assert decide(some_evidence(appointments=[overdue]), POLICY).flags == (Flag.OUTCOME_OVERDUE,)
    assert overdue.start_on < DAY
