"""Row-level security fails closed: a role that the database's policies don't bind gets no connection. What would show
every plan's rows to each plan is a fault of the deployment, and nothing works until it is mended."""

import asyncpg
import structlog

# Policies bind neither superusers, nor roles with BYPASSRLS, nor a table's owner unless they are forced; and nobody
# where row-level security is switched off.
UNBOUND = """
select case
    when rolsuper then 'a superuser'
    when rolbypassrls then 'a role with BYPASSRLS'
    else (
        select 'not bound on ' || string_agg(relname, ', ' order by relname) from pg_class
        where exists (select from pg_policy where polrelid = pg_class.oid)
        and not (relrowsecurity and (relforcerowsecurity or not pg_has_role(relowner, 'usage')))
    )
end
from pg_roles where rolname = current_user
"""


class RowSecurityBypassedError(asyncpg.InterfaceError):
    """The database role is one that sees every tenant's rows."""


async def require(connection: asyncpg.Connection) -> None:
    """Raises RowSecurityBypassedError unless every policy of the database binds the connection's role."""
    if reason := await connection.fetchval(UNBOUND):
        structlog.get_logger().error("row-level security bypassed", reason=reason)
        raise RowSecurityBypassedError(f"the database role is {reason}")
