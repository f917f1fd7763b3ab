"""The state of a case, decided from what is on record about one enrolment under one programme. Pure: a decision depends
on the records alone and never on the order in which they were heard, so any interleaving ends in the same state."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import itemgetter

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.cases import appointments, channels
from services.outreach.cases.evidence import CaseState, Evidence, Flag, OffList, Paused
from services.outreach.contacts.dispositions import EFFECTS, Stance
from services.outreach.contacts.rules import Attempt, Statement, tries
from services.outreach.members.rules import Appointment, Enrolment
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


def decide(evidence: Evidence, policy: Policy) -> CaseState:
    """The case's state on `evidence.today`. See the table in this service's README."""
    until = _Until(evidence.today)
    closed = next(_closed_reasons(evidence, policy, until), None)
    pause = None if closed else _pause(evidence, policy, until)
    held = None if closed else max(_kept_off_list(evidence, policy, until), key=itemgetter(1), default=None)
    callback = _callback(evidence) if not closed else None
    enrolment, own = evidence.enrolment, len(tries(evidence.own_attempts()))
    needed = _language_needed(evidence)
    flags = tuple(_flags_of_closed(evidence, policy, closed) if closed else _flags(evidence, policy, pause))
    lost = _taken_away(evidence, policy, flags, closed)
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
        zip_bonus=policy.rank.target_zip if evidence.target_zip and not closed else 0,
        noshow_bonus=policy.rank.no_show if Flag.APPOINTMENT_MISSED in flags else 0,
        attempts=own,
        attempt_penalty=policy.rank.attempt * own,
        zip5=enrolment.zip5,
        language=needed or enrolment.language,
        needs_language=needed is not None,
        callback_at=callback.callback_at if callback else None,
        callback_worker=callback.worker_id if callback else None,
        next_channel=channels.next_of(channels.usable_channels(evidence, policy)),
        paused_by=pause.by if pause else None,
        lost_bonus=policy.rank.lost_appointment if Flag.APPOINTMENT_LOST in flags else 0,
        flags=flags,
        lost_appointment_id=lost.appointment_id if lost else None,
        lost_reason=lost.cancellation_reason if lost else None,
        lost_told=lost.told_how if lost else None,
    )


def _flags(evidence: Evidence, policy: Policy, pause: _Pause | None) -> Iterator[Flag]:
    if evidence.appointments:
        yield from appointments.flags(evidence, policy)
    if pause is not None and pause.by is Paused.DEATH_REPORTED:
        yield Flag.DEATH_REPORTED


def _flags_of_closed(evidence: Evidence, policy: Policy, closed: CaseClosedReason) -> Iterator[Flag]:
    """The member is still the plan's and wanted to come: that nobody may contact him must not leave him to find a
    closed door."""
    if _is_barred_only(evidence, closed) and appointments.lost(evidence, policy) is not None:
        yield Flag.LOST_NO_CALL


def _is_barred_only(evidence: Evidence, closed: CaseClosedReason) -> bool:
    """Whether the case is closed only because nobody may contact the member."""
    is_protected_only = closed is CaseClosedReason.INELIGIBLE and not _is_ineligible(evidence.enrolment)
    is_barred = is_protected_only or closed in {CaseClosedReason.OPTED_OUT, CaseClosedReason.UNREACHABLE}
    return is_barred and not is_death_reported(evidence)


def _taken_away(
    evidence: Evidence, policy: Policy, flags: Collection[Flag], closed: CaseClosedReason | None
) -> Appointment | None:
    """The appointment of which the member must hear, or has heard without a call."""
    last = appointments.taken_away(evidence, policy) if evidence.appointments else None
    if last is None or {Flag.APPOINTMENT_LOST, Flag.LOST_NO_CALL} & set(flags):
        return last
    return last if last.is_told and (closed is None or _is_barred_only(evidence, closed)) else None


def _closed_reasons(evidence: Evidence, policy: Policy, until: _Until) -> Iterator[CaseClosedReason]:
    """Every reason to close, the one that counts first."""
    enrolment = evidence.enrolment
    said = [policy.closes_as[code] for code in enrolment.reasons if code in policy.closes_as]
    if evidence.retired or enrolment.merged_into is not None:
        yield CaseClosedReason.MERGED
    if CaseClosedReason.DECEASED in said:
        yield CaseClosedReason.DECEASED
    if enrolment.vaccinated or _has_unweighed_dose(evidence, policy, until):
        yield CaseClosedReason.VACCINATED
    if not (enrolment.enrolled and enrolment.eligible):
        yield from said
    if not enrolment.enrolled:
        yield CaseClosedReason.DISENROLLED
    if _is_ineligible(enrolment) or enrolment.contact_protected:
        yield CaseClosedReason.INELIGIBLE
    if channels.has_left(evidence):
        yield CaseClosedReason.MOVED
    if channels.is_opted_out(evidence, policy):
        yield CaseClosedReason.OPTED_OUT
    if not channels.usable_channels(evidence, policy):
        yield CaseClosedReason.UNREACHABLE


def _is_ineligible(enrolment: Enrolment) -> bool:
    """For anything but a report of death that is to be checked: that pauses only."""
    return not enrolment.eligible and enrolment.reasons != (DEATH_REPORTED,)


def _has_unweighed_dose(evidence: Evidence, policy: Policy, until: _Until) -> bool:
    """A dose given lately that eligibility has not counted yet. It takes the member off the list at once, whoever
    reported it; should eligibility never count it (given too early, say), the case comes back."""
    given = _given_on(evidence)
    if len(given) <= evidence.enrolment.doses_valid:
        return False
    return until.add(max(given) + timedelta(days=policy.recent_dose_days))


def _given_on(evidence: Evidence) -> set[date]:
    """Days of the live doses of the programme's group, and of those that a site gave and eligibility has yet to say."""
    if not (evidence.doses or evidence.appointments):
        return set()
    known = {dose.appointment_id for dose in evidence.doses}
    reported = {booking.dose_on for booking in evidence.appointments if booking.appointment_id not in known}
    return {day for day in reported if day is not None} | {
        dose.administered_on for dose in evidence.doses if dose.live and evidence.vaccine_group in dose.vaccine_groups
    }


def _pause(evidence: Evidence, policy: Policy, until: _Until) -> _Pause | None:
    """Why nobody should call: a death that eligibility has yet to judge, else what lasts longest. What was said and
    given before an appointment was lost waits until the member was told of that; but a dose ends appointments, too."""
    if is_death_reported(evidence):
        return _Pause(Paused.DEATH_REPORTED)
    loss = appointments.lost(evidence, policy)
    lost = loss.appointment if appointments.lifts_limits(loss, policy) else None
    given = [day for day in _given_on(evidence) if lost is None or lost.by_rule or day > lost.changed_on]
    pauses = [(day + timedelta(days=policy.recent_dose_days), Paused.RECENT_DOSE) for day in given]
    said = _last_said(evidence)
    is_said_since = lost is None or (said is not None and said.said_at > lost.told_at)
    if said is not None and said.stance in _PAUSES and is_said_since:
        by = _PAUSES[said.stance]
        days = policy.refusal_pause_days if by is Paused.REFUSAL else policy.self_report_pause_days
        pauses.append((said.counted_on + timedelta(days=days), by))
    last = max(pauses, default=None)
    return _Pause(last[1], last[0]) if last is not None and until.add(last[0]) else None


_PAUSES = {Stance.REFUSAL: Paused.REFUSAL, Stance.SELF_REPORT: Paused.SELF_REPORT}


def is_death_reported(evidence: Evidence) -> bool:
    """Eligibility is checking a report, or has not weighed one yet. What it has weighed and does not tell, it has set
    aside."""
    if DEATH_REPORTED in evidence.enrolment.reasons:
        return True
    weighed = evidence.enrolment.death_reports_until
    reports = (statement.told_at for statement in evidence.statements if statement.reports_death)
    return any(weighed is None or at > weighed for at in reports)


def _last_said(evidence: Evidence) -> Statement | None:
    """The last thing said about this vaccine, to whichever worker, programme and plan, that left something standing."""
    programme_id, vaccine_group = evidence.enrolment.programme_id, evidence.vaccine_group
    for statement in reversed(evidence.statements):
        same_vaccine = statement.vaccine_group is not None and statement.vaccine_group == vaccine_group
        if statement.stance is not None and (same_vaccine or statement.programme_id == programme_id):
            return statement
    return None


def _callback(evidence: Evidence) -> Attempt | None:
    """The promise to call again under this programme."""
    return _promise(evidence.own_attempts())


WRITTEN = frozenset({Channel.TEXT, Channel.EMAIL, Channel.LETTER})


def _promise(attempts: Sequence[Attempt]) -> Attempt | None:
    """The last promise to call again, until the call was made at its hour, or somebody has spoken with the member. A
    message that is left before, a text or a letter, or a try that nobody answers, keeps no promise."""
    places = [at for at, one in enumerate(attempts) if one.disposition is Disposition.CALLBACK_SCHEDULED]
    if not places:
        return None
    promise, since = attempts[places[-1]], attempts[places[-1] + 1 :]
    tried = [attempt for attempt in since if attempt.channel not in WRITTEN]
    is_made = any(promise.callback_at is None or attempt.attempted_at >= promise.callback_at for attempt in tried)
    return None if is_made or any(EFFECTS[attempt.disposition].reaches for attempt in since) else promise


def _kept_off_list(evidence: Evidence, policy: Policy, until: _Until) -> Iterator[tuple[OffList, date]]:
    """What keeps an open case off the list, each with the day on which that ends."""
    for appointment in evidence.appointments:
        ends_on = appointment.start_on + timedelta(days=1)
        if appointment.status is AppointmentStatus.BOOKED and until.add(ends_on):
            yield OffList.BOOKED, ends_on
    word_ends_on = _booked_by_word_until(evidence, policy)
    if word_ends_on is not None and until.add(word_ends_on):
        yield OffList.BOOKED, word_ends_on
    yield from _promised(evidence, until)
    if _callback(evidence) is None:  # a promised call is made even after many attempts
        yield from _spared(evidence, policy, until)


def _promised(evidence: Evidence, until: _Until) -> Iterator[tuple[OffList, date]]:
    """A member who asked for a call on a day is not called before it for another programme either."""
    promises = {
        attempt.attempt_id: attempt
        for attempt in (_callback(evidence), _promise(evidence.attempts))
        if attempt is not None
    }
    for attempt in promises.values():
        if attempt.callback_on is not None and until.add(attempt.callback_on):
            yield OffList.CALLBACK, attempt.callback_on


def _spared(evidence: Evidence, policy: Policy, until: _Until) -> Iterator[tuple[OffList, date]]:
    """The person is not tried too often, all programmes of the plan together; but to hear of a lost appointment."""
    loss = appointments.lost(evidence, policy)
    window_ends_on = None if appointments.lifts_limits(loss, policy) else next_attempt_on(evidence, policy)
    if window_ends_on is not None and until.add(window_ends_on):
        yield OffList.ATTEMPTS, window_ends_on
    since = loss.since if loss is not None else None
    rests = [attempt.counted_on for attempt in evidence.attempts if _rests(attempt, since)]
    rested_on = max(rests) + timedelta(days=policy.rest_days) if rests else evidence.today
    if until.add(rested_on):
        yield OffList.RESTING, rested_on


def _rests(attempt: Attempt, since: datetime | None) -> bool:
    return EFFECTS[attempt.disposition].rests and (since is None or attempt.attempted_at > since)


def _booked_by_word_until(evidence: Evidence, policy: Policy) -> date | None:
    """A worker said "booked": that holds until the appointment itself is heard of, or the grace is over."""
    own = reversed(evidence.own_attempts())
    said = next((attempt for attempt in own if EFFECTS[attempt.disposition].stance), None)
    if said is None or EFFECTS[said.disposition].stance is not Stance.BOOKED:
        return None
    if any(appointment.changed_on >= said.counted_on for appointment in evidence.appointments):
        return None
    return said.counted_on + timedelta(days=policy.booking_grace_days)


def next_attempt_on(evidence: Evidence, policy: Policy) -> date | None:
    """The day on which the window lets in another attempt; None while it was never full."""
    days = sorted((attempt.counted_on for attempt in channels.counted_tries(evidence)), reverse=True)
    if len(days) < policy.attempts_per_window:
        return None
    return days[policy.attempts_per_window - 1] + timedelta(days=policy.window_days)


def _language_needed(evidence: Evidence) -> str | None:
    """The language to be spoken, once somebody could not speak it; "und" when nobody knows which."""
    for attempt in reversed(evidence.attempts):
        if EFFECTS[attempt.disposition].needs_language:
            return attempt.language or evidence.enrolment.language or "und"
    return None
