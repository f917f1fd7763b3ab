"""What a roster's transactions are to those that were taken before: in turn, read before, or to be held for a person.
Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.eligibility.feeds.records import Notice, RosterHeader
from services.eligibility.feeds.transactions_ahead import TransactionAhead
from services.eligibility.people.precedence import RESUBMISSION, Stamp, stamp_of

OLDER_FULL, CONTROL_REUSED, READ_BEFORE = "older-full", "control-reused", "repeated"
BYTES_UNREADABLE = "bytes-unreadable"

WHY_HELD = {
    OLDER_FULL: "A full file is older than the sender's newest one of the plan.",
    CONTROL_REUSED: "Sender, plan, control numbers and instant are those of another file, the content is not.",
    BYTES_UNREADABLE: "What is kept of the file can't be opened: the key ring lacks its key, or it was changed.",
}
TOLD = {
    OLDER_FULL: ("BGN-03", "a full list later than the sender's newest one of the plan"),
    CONTROL_REUSED: ("ISA-13", "control numbers that no other transaction of the sender has"),
    READ_BEFORE: ("ISA-13", "a transaction that was not read before; it changes nothing"),
}


class Repeated(NamedTuple):
    """The file that brought it first, and when it was said."""

    file_id: UUID
    file_no: int
    said: Stamp


class Transaction(NamedTuple):
    """One ST of a roster: what names it, what it names, and when it was said. `number` is ISA13, GS06 and ST02;
    `control` the same, told apart where the file has it several times. `is_cut`: its end is missing, so its numbers are
    for what comes whole. `repeats`: it was read before."""

    number: str
    control: str
    sender: str
    plan: str
    reference: str
    said: Stamp
    is_full: bool
    original: str = ""
    digest: str | None = None
    is_cut: bool = False
    repeats: Repeated | None = None


Transactions = Mapping[int, Transaction]
"""By their places in the file, counted from 0; without those that are barred."""


@dataclass(frozen=True, slots=True)
class FileOrder:
    """`held` says why a file must wait. `notices` tell of single transactions, by their places."""

    transactions: Transactions = field(default_factory=dict)
    held: str | None = None
    notices: Mapping[int, Notice] = field(default_factory=dict)

    @property
    def said_at(self) -> datetime | None:
        """The first instant of what is new in the file, else of all of it."""
        known = [transaction for transaction in self.transactions.values() if transaction.said.at is not None]
        fresh = [transaction for transaction in known if transaction.repeats is None] or known
        return min((transaction.said.at for transaction in fresh if transaction.said.at is not None), default=None)


def transactions_of(ahead: Mapping[int, tuple[TransactionAhead, str]], received_at: datetime) -> dict[int, Transaction]:
    """The transactions that these heads begin, each with its tenant."""
    counts: Counter[str] = Counter()
    found = {}
    for place, ((header, digest, is_cut), tenant) in ahead.items():
        said = stamp_of(header).not_after(received_at)
        number = number_of(header)
        counts[number] += 1
        control = number if counts[number] == 1 else f"{number}#{counts[number]}"
        original = header.original if header.purpose == RESUBMISSION else ""
        found[place] = Transaction(
            number, control, said.by, tenant, header.reference[:64], said, header.is_full, original, digest, is_cut
        )
    return found


def number_of(header: RosterHeader) -> str:
    """The numbers by which a sender names a transaction."""
    return "/".join((header.interchange_control, header.group_control, header.transaction_control))[:56]


def twice(found: Transactions, file_id: UUID, file_no: int) -> dict[int, Repeated]:
    """Those that stand in the file before, word by word and under the same number."""
    seen, again = set(), {}
    for place, transaction in found.items():
        name = transaction.number, transaction.sender, transaction.plan, transaction.digest
        if transaction.digest is not None and not transaction.is_cut and name in seen:
            again[place] = Repeated(file_id, file_no, transaction.said)
        seen.add(name)
    return again


def notices_of(places: Mapping[str, Iterable[int]]) -> dict[int, Notice]:
    """One notice for each place, by its code."""
    return {place: _notice(place, code) for code, mine in places.items() for place in mine}


def _notice(place: int, code: str) -> Notice:
    field_, expected = TOLD[code]
    return Notice(0, 0, field_, code, f"{expected}: see transaction {place + 1} of the file")
