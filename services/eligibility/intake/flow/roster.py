"""What a plan's rows do: members come, change, leave and turn out to be one. Load, decide, save, announce."""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.decisions.store import caps as cap_store
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.doses.flow.ledger import (
    link_reports,
    load_ledger,
    save_ledger,
    share_anew,
)
from services.eligibility.doses.numbers import fold
from services.eligibility.doses.store import remarks as remark_store
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.feeds.records import RosterRecord
from services.eligibility.intake.flow import joins
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.changes import FAMILY_WAITS, STALE
from services.eligibility.people.doubtful import (
    BEFORE_REFUSED,
    BY_A_PERSON,
    DOUBTFUL_IDENTITY,
    IDENTITY_REFUSED,
    DoubtfulRow,
    evidence_of,
)
from services.eligibility.people.flow import load_book, save_book
from services.eligibility.people.matching import record_key
from services.eligibility.people.roster import Book
from services.eligibility.people.roster_row import Mentioned, RosterRow
from services.eligibility.programmes import store as programme_store
from services.kit.ids import new_id
from services.kit.unit_of_work import UnitOfWork

BEHIND_A_JOIN = 16
"""Of how many rows everybody is loaded behind one that ended its portion; twice as many behind each that did not. Else
a slice of nothing but joins would load all that is left of it for each."""


async def on_roster_rows(
    work: UnitOfWork,
    file: FeedFile,
    rows: Sequence[RosterRow],
    mentions: Sequence[Mentioned],
    today: date,
) -> list[RowResult]:
    """A plan's rows: members come, change, leave and turn out to be one; each gets his answer."""
    results: list[RowResult] = []
    at_once = len(rows)
    while True:
        left = rows[len(results) : len(results) + at_once]
        keys = [record_key(row.record) for row in left]
        book = await load_book(work.connection, [row.record for row in left], keys, mentions)
        results += _take_rows(book, file, left, keys, today)
        if len(results) == len(rows):
            break
        at_once = BEHIND_A_JOIN if book.joins else 2 * at_once
        await settle_book(work, book, file.file_no, today)
    for mention, plan, said in mentions:
        book.mention(mention.identifiers, plan, said.not_after(file.received_at).at)
    await settle_book(work, book, file.file_no, today)
    return results


def _take_rows(
    book: Book, file: FeedFile, rows: Sequence[RosterRow], keys: Sequence[str], today: date
) -> Iterator[RowResult]:
    """One by one, up to one that makes two persons one: what both had is kept as that row finds it, and what later rows
    say is said of whom they have become."""
    for row, key in zip(rows, keys, strict=True):
        yield _take_row(book, file, row, key, today)
        if book.joins:
            return


def _take_row(book: Book, file: FeedFile, row: RosterRow, key: str, today: date) -> RowResult:
    said, said_on = row.said.not_after(file.received_at), row.said_on or today
    changes = book.apply(row.record, key, row.plan, said_on, file.file_no, said, is_full=row.header.is_full)
    _keep_doubt(book, file, row._replace(said=said))
    return _roster_result(book, row.record, changes)


async def settle_book(work: UnitOfWork, book: Book, file_no: int, today: date, pair_id: UUID | None = None) -> None:
    """Save what rows, or a person's word on a pair, did to people and their doses, and answer anew."""
    befores = await joins.look_before(work.connection, book)
    await save_book(work, book, file_no, today)
    ledger = await load_ledger(work.connection, {member_token for pair in book.merges for member_token in pair})
    for survivor, retired in book.merges:
        ledger.move(retired, survivor)
        fold(ledger, survivor)
        await remark_store.move_remarks(work.connection, survivor, retired)
        await programme_store.move_observations(work.connection, survivor, retired)
        await cap_store.move_arms(work.connection, survivor, retired)
    tables = await joins.look_made(work.connection, befores)
    living = book.touched() - {retired for _, retired in book.merges}
    await share_anew(work.connection, ledger, {survivor for survivor, _ in book.merges} | (book.reborn & living))
    await link_reports(work.connection, ledger, living)
    await save_ledger(work, ledger, today)
    evidence = pair_id, None if pair_id else file_no
    for before, rows in zip(befores, tables, strict=True):
        await joins.keep(work.connection, book, before, rows, ledger, evidence, today)
    await decision_store.restate(work.connection, book.moved)
    await redecide(work, book.touched() | ledger.touched(), today, book=book)


def _roster_result(book: Book, record: RosterRecord, changes: tuple[str, ...]) -> RowResult:
    """A row of whom it is doubtful whom it means changes nothing and waits for a person."""
    row, segment = record.position
    if row in book.refused:
        return RowResult(row, "rejected", IDENTITY_REFUSED, book.held[row].field, segment, BEFORE_REFUSED)
    if (doubt := book.held.get(row)) is not None:
        expected = f"{doubt.expected}; {BY_A_PERSON}"
        return RowResult(row, "rejected", DOUBTFUL_IDENTITY, doubt.field, segment, expected)
    if STALE in changes:
        newer = "a statement that is newer than the one that stands"
        outcome = "unchanged" if changes == (STALE,) else "accepted"
        return RowResult(row, outcome, STALE, "BGN-03", segment, newer, changes)
    if FAMILY_WAITS in changes:
        survivors = "a row of each surviving dependant that says whether the cover goes on"
        return RowResult(row, "accepted", FAMILY_WAITS, "INS-04", segment, survivors, changes)
    return RowResult(row, "accepted" if changes else "unchanged", changes=changes)


def _keep_doubt(book: Book, file: FeedFile, row: RosterRow) -> None:
    """A doubtful row waits as it was read, unless a person refused one that said the same."""
    ordinal = row.record.position.row
    if ordinal in book.held and ordinal not in book.refused:
        doubt, evidence = book.held[ordinal], evidence_of(row.record)
        book.doubts.open(DoubtfulRow(new_id(), file.file_id, file.file_no, row, doubt, evidence))
