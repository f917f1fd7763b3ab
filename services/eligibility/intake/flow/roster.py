"""What a plan's rows do: members come, change, leave and turn out to be one. Load, decide, save, announce."""

from collections.abc import Sequence
from datetime import date

from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.doses.flow.ledger import link_waiting, load_ledger, save_ledger
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.feeds.records import RosterMention, RosterRecord
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.changes import FAMILY_WAITS, STALE
from services.eligibility.people.flow import load_book, save_book
from services.eligibility.people.matching import record_key
from services.eligibility.people.roster import Book
from services.eligibility.people.roster_row import RosterRow
from services.kit.unit_of_work import UnitOfWork


async def on_roster_rows(
    work: UnitOfWork,
    file: FeedFile,
    rows: Sequence[RosterRow],
    mentions: Sequence[tuple[RosterMention, str]],
    today: date,
) -> list[RowResult]:
    """A plan's rows: members come, change, leave and turn out to be one; each gets his answer."""
    keys = [record_key(row.record) for row in rows]
    book = await load_book(work.connection, [row.record for row in rows], keys, mentions)
    results = []
    for row, key in zip(rows, keys, strict=True):
        said = row.said.not_after(file.received_at)
        is_full = row.header.is_full
        changes = book.apply(row.record, key, row.plan, row.said_on or today, file.file_no, said, is_full=is_full)
        results.append(_roster_result(book, row.record, changes))
    for mention, plan in mentions:
        book.mention(mention.identifiers, plan)
    await save_book(work, book, file.file_no, today)
    ledger = await load_ledger(work.connection, {token for pair in book.merges for token in pair})
    for survivor, retired in book.merges:
        ledger.move(retired, survivor)
    await link_waiting(work.connection, ledger, book.touched() - {retired for _, retired in book.merges})
    await save_ledger(work, ledger, today)
    await redecide(work, book.touched() | ledger.touched(), today, book=book)
    return results


def _roster_result(book: Book, record: RosterRecord, changes: tuple[str, ...]) -> RowResult:
    """A row of whom it is doubtful whom it means changes nothing and waits for a person."""
    row, segment = record.position
    if (doubt := book.held.get(row)) is not None:
        return RowResult(row, "rejected", "doubtful-identity", doubt.field, segment, doubt.expected)
    if STALE in changes:
        newer = "a statement that is newer than the one that stands"
        outcome = "unchanged" if changes == (STALE,) else "accepted"
        return RowResult(row, outcome, STALE, "BGN-03", segment, newer, changes)
    if FAMILY_WAITS in changes:
        survivors = "a row of each surviving dependant that says whether the cover goes on"
        return RowResult(row, "accepted", FAMILY_WAITS, "INS-04", segment, survivors, changes)
    return RowResult(row, "accepted" if changes else "unchanged", changes=changes)
