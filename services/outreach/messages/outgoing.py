"""What a sender is handed, and what it says of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

RECIPIENT_REFUSED = "recipient-refused"


class Outcome(StrEnum):
    """`later`: surely not sent, and it may be tried again; `failed`: surely not, and it won't be; `unknown`: nobody can
    say whether it went out, so nobody sends it again by himself."""

    SENT = "sent"
    LATER = "later"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it goes out."""

    message_id: UUID
    sender: str
    sender_name: str
    address: str
    language: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended: `reason` is a code, `reference` what the provider calls it."""

    outcome: Outcome
    reason: str | None = None
    reference: str | None = None

    @property
    def is_trouble(self) -> bool:
        """Whether the next message would fare alike: it had better wait."""
        return self.outcome in {Outcome.LATER, Outcome.UNKNOWN} and self.reason != RECIPIENT_REFUSED
