"""Rows that wait until a person has decided whom they mean, and what was decided. All SQL of it, batch first."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from services.eligibility.people.doubtful import WAITING, Decided, DoubtfulRow, Doubts
from services.eligibility.people.identity import Doubt
from services.eligibility.people.roster_row import RosterRow
from services.kit.postgres import Connection

_ROW = TypeAdapter(RosterRow)
"""How a row is kept: every value that was read, in the order of the fields."""

_MAY_BE = "array(select token from doubtful_token as may where may.doubtful_id = one.doubtful_id order by token)"
_MEANT = "coalesce((select merged_into from person where person.token = one.token), one.token)"
LOAD_OF_PERSONS = f"""
select one.doubtful_id, one.tenant_id, one.file_id, file_no, one.code, one.field, one.expected, one.evidence,
    one.document, one.state, {_MEANT} as token, {_MAY_BE} as tokens
from doubtful_row as one join feed_file using (file_id)
where one.state <> 'superseded'
    and doubtful_id in (select may.doubtful_id from doubtful_token as may where may.token = any($1::uuid[]))
order by closed_at nulls last, doubtful_id
"""
INSERT = """
insert into doubtful_row (doubtful_id, tenant_id, file_id, row, segment, code, field, expected, evidence, document)
select doubtful_id, tenant_id, file_id, row, segment, code, field, expected, evidence, document::jsonb
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[])
    as said (doubtful_id, tenant_id, file_id, row, segment, code, field, expected, evidence, document)
"""
INSERT_TOKENS = "insert into doubtful_token (doubtful_id, token) select * from unnest($1::uuid[], $2::uuid[])"
SUPERSEDE = """
update doubtful_row set state = 'superseded', document = null, closed_at = clock_timestamp()
where doubtful_id = any($1::uuid[]) and state = 'waiting'
"""
DECIDE = """
update doubtful_row
set state = $2, token = $3, changes = $4, closed_by = $5, reason = $6, document = null, closed_at = clock_timestamp()
where doubtful_id = $1
"""
LOCK = "select state from doubtful_row where doubtful_id = $1 for update"
SHOWN = f"""
one.doubtful_id, one.tenant_id as plan, one.file_id, one.row, one.segment, one.code, one.field, one.expected, one.state,
    {_MAY_BE} as tokens, {_MEANT} as token, one.changes, one.reason, one.opened_at, one.closed_at
"""
LOAD_ONE = f"select {SHOWN}, one.document from doubtful_row as one where doubtful_id = $1"
LOAD_PAGE = f"""
select {SHOWN} from doubtful_row as one
where doubtful_id > $1 and ($2::text is null or one.state = $2) and ($3::uuid is null or one.file_id = $3)
order by doubtful_id limit $4
"""
MOVE_TOKENS = """
with gone as (delete from doubtful_token where token = $2 returning doubtful_id)
insert into doubtful_token (token, doubtful_id) select $1, doubtful_id from gone on conflict do nothing
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
    token: UUID | None
    changes: list[str]
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None
    document: Any = None

    @property
    def roster_row(self) -> RosterRow:
        return _ROW.validate_python(self.document)


async def load_doubts(connection: Connection, tokens: Collection[UUID]) -> Doubts:
    """What waits of these persons, who are locked, and what was decided of whom they are; the last decision counts."""
    found = Doubts()
    for one in await connection.fetch(LOAD_OF_PERSONS, list(tokens)) if tokens else ():
        may_be = frozenset(one["tokens"])
        if one["state"] == WAITING:
            doubt = Doubt(one["field"], one["expected"], one["code"], may_be)
            row = _ROW.validate_python(one["document"])
            waiting = DoubtfulRow(one["doubtful_id"], one["file_id"], one["file_no"], row, doubt, one["evidence"])
            found.waiting[waiting.doubtful_id] = waiting
        else:
            found.decided[one["tenant_id"], one["evidence"]] = Decided(one["state"], one["token"], may_be)
    return found


async def save_doubts(connection: Connection, doubts: Doubts) -> None:
    """What a batch opened and closed."""
    if doubts.opened:
        await connection.execute(INSERT, *zip(*map(_columns, doubts.opened), strict=True))
        tokens = [(one.doubtful_id, token) for one in doubts.opened for token in sorted(one.doubt.tokens)]
        await connection.execute(INSERT_TOKENS, *zip(*tokens, strict=True))
    if doubts.superseded:
        await connection.execute(SUPERSEDE, sorted(doubts.superseded))


def _columns(one: DoubtfulRow) -> tuple[object, ...]:
    row, segment = one.row.record.position
    doubt = one.doubt
    document = _ROW.dump_json(one.row).decode()
    return (one.doubtful_id, one.plan, one.file_id, row, segment, doubt.code, doubt.field, doubt.expected,
            one.evidence, document)  # fmt: skip


async def lock_state(connection: Connection, doubtful_id: UUID) -> str | None:
    """Whether it waits still, and nobody else decides now."""
    state: str | None = await connection.fetchval(LOCK, doubtful_id)
    return state


async def save_decision(
    connection: Connection, doubtful_id: UUID, decided: Decided, changes: Iterable[str], by: str, why: str
) -> None:
    """What a person decided; what the row held goes."""
    await connection.execute(DECIDE, doubtful_id, decided.decision, decided.token, list(changes), by, why)


async def load_one(connection: Connection, doubtful_id: UUID) -> Shown | None:
    row = await connection.fetchrow(LOAD_ONE, doubtful_id)
    return Shown(*row) if row is not None else None


async def load_page(
    connection: Connection, after: UUID, state: str | None, file_id: UUID | None, limit: int
) -> list[Shown]:
    """The oldest first."""
    return [Shown(*row) for row in await connection.fetch(LOAD_PAGE, after, state, file_id, limit)]
