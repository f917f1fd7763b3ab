"""Whether a member may be contacted now, by one channel. Pure: one function decides for every call and every sending.

The member may be in any of several places; what is asked of hours and days is asked in each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.outreach_v1 import Channel
from services.outreach.gate.asked import Contact, Decision, History, Member, Permitted, Reason, Refused, Request
from services.outreach.gate.policy import CallKind, Caps, GatePolicy
from services.outreach.gate.zones import Place

TELEPHONE: Final = frozenset({Channel.PHONE, Channel.TEXT})
CAPPED: Final = ((Reason.CAP_DAY, 1), (Reason.CAP_WEEK, 7), (Reason.CAP_MONTH, 30))
LONGEST_CAP_DAYS: Final = 30
HORIZON_DAYS: Final = 30
"""Once caps and consents bar nothing, only hours and holidays do: a weekday is a holiday twice in a row at most."""
PORTION_DAYS: Final = 4


def decide(request: Request, member: Member, history: History, policy: GatePolicy, now: datetime) -> Decision:
    """Permitted now; or why not, and the next instant at which it is."""
    for_good = _for_good(request, member, history, policy, now)
    if for_good is not None:
        return Refused(for_good, None)
    if request.confirms_stop:
        return Permitted()
    question = _question(request, member, history, policy)
    reason = question.barred_at(now)
    return Permitted() if reason is None else Refused(reason, question.first_after(now))


def _for_good(request: Request, member: Member, history: History, policy: GatePolicy, now: datetime) -> Reason | None:
    """What bars a contact until there is news, whatever the hour."""
    channel, by_telephone = request.channel, request.channel in TELEPHONE
    is_stopped = channel in member.stopped
    bars = (
        (Reason.DECEASED, member.is_deceased),
        (Reason.DEATH_REPORTED, member.is_death_reported),
        (Reason.TERMINATED, not member.is_enrolled),
        (Reason.PROTECTED, member.is_protected),
        (Reason.BARRED, channel in member.barred),
        (Reason.NOTHING_TO_CONFIRM, request.confirms_stop and not _may_confirm(channel, history, policy, now)),
        (Reason.OPTED_OUT, is_stopped and not request.confirms_stop),
        (Reason.DO_NOT_CALL, by_telephone and member.do_not_call and not request.confirms_stop),
        (Reason.REASSIGNED, by_telephone and member.reach.reassigned),
        (Reason.INVALID, channel in member.invalid),
    )
    return next((reason for reason, applies in bars if applies), None)


def _may_confirm(channel: Channel, history: History, policy: GatePolicy, now: datetime) -> bool:
    """Whether a STOP by this channel was heard just now, and nothing has confirmed it."""
    stopped_at = max((stop.at for stop in history.stops if stop.channel is channel and stop.at <= now), default=None)
    if stopped_at is None or now - stopped_at > timedelta(minutes=policy.limits.confirmation_minutes):
        return False
    return not any(done.channel is channel and done.at >= stopped_at for done in history.confirmations)


@dataclass(frozen=True, slots=True)
class _Clock:
    """A place where the member may be, and the days of the contacts that count there: by the channel's caps, and by
    those of prerecorded calls."""

    place: Place
    zone: ZoneInfo
    counted: Sequence[tuple[Caps, Sequence[date]]]

    def full_on(self, on: date) -> Reason | None:
        """The cap that one more contact on this day would exceed."""
        for reason, days in CAPPED:
            begins_on = on - timedelta(days=days)
            for caps, made in self.counted:
                most = _most(caps, reason)
                if len(made) >= most and sum(begins_on < day <= on for day in made) >= most:
                    return reason
        return None


def _most(caps: Caps, reason: Reason) -> int:
    return {Reason.CAP_DAY: caps.day, Reason.CAP_WEEK: caps.week}.get(reason, caps.month)


@dataclass(frozen=True, slots=True)
class _Question:
    """A request, once it is barred for a time only."""

    request: Request
    member: Member
    policy: GatePolicy
    clocks: Sequence[_Clock]
    has_hours: bool
    last_at: datetime | None

    def barred_at(self, at: datetime) -> Reason | None:
        """What bars the contact at this instant."""
        return min(self._bars(at), key=_ORDER, default=None)

    def _bars(self, at: datetime) -> Iterator[Reason]:
        if self._needs_consent() and not self._has_consent(at):
            yield Reason.NO_CONSENT
        for clock in self.clocks:
            local = at.astimezone(clock.zone)
            if self.has_hours and (closed := self._closed_at(clock.place, local)) is not None:
                yield closed
            if not self.request.is_promised and (full := clock.full_on(local.date())) is not None:
                yield full

    def _needs_consent(self) -> bool:
        return self.request.kind in self.policy.limits.needs_consent

    def _has_consent(self, at: datetime) -> bool:
        return any(one.covers(self.request) and one.holds_at(at) for one in self.member.consents)

    def _closed_at(self, place: Place, local: datetime) -> Reason | None:
        on, at = local.date(), local.time()
        window = self.policy.hours.on(place.state, on.weekday())
        if self.policy.is_holiday(on):
            return Reason.HOLIDAY
        if window is None or not window.has(at):
            return Reason.CALLING_HOURS
        wanted = self.member.reach.preferences
        if not wanted or self.request.is_promised:
            return None
        suits = any(on.weekday() in one.weekdays and one.opens <= at < one.closes for one in wanted)
        return None if suits else Reason.PREFERRED_HOURS

    def first_after(self, now: datetime) -> datetime | None:
        """The first instant at which nothing bars the contact: something has to open or begin then."""
        return next((at for at in self._openings(now) if at > now and next(self._bars(at), None) is None), None)

    def _openings(self, now: datetime) -> Iterator[datetime]:
        """In order, the instants at which hours, a day or a consent begin. The days of different clocks overlap: each
        portion has what begins on some days of UTC."""
        given = {one.given_at.astimezone(UTC) for one in self.member.consents if self._needs_consent()}
        free_at = now if self.last_at is None else self.last_at + timedelta(days=LONGEST_CAP_DAYS)
        end_on = max({now, *given, free_at}).astimezone(UTC).date() + timedelta(days=HORIZON_DAYS)
        on = now.astimezone(UTC).date()
        while on < end_on:
            until_on = on + timedelta(days=PORTION_DAYS)
            begun = {at for clock in self.clocks for day in _days_of(on, until_on) for at in self._begun_on(clock, day)}
            yield from sorted(at for at in begun | given if on <= at.date() < until_on)
            on = until_on

    def _begun_on(self, clock: _Clock, on: date) -> Iterator[datetime]:
        """A day of a channel without hours begins at midnight; where there are hours, a cap that ends then opens
        nothing before them."""
        for at in self._hours_begun(clock.place, on) if self.has_hours else (time(0),):
            yield _instant(on, at, clock.zone)

    def _hours_begun(self, place: Place, on: date) -> Iterator[time]:
        window = self.policy.hours.on(place.state, on.weekday())
        if window is not None and not self.policy.is_holiday(on):
            yield window.opens
            yield from (one.opens for one in self.member.reach.preferences if window.has(one.opens))


_ORDER = {reason: number for number, reason in enumerate(Reason)}.__getitem__


@lru_cache(maxsize=50_000)
def _instant(on: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, at, zone).astimezone(UTC)


def _days_of(on: date, until_on: date) -> list[date]:
    """Those of any clock that share an instant with these days of UTC."""
    return [on + timedelta(days=days) for days in range(-1, (until_on - on).days + 1)]


def _question(request: Request, member: Member, history: History, policy: GatePolicy) -> _Question:
    limits = policy.limits
    mine = [one for one in history.contacts if one.channel is request.channel]
    clocks = []
    for place in sorted(policy.atlas.places_of(member.reach)):
        zone = ZoneInfo(place.zone)
        counted = [(limits.caps[request.channel], _days(mine, zone))]
        if request.kind is CallKind.PRERECORDED:
            alike = [one for one in mine if one.kind is CallKind.PRERECORDED]
            counted.append((limits.prerecorded_caps, _days(alike, zone)))
        clocks.append(_Clock(place, zone, counted))
    has_hours = request.channel in limits.with_hours
    return _Question(request, member, policy, clocks, has_hours, max((one.at for one in mine), default=None))


def _days(contacts: Sequence[Contact], zone: ZoneInfo) -> list[date]:
    return [one.at.astimezone(zone).date() for one in contacts]
