"""The transactions of a roster before any of its rows is taken: one that does not come in its turn, or was read before,
may stand anywhere in the file."""

import hashlib
from typing import BinaryIO, NamedTuple

from services.eligibility.feeds.formats import ROSTER
from services.eligibility.feeds.packed import guarded
from services.eligibility.feeds.reader import recognised
from services.eligibility.feeds.records import RosterHeader, RosterTrailer
from services.eligibility.feeds.x12_834 import RosterReader
from services.eligibility.feeds.x12_digest import TransactionDigest


class TransactionAhead(NamedTuple):
    """A transaction's header, and the digest of what it says and of when; none of one that can't be read to its
    end. `is_cut`: its end is missing."""

    header: RosterHeader
    digest: str | None = None
    is_cut: bool = True


def transactions_ahead(stream: BinaryIO, profile: str | None = None) -> list[TransactionAhead]:
    """Those of a roster, in its order; none of any other file."""
    found_format, content = recognised(stream)
    if found_format is not ROSTER:
        return []
    found: list[TransactionAhead] = []
    for item in guarded(iter(RosterReader(content, profile, TransactionDigest()))):
        if isinstance(item, RosterHeader):
            found.append(TransactionAhead(item))
        elif isinstance(item, RosterTrailer):
            found[-1] = found[-1]._replace(digest=_dated(item.digest, found[-1].header), is_cut=item.is_cut)
    return found


def _dated(digest: str, header: RosterHeader) -> str:
    """A head without a date of its own is of its group's."""
    return hashlib.sha256(f"{digest} {header.created_at}".encode()).hexdigest()
