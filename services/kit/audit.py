"""The trail of who did, saw and was refused what: every write, read, export, denial and redrive is a row, written
before the answer leaves. A write's row stands in its own transaction, so that no row means no answer. What no flow
tells of itself is told here (`record_write`), and of what opens no transaction of its own by `answers`."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.kit.asking import Asked
from services.kit.auth import Denial, Principal, ids_in, route_of
from services.kit.postgres import ALL_TENANTS, Connection
from services.kit.problem import correlation_id
from services.kit.unit_of_work import Look, Recorded, UnitOfWork

INSERT_AUDIT = """
    insert into audit (
        tenant_id, principal, roles, action, kind, subjects, reason, correlation_id, purpose, route, outcome
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

Action = Literal[
    "read",
    "export",
    "redriven",
    "discarded",
    "cancelled",
    "skipped",
    "limit-lifted",
    "acknowledged",
    "same-person",
    "another-person",
    "withdrawn",
    "told",
    "submitted",
    "erased",
    "held",
]
LOOKS = frozenset({"read", "export"})
Outcome = Literal["done", "refused", "denied"]
UNKNOWN = Principal("", frozenset(), frozenset(), "")
"""Who asks without a token that is believed."""
_ID_FIELD = re.compile(r"(?:[a-z_]+_id|(?:[a-z]+_)?token)")
_ID = re.compile(r"[0-9A-Za-z_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class What:
    """What a row says was done, to whom, and how it ended."""

    action: str
    kind: str
    subjects: Iterable[str] = ()
    reason: str | None = None
    outcome: Outcome = "done"


async def record(
    work: UnitOfWork,
    principal: Principal,
    action: Action,
    kind: str,
    subjects: Iterable[object],
    reason: str | None = None,
) -> None:
    """`subjects` are tokens or ids, never names; an empty list says that the search found nobody. `reason`: what an
    operator gave for it. The work remembers a look, to be kept beside an answer that may be given again."""
    ids = [str(subject) for subject in subjects]
    await _insert_in(work, principal, What(action, kind, ids, reason))
    if action in LOOKS:
        work.looks.append(Look(action, kind, ids))


async def record_write(work: UnitOfWork, principal: Principal, status: int, body: Any, *, replayed: bool) -> None:
    """The row of a write, unless its flow told of it already: what the path and the answer name, and the keys of the
    facts that it announced. A refused one says the code."""
    route, path_ids = _route(principal.asked)
    if status >= 400:
        code = str(body.get("type", "")).rpartition(":")[2] if isinstance(body, Mapping) else None
        what = What("refused", route, path_ids, code, "refused")
    elif LOOKS.issuperset(row.action for row in work.recorded):
        subjects = sorted({*path_ids, *_ids(body), *work.subjects})
        what = What("wrote", route, subjects, "replayed" if replayed else None)
    else:
        return
    await _insert_in(work, principal, what)


async def record_again(work: UnitOfWork, principal: Principal, looks: Iterable[Look]) -> None:
    """A kept answer is given again: it shows the same, and to the same principal."""
    for look in looks:
        what = What(look.action, look.kind, list(look.subjects), "replayed")
        await _insert_in(work, principal, what)


async def record_denial(connection: Connection, denial: Denial) -> None:
    what = What("denied", denial.route, list(denial.target), denial.reason, "denied")
    await _insert(connection, _tenant(denial.principal), denial.principal, what)


def denials(
    transaction: Callable[[str], AbstractAsyncContextManager[Connection]],
) -> Callable[[Denial], Awaitable[None]]:
    """For `Auth(on_denied=…)`: records each denial in a transaction of its own, opened for every tenant because the
    denied principal may have none."""

    async def on_denied(denial: Denial) -> None:
        async with transaction(ALL_TENANTS) as connection:
            await record_denial(connection, denial)
        if denial.principal.asked is not None:
            denial.principal.asked.outcomes.add("denied")

    return on_denied


def untold(asked: Asked, status: int) -> What | None:
    """The row that an answer still needs. None: it stands already, or nobody is known who asked (but a token that is
    not believed is told of)."""
    route, ids = route_of(asked.scope), ids_in(asked.scope)
    if status in (401, 403):
        return None if asked.outcomes & {"denied", "refused"} else What("denied", route, ids, asked.why, "denied")
    if asked.principal is None or status >= 500:
        return None
    if status >= 400:
        return None if asked.outcomes & {"refused", "denied"} else What("refused", route, ids, asked.why, "refused")
    if asked.outcomes:
        return None
    return What("read" if asked.scope["method"] in ("GET", "HEAD") else "asked", route, ids)


async def record_answer(connection: Connection, asked: Asked, what: What) -> None:
    """In a transaction of its own that sees every tenant: for what opened none, or whose own was rolled back."""
    principal = replace(asked.principal or UNKNOWN, asked=asked)
    await _insert(connection, _tenant(principal), principal, what)


def _tenant(principal: Principal) -> str:
    return principal.tenant or min(principal.tenants, default=ALL_TENANTS)


def _route(asked: Asked | None) -> tuple[str, list[str]]:
    return ("(none)", []) if asked is None else (route_of(asked.scope), list(ids_in(asked.scope)))


def _ids(body: Any) -> Iterator[str]:
    """What the fields of an answer name that hold ids and tokens."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            if isinstance(value, str | int) and _ID_FIELD.fullmatch(name) and _ID.fullmatch(str(value)):
                yield str(value)
            else:
                yield from _ids(value)
    elif isinstance(body, list):
        for part in body:
            yield from _ids(part)


async def _insert_in(work: UnitOfWork, principal: Principal, what: What) -> None:
    await _insert(work.connection, principal.tenant, principal, what)
    work.recorded.append(Recorded(principal.asked, what.action, what.outcome))


async def _insert(connection: Connection, tenant: str, principal: Principal, what: What) -> None:
    asked = principal.asked or Asked({})
    purpose = asked.purpose(principal.roles) if principal.subject else asked.said
    await connection.execute(
        INSERT_AUDIT, tenant, principal.subject or None, sorted(principal.roles), what.action, what.kind,
        list(what.subjects), what.reason, correlation_id(), purpose, route_of(asked.scope) if asked.scope else None,
        what.outcome,
    )  # fmt: skip
