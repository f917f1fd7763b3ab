"""What is said holds for the person: opt-outs, refusals and reports of death, to whichever plan and programme."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Direction, Disposition
from services.outreach.attempts.rules import RefusalCode, Timing, is_news, misdated
from services.outreach.cases.channels import is_opted_out, stopped_channels
from services.outreach.cases.evidence import CaseState, Evidence, OffList, Paused
from services.outreach.cases.rules import decide
from services.outreach.contacts.rules import Statement
from services.outreach.policy import POLICY
from tests.unit.outreach.builders import DAY, NOON, a_statement, an_attempt, some_evidence

D = Disposition
BY_PHONE, BY_TEXT = Channel.PHONE, Channel.TEXT


def an_opt_in(days: int, *channels: Channel, plan: str = "lakeshore") -> Statement:
    return a_statement(an_attempt(D.COMPLETE, days), tenant_id=plan, resumes=channels)


def an_opt_out(days: int = 0, plan: str = "lakeshore") -> Statement:
    return a_statement(an_attempt(D.DO_NOT_CALL, days), tenant_id=plan)


@pytest.mark.parametrize(
    ("statements", "stopped", "is_out"),
    [
        ([an_opt_out()], {BY_PHONE, BY_TEXT}, True),
        ([an_opt_out(plan="prairie")], {BY_PHONE, BY_TEXT}, True),
        ([an_opt_out(-2), an_opt_in(-1, BY_TEXT)], {BY_PHONE}, False),
        ([an_opt_out(-2), an_opt_in(-1, BY_PHONE, BY_TEXT)], set(), False),
        ([an_opt_in(-3, BY_PHONE, BY_TEXT), an_opt_out(-2)], {BY_PHONE, BY_TEXT}, True),
        ([an_opt_out(-2), an_opt_in(-2, BY_PHONE, BY_TEXT)], {BY_PHONE, BY_TEXT}, True),
        ([an_opt_out(-2, "prairie"), an_opt_in(-1, BY_PHONE, BY_TEXT, plan="prairie")], set(), False),
        ([an_opt_out(-2, "prairie"), an_opt_in(-1, BY_PHONE, BY_TEXT)], set(), False),
        ([an_opt_out(-2), an_opt_in(-1, BY_PHONE, BY_TEXT, plan="prairie")], {BY_PHONE, BY_TEXT}, True),
    ],
)
def test_an_opt_in_takes_back_by_channel(statements: list[Statement], stopped: set[Channel], is_out: bool) -> None:
    """Do-not-call holds at every plan; a later opt-in takes back, by channel, what was said to the same plan, and lets
    the plan that was told call again, no other."""
    evidence = some_evidence(statements=statements)
    assert stopped_channels(statements, "lakeshore") == stopped
    assert is_opted_out(evidence, POLICY) is is_out


@pytest.mark.parametrize(
    ("changes", "paused"),
    [
        ({"programme_id": "covid-campaign"}, Paused.REFUSAL),
        ({"programme_id": "covid-campaign", "tenant_id": "prairie"}, Paused.REFUSAL),
        ({"programme_id": "flu-2021", "vaccine_group": "influenza"}, None),
        ({"vaccine_group": None}, Paused.REFUSAL),
        ({"programme_id": "flu-2021", "vaccine_group": None}, None),
    ],
)
def test_a_refusal_pauses_the_vaccine(changes: dict[str, Any], paused: Paused | None) -> None:
    """A refusal pauses its vaccine in every programme and plan of the person, and no other vaccine."""
    said = replace(a_statement(an_attempt(D.INITIAL_REFUSAL)), **changes)
    assert decide(some_evidence(statements=[said]), POLICY).paused_by is paused


def _told(reports: list[Statement], **enrolment: object) -> CaseState:
    return decide(some_evidence(statements=reports, enrolment=enrolment), POLICY)


def test_only_eligibility_declares_death() -> None:
    """A report pauses until a fact has weighed it: then the fact's word holds, and its silence sets it aside."""
    report = a_statement(an_attempt(D.DECEASED))
    early, late = NOON - timedelta(seconds=1), NOON
    declared = {"reasons": ("deceased",), "eligible": False, "enrolled": False}
    checked = {"reasons": ("death-reported",), "eligible": False}
    assert _told([report]).paused_by is Paused.DEATH_REPORTED
    assert _told([report], death_reports_until=early).paused_by is Paused.DEATH_REPORTED
    assert _told([report], death_reports_until=late).status is CaseStatus.OPEN
    assert _told([report], death_reports_until=late, **checked).paused_by is Paused.DEATH_REPORTED
    assert _told([report], death_reports_until=late, **declared).closed_reason is CaseClosedReason.DECEASED
    assert _told([], **checked).paused_by is Paused.DEATH_REPORTED
    assert _told([], **{**checked, "reasons": ("death-reported", "under-age")}).closed_reason is not None


NOW = NOON + timedelta(days=1)
AHEAD = DAY + timedelta(days=30)  # a simulated business day, far ahead of the clock


@pytest.mark.parametrize(
    ("days", "hours", "today", "code"),
    [
        (1, 0, DAY, None),
        (1, 1, DAY, RefusalCode.IN_FUTURE),
        (2, 0, DAY, RefusalCode.IN_FUTURE),
        (2, 0, AHEAD, None),
        (31, 0, AHEAD, RefusalCode.IN_FUTURE),
        (-60, 0, DAY, None),
        (-61, 0, DAY, RefusalCode.TOO_OLD),
    ],
)
def test_attempts_are_near_now(days: int, hours: int, today: date, code: RefusalCode | None) -> None:
    """No contact is later than the clock, but for the open day where that is ahead, or older than sixty days."""
    at = NOON + timedelta(days=days, hours=hours)
    timing = Timing(NOW, NOW.date(), at, at.date())
    assert misdated(timing, today, POLICY) is code


def test_a_callback_comes_after_its_attempt() -> None:
    """A promise for an earlier time is none; one that is logged late stands, and is due at once."""
    made = Timing(NOW, NOW.date(), NOON, NOON.date())
    assert misdated(replace(made, callback_at=NOON), DAY, POLICY) is RefusalCode.CALLBACK_PAST
    assert misdated(replace(made, callback_at=NOON + timedelta(hours=1)), DAY, POLICY) is None


def test_what_became_known_is_news() -> None:
    """Every outcome that changes a case is news, and so is an opt-in; a try that brought nothing is none."""
    plain = {D.COMPLETE, D.NO_ANSWER, D.BUSY, D.ANSWERING_MACHINE, D.LEFT_MESSAGE, D.THIRD_PARTY}
    assert {one for one in D if not is_news(one, frozenset())} == plain
    assert is_news(D.COMPLETE, frozenset({BY_PHONE}))


def _tried(*days: int, **changes: Any) -> Evidence:
    return some_evidence(attempts=[an_attempt(D.NO_ANSWER, day, **changes) for day in days])


def test_inbound_contacts_count_for_no_limit() -> None:
    """Five calls by the member fill no window and lower no rank; the person rests on the day all the same."""
    state = decide(_tried(-4, -3, -2, -1, 0, direction=Direction.INBOUND), POLICY)
    assert (state.held_by, state.attempts, state.attempt_penalty) == (OffList.RESTING, 0, 0)


def test_the_person_rests_in_every_programme() -> None:
    """Who was tried today for one programme is not called today for another, nor before the day that he asked for."""
    other: dict[str, Any] = {"programme_id": "flu-2021", "attempt_id": UUID(int=7)}
    assert decide(_tried(0, **other), POLICY).held_by is OffList.RESTING
    promised = some_evidence(attempts=[an_attempt(D.CALLBACK_SCHEDULED, **other)])
    state = decide(promised, POLICY)
    assert (state.held_by, state.held_until_on, state.callback_at) == (OffList.CALLBACK, DAY + timedelta(days=2), None)
