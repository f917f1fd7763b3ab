"""The table of states and the rank, as tables."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.attempts.rules import Holder, Proposal, RefusalCode, against
from services.outreach.cases.evidence import (
    Held,
    Situation,
)
from services.outreach.cases.rules import decide
from services.outreach.policy import POLICY
from tests.unit.outreach.builders import DAY, a_dose, a_situation, an_appointment, an_attempt

D = Disposition
C, R = CaseStatus, CaseClosedReason
FULFILLED = an_appointment(0, AppointmentStatus.FULFILLED, dose_on=DAY)
INELIGIBLE = {"eligible": False, "priority": 0}


@pytest.mark.parametrize(
    ("situation", "status", "reason"),
    [
        (a_situation(), C.OPEN, None),
        (a_situation(retired=True), C.CLOSED, R.MERGED),
        (a_situation(enrolment={"merged_into": UUID(int=3)}), C.CLOSED, R.MERGED),
        (a_situation(enrolment={**INELIGIBLE, "enrolled": False, "reasons": ("deceased",)}), C.CLOSED, R.DECEASED),
        (a_situation(enrolment={**INELIGIBLE, "enrolled": False}), C.CLOSED, R.DISENROLLED),
        (a_situation(enrolment={**INELIGIBLE, "vaccinated": True}), C.CLOSED, R.VACCINATED),
        (a_situation(enrolment=INELIGIBLE), C.CLOSED, R.INELIGIBLE),
        (a_situation(enrolment={**INELIGIBLE, "reasons": ("moved",)}), C.CLOSED, R.MOVED),
        (a_situation(enrolment={"contact_protected": True}), C.CLOSED, R.INELIGIBLE),
        (a_situation(doses=[a_dose()]), C.CLOSED, R.VACCINATED),
        (a_situation(doses=[a_dose(27)]), C.CLOSED, R.VACCINATED),
        (a_situation(doses=[a_dose(28)]), C.OPEN, None),
        (a_situation(doses=[a_dose(live=False)]), C.OPEN, None),
        (a_situation(doses=[a_dose(vaccine_groups=("zoster",))]), C.OPEN, None),
        (a_situation(doses=[a_dose()], enrolment={"doses_valid": 1}), C.PAUSED, None),
        (a_situation(appointments=[FULFILLED]), C.CLOSED, R.VACCINATED),
        (a_situation(attempts=[an_attempt(D.DECEASED)]), C.PAUSED, None),
        (a_situation(doses=[a_dose(vaccine_groups=("hepa", "covid-19"))]), C.CLOSED, R.VACCINATED),
        (a_situation(attempts=[an_attempt(D.MOVED)]), C.CLOSED, R.MOVED),
        (a_situation(attempts=[an_attempt(D.MOVED)], enrolment={"zip5": "60601"}), C.OPEN, None),
        (a_situation(attempts=[an_attempt(D.DO_NOT_CALL)]), C.CLOSED, R.OPTED_OUT),
        (a_situation(attempts=[an_attempt(D.INITIAL_REFUSAL)]), C.PAUSED, None),
        (a_situation(attempts=[an_attempt(D.ALREADY_VACCINATED)]), C.PAUSED, None),
        (a_situation(attempts=[an_attempt(D.INITIAL_REFUSAL, -30)]), C.OPEN, None),
        (a_situation(attempts=[an_attempt(D.INITIAL_REFUSAL, -3), an_attempt(D.BOOKED, -1)]), C.OPEN, None),
        (a_situation(attempts=[an_attempt(D.WRONG_NUMBER, channel=one) for one in Channel]), C.CLOSED, R.UNREACHABLE),
    ],
)  # fmt: skip
def test_state(situation: Situation, status: CaseStatus, reason: CaseClosedReason | None) -> None:
    """Each row of the state table gives its status and reason."""
    state = decide(situation, POLICY)
    assert (state.status, state.closed_reason) == (status, reason)


@pytest.mark.parametrize(
    ("situation", "held", "until_days"),
    [
        (a_situation(), None, None),
        (a_situation(appointments=[an_appointment(5)]), Held.BOOKED, 6),
        (a_situation(appointments=[an_appointment(0)]), Held.BOOKED, 1),
        (a_situation(appointments=[an_appointment(-1)]), None, None),
        (a_situation(appointments=[an_appointment(5, AppointmentStatus.CANCELLED)]), None, None),
        (a_situation(appointments=[an_appointment(-1, AppointmentStatus.NOSHOW)]), None, None),
        (a_situation(attempts=[an_attempt(D.BOOKED)]), Held.BOOKED, 7),
        (a_situation(attempts=[an_attempt(D.BOOKED, -7)]), None, None),
        (a_situation(attempts=[an_attempt(D.NO_ANSWER)]), Held.RESTING, 1),
        (a_situation(attempts=[an_attempt(D.NO_ANSWER, -1)]), None, None),
        (a_situation(attempts=[an_attempt(D.WRONG_NUMBER)]), None, None),
        (a_situation(attempts=[an_attempt(D.CALLBACK_SCHEDULED)]), Held.CALLBACK, 2),
        (a_situation(attempts=[an_attempt(D.CALLBACK_SCHEDULED, -2)]), None, None),
        (a_situation(attempts=[an_attempt(D.CALLBACK_SCHEDULED, -1), an_attempt(D.BUSY)]), Held.RESTING, 1),
        (a_situation(attempts=[an_attempt(D.NO_ANSWER, day) for day in range(-9, -4)]), Held.ATTEMPTS, 21),
        (a_situation(attempts=[an_attempt(D.NO_ANSWER, day) for day in (-30, -8, -7, -6, -5)]), None, None),
    ],
)
def test_hold(situation: Situation, held: Held | None, until_days: int | None) -> None:
    """What keeps an open case off the list, and until when."""
    state = decide(situation, POLICY)
    until_on = None if until_days is None else DAY + timedelta(days=until_days)
    assert (state.status, state.held_by, state.held_until_on) == (CaseStatus.OPEN, held, until_on)


@pytest.mark.parametrize(
    ("situation", "parts"),
    [
        (a_situation(), (500, 0, 0, 0)),
        (a_situation(target_zip=True), (500, 150, 0, 0)),
        (a_situation(appointments=[an_appointment(-1, AppointmentStatus.NOSHOW)]), (500, 0, 200, 0)),
        (
            a_situation(
                appointments=[
                    an_appointment(-9, AppointmentStatus.NOSHOW),
                    an_appointment(-1, AppointmentStatus.CANCELLED, appointment_id=UUID(int=10)),
                ]
            ),
            (500, 0, 0, 0),
        ),
        (a_situation(attempts=[an_attempt(D.BUSY, -2), an_attempt(D.BUSY, -1)]), (500, 0, 0, -120)),
        (a_situation(target_zip=True, enrolment=INELIGIBLE), (0, 0, 0, 0)),
    ],
)
def test_rank(situation: Situation, parts: tuple[int, int, int, int]) -> None:
    """The parts of the rank, each for its reason; a closed case has none."""
    state = decide(situation, POLICY)
    assert (state.priority, state.zip_bonus, state.noshow_bonus, state.attempt_penalty) == parts


ALL = [
    a_situation(doses=[a_dose(3)]),
    a_situation(doses=[a_dose(3)], enrolment={"doses_valid": 1}),
    a_situation(appointments=[an_appointment(4)], attempts=[an_attempt(D.BOOKED)]),
    a_situation(attempts=[an_attempt(D.INITIAL_REFUSAL), an_attempt(D.NO_ANSWER, 0)]),
    a_situation(attempts=[an_attempt(D.CALLBACK_SCHEDULED)]),
    a_situation(attempts=[an_attempt(D.NO_ANSWER, day) for day in range(-9, -4)], appointments=[an_appointment(2)]),
]


@pytest.mark.parametrize("situation", ALL)
def test_time_alone_changes_nothing_before_the_review(situation: Situation) -> None:
    """Between two review days every day gives the same decision: so it is enough to decide again on those."""
    state, reviews = decide(situation, POLICY), 0
    for days in range(1, 60):
        today = DAY + timedelta(days=days)
        again = decide(replace(situation, today=today), POLICY)
        if state.review_on is not None and today >= state.review_on:
            state, reviews = again, reviews + 1
        assert again == state, today
    assert reviews
    assert state.review_on is None


LEASED = Holder("wanda", live=True)
PROPOSAL = Proposal("wanda", Channel.PHONE, DAY)
FIVE = [an_attempt(D.NO_ANSWER, day) for day in range(-29, -24)]


@pytest.mark.parametrize(
    ("situation", "holder", "proposal", "code"),
    [
        (a_situation(), LEASED, PROPOSAL, None),
        (a_situation(), Holder(), replace(PROPOSAL, claims=True), None),
        (a_situation(), Holder("otto"), replace(PROPOSAL, claims=True), None),
        (a_situation(), Holder(), PROPOSAL, RefusalCode.NOT_CLAIMED),
        (a_situation(), Holder("otto", live=True), replace(PROPOSAL, claims=True), RefusalCode.NOT_CLAIMED),
        (a_situation(), Holder("wanda"), PROPOSAL, RefusalCode.LEASE_EXPIRED),
        (a_situation(), Holder("wanda"), replace(PROPOSAL, claims=True), None),
        (a_situation(enrolment={"contact_protected": True}), LEASED, PROPOSAL, RefusalCode.PROTECTED),
        (a_situation(enrolment=INELIGIBLE), LEASED, PROPOSAL, RefusalCode.CASE_CLOSED),
        (a_situation(attempts=[an_attempt(D.DO_NOT_CALL)]), LEASED, PROPOSAL, RefusalCode.OPTED_OUT),
        (a_situation(attempts=FIVE), LEASED, PROPOSAL, RefusalCode.TOO_MANY),
        (a_situation(attempts=[an_attempt(D.NO_ANSWER, -30), *FIVE[1:]]), LEASED, PROPOSAL, None),
        (a_situation(attempts=[*FIVE, an_attempt(D.CALLBACK_SCHEDULED, -2)]), LEASED, PROPOSAL, None),
        (a_situation(enrolment={"channels_barred": ("phone",)}), LEASED, PROPOSAL, RefusalCode.CHANNEL_BARRED),
        (a_situation(attempts=[an_attempt(D.INITIAL_REFUSAL)]), LEASED, PROPOSAL, RefusalCode.CASE_PAUSED),
    ],
)
def test_rules(situation: Situation, holder: Holder, proposal: Proposal, code: RefusalCode | None) -> None:
    """Who may try whom: the first rule against it is named; a member who gets in touch goes against none."""
    assert against(situation, decide(situation, POLICY), holder, proposal, POLICY) is code
    inbound = replace(proposal, direction=Direction.INBOUND)
    assert against(situation, decide(situation, POLICY), holder, inbound, POLICY) is None


def test_order_of_doses_and_appointments_does_not_matter() -> None:
    """A decision is the same in whatever order records are loaded."""
    doses = [a_dose(3), a_dose(40, dose_id=UUID(int=8))]
    booked = [an_appointment(3), an_appointment(-1, AppointmentStatus.NOSHOW, appointment_id=UUID(int=10))]
    one = decide(a_situation(doses=doses, appointments=booked), POLICY)
    assert one == decide(a_situation(doses=doses[::-1], appointments=booked[::-1]), POLICY)


def test_dead_number_can_come_alive() -> None:
    """A channel is valid again once the right person was reached by it."""
    attempts = [an_attempt(D.WRONG_NUMBER, -3), an_attempt(D.COMPLETE, -2)]
    assert decide(a_situation(attempts=attempts[:1]), POLICY).next_channel is Channel.EMAIL
    assert decide(a_situation(attempts=attempts), POLICY).next_channel is Channel.PHONE


def test_marks_of_another_programme_count_for_the_member() -> None:
    """What the member said under one programme of the plan holds under the others; attempts are each case's own."""
    other = an_attempt(D.WRONG_NUMBER, programme_id="flu-2021")
    state = decide(a_situation(attempts=[other]), POLICY)
    assert (state.next_channel, state.attempts) == (Channel.EMAIL, 0)
