"""Writes that may be sent again. The key, the effects and the answer are one transaction: after a crash, or a COMMIT
whose reply got lost, the same request with the same key finds either all of them or none."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from services.kit import asking, audit, problem
from services.kit.asking import Asked
from services.kit.auth import Principal, authenticate
from services.kit.grants import Sites
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.resealing import Sealed
from services.kit.sealed import ring_of, seals_of
from services.kit.unit_of_work import Look, UnitOfWork

SEALED = Sealed(
    table="idempotency_key",
    column="sealed_response",
    row="(tenant_id || ' ' || principal || ' ' || key)",
    plain="convert_to(response::text, 'UTF8')",
    clear="response = null",
)
"""What was answered: it may show persons."""

INSERT_KEY = """
    insert into idempotency_key (tenant_id, principal, key, method_path, request_sha256)
    values ($1, $2, $3, $4, $5)
    on conflict do nothing
    returning true
"""

LOAD_ANSWER = """
    select method_path, request_sha256, status, response::text as response, sealed_response
    from idempotency_key
    where tenant_id = $1 and principal = $2 and key = $3
"""

SAVE_ANSWER = """
    update idempotency_key
    set status = $4, sealed_response = $5, response = $6::text::jsonb
    where tenant_id = $1 and principal = $2 and key = $3
"""

OVER_AGE = """
    select ctid, created_at as since from idempotency_key
    where created_at < clock_timestamp() - make_interval(days => $1) and created_at >= $2
    order by created_at limit $3 for update skip locked
"""
"""The next to be pruned, oldest first, from an instant on; over all tenants."""

LOAD_ANSWERS = """
    select tenant_id, principal, key, sealed_response, response::text as response from idempotency_key
    where tenant_id = any($1::text[]) and status is not null
"""

ANSWERS_AT_ONCE = 500
ERASED = Refusal("answer-erased", "Answer Erased", "What was answered is erased; what was done stands.", 410)
KEY_REUSED = Refusal(
    "idempotency-key-reused",
    "Idempotency Key Reused",
    "This key came before with another request. A new request needs a new key.",
    status=422,
)


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """What makes two requests the same request, and whose this one is. `sites`: those whose rows it may change;
    `trace_parent`: the trace context that its client named; `asked`: what the trail tells of it."""

    tenant_id: str
    principal: str
    key: str
    method_path: str
    request_sha256: bytes
    roles: frozenset[str] = field(default=frozenset(), compare=False)
    sites: Sites = field(default=None, compare=False)
    trace_parent: str = field(default="", compare=False)
    asked: Asked | None = field(default=None, compare=False, repr=False)

    def whose(self) -> Principal:
        """Who gets the answer."""
        return Principal(
            self.principal, self.roles, frozenset({self.tenant_id}), self.tenant_id, sites=self.sites, asked=self.asked
        )

    def bound_to(self, principal: Principal) -> "RequestIdentity":
        """Bound to the sites of the roles that the route asks for, and of no other role of the same token."""
        return replace(self, sites=principal.sites)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write answers; kept as it is and given again to whoever sends the request again."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False

    @classmethod
    def of(cls, refusal: Refusal) -> "Answer":
        return cls(refusal.status, refusal.document())

    def response(self) -> Response:
        headers = {**self.headers, "Idempotency-Replayed": "true"} if self.replayed else dict(self.headers)
        if self.status >= 400:
            return JSONResponse(self.body, self.status, headers, problem.MEDIA_TYPE)
        if self.body is None:
            return Response(None, self.status, headers)
        return JSONResponse(self.body, self.status, headers)


async def once(
    work: UnitOfWork, identity: RequestIdentity, effect: Callable[[UnitOfWork], Awaitable[Answer]]
) -> Answer:
    """Run the effect and keep its answer, or give the answer kept before. The work's transaction holds all of it.

    An answer that is given again is a look again: what the effect recorded of looks is recorded anew.

    A duplicate that arrives meanwhile waits here for the first one's end: its commit (then the answer is given again)
    or its rollback (then the duplicate does the work). A fault inside the effect leaves no trace of the key.
    """
    connection = work.connection
    coordinates = (identity.tenant_id, identity.principal, identity.key)
    digest = _digest(connection, identity)
    while not await connection.fetchval(INSERT_KEY, *coordinates, identity.method_path, digest):
        kept = await connection.fetchrow(LOAD_ANSWER, *coordinates)
        if kept is not None:  # else it was pruned between the two statements
            return await _replay(work, kept, identity)
    answer = await effect(work)
    asked = identity.request_sha256.hex()
    kept_answer = {"headers": dict(answer.headers), "body": answer.body, "looks": work.looks, "request": asked}
    stored = json.dumps(kept_answer, allow_nan=False).encode()
    [sealed], [plain] = SEALED.kept(connection, [stored], [" ".join(coordinates)])
    await connection.execute(SAVE_ANSWER, *coordinates, answer.status, sealed, plain.decode() if plain else None)
    return answer


async def forget_answers(connection: Connection, tenants: Collection[str], ids: Collection[str]) -> int:
    """Forget the answers, kept for these tenants, that name any of these; who asks again is told that. Gives how many
    they were."""
    forgotten = 0
    async for kept in connection.cursor(LOAD_ANSWERS, list(tenants), prefetch=ANSWERS_AT_ONCE):
        coordinates = kept["tenant_id"], kept["principal"], kept["key"]
        row = " ".join(coordinates)
        sealed = kept["sealed_response"]
        text = kept["response"] if sealed is None else SEALED.open(connection, [sealed], [row])[0].decode()
        if text is None or not any(one in text for one in ids):
            continue
        stored = {**json.loads(text), "headers": {}, "body": ERASED.document(), "looks": []}
        [sealed], [plain] = SEALED.kept(connection, [json.dumps(stored).encode()], [row])
        saved = sealed, plain.decode() if plain else None
        await connection.execute(SAVE_ANSWER, *coordinates, ERASED.status, *saved)
        forgotten += 1
    return forgotten


def _digest(connection: Connection, identity: RequestIdentity) -> bytes:
    """What the version before knows the request again by: keyed, since a short request could be guessed; bare as long
    as that version may be asked again."""
    if seals_of(connection).has_begun:
        return ring_of(connection).mac(identity.request_sha256)
    return identity.request_sha256


async def _replay(work: UnitOfWork, kept: Any, identity: RequestIdentity) -> Answer:
    stored = json.loads(_opened(work.connection, kept, identity))
    if kept["method_path"] != identity.method_path or not _is_same(work.connection, kept, stored, identity):
        return Answer.of(KEY_REUSED)
    await audit.record_again(work, identity.whose(), (Look(*look) for look in stored.get("looks", ())))
    return replace(Answer(kept["status"], stored["body"], stored["headers"]), replayed=True)


def _is_same(connection: Connection, kept: Any, stored: Any, identity: RequestIdentity) -> bool:
    """By the digest that is sealed with the answer, which stays when the key that was current is taken away. An answer
    from before that has its keyed digest alone, or a bare one from before there was a ring."""
    digest = identity.request_sha256
    if "request" in stored:
        return bool(stored["request"] == digest.hex())
    return kept["request_sha256"] in {digest, *ring_of(connection).macs(digest)}


def _opened(connection: Connection, kept: Any, identity: RequestIdentity) -> bytes | str:
    """An answer from before there was a key ring stands in plain text."""
    if kept["sealed_response"] is None:
        return str(kept["response"])
    row = f"{identity.tenant_id} {identity.principal} {identity.key}"
    return SEALED.open(connection, [kept["sealed_response"]], [row])[0]


async def request_identity(
    request: Request,
    principal: Annotated[Principal, Depends(authenticate)],
    idempotency_key: Annotated[
        str,
        Header(
            min_length=8,
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="Made up once per intended effect, and sent again with every repetition of the request",
        ),
    ],
) -> RequestIdentity:
    """The dependency of every write: `identity: Annotated[RequestIdentity, Depends(request_identity)]`."""
    body = sha256(request.url.query.encode() + b"\0" + await request.body())
    method_path = f"{request.method} {request.url.path}"
    return RequestIdentity(
        principal.tenant, principal.subject, idempotency_key, method_path, body.digest(), principal.roles,
        principal.sites, request.headers.get("traceparent", ""), asking.of_request(request.scope),
    )  # fmt: skip


Identity = Annotated[RequestIdentity, Depends(request_identity)]
