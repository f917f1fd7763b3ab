"""The table of states and the rank, as tables."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.attempts.rules import Holder, Proposal, RefusalCode, against
from services.outreach.cases.evidence import Evidence, OffList
from services.outreach.cases.rules import decide
from services.outreach.policy import POLICY
from tests.unit.outreach.builders import DAY, a_dose, an_appointment, an_attempt, some_evidence

D = Disposition
C, R = CaseStatus, CaseClosedReason
FULFILLED = an_appointment(0, AppointmentStatus.FULFILLED, dose_on=DAY)
INELIGIBLE = {"eligible": False, "priority": 0}


@pytest.mark.parametrize(
    ("evidence", "status", "reason"),
    [
        (some_evidence(), C.OPEN, None),
        (some_evidence(retired=True), C.CLOSED, R.MERGED),
        (some_evidence(enrolment={"merged_into": UUID(int=3)}), C.CLOSED, R.MERGED),
        (some_evidence(enrolment={**INELIGIBLE, "enrolled": False, "reasons": ("deceased",)}), C.CLOSED, R.DECEASED),
        (some_evidence(enrolment={**INELIGIBLE, "enrolled": False}), C.CLOSED, R.DISENROLLED),
        (some_evidence(enrolment={**INELIGIBLE, "vaccinated": True}), C.CLOSED, R.VACCINATED),
        (some_evidence(enrolment=INELIGIBLE), C.CLOSED, R.INELIGIBLE),
        (some_evidence(enrolment={**INELIGIBLE, "reasons": ("moved",)}), C.CLOSED, R.MOVED),
        (some_evidence(enrolment={"contact_protected": True}), C.CLOSED, R.INELIGIBLE),
        (some_evidence(doses=[a_dose()]), C.CLOSED, R.VACCINATED),
        (some_evidence(doses=[a_dose(27)]), C.CLOSED, R.VACCINATED),
        (some_evidence(doses=[a_dose(28)]), C.OPEN, None),
        (some_evidence(doses=[a_dose(live=False)]), C.OPEN, None),
        (some_evidence(doses=[a_dose(vaccine_groups=("zoster",))]), C.OPEN, None),
        (some_evidence(doses=[a_dose()], enrolment={"doses_valid": 1}), C.PAUSED, None),
        (some_evidence(appointments=[FULFILLED]), C.CLOSED, R.VACCINATED),
        (some_evidence(attempts=[an_attempt(D.DECEASED)]), C.PAUSED, None),
        (some_evidence(doses=[a_dose(vaccine_groups=("hepa", "covid-19"))]), C.CLOSED, R.VACCINATED),
        (some_evidence(attempts=[an_attempt(D.MOVED)]), C.CLOSED, R.MOVED),
        (some_evidence(attempts=[an_attempt(D.MOVED)], enrolment={"zip5": "60601"}), C.OPEN, None),
        (some_evidence(attempts=[an_attempt(D.DO_NOT_CALL)]), C.CLOSED, R.OPTED_OUT),
        (some_evidence(attempts=[an_attempt(D.INITIAL_REFUSAL)]), C.PAUSED, None),
        (some_evidence(attempts=[an_attempt(D.ALREADY_VACCINATED)]), C.PAUSED, None),
        (some_evidence(attempts=[an_attempt(D.INITIAL_REFUSAL, -30)]), C.OPEN, None),
        (some_evidence(attempts=[an_attempt(D.INITIAL_REFUSAL, -3), an_attempt(D.BOOKED, -1)]), C.OPEN, None),
        (some_evidence(attempts=[an_attempt(D.WRONG_NUMBER, channel=one) for one in Channel]), C.CLOSED, R.UNREACHABLE),
    ],
)  # fmt: skip
def test_state(evidence: Evidence, status: CaseStatus, reason: CaseClosedReason | None) -> None:
    """Each row of the state table gives its status and reason."""
    state = decide(evidence, POLICY)
    assert (state.status, state.closed_reason) == (status, reason)


@pytest.mark.parametrize(
    ("evidence", "held", "until_days"),
    [
        (some_evidence(), None, None),
        (some_evidence(appointments=[an_appointment(5)]), OffList.BOOKED, 6),
        (some_evidence(appointments=[an_appointment(0)]), OffList.BOOKED, 1),
        (some_evidence(appointments=[an_appointment(-1)]), None, None),
        (some_evidence(appointments=[an_appointment(5, AppointmentStatus.CANCELLED)]), None, None),
        (some_evidence(appointments=[an_appointment(-1, AppointmentStatus.NOSHOW)]), None, None),
        (some_evidence(attempts=[an_attempt(D.BOOKED)]), OffList.BOOKED, 7),
        (some_evidence(attempts=[an_attempt(D.BOOKED, -7)]), None, None),
        (some_evidence(attempts=[an_attempt(D.NO_ANSWER)]), OffList.RESTING, 1),
        (some_evidence(attempts=[an_attempt(D.NO_ANSWER, -1)]), None, None),
        (some_evidence(attempts=[an_attempt(D.WRONG_NUMBER)]), None, None),
        (some_evidence(attempts=[an_attempt(D.CALLBACK_SCHEDULED)]), OffList.CALLBACK, 2),
        (some_evidence(attempts=[an_attempt(D.CALLBACK_SCHEDULED, -2)]), None, None),
        (some_evidence(attempts=[an_attempt(D.CALLBACK_SCHEDULED, -1), an_attempt(D.BUSY)]), OffList.CALLBACK, 1),
        (some_evidence(attempts=[an_attempt(D.CALLBACK_SCHEDULED, -2), an_attempt(D.BUSY)]), OffList.RESTING, 1),
        (some_evidence(attempts=[an_attempt(D.CALLBACK_SCHEDULED, -1), an_attempt(D.COMPLETE)]), OffList.RESTING, 1),
        (some_evidence(attempts=[an_attempt(D.NO_ANSWER, day) for day in range(-9, -4)]), OffList.ATTEMPTS, 21),
        (some_evidence(attempts=[an_attempt(D.NO_ANSWER, day) for day in (-30, -8, -7, -6, -5)]), None, None),
    ],
)
def test_hold(evidence: Evidence, held: OffList | None, until_days: int | None) -> None:
    """What keeps an open case off the list, and until when."""
    state = decide(evidence, POLICY)
    until_on = None if until_days is None else DAY + timedelta(days=until_days)
    assert (state.status, state.held_by, state.held_until_on) == (CaseStatus.OPEN, held, until_on)


@pytest.mark.parametrize(
    ("evidence", "parts"),
    [
        (some_evidence(), (500, 0, 0, 0)),
        (some_evidence(target_zip=True), (500, 150, 0, 0)),
        (some_evidence(appointments=[an_appointment(-1, AppointmentStatus.NOSHOW)]), (500, 0, 200, 0)),
        (
            some_evidence(
                appointments=[
                    an_appointment(-9, AppointmentStatus.NOSHOW),
                    an_appointment(-1, AppointmentStatus.CANCELLED, appointment_id=UUID(int=10)),
                ]
            ),
            (500, 0, 0, 0),
        ),
        (some_evidence(attempts=[an_attempt(D.BUSY, -2), an_attempt(D.BUSY, -1)]), (500, 0, 0, -120)),
        (some_evidence(target_zip=True, enrolment=INELIGIBLE), (0, 0, 0, 0)),
    ],
)
def test_rank(evidence: Evidence, parts: tuple[int, int, int, int]) -> None:
    """The parts of the rank, each for its reason; a closed case has none."""
    state = decide(evidence, POLICY)
    assert (state.priority, state.zip_bonus, state.noshow_bonus, state.attempt_penalty) == parts


ALL = [
    some_evidence(doses=[a_dose(3)]),
    some_evidence(doses=[a_dose(3)], enrolment={"doses_valid": 1}),
    some_evidence(appointments=[an_appointment(4)], attempts=[an_attempt(D.BOOKED)]),
    some_evidence(attempts=[an_attempt(D.INITIAL_REFUSAL), an_attempt(D.NO_ANSWER, 0)]),
    some_evidence(attempts=[an_attempt(D.CALLBACK_SCHEDULED)]),
    some_evidence(attempts=[an_attempt(D.NO_ANSWER, day) for day in range(-9, -4)], appointments=[an_appointment(2)]),
]


@pytest.mark.parametrize("evidence", ALL)
def test_time_alone_changes_nothing_before_the_review(evidence: Evidence) -> None:
    """Between two review days every day gives the same decision: so it is enough to decide again on those."""
    state, reviews = decide(evidence, POLICY), 0
    for days in range(1, 60):
        today = DAY + timedelta(days=days)
        again = decide(replace(evidence, today=today), POLICY)
        if state.review_on is not None and today >= state.review_on:
            state, reviews = again, reviews + 1
        assert again == state, today
    assert reviews
    assert state.review_on is None


LEASED = Holder("wanda", live=True)
PROPOSAL = Proposal("wanda", Channel.PHONE, DAY)
FIVE = [an_attempt(D.NO_ANSWER, day) for day in range(-29, -24)]


@pytest.mark.parametrize(
    ("evidence", "holder", "proposal", "code"),
    [
        (some_evidence(), LEASED, PROPOSAL, None),
        (some_evidence(), Holder(), replace(PROPOSAL, claims=True), None),
        (some_evidence(), Holder("otto"), replace(PROPOSAL, claims=True), None),
        (some_evidence(), Holder(), PROPOSAL, RefusalCode.NOT_CLAIMED),
        (some_evidence(), Holder("otto", live=True), replace(PROPOSAL, claims=True), RefusalCode.NOT_CLAIMED),
        (some_evidence(), Holder("wanda"), PROPOSAL, RefusalCode.LEASE_EXPIRED),
        (some_evidence(), Holder("wanda"), replace(PROPOSAL, claims=True), None),
        (some_evidence(enrolment={"contact_protected": True}), LEASED, PROPOSAL, RefusalCode.PROTECTED),
        (some_evidence(enrolment=INELIGIBLE), LEASED, PROPOSAL, RefusalCode.CASE_CLOSED),
        (some_evidence(attempts=[an_attempt(D.DO_NOT_CALL)]), LEASED, PROPOSAL, RefusalCode.OPTED_OUT),
        (some_evidence(attempts=FIVE), LEASED, PROPOSAL, RefusalCode.TOO_MANY),
        (some_evidence(attempts=[an_attempt(D.NO_ANSWER, -30), *FIVE[1:]]), LEASED, PROPOSAL, None),
        (some_evidence(attempts=[*FIVE, an_attempt(D.CALLBACK_SCHEDULED, -2)]), LEASED, PROPOSAL, None),
        (some_evidence(enrolment={"channels_barred": ("phone",)}), LEASED, PROPOSAL, RefusalCode.CHANNEL_BARRED),
        (some_evidence(attempts=[an_attempt(D.INITIAL_REFUSAL)]), LEASED, PROPOSAL, RefusalCode.CASE_PAUSED),
    ],
)
def test_rules(evidence: Evidence, holder: Holder, proposal: Proposal, code: RefusalCode | None) -> None:
    """Who may try whom: the first rule against it is named; a member who gets in touch goes against none."""
    assert against(evidence, decide(evidence, POLICY), holder, proposal, POLICY) is code
    inbound = replace(proposal, direction=Direction.INBOUND)
    assert against(evidence, decide(evidence, POLICY), holder, inbound, POLICY) is None


def test_order_of_doses_and_appointments_does_not_matter() -> None:
    """A decision is the same in whatever order records are loaded."""
    doses = [a_dose(3), a_dose(40, dose_id=UUID(int=8))]
    booked = [an_appointment(3), an_appointment(-1, AppointmentStatus.NOSHOW, appointment_id=UUID(int=10))]
    one = decide(some_evidence(doses=doses, appointments=booked), POLICY)
    assert one == decide(some_evidence(doses=doses[::-1], appointments=booked[::-1]), POLICY)


def test_dead_number_can_come_alive() -> None:
    """A channel is valid again once the right person was reached by it."""
    attempts = [an_attempt(D.WRONG_NUMBER, -3), an_attempt(D.COMPLETE, -2)]
    assert decide(some_evidence(attempts=attempts[:1]), POLICY).next_channel is Channel.EMAIL
    assert decide(some_evidence(attempts=attempts), POLICY).next_channel is Channel.PHONE


def test_marks_of_another_programme_count_for_the_member() -> None:
    """What the member said under one programme of the plan holds under the others; attempts are each case's own."""
    other = an_attempt(D.WRONG_NUMBER, programme_id="flu-2021")
    state = decide(some_evidence(attempts=[other]), POLICY)
    assert (state.next_channel, state.attempts) == (Channel.EMAIL, 0)
