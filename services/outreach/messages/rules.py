"""What becomes of a message: when it may go out, by which address, and when nobody needs it any more. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from schemas.member_contact_v1 import EmailAddress, Telephone, TelephoneKind
from schemas.outreach_v1 import Channel
from services.outreach.attempts.rules import Holder, Proposal, against
from services.outreach.cases.changes import KnownCase
from services.outreach.cases.evidence import OffList
from services.outreach.gate.policy import CallKind
from services.outreach.gate.zones import Preference, Reach
from services.outreach.messages.wording import Purpose
from services.outreach.policy import Policy
from services.outreach.reach.rules import Reachable

KIND_OF: Final[Mapping[Channel, CallKind]] = {Channel.TEXT: CallKind.AUTODIALLED, Channel.EMAIL: CallKind.MANUAL}
"""A machine texts: the gate asks for a consent. E-mails are no calls (47 U.S.C. 227)."""
TEXTED: Final = (TelephoneKind.MOBILE, TelephoneKind.OTHER)
"""Numbers that may take text messages, the likelier first; those at home and at work ring on a desk or a wall."""
MOST_TRIES: Final = 6
FIRST_PAUSE: Final = timedelta(minutes=5)
UNKNOWN_AFTER: Final = timedelta(minutes=10)
"""Whoever began to send and has said nothing for so long never will: longer than any adapter takes."""
RESERVED_FOR: Final = timedelta(days=30)
"""A message that may have gone out counts for as long as the longest cap, until somebody says what came of it."""
READ_WITHIN: Final = timedelta(hours=1)
"""How long messages to somebody wait, each time, who wrote what a person has yet to read."""
HEARD_BY: Final = "messages"
"""As whose contact that is logged which a member wrote: no worker heard it."""
DAY_ENDS: Final = 24
BY_MACHINE: Final = "*messages"
"""Who holds a message's reservation: no worker's code, so that no attempt of his releases it."""


class Status(StrEnum):
    """`sending` is committed before anything leaves; `unknown`: it may have left, and a person says what to do;
    `dropped`: it will not be sent, and never was."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DROPPED = "dropped"


class Resolution(StrEnum):
    """What a person says of a message of which nobody knew whether it was sent."""

    SENT = "sent"
    NOT_SENT = "not-sent"
    SEND_AGAIN = "send-again"


class KnownBy(StrEnum):
    """How he knows."""

    PROVIDER = "provider-says"
    MEMBER = "member-says"
    NOBODY = "nobody-knows"


@dataclass(frozen=True, slots=True)
class Message:
    """A message on record, as far as sending it needs it."""

    message_id: UUID
    tenant_id: str
    case_id: UUID
    enrolment_id: UUID
    channel: Channel
    purpose: Purpose
    template: str
    status: Status
    queued_by: str
    queued_at: datetime
    tries: int
    sending_at: datetime | None
    reservation_id: UUID | None
    attempt_id: UUID | None
    resolved_by: str | None
    bounced_at: datetime | None
    address_digest: bytes | None


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message as a person reads it. Neither what it said nor where it went is kept."""

    message_id: UUID
    case_id: UUID
    channel: str
    purpose: str
    template: str
    template_version: int | None
    language: str | None
    status: str
    reason: str | None
    queued_by: str
    queued_at: datetime
    not_before_at: datetime
    sending_at: datetime | None
    ended_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None
    attempt_id: UUID | None
    resolved_by: str | None
    resolved_for: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a member wrote that no machine understands wholly, without its words."""

    reply_id: UUID
    tenant_id: str
    case_id: UUID
    enrolment_id: UUID
    channel: str
    received_at: datetime


def needless(known: KnownCase, message_for: Channel, queued_at: datetime | None, by: str, policy: Policy) -> str | None:
    """Why the member is not to be reached by a message, beside what the gate says: his case is no longer open, he was
    tried often enough or is booked, or he has stopped the channel since it was queued, though he allows it again."""
    evidence, state = known.evidence, known.state
    if queued_at is not None and any(
        message_for in said.stops and said.told_at >= queued_at for said in evidence.statements
    ):
        return "opted-out"
    if rule := against(evidence, state, Holder(), Proposal(by, message_for, evidence.today, claims=True), policy):
        return rule.value
    return OffList.BOOKED.value if state is not None and state.held_by is OffList.BOOKED else None


def addresses(reach: Reachable, channel: Channel) -> list[str]:
    """By which the member can be written to, the best first."""
    if channel is Channel.EMAIL:
        return [way.what.address for way in reach.emails if way.is_usable and isinstance(way.what, EmailAddress)]
    numbers = [way.what for way in reach.telephones if way.is_usable and isinstance(way.what, Telephone)]
    return [f"+1{one.number}" for kind in TEXTED for one in numbers if one.kind is kind]


def where(reach: Reachable, channel: Channel, address: str) -> Reach:
    """What the gate is asked of this address: a number's area code, and the hours at which the member likes to be
    reached."""
    begin, end = reach.preferred_from, reach.preferred_until
    area_codes = (address.removeprefix("+1")[:3],) if channel is Channel.TEXT else ()
    if begin is None or end is None:
        return Reach(area_codes=area_codes)
    closes = time.max if end == DAY_ENDS else time(end)
    return Reach(area_codes=area_codes, preferences=(Preference(frozenset(range(7)), time(begin), closes),))


def again_at(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many tries that surely sent nothing; None: not any more."""
    return None if tries >= MOST_TRIES else now + FIRST_PAUSE * 2 ** (tries - 1)
