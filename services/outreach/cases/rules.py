"""The state of a case, decided from what is on record about one enrolment under one programme. Pure: a decision depends
on the records alone and never on the order in which they were heard, so any interleaving ends in the same state."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases import appointments as visits
from services.outreach.cases import channels as reach
from services.outreach.cases.evidence import (
    Attempt,
    CaseState,
    Enrolment,
    Flag,
    Held,
    Paused,
    Situation,
    Statement,
    tries,
)
from services.outreach.contacts.dispositions import EFFECTS, Standing
from services.outreach.policy import Policy

DEATH_REPORTED = "death-reported"
"""Eligibility's reason while a report of the member's death is to be checked."""


@dataclass(slots=True)
class _Until:
    """Collects days on which something ends; only those after today matter."""

    today: date
    days: list[date] = field(default_factory=list)

    def add(self, day: date) -> bool:
        """Whether it lasts beyond today."""
        if day > self.today:
            self.days.append(day)
        return day > self.today


@dataclass(frozen=True, slots=True)
class _Pause:
    """Why nobody is to call, and until which day; without one, until there is news."""

    by: Paused
    until_on: date | None = None


def decide(situation: Situation, policy: Policy) -> CaseState:
    """The case's state on `situation.today`. See the table in this service's README."""
    until = _Until(situation.today)
    closed = next(_closed_reasons(situation, policy, until), None)
    pause = None if closed else _pause(situation, policy, until)
    held = max(_holds(situation, policy, until), key=lambda hold: hold[1], default=None) if not closed else None
    callback = _callback(situation) if not closed else None
    enrolment, own = situation.enrolment, len(tries(situation.own_attempts()))
    needed = _language_needed(situation)
    flags = () if closed else tuple(_flags(situation, policy, pause))
    return CaseState(
        tenant_id=enrolment.tenant_id,
        member_token=enrolment.member_token,
        status=CaseStatus.CLOSED if closed else CaseStatus.PAUSED if pause else CaseStatus.OPEN,
        closed_reason=closed,
        paused_until_on=pause.until_on if pause else None,
        held_by=held[0] if held else None,
        held_until_on=held[1] if held else None,
        review_on=min(until.days, default=None),
        priority=0 if closed else enrolment.priority,
        zip_bonus=policy.rank.target_zip if situation.target_zip and not closed else 0,
        noshow_bonus=policy.rank.no_show if Flag.APPOINTMENT_MISSED in flags else 0,
        attempts=own,
        attempt_penalty=policy.rank.attempt * own,
        zip5=enrolment.zip5,
        language=needed or enrolment.language,
        needs_language=needed is not None,
        callback_at=callback.callback_at if callback else None,
        callback_worker=callback.worker_id if callback else None,
        next_channel=reach.next_of(reach.usable_channels(situation, policy)),
        paused_by=pause.by if pause else None,
        lost_bonus=policy.rank.lost_appointment if Flag.APPOINTMENT_LOST in flags else 0,
        flags=flags,
    )


def _flags(situation: Situation, policy: Policy, pause: _Pause | None) -> Iterator[Flag]:
    if situation.appointments:
        yield from visits.flags(situation, policy)
    if pause is not None and pause.by is Paused.DEATH_REPORTED:
        yield Flag.DEATH_REPORTED


def _closed_reasons(situation: Situation, policy: Policy, until: _Until) -> Iterator[CaseClosedReason]:
    """Every reason to close, the one that counts first."""
    enrolment = situation.enrolment
    said = [policy.closes_as[code] for code in enrolment.reasons if code in policy.closes_as]
    if situation.retired or enrolment.merged_into is not None:
        yield CaseClosedReason.MERGED
    if CaseClosedReason.DECEASED in said:
        yield CaseClosedReason.DECEASED
    if enrolment.vaccinated or _has_unweighed_dose(situation, policy, until):
        yield CaseClosedReason.VACCINATED
    if not (enrolment.enrolled and enrolment.eligible):
        yield from said
    if not enrolment.enrolled:
        yield CaseClosedReason.DISENROLLED
    if _is_ineligible(enrolment) or enrolment.contact_protected:
        yield CaseClosedReason.INELIGIBLE
    if reach.has_left(situation):
        yield CaseClosedReason.MOVED
    if reach.is_opted_out(situation, policy):
        yield CaseClosedReason.OPTED_OUT
    if not reach.usable_channels(situation, policy):
        yield CaseClosedReason.UNREACHABLE


def _is_ineligible(enrolment: Enrolment) -> bool:
    """For anything but a report of death that is to be checked: that pauses only."""
    return not enrolment.eligible and enrolment.reasons != (DEATH_REPORTED,)


def _has_unweighed_dose(situation: Situation, policy: Policy, until: _Until) -> bool:
    """A dose given lately that eligibility has not counted yet. It takes the member off the list at once, whoever
    reported it; should eligibility never count it (given too early, say), the case comes back."""
    given = _given_on(situation)
    if len(given) <= situation.enrolment.doses_valid:
        return False
    return until.add(max(given) + timedelta(days=policy.recent_dose_days))


def _given_on(situation: Situation) -> set[date]:
    """Days of the live doses of the programme's group, and of those that a site gave and eligibility has yet to say."""
    if not (situation.doses or situation.appointments):
        return set()
    known = {one.appointment_id for one in situation.doses}
    reported = {one.dose_on for one in situation.appointments if one.appointment_id not in known}
    return {day for day in reported if day is not None} | {
        one.administered_on for one in situation.doses if one.live and situation.vaccine_group in one.vaccine_groups
    }


def _pause(situation: Situation, policy: Policy, until: _Until) -> _Pause | None:
    """Why nobody should call: a death that eligibility has yet to judge, else what lasts longest. What was said and
    given before an appointment was lost waits until the member was told of that; but a dose ends appointments, too."""
    if _is_death_reported(situation):
        return _Pause(Paused.DEATH_REPORTED)
    gone = visits.lost(situation, policy)
    lost = gone.appointment if visits.lifts_limits(gone, policy) else None
    given = [day for day in _given_on(situation) if lost is None or lost.by_rule or day > lost.changed_on]
    pauses = [(day + timedelta(days=policy.recent_dose_days), Paused.RECENT_DOSE) for day in given]
    standing = _standing(situation)
    is_said_since = lost is None or (standing is not None and standing.said_at > lost.told_at)
    if standing is not None and standing.standing in _PAUSES and is_said_since:
        by = _PAUSES[standing.standing]
        days = policy.refusal_pause_days if by is Paused.REFUSAL else policy.self_report_pause_days
        pauses.append((standing.counted_on + timedelta(days=days), by))
    last = max(pauses, default=None)
    return _Pause(last[1], last[0]) if last is not None and until.add(last[0]) else None


_PAUSES = {Standing.REFUSAL: Paused.REFUSAL, Standing.SELF_REPORT: Paused.SELF_REPORT}


def _is_death_reported(situation: Situation) -> bool:
    """Eligibility is checking a report, or has not weighed one yet. What it has weighed and does not tell, it has set
    aside."""
    if DEATH_REPORTED in situation.enrolment.reasons:
        return True
    weighed = situation.enrolment.death_reports_until
    reports = (one.told_at for one in situation.statements if one.reports_death)
    return any(weighed is None or at > weighed for at in reports)


def _standing(situation: Situation) -> Statement | None:
    """The last thing said about this vaccine, to whichever worker, programme and plan, that left something standing."""
    mine = situation.enrolment.programme_id, situation.vaccine_group
    for one in reversed(situation.statements):
        same_vaccine = one.vaccine_group is not None and one.vaccine_group == mine[1]
        if one.standing is not None and (same_vaccine or one.programme_id == mine[0]):
            return one
    return None


def _callback(situation: Situation) -> Attempt | None:
    """The promise to call again, unless there was another contact since."""
    own = situation.own_attempts()
    return own[-1] if own and own[-1].disposition is Disposition.CALLBACK_SCHEDULED else None


def _holds(situation: Situation, policy: Policy, until: _Until) -> Iterator[tuple[Held, date]]:
    """What keeps an open case off the list, each with the day on which that ends."""
    for appointment in situation.appointments:
        ends_on = appointment.start_on + timedelta(days=1)
        if appointment.status is AppointmentStatus.BOOKED and until.add(ends_on):
            yield Held.BOOKED, ends_on
    word_ends_on = _booked_by_word_until(situation, policy)
    if word_ends_on is not None and until.add(word_ends_on):
        yield Held.BOOKED, word_ends_on
    yield from _promised(situation, until)
    if _callback(situation) is None:  # a promised call is made even after many attempts
        yield from _spared(situation, policy, until)


def _promised(situation: Situation, until: _Until) -> Iterator[tuple[Held, date]]:
    """A member who asked for a call on a day is not called before it for another programme either."""
    last = situation.attempts[-1:]
    for one in {one.attempt_id: one for one in (_callback(situation), *last) if one is not None}.values():
        if one.callback_on is not None and until.add(one.callback_on):
            yield Held.CALLBACK, one.callback_on


def _spared(situation: Situation, policy: Policy, until: _Until) -> Iterator[tuple[Held, date]]:
    """The person is not tried too often, all programmes of the plan together; but to hear of a lost appointment."""
    gone = visits.lost(situation, policy)
    window_ends_on = None if visits.lifts_limits(gone, policy) else next_attempt_on(situation, policy)
    if window_ends_on is not None and until.add(window_ends_on):
        yield Held.ATTEMPTS, window_ends_on
    since = gone.since if gone is not None else None
    rests = [one.counted_on for one in situation.attempts if _rests(one, since)]
    rested_on = max(rests) + timedelta(days=policy.rest_days) if rests else situation.today
    if until.add(rested_on):
        yield Held.RESTING, rested_on


def _rests(attempt: Attempt, since: datetime | None) -> bool:
    return EFFECTS[attempt.disposition].rests and (since is None or attempt.attempted_at > since)


def _booked_by_word_until(situation: Situation, policy: Policy) -> date | None:
    """A worker said "booked": that holds until the appointment itself is heard of, or the grace is over."""
    said = next((one for one in reversed(situation.own_attempts()) if EFFECTS[one.disposition].standing), None)
    if said is None or EFFECTS[said.disposition].standing is not Standing.BOOKED:
        return None
    if any(one.changed_on >= said.counted_on for one in situation.appointments):
        return None
    return said.counted_on + timedelta(days=policy.booking_grace_days)


def next_attempt_on(situation: Situation, policy: Policy) -> date | None:
    """The day on which the window lets in another attempt; None while it was never full."""
    days = sorted((one.counted_on for one in reach.counted_tries(situation)), reverse=True)
    if len(days) < policy.attempts_per_window:
        return None
    return days[policy.attempts_per_window - 1] + timedelta(days=policy.window_days)


def _language_needed(situation: Situation) -> str | None:
    """The language to be spoken, once somebody could not speak it; "und" when nobody knows which."""
    for attempt in reversed(situation.attempts):
        if EFFECTS[attempt.disposition].needs_language:
            return attempt.language or situation.enrolment.language or "und"
    return None
