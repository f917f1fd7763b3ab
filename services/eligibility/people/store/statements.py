"""What others than the plan say of persons. All SQL of it, batch first."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from services.eligibility.people.statement import Statement
from services.kit.postgres import Connection
from services.kit.rows import into

LOAD_STATEMENTS = """
select member_token, source, races, ethnicity, zip5, tract, is_protected from member_statement
where member_token = any($1::uuid[])
"""
SAVE_STATEMENTS = """
insert into member_statement (member_token, source, races, ethnicity, zip5, tract, is_protected)
select member_token, source, races, ethnicity, zip5, tract, is_protected
from jsonb_populate_recordset(null::member_statement, $1::text::jsonb)
on conflict (member_token, source) do update
set races = excluded.races, ethnicity = excluded.ethnicity, zip5 = excluded.zip5, tract = excluded.tract,
    is_protected = excluded.is_protected
"""
MOVE_STATEMENTS = """
with gone as (delete from member_statement where member_token = $2 returning *)
insert into member_statement (member_token, source, races, ethnicity, zip5, tract, is_protected)
select $1, source, races, ethnicity, zip5, tract, is_protected from gone
on conflict (member_token, source) do update set is_protected = member_statement.is_protected or excluded.is_protected
"""

LOAD_WITHHELD = """
select member_token, source from registry_consent where member_token = any($1::uuid[]) and is_protected
union all
select member_token, '*' from member_statement as before where member_token = any($1::uuid[]) and is_protected
    and not exists (select from registry_consent as told
        where told.member_token = before.member_token and told.is_protected is not null)
"""


async def load_withheld(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """The registries whose words of these persons are not shared onward; `*` for all of them, where only the mark
    from before each registry's own word was kept protects."""
    found: defaultdict[UUID, set[str]] = defaultdict(set)
    for row in await connection.fetch(LOAD_WITHHELD, list(tokens)) if tokens else ():
        found[row["member_token"]].add(row["source"])
    return {member_token: frozenset(sources) for member_token, sources in found.items()}


async def load_statements(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[Statement]]:
    found: defaultdict[UUID, list[Statement]] = defaultdict(list)
    for row in await connection.fetch(LOAD_STATEMENTS, list(tokens)):
        found[row["member_token"]].append(into(Statement, row, races=tuple(row["races"])))
    return found


async def save_statements(connection: Connection, statements: Sequence[Statement]) -> None:
    if statements:
        ordered = sorted(statements, key=lambda statement: statement.member_token)
        await connection.execute(
            SAVE_STATEMENTS, json.dumps([statement._asdict() for statement in ordered], default=str)
        )
