"""Whether a roster comes in its turn: load what was taken before, decide. A file that does not is held for a person."""

from collections.abc import Iterable, Sequence

from services.eligibility.feeds.records import Notice, RosterHeader
from services.eligibility.intake.ordering import CONTROL_REUSED, OLDER_FULL, Transaction, Turn, transactions_of
from services.eligibility.intake.store import transactions as transaction_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.precedence import Stamp
from services.kit.postgres import Connection


async def take_turn(connection: Connection, file: FeedFile, headers: Iterable[tuple[RosterHeader, str]]) -> Turn:
    """What these transactions are to those that were taken before. A person who released the file has decided that it
    may go on; what it says of anybody of whom something newer stands still changes nothing."""
    found = transactions_of(headers, file.received_at)
    if not found:
        return Turn()
    again = await _again(connection, file, [one for one in found if one.original])
    found = tuple(one._replace(said=again.get(one.said, one.said)) for one in found)
    fresh, full = [one for one in found if not one.original], [one for one in found if one.is_full]
    namesakes = await transaction_store.load_namesakes(connection, file.file_id, fresh)
    newest = await transaction_store.load_newest_full(connection, file.file_id, full)
    held: str | None = None
    if any(one.said.is_before(newest.get((one.sender, one.plan), Stamp())) for one in full):
        held = OLDER_FULL
    if any(one.said.at in namesakes.get((one.control, one.sender, one.plan), ()) for one in fresh):
        held = CONTROL_REUSED
    expected = "control numbers that no other file of the sender has"
    notice = Notice(0, 0, "ISA-13", CONTROL_REUSED, expected) if namesakes else None
    may_go_on = file.decision == "released" or file.cursor_row > 0
    return Turn(found, None if may_go_on else held, again, notice)


async def _again(connection: Connection, file: FeedFile, resent: Sequence[Transaction]) -> dict[Stamp, Stamp]:
    """What is sent again is as old as what it repeats."""
    originals = await transaction_store.load_originals(connection, file.file_id, resent)
    known = {one.said: originals.get((one.original, one.sender, one.plan)) for one in resent}
    return {said: original for said, original in known.items() if original is not None}
