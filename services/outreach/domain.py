"""The state of a case, decided from what is on record about one enrolment under one programme. Pure: a decision depends
on the records alone and never on the order in which they were heard, so any interleaving ends in the same state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from schemas.outreach_v1 import CaseClosedReason, CaseStatus, Channel, Disposition
from schemas.scheduling_v1 import AppointmentStatus
from services.outreach.effects import EFFECTS, Standing
from services.outreach.policy import Policy


class Held(StrEnum):
    """Why an open case is off the call list for now."""

    BOOKED = "booked"
    CALLBACK = "callback"
    ATTEMPTS = "attempts"
    RESTING = "resting"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The newest fact heard about one enrolment and programme. `eligible_on` is the earliest day on which any version
    said that outreach may be offered: from then on there is a case."""

    enrolment_id: UUID
    programme_id: str
    tenant_id: str
    member_token: UUID
    version: int
    eligible: bool
    vaccinated: bool
    doses_valid: int
    enrolled: bool
    contact_protected: bool
    merged_into: UUID | None
    reasons: tuple[str, ...]
    priority: int
    zip5: str | None
    tract: str | None
    language: str | None
    decided_on: date
    eligible_on: date | None


@dataclass(frozen=True, slots=True)
class Dose:
    """The newest version of a canonical dose; not `live` once it was retracted, or if it was given in part."""

    dose_id: UUID
    vaccine_group: str
    administered_on: date
    live: bool
    appointment_id: UUID | None


@dataclass(frozen=True, slots=True)
class Appointment:
    """The newest version of an appointment."""

    appointment_id: UUID
    status: AppointmentStatus
    start_at: datetime
    start_on: date
    changed_on: date
    dose_on: date | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to reach the member, in this programme or another of the plan. `counted_on`: the programme's day that
    the rules use."""

    attempt_id: UUID
    programme_id: str
    enrolment_id: UUID
    channel: Channel
    disposition: Disposition
    attempted_at: datetime
    counted_on: date
    worker_id: str
    callback_at: datetime | None
    callback_on: date | None
    language: str | None
    stopped: tuple[Channel, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that is known when a case is decided. `attempts` are the member's, in order."""

    enrolment: Enrolment
    today: date
    retired: bool = False
    vaccine_group: str | None = None
    target_zip: bool = False
    doses: Sequence[Dose] = ()
    appointments: Sequence[Appointment] = ()
    attempts: Sequence[Attempt] = ()

    def own_attempts(self) -> list[Attempt]:
        """The attempts under this enrolment and programme."""
        if not self.attempts:
            return []
        mine = (self.enrolment.enrolment_id, self.enrolment.programme_id)
        return [one for one in self.attempts if (one.enrolment_id, one.programme_id) == mine]


@dataclass(frozen=True, slots=True)
class CaseState:
    """What was decided. `review_on`: the day on which time alone may change it."""

    tenant_id: str
    member_token: UUID
    status: CaseStatus
    closed_reason: CaseClosedReason | None
    paused_until_on: date | None
    held_by: Held | None
    held_until_on: date | None
    review_on: date | None
    priority: int
    zip_bonus: int
    noshow_bonus: int
    attempts: int
    attempt_penalty: int
    zip5: str | None
    language: str | None
    needs_language: bool
    callback_at: datetime | None
    callback_worker: str | None
    next_channel: Channel | None


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


def decide(situation: Situation, policy: Policy) -> CaseState:
    """The case's state on `situation.today`. See the table in this service's README."""
    until = _Until(situation.today)
    closed = next(_closed_reasons(situation, policy, until), None)
    paused_on = None if closed else _paused_until(situation, policy, until)
    status = CaseStatus.CLOSED if closed else CaseStatus.PAUSED if paused_on else CaseStatus.OPEN
    held = max(_holds(situation, policy, until), key=lambda hold: hold[1], default=None) if not closed else None
    callback = _callback(situation) if not closed else None
    enrolment, own = situation.enrolment, situation.own_attempts()
    needed = _language_needed(situation)
    return CaseState(
        tenant_id=enrolment.tenant_id,
        member_token=enrolment.member_token,
        status=status,
        closed_reason=closed,
        paused_until_on=paused_on,
        held_by=held[0] if held else None,
        held_until_on=held[1] if held else None,
        review_on=min(until.days, default=None),
        priority=0 if closed else enrolment.priority,
        zip_bonus=policy.rank.target_zip if situation.target_zip and not closed else 0,
        noshow_bonus=policy.rank.no_show if _missed_last(situation.appointments) and not closed else 0,
        attempts=len(own),
        attempt_penalty=policy.rank.attempt * len(own),
        zip5=enrolment.zip5,
        language=needed or enrolment.language,
        needs_language=needed is not None,
        callback_at=callback.callback_at if callback else None,
        callback_worker=callback.worker_id if callback else None,
        next_channel=next(iter(usable_channels(situation.attempts, policy)), None),
    )


def _closed_reasons(situation: Situation, policy: Policy, until: _Until) -> Iterator[CaseClosedReason]:
    """Every reason to close, the one that counts first."""
    enrolment, attempts = situation.enrolment, situation.attempts
    said = [policy.closes_as[code] for code in enrolment.reasons if code in policy.closes_as]
    if situation.retired or enrolment.merged_into is not None:
        yield CaseClosedReason.MERGED
    if CaseClosedReason.DECEASED in said or any(EFFECTS[one.disposition].deceased for one in attempts):
        yield CaseClosedReason.DECEASED
    if enrolment.vaccinated or _has_unweighed_dose(situation, policy, until):
        yield CaseClosedReason.VACCINATED
    if not (enrolment.enrolled and enrolment.eligible):
        yield from said
    if not enrolment.enrolled:
        yield CaseClosedReason.DISENROLLED
    if not enrolment.eligible or enrolment.contact_protected:
        yield CaseClosedReason.INELIGIBLE
    if _left_place(attempts) == place_of(enrolment):
        yield CaseClosedReason.MOVED
    if any(EFFECTS[one.disposition].opts_out for one in attempts):
        yield CaseClosedReason.OPTED_OUT
    if not usable_channels(attempts, policy):
        yield CaseClosedReason.UNREACHABLE


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
        one.administered_on for one in situation.doses if one.live and one.vaccine_group == situation.vaccine_group
    }


def _paused_until(situation: Situation, policy: Policy, until: _Until) -> date | None:
    """The latest day before which nobody should call."""
    days = [day + timedelta(days=policy.recent_dose_days) for day in _given_on(situation)]
    standing = _standing(situation)
    if standing is not None:
        kind, attempt = standing
        pause_days = {
            Standing.REFUSAL: policy.refusal_pause_days,
            Standing.SELF_REPORT: policy.self_report_pause_days,
        }.get(kind, 0)
        days.append(attempt.counted_on + timedelta(days=pause_days))
    last = max((day for day in days if day > situation.today), default=None)
    if last is not None:
        until.add(last)
    return last


def _standing(situation: Situation) -> tuple[Standing, Attempt] | None:
    """What the last attempt that left something standing left."""
    for attempt in reversed(situation.own_attempts()):
        kind = EFFECTS[attempt.disposition].standing
        if kind is not None:
            return kind, attempt
    return None


def _callback(situation: Situation) -> Attempt | None:
    """The promise to call again, unless an attempt has been made since."""
    own = situation.own_attempts()
    return own[-1] if own and own[-1].disposition is Disposition.CALLBACK_SCHEDULED else None


def _holds(situation: Situation, policy: Policy, until: _Until) -> Iterator[tuple[Held, date]]:
    """What keeps an open case off the list, each with the day on which that ends."""
    own, callback = situation.own_attempts(), _callback(situation)
    for appointment in situation.appointments:
        ends_on = appointment.start_on + timedelta(days=1)
        if appointment.status is AppointmentStatus.BOOKED and until.add(ends_on):
            yield Held.BOOKED, ends_on
    word_ends_on = _booked_by_word_until(situation, policy)
    if word_ends_on is not None and until.add(word_ends_on):
        yield Held.BOOKED, word_ends_on
    if callback is not None and callback.callback_on is not None:
        if until.add(callback.callback_on):
            yield Held.CALLBACK, callback.callback_on
        return  # a promised call is made even after many attempts
    window_ends_on = next_attempt_on(situation.attempts, policy)
    if window_ends_on is not None and until.add(window_ends_on):
        yield Held.ATTEMPTS, window_ends_on
    rests = [one.counted_on for one in own if EFFECTS[one.disposition].rests]
    rested_on = max(rests) + timedelta(days=policy.rest_days) if rests else situation.today
    if until.add(rested_on):
        yield Held.RESTING, rested_on


def _booked_by_word_until(situation: Situation, policy: Policy) -> date | None:
    """A worker said "booked": that holds until the appointment itself is heard of, or the grace is over."""
    standing = _standing(situation)
    if standing is None or standing[0] is not Standing.BOOKED:
        return None
    said_on = standing[1].counted_on
    if any(one.changed_on >= said_on for one in situation.appointments):
        return None
    return said_on + timedelta(days=policy.booking_grace_days)


def next_attempt_on(attempts: Sequence[Attempt], policy: Policy) -> date | None:
    """The day on which the window lets in another attempt; None while it was never full."""
    days = sorted((one.counted_on for one in attempts), reverse=True)
    if len(days) < policy.attempts_per_window:
        return None
    return days[policy.attempts_per_window - 1] + timedelta(days=policy.window_days)


def _missed_last(appointments: Sequence[Appointment]) -> bool:
    """A missed appointment is never a refusal: the member wanted to come."""
    last = max(appointments, key=lambda one: (one.start_at, one.appointment_id), default=None)
    return last is not None and last.status is AppointmentStatus.NOSHOW


def _language_needed(situation: Situation) -> str | None:
    """The language to be spoken, once somebody could not speak it; "und" when nobody knows which."""
    for attempt in reversed(situation.attempts):
        if EFFECTS[attempt.disposition].needs_language:
            return attempt.language or situation.enrolment.language or "und"
    return None


def stopped_channels(attempts: Sequence[Attempt]) -> frozenset[Channel]:
    """Channels by which the member does not want to hear from the plan."""
    return frozenset(channel for one in attempts for channel in one.stopped)


def invalid_channels(attempts: Sequence[Attempt]) -> frozenset[Channel]:
    """Channels whose last attempt reached a wrong or dead number or address."""
    last = {one.channel: EFFECTS[one.disposition].invalidates_channel for one in attempts}
    return frozenset(channel for channel, invalid in last.items() if invalid)


def usable_channels(attempts: Sequence[Attempt], policy: Policy) -> list[Channel]:
    """The channels left, in the order of the ladder."""
    if not attempts:
        return list(policy.channels)
    barred = stopped_channels(attempts) | invalid_channels(attempts)
    return [channel for channel in policy.channels if channel not in barred]


def place_of(enrolment: Enrolment) -> str:
    """Where eligibility places the member, to be compared only."""
    return f"{enrolment.zip5 or ''}/{enrolment.tract or ''}"


def _left_place(attempts: Sequence[Attempt]) -> str | None:
    """The place that the member is said to have left; eligibility says otherwise by naming another one."""
    return next((one.place for one in reversed(attempts) if EFFECTS[one.disposition].moved), None)
