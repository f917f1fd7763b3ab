"""What a roster's transactions are to those that were taken before: in turn, or to be held for a person. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.eligibility.feeds.records import Notice, RosterHeader
from services.eligibility.people.precedence import RESUBMISSION, Stamp, stamp_of

OLDER_FULL, CONTROL_REUSED = "older-full", "control-reused"

WHY_HELD = {
    OLDER_FULL: "A full file is older than the sender's newest one of the plan.",
    CONTROL_REUSED: "Sender, plan, control numbers and instant are those of another file, the content is not.",
}


class Transaction(NamedTuple):
    """One ST of a roster: what names it, what it names, and when it was said."""

    control: str
    sender: str
    plan: str
    reference: str
    said: Stamp
    is_full: bool
    original: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """`held` says why a file must wait. `again` gives the instant of the original for what is sent again."""

    transactions: tuple[Transaction, ...] = ()
    held: str | None = None
    again: dict[Stamp, Stamp] = field(default_factory=dict)
    notice: Notice | None = None


def transactions_of(headers: Iterable[tuple[RosterHeader, str]], received_at: datetime) -> tuple[Transaction, ...]:
    """The transactions under these headers, each with its tenant."""
    found = []
    for one, tenant in headers:
        said = stamp_of(one).not_after(received_at)
        control = "/".join((one.interchange_control, one.group_control, one.transaction_control))
        original = one.original if one.purpose == RESUBMISSION else ""
        found.append(Transaction(control[:64], said.by, tenant, one.reference[:64], said, one.is_full, original))
    return tuple(found)
