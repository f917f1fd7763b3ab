"""Row-level security fails closed: a role that the database's policies don't bind gets no connection. What would show
every plan's rows to each plan, or let a service change its own trail, is a fault of the deployment, and nothing works
until it is mended."""

import asyncpg
import structlog

# Policies bind neither superusers, nor roles with BYPASSRLS, nor a table's owner unless they are forced (a view of his
# reads as he does); and nobody where row-level security is switched off. Whoever owns a table may undo all of it, and
# whoever makes roles may become another one. What counts is all that the role may by itself, and by those that it is a
# member of. Who writes the trail does not read it, nor may he choose a row's number and time.
UNBOUND = """
with mine as (select oid from pg_roles where pg_has_role(oid, 'member')),
trail as (
    select to_regclass('public.' || name) as relation
    from unnest('{audit, audit_seal, audit_subject}'::text[]) as name
    where to_regclass('public.' || name) is not null
)
select case
    when rolsuper then 'a superuser'
    when rolbypassrls then 'a role with BYPASSRLS'
    when exists (
        select from pg_roles as other join mine using (oid)
        where other.rolsuper or other.rolbypassrls or other.rolcreaterole or other.rolcreatedb
    ) then 'one that may make roles or databases, or a member of one that policies don''t bind'
    when exists (
        select from pg_class where relnamespace = 'public'::regnamespace and pg_has_role(relowner, 'member')
    ) then 'the owner of its tables (docs/runbooks/three-database-roles.md)'
    when has_schema_privilege('public', 'create') then 'one that may make tables'
    when exists (
        select from mine, trail where has_table_privilege(mine.oid, relation, 'update, delete, truncate, trigger')
            or has_any_column_privilege(mine.oid, relation, 'update')
    ) or exists (
        select from mine, trail where relation = to_regclass('public.audit_subject')
            and has_any_column_privilege(mine.oid, relation, 'insert')
    ) or exists (
        select from mine, trail, unnest('{audit_id, recorded_at}'::text[]) as of_database
        where relation = to_regclass('public.audit') and has_column_privilege(mine.oid, relation, of_database, 'insert')
    ) then 'one that may change the trail'
    when exists (
        select from mine, trail
        where relation = to_regclass('public.audit') and has_any_column_privilege(mine.oid, relation, 'insert')
    ) and exists (
        select from mine, trail where has_any_column_privilege(mine.oid, relation, 'select')
            or relation = to_regclass('public.audit_seal') and has_any_column_privilege(mine.oid, relation, 'insert')
    ) then 'one that writes the trail, and reads or seals it'
    when exists (
        select from mine, unnest('{schema_migration, sealing}'::text[]) as name
        where has_table_privilege(mine.oid, to_regclass('public.' || name), 'insert, update, delete, truncate, trigger')
            or has_any_column_privilege(mine.oid, to_regclass('public.' || name), 'insert, update')
    ) then 'one that may say which migrations are applied, or that sealing has begun'
    else (
        select 'not bound on ' || string_agg(relname, ', ' order by relname) from pg_class
        where exists (select from pg_policy where polrelid = pg_class.oid)
        and not (relrowsecurity and relforcerowsecurity)
    )
end
from pg_roles where rolname = current_user
"""


class RowSecurityBypassedError(asyncpg.InterfaceError):
    """The database role is one that could see every tenant's rows, or change the trail."""


async def require(connection: asyncpg.Connection) -> None:
    """Raises RowSecurityBypassedError unless every policy of the database binds the connection's role and it can change
    neither them nor the trail."""
    if reason := await connection.fetchval(UNBOUND):
        structlog.get_logger().error("row-level security bypassed", reason=reason)
        raise RowSecurityBypassedError(f"the database role is {reason}")
