"""Rows that wait until a person has decided whom they mean, and what was decided. All SQL of it, batch first."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from services.eligibility.people.doubtful import WAITING, Decided, DoubtfulRow, Doubts
from services.eligibility.people.identity import Doubt
from services.eligibility.people.kept_row import document_of, row_of
from services.eligibility.people.roster_row import RosterRow
from services.kit.postgres import Connection
from services.kit.resealing import Sealed
from services.kit.rows import into
from services.kit.sealed import KeyRingError, SealError

SEALED = Sealed(
    table="doubtful_row",
    column="sealed_document",
    row="doubtful_id::text",
    plain="convert_to(document::text, 'UTF8')",
    clear="document = null",
)
"""The row as it was read."""

_MAY_BE = (
    "array(select member_token from doubtful_token as may where may.doubtful_id = one.doubtful_id"
    " order by member_token)"
)
_MEANT = "coalesce((select merged_into from person where person.member_token = one.member_token), one.member_token)"
LOAD_OF_PERSONS = f"""
select one.doubtful_id, one.tenant_id, one.file_id, file_no, one.code, one.field, one.expected, one.evidence,
    one.document, one.sealed_document, one.state, {_MEANT} as member_token, {_MAY_BE} as tokens
from doubtful_row as one join feed_file using (file_id)
where one.state not in ('superseded', 'withdrawn')
    and doubtful_id in (select may.doubtful_id from doubtful_token as may where may.member_token = any($1::uuid[]))
order by closed_at nulls last, doubtful_id
"""
INSERT = """
insert into doubtful_row (doubtful_id, tenant_id, file_id, row, segment, code, field, expected, evidence,
    sealed_document, document)
select doubtful_id, tenant_id, file_id, row, segment, code, field, expected, evidence, sealed_document, document::jsonb
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::bytea[], $11::text[])
    as said (doubtful_id, tenant_id, file_id, row, segment, code, field, expected, evidence, sealed_document, document)
"""
INSERT_TOKENS = """
insert into doubtful_token (doubtful_id, member_token)
select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing
"""
SUPERSEDE = """
update doubtful_row set state = 'superseded', document = null, sealed_document = null, closed_at = clock_timestamp()
where doubtful_id = any($1::uuid[]) and state = 'waiting'
"""
DECIDE = """
update doubtful_row
set state = $2, member_token = $3, changes = $4, closed_by = $5, reason = $6,
    document = null, sealed_document = null, closed_at = clock_timestamp()
where doubtful_id = $1
"""
_WAITS = f"""
one.doubtful_id, one.file_id, one.code, one.field, one.expected, one.evidence, one.document,
    one.sealed_document, {_MAY_BE} as tokens,
    (select file_no from feed_file where feed_file.file_id = one.file_id) as file_no
"""
LOCK_ALIKE = f"""
select {_WAITS} from doubtful_row as one
where state = 'waiting' and (tenant_id, evidence) = (
    select tenant_id, evidence from doubtful_row as chosen where chosen.doubtful_id = $1
)
order by doubtful_id for update of one
"""
LOAD_WAITING = f"""
select {_WAITS} from doubtful_row as one where state = 'waiting' and doubtful_id = $1
"""
WITHDRAW = """
with gone as (
    update doubtful_row set state = 'withdrawn', closed_by = $2, reason = $3, closed_at = clock_timestamp()
    where state in ('same', 'another', 'refused') and (tenant_id, evidence) = (
        select tenant_id, evidence from doubtful_row as chosen where chosen.doubtful_id = $1
    )
    returning doubtful_id
)
delete from person_apart using gone where person_apart.doubtful_id = gone.doubtful_id
"""
LOAD_APART = """
select member_token, other from person_apart where member_token = any($1::uuid[]) or other = any($1::uuid[])
union
select member_token, other from possibly_one
where state = 'two-persons' and (member_token = any($1::uuid[]) or other = any($1::uuid[]))
"""
SAVE_APART = """
insert into person_apart (member_token, other, doubtful_id)
select member_token, other, $3 from unnest($1::uuid[], $2::uuid[]) as said (member_token, other) on conflict do nothing
"""
MOVE_APART = """
with gone as (delete from person_apart where $2 in (member_token, other) returning member_token, other, doubtful_id)
insert into person_apart (member_token, other, doubtful_id)
select least($1, left_one), greatest($1, left_one), doubtful_id
from (select case when member_token = $2 then other else member_token end as left_one, doubtful_id from gone) as moved
where left_one <> $1
on conflict do nothing
"""
SHOWN = f"""
one.doubtful_id, one.tenant_id as plan, one.file_id, one.row, one.segment, one.code, one.field, one.expected, one.state,
    {_MAY_BE} as tokens, {_MEANT} as member_token, one.changes, one.reason, one.opened_at, one.closed_at
"""
LOAD_ONE = f"select {SHOWN}, one.document, one.sealed_document from doubtful_row as one where doubtful_id = $1"
LOAD_PAGE = f"""
select {SHOWN}, null as document from doubtful_row as one
where doubtful_id > $1 and ($2::text is null or one.state = $2) and ($3::uuid is null or one.file_id = $3)
order by doubtful_id limit $4
"""
MOVE_TOKENS = """
with gone as (delete from doubtful_token where member_token = $2 returning doubtful_id)
insert into doubtful_token (member_token, doubtful_id) select $1, doubtful_id from gone on conflict do nothing
"""


class Shown(NamedTuple):
    """A doubtful row as it is told, without what it holds; `document` is the row while it waits."""

    doubtful_id: UUID
    plan: str
    file_id: UUID
    row: int
    segment: int
    code: str
    field: str
    expected: str
    state: str
    tokens: list[UUID]
    member_token: UUID | None
    changes: list[str]
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None
    document: Any = None

    @property
    def roster_row(self) -> RosterRow | None:
        return row_of(self.document)


async def load_doubts(connection: Connection, tokens: Collection[UUID]) -> Doubts:
    """What waits of these persons, who are locked, and what was decided of whom they are; the last decision counts."""
    found = Doubts()
    for row in await connection.fetch(LOAD_OF_PERSONS, list(tokens)) if tokens else ():
        if row["state"] != WAITING:
            decided = Decided(row["state"], row["member_token"], frozenset(row["tokens"]))
            found.decided[row["tenant_id"], row["evidence"]] = decided
        elif (waiting := _waiting(connection, row)) is not None:
            found.waiting[waiting.doubtful_id] = waiting
    return found


def _document(connection: Connection, one: asyncpg.Record) -> Any:
    """One from before there was a key ring stands in plain text. None: it can't be opened."""
    if one["sealed_document"] is None:
        return one["document"]
    try:
        return json.loads(SEALED.open(connection, [one["sealed_document"]], [str(one["doubtful_id"])])[0])
    except (KeyRingError, SealError) as error:
        structlog.get_logger().warning(
            "doubtful row unreadable", doubtful_id=str(one["doubtful_id"]), reason=str(error)
        )
        return None


def _waiting(connection: Connection, one: asyncpg.Record) -> DoubtfulRow | None:
    """A row that waits; none if this code can't read how it was kept: it waits on, and touches nobody."""
    row = row_of(_document(connection, one))
    if row is None:
        return None
    doubt = Doubt(one["field"], one["expected"], one["code"], frozenset(one["tokens"]))
    return DoubtfulRow(one["doubtful_id"], one["file_id"], one["file_no"], row, doubt, one["evidence"])


async def save_doubts(connection: Connection, doubts: Doubts) -> None:
    """What a batch opened and closed."""
    if doubts.opened:
        plain = [document_of(row.row).encode() for row in doubts.opened]
        kept = SEALED.kept(connection, plain, [str(row.doubtful_id) for row in doubts.opened])
        documents = zip(kept.sealed, [one.decode() if one else None for one in kept.plain], strict=True)
        await connection.execute(INSERT, *zip(*map(_columns, doubts.opened, documents), strict=True))
        tokens = [(row.doubtful_id, member_token) for row in doubts.opened for member_token in sorted(row.doubt.tokens)]
        await connection.execute(INSERT_TOKENS, *zip(*tokens, strict=True))
    if doubts.superseded:
        await connection.execute(SUPERSEDE, sorted(doubts.superseded))


def _columns(one: DoubtfulRow, document: tuple[bytes | None, str | None]) -> tuple[object, ...]:
    row, segment = one.row.record.position
    doubt = one.doubt
    return (one.doubtful_id, one.plan, one.file_id, row, segment, doubt.code, doubt.field, doubt.expected,
            one.evidence, *document)  # fmt: skip


async def lock_alike(connection: Connection, doubtful_id: UUID) -> dict[UUID, DoubtfulRow | None]:
    """What waits and says the same of who it is about as this row, the row too if it waits still; nobody else decides
    them now. None: it can't be read."""
    return {row["doubtful_id"]: _waiting(connection, row) for row in await connection.fetch(LOCK_ALIKE, doubtful_id)}


async def load_waiting(connection: Connection, doubtful_id: UUID) -> DoubtfulRow | None:
    """A row that waits, and can be read."""
    row = await connection.fetchrow(LOAD_WAITING, doubtful_id)
    return None if row is None else _waiting(connection, row)


async def add_tokens(connection: Connection, doubtful_id: UUID, tokens: Iterable[UUID]) -> None:
    """More persons whom a row may mean."""
    of = sorted(tokens)
    await connection.execute(INSERT_TOKENS, [doubtful_id] * len(of), of)


async def load_apart(connection: Connection, tokens: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """The pairs of persons told apart of whom one is among these."""
    rows = await connection.fetch(LOAD_APART, list(tokens)) if tokens else []
    return [(row["member_token"], row["other"]) for row in rows]


async def save_apart(connection: Connection, pairs: Iterable[tuple[UUID, UUID]], decided_by: UUID) -> None:
    """By the decision of this row, or by the withdrawal of this join, the smaller token first."""
    if ordered := sorted(pairs):
        await connection.execute(SAVE_APART, *zip(*ordered, strict=True), decided_by)


async def save_decision(
    connection: Connection, doubtful_id: UUID, decided: Decided, changes: Iterable[str], by: str, why: str
) -> None:
    """What a person decided; what the row held goes."""
    await connection.execute(DECIDE, doubtful_id, decided.decision, decided.member_token, list(changes), by, why)


async def withdraw(connection: Connection, doubtful_id: UUID, by: str, why: str) -> None:
    """What was decided of this row, and of those that say the same of who they are about, counts no more."""
    await connection.execute(WITHDRAW, doubtful_id, by, why)


async def load_one(connection: Connection, doubtful_id: UUID) -> Shown | None:
    row = await connection.fetchrow(LOAD_ONE, doubtful_id)
    return into(Shown, row, document=_document(connection, row)) if row is not None else None


async def load_page(
    connection: Connection, after: UUID, state: str | None, file_id: UUID | None, limit: int
) -> list[Shown]:
    """The oldest first."""
    return [into(Shown, row) for row in await connection.fetch(LOAD_PAGE, after, state, file_id, limit)]
