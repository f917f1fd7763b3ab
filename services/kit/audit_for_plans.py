"""What the trail shows a plan's auditor of rows that were written for all tenants at once: who looked at a member of
the plan, while the plan had him, and nobody else whom the row names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.kit.postgres import ALL_TENANTS, Connection, seeing
from services.kit.rows import into

ALWAYS = "timestamptz '1970-01-01Z', timestamptz '9999-01-01Z'"
"""For a service's query: of an id that is the plan's alone."""
LOAD_NAMES = "select name as subject, since, until from ({0}) as named (name, since, until)"
NAMED = f"""
with name as (
    select * from unnest($4::text[], $5::timestamptz[], $6::timestamptz[]) as name (subject, since, until)
),
named as materialized (
    select distinct audit_id from audit_subject
    where subject = any($4::text[]) and tenant_id = '{ALL_TENANTS}' and audit_id > $1 and audit_id <= $3
)
"""
SHOWN = """
named join audit using (audit_id) cross join lateral (
    select array_agg(distinct subject order by subject) as subjects from name
    where subject = any(audit.subjects) and recorded_at >= since and recorded_at < until
) as shown
"""
IS_SHOWN = f"""
tenant_id = '{ALL_TENANTS}' and principal is not null and shown.subjects is not null and cardinality(roles) > 0
    and exists (select from unnest($7::text[]) as path where starts_with(split_part(route, ' ', 2), path))
"""
"""A request for which nobody was believed, or of whom no role is known, is no look; and of what tells of no route it is
not known what it tells."""
COLUMNS = """
audit_id, recorded_at, tenant_id, principal, roles, purpose, action, kind, cardinality(shown.subjects) as subject_count,
null as reason, route, outcome, correlation_id, shown.subjects
"""
"""How many others it names, and what was given as a reason, may tell of other plans' members."""


@dataclass(frozen=True, slots=True)
class NamesForPlans:
    """`query`: all ids by which the trail may name a member ($1, a token) of a plan ($2), each with the times between
    which it means him. `shown`: how the paths of those routes begin whose rows tell a plan of nobody but its member."""

    query: str
    shown: tuple[str, ...] = ("/",)


class Name(NamedTuple):
    """An id, and when it named the plan's member."""

    subject: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ForAll:
    """Rows that were written for all tenants, as a plan may see them."""

    names: Sequence[Name]
    shown: tuple[str, ...]

    @property
    def values(self) -> list[object]:
        """The arguments behind the search's own."""
        return [*map(list, zip(*self.names, strict=True)), list(self.shown)]


async def load_for_all(
    connection: Connection, names: NamesForPlans | None, plan: str, member_token: UUID
) -> ForAll | None:
    """By what rows for all tenants name this member of the plan; None if it has none such, or the service knows nobody
    so."""
    if names is None or plan == ALL_TENANTS:
        return None
    async with seeing(connection, ALL_TENANTS):
        found = await connection.fetch(LOAD_NAMES.format(names.query), member_token, plan)
    return ForAll([into(Name, row) for row in found], names.shown) if found else None
