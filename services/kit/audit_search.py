"""What stands in the trail: rows by whom they name, by who asked, by action and time, in their order. Read as the audit
role; the tenant of the transaction says whose rows are seen. A search ends with a row that is closed, so that none that
is committed late is passed over."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

from services.kit import audit_for_plans
from services.kit.audit_for_plans import ForAll
from services.kit.audit_seal import is_closed, load_last, mark
from services.kit.postgres import ALL_TENANTS, Connection, Pool, transaction
from services.kit.problem import RETRY_AFTER_S, Refusal, RefusedError

MOST_SUBJECTS = 100
"""A row shows no more of whom it names; where somebody is asked for, it shows only him."""
TURN_S, CLOSED_S, POLL_S = 5.0, 5.0, 0.02
"""How long a search waits for the one before, and for rows that others are about to commit."""
SLACK = timedelta(hours=1)
"""A row takes its number and its time one after the other, and a server's clock may be set back: by so much less than
this that numbers can be told from times."""
BUSY = Refusal(
    "audit-busy", "Too Many Requests", "Others search the trail: ask again when they are done.", 429
)  # fmt: skip
COLUMNS = """
    audit_id, recorded_at, tenant_id, principal, roles, purpose, action, kind, subject_count, reason, route, outcome,
    correlation_id
"""
_CONDITIONS = {
    "principal": "principal = $%d",
    "action": "action = $%d",
    "since": "recorded_at >= $%d",
    "until": "recorded_at < $%d",
}
NAMED = """
with named as materialized (
    select distinct audit_id from audit_subject where subject = any($4::text[]) and audit_id > $1 and audit_id <= $3
)
"""
LOAD_BEFORE = "select audit_id from audit where recorded_at < $1 order by recorded_at desc limit 1"
LOAD_AFTER = "select audit_id from audit where recorded_at > $1 order by recorded_at limit 1"
FIND_NAMES = "select name from ({0}) as named (name)"


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for; None: whatever it is. `subjects`: the tokens and ids of one person. `since` is within,
    `until` is not. `for_all`: by what rows that were written for all tenants name him, too."""

    subjects: Sequence[str] | None = None
    principal: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    for_all: ForAll | None = None

    def query(self, after: int, through: int, limit: int) -> tuple[str, list[Any]]:
        """The statement with its arguments; only what is asked for stands in it, so that an index serves it."""
        given: list[Any] = [after, limit, through]
        conditions = ["audit_id > $1", "audit_id <= $3"]
        named, rows, shown = "", "audit", f"subjects[1:{MOST_SUBJECTS}]"
        if self.subjects is not None:
            given.append(list(self.subjects))
            named, rows = NAMED, "named join audit using (audit_id)"
            shown = "array(select one from unnest(subjects) as one where one = any($4::text[]))"
        conditions += self._conditions(given)
        found = f"{named}select {COLUMNS}, {shown} as subjects from {rows} where {' and '.join(conditions)}"
        return f"{found} order by audit_id limit $2", given

    def query_for_all(self, for_all: ForAll, after: int, through: int, limit: int) -> tuple[str, list[Any]]:
        """The same of rows that were written for all tenants, as a plan may see them."""
        given: list[Any] = [after, limit, through, *for_all.values]
        conditions = [audit_for_plans.IS_SHOWN, *self._conditions(given)]
        rows = f"select {audit_for_plans.COLUMNS} from {audit_for_plans.SHOWN} where {' and '.join(conditions)}"
        return f"{audit_for_plans.NAMED}{rows} order by audit_id limit $2", given

    def _conditions(self, given: list[Any]) -> Iterator[str]:
        """By whatever else is asked for, whose values are added to the arguments."""
        for name, condition in _CONDITIONS.items():
            if (value := getattr(self, name)) is not None:
                given.append(value)
                yield condition % len(given)


@dataclass(frozen=True, slots=True)
class Reader:
    """Of one process: one search at a time, so that whoever asks much does not keep the trail from being read and
    sealed."""

    pool: Pool
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def turn(self, wait_s: float | None = None) -> AsyncIterator[None]:
        """Raises RefusedError (429) when the search before lasts too long."""
        try:
            async with asyncio.timeout(wait_s):
                await self._turn.acquire()
        except TimeoutError:
            raise RefusedError(BUSY, {"Retry-After": str(RETRY_AFTER_S)}) from None
        try:
            yield
        finally:
            self._turn.release()

    async def load_closed(self) -> int:
        """The newest row such that none before it can come any more. Where somebody who writes keeps it open for too
        long it is that of the newest seal."""
        async with transaction(self.pool, ALL_TENANTS) as connection:
            marked, deadline = await mark(connection), time.monotonic() + CLOSED_S
            while not await is_closed(connection, marked):
                if time.monotonic() > deadline:
                    return (await load_last(connection)).through_id
                await asyncio.sleep(POLL_S)
        return marked.through_id

    async def find(self, tenant: str, search: Search, after: int, through: int, limit: int) -> list[dict[str, Any]]:
        """The next rows after this one and through that one, oldest first."""
        async with transaction(self.pool, ALL_TENANTS) as connection:
            first, last = await _bounds(connection, search)
        after, through = max(after, first), through if last is None else min(through, last)
        query, given = search.query(after, through, limit)
        async with transaction(self.pool, tenant) as connection:
            found = [dict(row) for row in await connection.fetch(query, *given)]
        if search.for_all is None:
            return found
        query, given = search.query_for_all(search.for_all, after, through, limit)
        async with transaction(self.pool, ALL_TENANTS) as connection:
            found += [dict(row) for row in await connection.fetch(query, *given)]
        return sorted(found, key=itemgetter("audit_id"))[:limit]

    async def pages(self, tenant: str, search: Search, through: int, size: int) -> AsyncIterator[list[dict[str, Any]]]:
        """All of them, a page at a time, each in a transaction and a turn of its own."""
        after = 0
        while True:
            async with self.turn():
                rows = await self.find(tenant, search, after, through, size)
            if rows:
                yield rows
                after = rows[-1]["audit_id"]
            if len(rows) < size:
                return


async def _bounds(connection: Connection, search: Search) -> tuple[int, int | None]:
    """Of the numbers of rows between two times, found by the times' index: those after the first and through the last.
    In a transaction that sees every tenant, for one that has few rows would look through those of all."""
    first = await connection.fetchval(LOAD_BEFORE, _earlier(search.since)) if search.since else None
    last = await connection.fetchval(LOAD_AFTER, _later(search.until)) if search.until else None
    return first or 0, last


def _earlier(instant: datetime) -> datetime:
    try:
        return instant - SLACK
    except OverflowError:
        return instant


def _later(instant: datetime) -> datetime:
    try:
        return instant + SLACK
    except OverflowError:
        return instant


async def names_of(connection: Connection, query: str | None, member_token: UUID) -> list[str]:
    """All tokens and ids by which the trail of this service may name the one whose token this is. `query` is the
    service's own, None where it names nobody otherwise."""
    found = await connection.fetch(FIND_NAMES.format(query), member_token) if query else []
    return sorted({str(member_token), *(row["name"] for row in found)})


def flat(row: Mapping[str, Any]) -> dict[str, str]:
    """A row for a table of text. What a spreadsheet would take for a formula begins with an apostrophe."""
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
