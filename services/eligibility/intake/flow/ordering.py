"""Whether a roster comes in its turn: load what was taken before, decide. A file that does not is held for a person."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from services.eligibility.feeds.records import Notice, RosterHeader
from services.eligibility.intake.full_lists import full_part, superseded
from services.eligibility.intake.ordering import CONTROL_REUSED, OLDER_FULL, Transaction, Turn, transactions_of
from services.eligibility.intake.store import transactions as transaction_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.precedence import Stamp
from services.kit.postgres import Connection

NO_COUNTS: Mapping[str, int] = MappingProxyType({})
TOLD = {
    OLDER_FULL: ("BGN-03", "a full list later than the sender's newest one of the plan"),
    CONTROL_REUSED: ("ISA-13", "control numbers that no other transaction of the sender has"),
}


async def take_turn(
    connection: Connection,
    file: FeedFile,
    headers: Sequence[tuple[RosterHeader, str]],
    before: Mapping[str, int] = NO_COUNTS,
) -> Turn:
    """What these transactions, which follow on those of `before`, are to those that were taken before. A person who
    released the file has decided that it may go on; what it says of anybody of whom something newer stands still
    changes nothing."""
    found = transactions_of(headers, file.received_at, before)
    if not found:
        return Turn()
    again = await _again(connection, file, [one for one in found if one.original])
    found = tuple(one._replace(said=again.get(one.said, one.said)) for one in found)
    older, reused = await _older(connection, file, found), await _reused(connection, file, found)
    overtaken = _overtaken([one for one, _ in headers], found)
    held = OLDER_FULL if set(older) - set(overtaken) else None
    if any(is_same_instant for is_same_instant in reused.values()):
        held = CONTROL_REUSED
    twice = [place for place, one in enumerate(found) if "#" in one.control]
    first = sum(before.values()) + 1
    notices = {first + place: _notice(first + place, OLDER_FULL) for place in (*older, *overtaken)}
    notices |= {first + place: _notice(first + place, CONTROL_REUSED) for place in (*reused, *twice)}
    may_go_on = file.decision == "released" or file.cursor_row > 0
    return Turn(found, None if may_go_on else held, again, notices)


def _notice(place: int, code: str) -> Notice:
    field, expected = TOLD[code]
    return Notice(0, 0, field, code, f"{expected}: see transaction {place} of the file")


def _overtaken(headers: Sequence[RosterHeader], found: Sequence[Transaction]) -> list[int]:
    """Full lists of which the same file brings a newer one."""
    full = [place for place, one in enumerate(found) if one.is_full]
    parts = [full_part(headers[place], found[place].plan, found[place].said) for place in full]
    return [full[place] for place in superseded(parts)]


async def _older(connection: Connection, file: FeedFile, found: Sequence[Transaction]) -> list[int]:
    """Full lists that are older than one that was taken before."""
    full = [one for one in found if one.is_full]
    newest = await transaction_store.load_newest_full(connection, file.file_id, full)
    return [
        place
        for place, one in enumerate(found)
        if one.is_full and one.said.is_before(newest.get((one.sender, one.plan), Stamp()))
    ]


async def _reused(connection: Connection, file: FeedFile, found: Sequence[Transaction]) -> dict[int, bool]:
    """Transactions whose numbers another file has over other content, and whether at the same instant."""
    fresh = [one for one in found if not one.original]
    namesakes = await transaction_store.load_namesakes(connection, file.file_id, fresh)
    places = {place: namesakes.get((one.control, one.sender, one.plan)) for place, one in enumerate(found)}
    return {
        place: found[place].said.at in instants
        for place, instants in places.items()
        if instants is not None and not found[place].original
    }


async def _again(connection: Connection, file: FeedFile, resent: Sequence[Transaction]) -> dict[Stamp, Stamp]:
    """What is sent again is as old as what it repeats."""
    originals = await transaction_store.load_originals(connection, file.file_id, resent)
    known = {one.said: originals.get((one.original, one.sender, one.plan)) for one in resent}
    return {said: original for said, original in known.items() if original is not None}
