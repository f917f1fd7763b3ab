"""The trail of who saw whom, and who decided about records that could not be used: every read of single members, every
export, every denial and every redrive is a row, written before the answer leaves. In the transaction of the deed, so
that no row means no answer."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Literal

from services.kit.auth import Denial, Principal
from services.kit.postgres import ALL_TENANTS, Connection
from services.kit.problem import correlation_id
from services.kit.unit_of_work import Look, UnitOfWork

INSERT_AUDIT = """
    insert into audit (tenant_id, principal, roles, action, kind, subjects, reason, correlation_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def record(
    work: UnitOfWork,
    principal: Principal,
    action: Literal[
        "read",
        "export",
        "redriven",
        "discarded",
        "cancelled",
        "skipped",
        "limit-lifted",
        "same-person",
        "another-person",
        "withdrawn",
        "told",
    ],
    kind: str,
    subjects: Iterable[object],
) -> None:
    """`subjects` are tokens or ids, never names; an empty list says that the search found nobody. The work remembers a
    look, to be kept beside an answer that may be given again."""
    ids = [str(subject) for subject in subjects]
    await _insert(work.connection, principal.tenant, principal, (action, kind, ids, None))
    if action in ("read", "export"):
        work.looks.append(Look(action, kind, ids))


async def record_again(connection: Connection, principal: Principal, looks: Iterable[Look]) -> None:
    """A kept answer is given again: it shows the same, and to the same principal."""
    for look in looks:
        what = (look.action, look.kind, list(look.subjects), "replayed")
        await _insert(connection, principal.tenant, principal, what)


async def record_denial(connection: Connection, denial: Denial) -> None:
    principal = denial.principal
    tenant = principal.tenant or min(principal.tenants, default=ALL_TENANTS)
    await _insert(connection, tenant, principal, ("denied", denial.route, list(denial.target), denial.reason))


def denials(
    transaction: Callable[[str], AbstractAsyncContextManager[Connection]],
) -> Callable[[Denial], Awaitable[None]]:
    """For `Auth(on_denied=…)`: records each denial in a transaction of its own, opened for every tenant because the
    denied principal may have none."""

    async def on_denied(denial: Denial) -> None:
        async with transaction(ALL_TENANTS) as connection:
            await record_denial(connection, denial)

    return on_denied


async def _insert(
    connection: Connection, tenant: str, principal: Principal, what: tuple[str, str, list[str], str | None]
) -> None:
    who = (tenant, principal.subject, sorted(principal.roles))
    await connection.execute(INSERT_AUDIT, *who, *what, correlation_id())
