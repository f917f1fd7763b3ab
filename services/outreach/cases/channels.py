"""By which channels a member may and can be reached. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from schemas.outreach_v1 import Channel, Direction
from services.outreach.cases.evidence import Evidence
from services.outreach.contacts.dispositions import EFFECTS
from services.outreach.contacts.rules import Attempt, Statement, tries
from services.outreach.members.rules import Enrolment
from services.outreach.policy import Policy

SHARED: Final[Mapping[Channel, frozenset[Channel]]] = {
    channel: frozenset({Channel.PHONE, Channel.TEXT} if channel in {Channel.PHONE, Channel.TEXT} else {channel})
    for channel in Channel
}
"""Calls and texts go to one number: what is wrong for the one is wrong for the other."""


def version_of(channel: Channel, enrolment: Enrolment) -> int:
    """Of the number or address by which this channel goes, as eligibility last told it."""
    return _present(channel, enrolment)[0]


def version_on(channel: Channel, enrolment: Enrolment, on: date) -> int:
    """Of the one by which the channel went on a day: before the present one was there, the one before it. Whoever logs
    a contact late tried that."""
    version, since_on = _present(channel, enrolment)
    return version - 1 if since_on is not None and on < since_on else version


def _present(channel: Channel, enrolment: Enrolment) -> tuple[int, date | None]:
    if channel in {Channel.PHONE, Channel.TEXT}:
        return enrolment.phone_version, enrolment.phone_since_on
    if channel is Channel.EMAIL:
        return enrolment.email_version, enrolment.email_since_on
    return enrolment.address_version, enrolment.address_since_on


def invalid_channels(evidence: Evidence) -> frozenset[Channel]:
    """Channels whose present number or address is known to be wrong or dead. What was tried before a roster brought
    another one says nothing; and the right person, reached by it, says that it is right after all."""
    invalid: set[Channel] = set()
    for attempt in evidence.attempts:
        if not _is_to_present_address(attempt, evidence.enrolment):
            continue
        effect = EFFECTS[attempt.disposition]
        if effect.invalidates_channel:
            invalid |= SHARED[attempt.channel]
        elif effect.reaches and attempt.direction is Direction.OUTBOUND:
            invalid -= SHARED[attempt.channel]
    return frozenset(invalid)


def _is_to_present_address(attempt: Attempt, enrolment: Enrolment) -> bool:
    """Whether it was made by the number or address that eligibility has now."""
    return attempt.reach == version_of(attempt.channel, enrolment)


def counted_tries(evidence: Evidence) -> list[Attempt]:
    """The tries that fill the window: not those to a wrong or dead number or address that a roster has replaced."""
    return [
        attempt
        for attempt in tries(evidence.attempts)
        if not EFFECTS[attempt.disposition].invalidates_channel or _is_to_present_address(attempt, evidence.enrolment)
    ]


def barred_channels(enrolment: Enrolment) -> frozenset[Channel]:
    """Channels that a registry bars."""
    return frozenset(channel for channel in Channel if channel.value in enrolment.channels_barred)


def stopped_channels(statements: Sequence[Statement], tenant_id: str) -> frozenset[Channel]:
    """Channels by which the member does not want to hear from this plan. "Do not call" is said to every plan; an opt-in
    takes back what was said to the same plan, and lets the plan that was told call again."""
    return frozenset(
        channel
        for stop in statements
        for channel in stop.stops
        if not any(
            channel in later.resumes and later.said_at > stop.said_at and later.tenant_id in {stop.tenant_id, tenant_id}
            for later in statements
        )
    )


def is_opted_out(evidence: Evidence, policy: Policy) -> bool:
    """Whether neither calls nor texts are wanted: then nobody is to contact the member."""
    if not evidence.statements:
        return False
    return policy.do_not_call_stops <= stopped_channels(evidence.statements, evidence.enrolment.tenant_id)


def usable_channels(evidence: Evidence, policy: Policy) -> list[Channel]:
    """The channels left, in the order of the ladder."""
    gone: set[Channel] = set(barred_channels(evidence.enrolment))
    if evidence.attempts:
        gone |= invalid_channels(evidence)
    if evidence.statements:
        gone |= stopped_channels(evidence.statements, evidence.enrolment.tenant_id)
    return [channel for channel in policy.channels if channel not in gone]


def next_of(channels: Iterable[Channel]) -> Channel | None:
    """The first."""
    return next(iter(channels), None)


def place_of(enrolment: Enrolment, on: date | None = None) -> str:
    """Where eligibility places the member, or did on a day, to be compared by `is_same_place` only: ZIP, nothing, and
    which address."""
    version = enrolment.address_version if on is None else version_on(Channel.LETTER, enrolment, on)
    place = f"{enrolment.zip5 or ''}/"
    return f"{place}/{version}" if version else place


def is_same_place(one: str, other: str) -> bool:
    """Places from before stand with the tract between the two: the address tells homes in one ZIP apart."""
    return _without_tract(one) == _without_tract(other)


def _without_tract(place: str) -> list[str]:
    zip5, *more = place.split("/")
    return [zip5, *more[1:]]


def has_left(evidence: Evidence) -> bool:
    """Whether the member is said to have left the place where eligibility still has him."""
    left = (attempt.place for attempt in reversed(evidence.attempts) if EFFECTS[attempt.disposition].moved)
    place = next(left, None)
    return place is not None and is_same_place(place, place_of(evidence.enrolment))
