"""Whether a roster comes in its turn: load what was taken before, decide. A file that does not is held for a person."""

from collections.abc import Mapping, Sequence

import structlog

from services.eligibility.feeds.records import RosterHeader
from services.eligibility.feeds.transactions_ahead import TransactionAhead
from services.eligibility.intake.admission import Gate
from services.eligibility.intake.full_lists import FullPart, full_part, superseded
from services.eligibility.intake.ordering import (
    BYTES_UNREADABLE,
    CONTROL_REUSED,
    OLDER_FULL,
    READ_BEFORE,
    FileOrder,
    Repeated,
    Transaction,
    Transactions,
    notices_of,
    transactions_of,
    twice,
)
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import rows as row_store
from services.eligibility.intake.store import transactions as transaction_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.precedence import Stamp
from services.kit.postgres import Connection


async def take_turn(connection: Connection, file: FeedFile, ahead: Sequence[TransactionAhead], gate: Gate) -> FileOrder:
    """What the file's transactions are to those that were taken before, kept and told. A person who released the file
    has decided that it may go on; what it says of anybody of whom something newer stands still changes nothing."""
    admitted = {
        place: (head, gate.tenant(head.header)) for place, head in enumerate(ahead) if not gate.bar(head.header)
    }
    found = await _compared(connection, file, transactions_of(admitted, file.received_at))
    fresh = {place: transaction for place, transaction in found.items() if transaction.repeats is None}
    older, reused = await _older(connection, file, fresh), await _reused(connection, file, fresh)
    overtaken = _overtaken([head.header for head in ahead], fresh)
    held = OLDER_FULL if older - overtaken else None
    held = CONTROL_REUSED if any(reused.values()) else held
    told = {
        READ_BEFORE: found.keys() - fresh.keys(),
        OLDER_FULL: older | overtaken,
        CONTROL_REUSED: reused.keys()
        | {place for place, transaction in fresh.items() if transaction.control != transaction.number},
    }
    is_released = file.decision == "released" and file.held != BYTES_UNREADABLE
    may_go_on = is_released or file.cursor_row > 0
    turn = FileOrder(found, None if may_go_on else held, notices_of(told))
    await _save(connection, file, turn)
    return turn


def full_parts(headers: Sequence[RosterHeader], found: Transactions) -> list[FullPart]:
    """What the file brings of full lists."""
    full = ((place, transaction) for place, transaction in found.items() if transaction.is_full)
    return [
        full_part(
            headers[place],
            transaction.plan,
            transaction.said,
            place,
            transaction.repeats.file_no if transaction.repeats else 0,
        )
        for place, transaction in full
    ]


async def _compared(connection: Connection, file: FeedFile, found: Transactions) -> dict[int, Transaction]:
    """What is sent again is as old as what it repeats; what was read before is known by its number and content."""
    resent = [transaction for transaction in found.values() if transaction.original]
    originals = await transaction_store.load_originals(connection, file.file_id, resent)
    known = twice(found, file.file_id, file.file_no)
    known |= await transaction_store.load_read_before(connection, file.file_id, found)
    return {place: _known_as(transaction, known.get(place), originals) for place, transaction in found.items()}


def _known_as(
    one: Transaction, repeats: Repeated | None, originals: Mapping[tuple[str, str, str], Stamp]
) -> Transaction:
    said = repeats.said if repeats else originals.get((one.original, one.sender, one.plan), one.said)
    return one._replace(said=said, repeats=repeats)


def _overtaken(headers: Sequence[RosterHeader], fresh: Transactions) -> set[int]:
    """Full lists of which the same file brings a newer one."""
    parts = full_parts(headers, fresh)
    return {parts[at].place for at in superseded(parts)}


async def _older(connection: Connection, file: FeedFile, fresh: Transactions) -> set[int]:
    """Full lists that are older than one that was taken before."""
    full = {place: transaction for place, transaction in fresh.items() if transaction.is_full}
    newest = await transaction_store.load_newest_full(connection, file.file_id, list(full.values()))
    return {
        place
        for place, transaction in full.items()
        if transaction.said.is_before(newest.get((transaction.sender, transaction.plan), Stamp()))
    }


async def _reused(connection: Connection, file: FeedFile, fresh: Transactions) -> Mapping[int, bool]:
    """Transactions whose numbers another file has over other content, and whether at the same instant."""
    asked = {place: transaction for place, transaction in fresh.items() if not transaction.original}
    namesakes = await transaction_store.load_namesakes(connection, file.file_id, asked)
    return {place: asked[place].said.at in instants for place, instants in namesakes.items()}


async def _save(connection: Connection, file: FeedFile, turn: FileOrder) -> None:
    told = [(-place - 1, notice) for place, notice in turn.notices.items()]
    await row_store.save_notices(connection, file.file_id, told)
    await transaction_store.save_transactions(connection, file.file_id, list(turn.transactions.values()))
    if turn.said_at is not None:
        await file_store.save_said_at(connection, file.file_id, turn.said_at)
    if turn.held is not None:
        structlog.get_logger().info("file held", file_id=str(file.file_id), reason=turn.held)
        await file_store.hold_file(connection, file.file_id, turn.held)
