"""Rows that belong to somebody, as they stand: to keep what each of two had before they became one, and to give it
back. A store says of its table whose column names the owner, and by which columns his rows are told apart."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.kit.postgres import Connection

Row = dict[str, Any]
"""A row by its columns, without its owner, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table of rows with an owner. `key`: what tells apart the rows of one owner. `own_id`: the column of an id that
    is a row's alone, so a copy for somebody else needs another one."""

    table: str
    key: tuple[str, ...]
    own_id: str = ""
    owner: str = "member_token"

    def key_of(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self.key)

    @property
    def load_sql(self) -> str:
        return f"select {self.owner} as owner, to_jsonb({self.table}) - '{self.owner}' as row from {self.table}" \
            f" where {self.owner} = any($1::uuid[])"  # fmt: skip

    @property
    def delete_sql(self) -> str:
        return f"delete from {self.table} where {self.owner} = any($1::uuid[])"

    @property
    def save_sql(self) -> str:
        return f"insert into {self.table} select * from jsonb_populate_recordset(null::{self.table}, $1::text::jsonb)"


async def load_rows(connection: Connection, part: Part, owners: Collection[UUID]) -> dict[UUID, list[Row]]:
    """The rows of these owners."""
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for record in await connection.fetch(part.load_sql, list(owners)):
        found[record["owner"]].append(record["row"])
    return found


async def replace_rows(connection: Connection, part: Part, rows: Mapping[UUID, Sequence[Row]]) -> None:
    """Let these owners have these rows and no others."""
    await connection.execute(part.delete_sql, list(rows))
    told = [row | {part.owner: str(owner)} for owner, owned in rows.items() for row in owned]
    await connection.execute(part.save_sql, json.dumps(told))
