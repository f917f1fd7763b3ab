"""What facts and files do: load, decide, save, announce. No SQL and no rules here."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from schemas.eligibility_v1 import MembersMergedV1
from services.eligibility import store_members
from services.eligibility.domain import ONE_DAY
from services.eligibility.facts import redecide
from services.eligibility.feeds.records import RosterMention
from services.eligibility.linkage import IdKey
from services.eligibility.reading import RosterRow
from services.eligibility.roster import Book, cut, id_key, record_keys
from services.eligibility.store_files import FeedFile, RowResult
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


async def on_roster_rows(
    work: UnitOfWork,
    file: FeedFile,
    rows: Sequence[RosterRow],
    mentions: Sequence[tuple[RosterMention, str]],
    today: date,
) -> list[RowResult]:
    """A plan's rows: members come, change, leave and turn out to be one; each gets his answer."""
    identifiers = {id_key(one) for mention, _ in mentions for one in mention.identifiers}
    keys: set[str] = set()
    for row in rows:
        ids, names = record_keys(row.record)
        identifiers |= ids
        keys |= names
    book = await load_book(work.connection, identifiers, keys)
    results = []
    for row in rows:
        is_new = book.apply(row.record, row.plan, row.said_on or today, file.file_no)
        results.append(RowResult(row.record.position.row, "accepted" if is_new else "unchanged"))
    for mention, plan in mentions:
        book.mention(mention.identifiers, plan)
    await save_book(work, book, file.file_no, today)
    await redecide(work, book.touched(), today)
    return results


async def load_book(connection: Connection, identifiers: Collection[IdKey], keys: Collection[str]) -> Book:
    """Everybody whom these may mean, locked."""
    book = Book(new_id)
    by_identifier, by_key = await store_members.load_tokens(connection, identifiers, keys)
    book.by_identifier.update(by_identifier)
    book.by_key.update(by_key)
    tokens = {token for found in (*by_identifier.values(), *by_key.values()) for token in found}
    book.persons.update(await store_members.lock_persons(connection, tokens))
    for one in await store_members.load_enrolments(connection, tokens):
        book.enrolments[one.token, one.tenant_id] = one
    return book


async def save_book(work: UnitOfWork, book: Book, file_no: int, today: date) -> None:
    connection = work.connection
    await store_members.save_persons(connection, list(book.changed_persons.values()))
    await store_members.save_enrolments(connection, list(book.changed_enrolments.values()))
    await store_members.save_seen(connection, book.seen, file_no)
    await store_members.save_keys(connection, book.new_identifiers, book.new_keys)
    for survivor, retired in book.merges:
        await store_members.save_merge(connection, survivor, retired)
    now = datetime.now(UTC)
    await work.announce([
        MembersMergedV1(occurred_at=now, surviving_token=survivor, retired_token=retired, merged_on=today)
        for survivor, retired in book.merges
    ])  # fmt: skip


async def end_absent(work: UnitOfWork, plan: str, before_no: int, said_on: date, today: date, limit: int) -> int:
    """End the coverage of some members whom a full file no longer lists. Gives how many; 0: nobody is left."""
    tokens = await store_members.load_absent(work.connection, plan, before_no, said_on, limit)
    await store_members.lock_persons(work.connection, tokens)
    absent = [one for one in await store_members.load_enrolments(work.connection, tokens) if one.tenant_id == plan]
    ended = [replace(one, spans=cut(one.spans, said_on - ONE_DAY)) for one in absent]
    await store_members.save_enrolments(work.connection, ended)
    await redecide(work, tokens, today)
    return len(ended)
