"""Which keys the stored bytes are sealed with, and their sealing anew: when the key is another, and what stands in
plain text from before there was a ring. In batches of a transaction each, beside everybody's work."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg
import structlog

from services.kit.postgres import ALL_TENANTS, Connection, transaction
from services.kit.sealed import MARK, KeyRing, SealError, key_id_of, prefix_of, ring_of, seals_of

PLAIN = "plain text"
FIRST_PLACE = "(0,0)"
LOOKED_AT_ROWS = 1000
TRIED_ROWS = 5
"""Of each key and column: one row may be spoilt for its own sake; a key that opens none of them is another one."""


class Kept(NamedTuple):
    """What goes into the column of sealed bytes and what into the plain one, row by row: one of both is null."""

    sealed: Sequence[bytes | None]
    plain: Sequence[bytes | None]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed bytes. `row` is the SQL of the row's id; `plain` that of what stood in plain text before, as
    bytes, or null, and `clear` what an update sets to take that away."""

    table: str
    column: str
    row: str
    plain: str
    clear: str = ""
    batch_rows: int = 500

    def name(self, row: str) -> str:
        """What a row's bytes are bound to."""
        return f"{self.table} {row}"

    def seal(self, connection: Connection, plain: Sequence[bytes], rows: Sequence[str]) -> list[bytes]:
        return ring_of(connection).seal(plain, [self.name(row) for row in rows])

    def kept(self, connection: Connection, plain: Sequence[bytes], rows: Sequence[str]) -> Kept:
        """How new content is written: sealed, or as it is as long as sealing has not begun."""
        if seals_of(connection).has_begun:
            return Kept(self.seal(connection, plain, rows), [None] * len(plain))
        return Kept([None] * len(plain), plain)

    def open(self, connection: Connection, sealed: Sequence[bytes], rows: Sequence[str]) -> list[bytes]:
        return ring_of(connection).open(sealed, [self.name(row) for row in rows])

    def count_sql(self, most: int | None = None) -> str:
        """How many rows begin alike, up to the end of the key's id; of the first so many rows only, if that is said."""
        source = self.table if most is None else f"(select * from {self.table} limit {most}) as {self.table}"
        return f"""
            select head, sum(rows)::bigint as rows from (
                select case when {self._is_sealed} then {self._head} end as head, 1 as rows from {source}
                where {self.column} is not null or {self.plain} is not null
            ) as found group by head
        """

    @property
    def _head(self) -> str:
        """The mark, how long the id is, and the id; of bytes that end before that, what there is."""
        at = len(MARK) + 1
        length = f"get_byte(substring({self.column} from {at} for 1), 0)"
        return f"""
            case when octet_length({self.column}) < {at} then {self.column}
            else substring({self.column} from 1 for {at} + {length}) end
        """

    @property
    def try_sql(self) -> str:
        """Some rows that begin with $1, as what one key seals does."""
        return f"""
            select {self.row} as row, {self.column} as sealed from {self.table}
            where substring({self.column} from 1 for octet_length($1::bytea)) = $1 limit {TRIED_ROWS}
        """

    @property
    def load_sql(self) -> str:
        """Those after a place that are not sealed with the current key ($2 is what such bytes begin with)."""
        return f"""
            select ctid::text as place, {self.row} as row, {self.column} as sealed,
                case when not {self._is_sealed} then {self.plain} end as plain
            from {self.table}
            where ctid > $1::text::tid and (case when {self._is_sealed}
                then substring({self.column} from 1 for octet_length($2::bytea)) <> $2
                else {self.plain} is not null end)
            order by ctid limit {self.batch_rows} for update
        """

    @property
    def save_sql(self) -> str:
        clear = f", {self.clear}" if self.clear else ""
        return f"""
            update {self.table} set {self.column} = said.bytes{clear}
            from unnest($1::text[]::tid[], $2::bytea[]) as said (place, bytes) where {self.table}.ctid = said.place
        """

    @property
    def _is_sealed(self) -> str:
        mark = MARK.hex()
        return f"coalesce(substring({self.column} from 1 for {len(MARK)}) = '\\x{mark}'::bytea, false)"


async def count_keys(connection: Connection, columns: Sequence[Sealed], most: int | None = None) -> Counter[str]:
    """How many rows are sealed with each key, or stand in plain text; of each column the first so many, if said."""
    found: Counter[str] = Counter()
    for column in columns:
        for row in await connection.fetch(column.count_sql(most)):
            found[PLAIN if row["head"] is None else key_id_of(row["head"]) or PLAIN] += row["rows"]
    return found


async def lacking(pool: asyncpg.Pool, ring: KeyRing, columns: Sequence[Sealed]) -> list[str]:
    """The keys that rows are sealed with and the ring does not hold. Of a table that can't be counted in the time that
    a statement has, its first rows are looked at."""
    used: Counter[str] = Counter()
    for column in columns:
        try:
            async with transaction(pool, ALL_TENANTS) as connection:
                used += await count_keys(connection, [column])
        except (asyncpg.QueryCanceledError, TimeoutError):
            structlog.get_logger().warning("sealed rows looked at in part", table=column.table, rows=LOOKED_AT_ROWS)
            async with transaction(pool, ALL_TENANTS) as connection:
                used += await count_keys(connection, [column], LOOKED_AT_ROWS)
    return sorted(used.keys() - ring.keys.keys() - {PLAIN})


async def strange(pool: asyncpg.Pool, ring: KeyRing, columns: Sequence[Sealed]) -> list[str]:
    """The keys of the ring that open nothing of what was sealed under their ids: others of the same name did that."""
    found = set()
    for column in columns:
        for key_id in ring.keys:
            rows = await _some(pool, column, key_id)
            if rows and not any(_opens(ring, column, row) for row in rows):
                found.add(key_id)
    return sorted(found)


async def _some(pool: asyncpg.Pool, column: Sealed, key_id: str) -> list[asyncpg.Record]:
    """None where so few of many rows are sealed with the key that they can't be found in time."""
    try:
        async with transaction(pool, ALL_TENANTS) as connection:
            return list(await connection.fetch(column.try_sql, prefix_of(key_id)))
    except (asyncpg.QueryCanceledError, TimeoutError):
        return []


def _opens(ring: KeyRing, column: Sealed, row: asyncpg.Record) -> bool:
    try:
        ring.open([row["sealed"]], [column.name(row["row"])])
    except SealError:
        return False
    return True


async def reseal(pool: asyncpg.Pool, columns: Sequence[Sealed]) -> int:
    """Seal with the current key whatever is not. Gives how many rows it were."""
    done = 0
    for column in columns:
        place = FIRST_PLACE
        while True:
            async with transaction(pool, ALL_TENANTS) as connection:
                last, rows = await _reseal_batch(connection, column, place)
            if last is None:
                break
            place, done = last, done + rows
    return done


async def _reseal_batch(connection: Connection, column: Sealed, after: str) -> tuple[str | None, int]:
    found = await connection.fetch(column.load_sql, after, ring_of(connection).prefix)
    if not found:
        return None, 0
    rows = [row["row"] for row in found]
    content = [row["plain"] if row["plain"] is not None else row["sealed"] for row in found]
    sealed = column.seal(connection, column.open(connection, content, rows), rows)
    await connection.execute(column.save_sql, [row["place"] for row in found], sealed)
    return found[-1]["place"], len(found)
