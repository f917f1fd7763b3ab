"""Members as plans tell of them: loaded and locked for a decision, saved and announced."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Protocol
from uuid import UUID

from schemas.eligibility_v1 import MembersMergedV1
from services.eligibility.feeds.records import RosterRecord
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.linkage import IdKey
from services.eligibility.people.matching import completed_key, old_key, record_identifiers, record_key
from services.eligibility.people.possibly_one import found_alike
from services.eligibility.people.roster import Book
from services.eligibility.people.roster_row import Mentioned
from services.eligibility.people.store import contacts as contact_store
from services.eligibility.people.store import doubtful as doubtful_store
from services.eligibility.people.store import erasures as erasure_store
from services.eligibility.people.store import keys as key_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import possibly_one as pair_store
from services.eligibility.people.store import registry_contacts
from services.eligibility.vital import store as vital_store
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


async def lock_survivors(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, UUID]:
    """Who each token is today, locked: a merge that is under way ends first, and then counts."""
    survivors: dict[UUID, UUID] = {}
    while True:
        known, survivors = survivors, await people_store.load_survivors(connection, tokens)
        if known == survivors:
            return survivors
        await people_store.lock_persons(connection, {*survivors, *survivors.values()})


class OfEnrolment(Protocol):
    """A fact about a plan's member, by the enrolment, and by the token that he had when it was told."""

    @property
    def enrolment_id(self) -> UUID: ...

    @property
    def member_token(self) -> UUID: ...


async def lock_holders(connection: Connection, told: Iterable[OfEnrolment]) -> dict[UUID, UUID]:
    """Who each fact is of today, by its enrolment, locked: whoever that stands for, also where two who were one have
    come apart since; of an enrolment that is not known here whoever the token means."""
    token_of = {fact.enrolment_id: fact.member_token for fact in told}
    while True:
        tokens = token_of | await people_store.load_tokens_of(connection, token_of)
        survivors = await lock_survivors(connection, set(tokens.values()))
        if tokens == token_of | await people_store.load_tokens_of(connection, token_of):
            return {one: survivors[token] for one, token in tokens.items() if token in survivors}


async def load_book(
    connection: Connection,
    records: Sequence[RosterRecord],
    match_keys: Iterable[str],
    mentions: Iterable[Mentioned],
    *,
    is_look: bool = False,
) -> Book:
    """Everybody whom these records may be about, locked; not for a mere look, after which nothing is decided."""
    identifiers: set[IdKey] = {identifier for mentioned in mentions for identifier in mentioned.mention.identifiers}
    keys = set(match_keys)
    for record in records:
        identifiers.update(record_identifiers(record))
        if record.previous is not None:
            keys.add(old_key(record))
    keys |= await _completed_keys(connection, records)
    keys.discard("")
    book = Book(new_id, heard_at=datetime.now(UTC))
    by_identifier, by_key = await key_store.load_tokens(connection, identifiers, keys)
    book.by_identifier.update(by_identifier)
    book.by_key.update(by_key)
    tokens = {member_token for found in (*by_identifier.values(), *by_key.values()) for member_token in found}
    load_persons = people_store.load_persons if is_look else people_store.lock_persons
    book.persons.update(await load_persons(connection, tokens))
    await _load_known(connection, book, tokens)
    return book


async def load_persons_book(connection: Connection, tokens: Collection[UUID]) -> Book:
    """These persons, locked, for a decision about themselves."""
    book = Book(new_id, heard_at=datetime.now(UTC))
    book.persons.update(await people_store.lock_persons(connection, tokens))
    await _load_known(connection, book, tokens)
    return book


async def _load_known(connection: Connection, book: Book, tokens: Collection[UUID]) -> None:
    """What plans say of these persons, and what waits and was decided of them."""
    enrolments = await people_store.load_enrolments(connection, tokens)
    book.know(enrolments)
    ids = [known.enrolment_id for known in enrolments]
    book.contacts.update(await contact_store.load_stated(connection, ids))
    book.erased |= await erasure_store.load_erased(connection, ids)
    book.on_hold |= await erasure_store.load_held(connection, ids)
    for statements in (await vital_store.load_statements(connection, tokens)).values():
        book.vital.update({(statement.member_token, statement.source): statement for statement in statements})
    book.doubts = await doubtful_store.load_doubts(connection, tokens)
    for member_token, other in await doubtful_store.load_apart(connection, tokens):
        book.apart[member_token].add(other)
        book.apart[other].add(member_token)


async def _completed_keys(connection: Connection, records: Iterable[RosterRecord]) -> set[str]:
    """Under which those may be found too whose rows leave out name, birth date or address."""
    bare = [(record, record_identifiers(record)) for record in records if not record_key(record)]
    if not bare:
        return set()
    tokens, _ = await key_store.load_tokens(connection, {number for _, numbers in bare for number in numbers}, ())
    known = defaultdict[UUID, list[Enrolment]](list)
    for enrolment in await people_store.load_enrolments(connection, set().union(*tokens.values())):
        known[enrolment.member_token].append(enrolment)
    return {
        completed_key(record, enrolment)
        for record, numbers in bare
        for number in numbers
        for member_token in tokens.get(number, ())
        for enrolment in known[member_token]
    }


async def save_book(work: UnitOfWork, book: Book, file_no: int, today: date) -> None:
    connection = work.connection
    await people_store.save_persons(connection, list(book.changed_persons.values()))
    await people_store.save_enrolments(connection, list(book.changed_enrolments.values()))
    await erasure_store.erase_with(connection, book.erased_with)
    plans = {one.enrolment_id: one.tenant_id for one in book.changed_enrolments.values()}
    parted = {one.enrolment_id for pair in book.splits for token in pair for one in book.by_plan(token).values()}
    await registry_contacts.forget_contacts(connection, parted)
    await contact_store.save_stated(connection, book.changed_contacts, plans)
    unheard = {
        enrolment_id: at
        for enrolment_id, at in book.seen.items()
        if enrolment_id not in book.heard or book.heard[enrolment_id].at != at
    }
    await people_store.save_seen(connection, unheard, file_no)
    await people_store.save_heard(connection, book.heard, file_no)
    await key_store.save_keys(connection, book.new_identifiers, book.new_keys)
    await doubtful_store.save_doubts(connection, book.doubts)
    for joined in book.joins:
        await people_store.save_merge(connection, joined.survivor, joined.retired, joined.plans)
    await pair_store.save_pairs(connection, found_alike(book, book.changed_enrolments.values()))
    await vital_store.save_statements(connection, book.changed_vital.values())
    now = datetime.now(UTC)
    await work.announce([
        MembersMergedV1(
            occurred_at=now, surviving_token=survivor, retired_token=retired, merged_on=today,
            version=book.persons[retired].version, is_split=is_split,
        )
        for pairs, is_split in ((book.merges, False), (book.splits, True))
        for survivor, retired in pairs
    ])  # fmt: skip
