"""What the gate is asked, and what it answers. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from schemas.outreach_v1 import Channel
from services.outreach.gate.policy import CallKind
from services.outreach.gate.zones import Reach

VACCINATION = "vaccination-outreach"
"""What outreach contacts members for, as consents name it."""


class Reason(StrEnum):
    """Why a member may not be contacted; the first that applies, in this order."""

    DECEASED = "deceased"
    DEATH_REPORTED = "death-reported"
    TERMINATED = "terminated"
    PROTECTED = "contact-protected"
    BARRED = "channel-barred"
    NOTHING_TO_CONFIRM = "nothing-to-confirm"
    OPTED_OUT = "opted-out"
    DO_NOT_CALL = "do-not-call"
    REASSIGNED = "number-reassigned"
    INVALID = "channel-invalid"
    NO_CONSENT = "no-consent"
    CAP_DAY = "cap-day"
    CAP_WEEK = "cap-week"
    CAP_MONTH = "cap-month"
    HOLIDAY = "holiday"
    CALLING_HOURS = "calling-hours"
    PREFERRED_HOURS = "preferred-hours"


@dataclass(frozen=True, slots=True)
class Request:
    """Which contact is about to be made. `confirms_stop`: the one message that says that a STOP was heard.
    `is_promised`: the member asked to be called then, or must hear that his appointment is off; caps and preferences
    bar no promise."""

    channel: Channel
    kind: CallKind = CallKind.MANUAL
    scope: str = VACCINATION
    confirms_stop: bool = False
    is_promised: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """That a member agreed to such calls or texts: for what, who took it, and from when until when it holds."""

    channel: Channel
    kind: CallKind
    scope: str
    source: str
    given_at: datetime
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def covers(self, request: Request) -> bool:
        return (self.channel, self.kind, self.scope) == (request.channel, request.kind, request.scope)

    def holds_at(self, at: datetime) -> bool:
        ends = [end for end in (self.expires_at, self.withdrawn_at) if end is not None]
        return self.given_at <= at and all(at < end for end in ends)


@dataclass(frozen=True, slots=True)
class Member:
    """Whom it is about, as far as the gate asks. `stopped`: the channels that the member forbade; `barred`: those that
    a registry bars; `invalid`: those whose number or address is known to be wrong or dead."""

    reach: Reach = field(default_factory=Reach)
    is_deceased: bool = False
    is_death_reported: bool = False
    is_enrolled: bool = True
    is_protected: bool = False
    do_not_call: bool = False
    barred: frozenset[Channel] = frozenset()
    stopped: frozenset[Channel] = frozenset()
    invalid: frozenset[Channel] = frozenset()
    consents: tuple[Consent, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact with the member that was made, or is reserved to be."""

    channel: Channel
    at: datetime
    kind: CallKind = CallKind.MANUAL


@dataclass(frozen=True, slots=True)
class History:
    """What was made before, and when channels were stopped and a STOP confirmed."""

    contacts: tuple[Contact, ...] = ()
    stops: tuple[Contact, ...] = ()
    confirmations: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Permitted:
    """Now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, and the first instant at which it would be permitted if nothing else happened; None: never."""

    reason: Reason
    next_permitted_at: datetime | None


Decision = Permitted | Refused
