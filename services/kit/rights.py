"""Who may do what in a service's database. Three roles with a login each: the owner changes the schema and nothing else
runs as it; the runtime role, which the service works as, changes rows but adds to the trail only; the audit role reads
the trail and seals it. The owner says so with each migration, and by no default."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

TRAIL = ("audit", "audit_seal", "audit_subject")
READ_ONLY = ("schema_migration", "sealing")
TOLD = "tenant_id, principal, roles, action, kind, subjects, reason, correlation_id, purpose, route, outcome"
"""What a row of the trail is told. Its number and its time are the database's own."""
RUNBOOK = "docs/runbooks/three-database-roles.md"
EMPTIED = "emptied.txt"
"""In a folder of migrations: the tables that the service empties as a whole (truncates), one a line."""

LOAD_OPEN = """
select relname, relkind = 'S' as is_sequence, relacl is null as is_new from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
    and relname <> all($1::text[]) and not exists (
        select from pg_depend join pg_class as owning on owning.oid = refobjid
        where objid = pg_class.oid and deptype = 'i' and owning.relname = any($1::text[])
    )
order by relname
"""
REVOKE = """
revoke create on schema public from public;
grant usage on schema public to {role};
revoke all on all tables in schema public from {role};
revoke all on all sequences in schema public from {role};
"""
RUNTIME = f"""
grant insert ({TOLD}) on audit to {{role}};
grant select on {", ".join(READ_ONLY)} to {{role}};
"""
AUDIT = """
grant select on audit, audit_subject to {role};
grant select, insert on audit_seal to {role};
"""


class RightsError(Exception):
    """DSNs that don't name a role each: expected `postgresql://role:…@host/database`."""


@dataclass(frozen=True, slots=True)
class Rights:
    """The names of the roles beside the owner. `audit` is None where nobody reads the trail."""

    runtime: str
    audit: str | None

    async def open_new(self, connection: asyncpg.Connection) -> None:
        """What a migration has just made, in its transaction: so that the service that runs meanwhile finds it open."""
        opened = await _open(connection)
        if statements := _grants([relation for relation in opened if relation["is_new"]], _quoted(self.runtime)):
            await connection.execute(statements)

    async def grant(self, connection: asyncpg.Connection, emptied: Collection[str]) -> None:
        """All that the roles may, and nothing else. As the owner of all tables, once all of them are there."""
        async with connection.transaction():
            role, opened = _quoted(self.runtime), await _open(connection)
            await connection.execute(REVOKE.format(role=role) + _grants(opened, role) + RUNTIME.format(role=role))
            if emptied:
                await connection.execute(f"grant truncate on {', '.join(map(_quoted, sorted(emptied)))} to {role}")
            if self.audit is not None:
                role = _quoted(self.audit)
                await connection.execute(REVOKE.format(role=role) + AUDIT.format(role=role))


def rights_of(owner_dsn: str, dsn: str, audit_dsn: str | None) -> Rights:
    """By the roles that these name. RightsError for one that names none, and for two that name one role: it would own
    what it must not change, or write what it reads."""
    owner, runtime = _role_of(owner_dsn), _role_of(dsn)
    audit = _role_of(audit_dsn) if audit_dsn is not None else None
    if len({owner, runtime, audit}) < 3:
        raise RightsError(f"two DSNs name one role: expected an owner, a runtime and an audit role ({RUNBOOK})")
    return Rights(runtime, audit)


def name_one_role(dsn: str, other: str) -> bool:
    """Whether two DSNs enter as the same role."""
    return _role_of(dsn) == _role_of(other)


def load_emptied(folders: Sequence[Path]) -> frozenset[str]:
    """The tables that these folders' services empty."""
    files = [folder / EMPTIED for folder in folders]
    return frozenset(name for file in files if file.exists() for name in file.read_text("utf-8").split())


async def _open(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    """The tables, views and sequences that a service works with."""
    closed = [*TRAIL, *READ_ONLY]
    return await connection.fetch(LOAD_OPEN, closed)


def _grants(opened: Sequence[asyncpg.Record], role: str) -> str:
    tables = ", ".join(_quoted(relation["relname"]) for relation in opened if not relation["is_sequence"])
    sequences = ", ".join(_quoted(relation["relname"]) for relation in opened if relation["is_sequence"])
    statements = f"grant select, insert, update, delete on {tables} to {role};" if tables else ""
    return statements + (f"grant usage, select on sequence {sequences} to {role};" if sequences else "")


def _role_of(dsn: str) -> str:
    parts = urlsplit(dsn)
    role = unquote(parts.username or "") or parse_qs(parts.query).get("user", [""])[0]
    if not role:
        raise RightsError("a DSN names no role: expected postgresql://role:…@host/database")
    return role


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
