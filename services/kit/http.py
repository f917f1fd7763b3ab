"""The HTTP edge of every service: correlation ids, problem documents, limits, headers, access log, health. What goes
out of here to a log or a metric names routes and codes, never a path, a query or a body."""

import json
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute, iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from services.kit import asking, metrics, problem, trace
from services.kit.answers import Trail
from services.kit.api_docs import docs_page
from services.kit.auth import Auth, RouteAsks, asked_by, route_template, token_first
from services.kit.ids import new_id
from services.kit.json_bodies import MAX_BODY_BYTES, checked
from services.kit.masking import SEES, Mask, mask_of_all
from services.kit.signed import asks_for_signature
from services.kit.slow_clients import hurried
from services.kit.workers import RUNNING

HEALTH_PATHS = ("/live", "/ready", "/ready/serves", "/ready/consumes", "/metrics")
SERVING = frozenset({"postgres", "schema", "own-log"})
"""The checks that a request needs: what it announces waits in the outbox for a broker that is away (ADR 25)."""

_NO_TELEMETRY: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
"""FastAPI's own spans and log records would carry paths, queries and the texts of exceptions."""

log = structlog.get_logger()


class _EdgedApp(FastAPI):
    """The edge lies outside of the framework's own handlers, so that what those answer passes it too. Whatever refuses
    is a problem document, and the interface's description says so."""

    def build_middleware_stack(self) -> ASGIApp:
        return Edge(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """With what each operation asks for, which roles have it, and each refusal told as a problem document."""
        if self.openapi_schema is None:
            document = super().openapi()
            self._say_permissions(document)
            for operations in document.get("paths", {}).values():
                for operation in operations.values():
                    for status, answer in operation["responses"].items():
                        _tell_as_problem(status, answer.get("content", {}))
        return super().openapi()

    def _say_permissions(self, document: dict[str, Any]) -> None:
        for context in iter_route_contexts(self.routes):
            if not isinstance(context.original_route, APIRoute):
                continue
            operations = document.get("paths", {}).get(context.path_format, {})
            for operation in filter(None, (operations.get(method.lower()) for method in context.methods or ())):
                if asked := asked_by(context.dependant):
                    _say_permission(operation, asked)
                elif asks_for_signature(context.dependant):
                    operation["x-signed"] = True


def _say_permission(operation: dict[str, Any], asked: RouteAsks) -> None:
    roles = sorted(asked.roles)
    operation |= {"x-permission": asked.permission, "x-roles": roles, "x-for-all-tenants": asked.for_all}
    for_all = ", acting for all tenants" if asked.for_all else ""
    asks = f"Asks for `{asked.permission}`{for_all}: {', '.join(roles)}."
    operation["description"] = "\n\n".join(filter(None, [operation.get("description"), asks]))


def _tell_as_problem(status: str, content: dict[str, Any]) -> None:
    """The framework tells each documented shape as that of a plain JSON body."""
    if status >= "4" and "application/json" in content:
        content[problem.MEDIA_TYPE] = content.pop("application/json")


def create_app(
    title: str,
    version: str,
    *,
    lifespan: Lifespan[Any] | None = None,
    auth: Auth | None = None,
    description: str = "",
    max_body_bytes: int = MAX_BODY_BYTES,
) -> FastAPI:
    """An application with everything that each service's HTTP has in common, and `/docs` that loads nothing."""
    app = _EdgedApp(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        max_body_size=max_body_bytes,
        responses=problem.RESPONSES,
        telemetry=_NO_TELEMETRY,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.auth = auth
    problem.install(app)
    app.add_api_route("/docs", lambda: _docs(app), include_in_schema=False)
    return app


def _docs(app: FastAPI) -> HTMLResponse:
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return HTMLResponse(docs_page(app.openapi()), headers={"Content-Security-Policy": policy})


class Edge:
    """Wraps one request: binds its ids, adds headers, counts and logs it, and lets no exception (whose text might hold
    a row's values) reach the server's log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Headers(scope=scope)
        traced = trace.trace_id(request.get("traceparent", ""))
        correlation = _correlation_id(request.get("x-correlation-id", "")) or traced or str(new_id())
        bound = {"correlation_id": correlation} | ({"trace_id": traced} if traced else {})
        with structlog.contextvars.bound_contextvars(**bound):
            outgoing = Outgoing(send, correlation, scope, Trail(scope, asking.opened(scope)))
            await self._answer(scope, receive, outgoing)

    async def _answer(self, scope: Scope, receive: Receive, outgoing: "Outgoing") -> None:
        started = time.perf_counter()
        try:
            if _NUL_IN_QUERY.search(scope["query_string"]) or "\0" in scope["path"]:
                await problem.unstorable()(scope, receive, outgoing.send)
            else:
                await self.app(scope, checked(scope, token_first(scope, hurried(receive))), outgoing.send)
        except Exception:  # noqa: BLE001 - problem.on_fault has said its class and place, and answered
            outgoing.status = outgoing.status or 500
        finally:
            _observe(scope, outgoing.status, time.perf_counter() - started)


_NUL_IN_QUERY = re.compile(rb"%00|\x00")


class Outgoing:
    """The answer on its way out: headers for all, a problem document where the framework says 413 in plain text, and
    without what the asker's roles may not see."""

    def __init__(self, send: Send, correlation: str, scope: Scope, trail: Trail) -> None:
        self._send = send
        self._correlation = correlation
        self._scope = scope
        self._secure = scope["scheme"] == "https"
        self._trail = trail
        self._replaced = False
        self._held: Message | None = None
        self._is_masked = False
        self._body = b""
        self.status = 0

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._held is None:
            await self._send(message)
        elif self._is_masked:
            await self._send_masked(self._held, message)
        elif await self._begin(self._held, problem.code_of(message.get("body", b""))):
            await self._send(message)

    def _sees(self) -> frozenset[str]:
        sees: frozenset[str] = self._scope.get(SEES, frozenset())
        return sees

    async def _send_masked(self, start: Message, message: Message) -> None:
        """Once the whole answer is there, what may be seen of it."""
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        seen = mask_at(self._scope).over(json.loads(self._body), self._sees()) if self._body else None
        body = json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode() if self._body else b""
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        if await self._begin(start, None):
            await self._send({"type": "http.response.body", "body": body})

    async def _start(self, message: Message) -> None:
        """What begins a problem waits for its document, which says the code that the trail keeps; what is masked, for
        the whole answer."""
        self.status = message["status"]
        is_problem = Headers(raw=message["headers"]).get("content-type") == problem.MEDIA_TYPE
        hides = self.status < 300 and _is_json(message) and mask_at(self._scope).hides_from(self._sees())
        if is_problem or hides:
            self._held, self._is_masked = message, hides
        else:
            await self._begin(message, None)

    async def _begin(self, message: Message, code: str | None) -> bool:
        """Whether the rest of the answer may follow."""
        self._held = None
        if not await self._trail.tell(self.status, code):
            await self._replace(problem.refuse(problem.UNAVAILABLE, {"Retry-After": str(problem.RETRY_AFTER_S)}))
        elif self.status == 413 and code is None:
            await self._replace(problem.answer(problem.of_status(413, "The body is larger than this route takes.")))
        else:
            self._add_headers(message)
            await self._send(message)
        return not self._replaced

    async def _replace(self, response: Response) -> None:
        self._replaced, self.status = True, response.status_code
        start: Message = {"type": "http.response.start", "status": self.status, "headers": response.raw_headers}
        self._add_headers(start)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": response.body})

    def _add_headers(self, message: MutableMapping[str, Any]) -> None:
        headers = MutableHeaders(scope=message)
        headers["X-Correlation-Id"] = self._correlation
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        if self._secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _is_json(start: Message) -> bool:
    return "json" in Headers(raw=start["headers"]).get("content-type", "")


def mask_at(scope: Scope) -> Mask:
    """Of the shapes in which a request's route answers."""
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return mask_of_route(route)


def mask_of_route(route: Any) -> Mask:
    """Of the shapes that a route declares for what it did."""
    said = getattr(route, "responses", {}).items()
    others = [about.get("model") for status, about in said if str(status).startswith("2")]
    shapes = [shape for shape in (getattr(route, "response_model", None), *others) if shape is not None]
    return mask_of_all(tuple(shapes))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _observe(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = route_template(scope)
    metrics.REQUESTS.labels(method, route, str(status)).inc()
    metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)
    say = log.debug if route in HEALTH_PATHS else log.info
    say("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 1))


# Ids of these shapes only: whatever else a client writes there (a phone number, say) must not reach the logs.
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def _correlation_id(header: str) -> str | None:
    return header.lower() if _UUID.fullmatch(header) else None


Check = Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""None when well, else the reason, which holds no secret and nothing that identifies a person."""


def add_health(
    app: FastAPI,
    checks: Mapping[str, Check],
    registry: CollectorRegistry = REGISTRY,
    tasks: Callable[[], Mapping[str, str]] = dict,
    measure: Callable[[], None] = lambda: None,
) -> None:
    """`/live` while the loop runs and every background task with it; `/ready` when every check is well,
    `/ready/serves` when those are that a request needs, `/ready/consumes` when all others are; `/metrics` for
    Prometheus, which finds readiness as it is then, and what `measure` sets."""

    async def live() -> Response:
        states = tasks()
        lives = all(state == RUNNING for state in states.values())
        return JSONResponse({"live": lives, "tasks": dict(states)}, 200 if lives else 503)

    async def look(names: Collection[str]) -> dict[str, str | None]:
        reasons = {name: await _run(check) for name, check in checks.items()}
        metrics.READY.set(not any(reasons.values()))
        metrics.SERVES.set(not any(reasons.get(name) for name in SERVING))
        for name, reason in reasons.items():
            metrics.CHECK.labels(name).set(reason is None)
        return {name: reason for name, reason in reasons.items() if name in names}

    async def ready() -> Response:
        return _readiness(await look(checks))

    async def serves() -> Response:
        return _readiness(await look(SERVING))

    async def consumes() -> Response:
        return _readiness(await look(checks.keys() - SERVING))

    async def prometheus() -> Response:
        await look(())
        measure()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    for path, route in zip(HEALTH_PATHS, (live, ready, serves, consumes, prometheus), strict=True):
        app.add_api_route(path, route, include_in_schema=False)


def _readiness(reasons: Mapping[str, str | None]) -> Response:
    well = not any(reasons.values())
    states = {name: {"ready": reason is None, "reason": reason} for name, reason in reasons.items()}
    return JSONResponse({"ready": well, "checks": states}, 200 if well else 503)


async def _run(check: Check) -> str | None:
    try:
        found = check()
        return await found if isinstance(found, Awaitable) else found
    except (TimeoutError, OSError) as error:
        return type(error).__name__


def unguarded(app: FastAPI) -> list[str]:
    """Operations that lack what each should have: a token, a permission, and an idempotency key on writes, or else a
    signature, which stands for all three. For a service's tests."""
    lacking = []
    for path, operations in app.openapi().get("paths", {}).items():
        for method, operation in operations.items():
            if operation.get("x-signed"):
                continue
            name = f"{method.upper()} {path}"
            if not operation.get("security"):
                lacking.append(f"{name}: needs no token")
            if "x-permission" not in operation:
                lacking.append(f"{name}: asks for no permission")
            if method in ("post", "put", "patch") and "idempotency-key" not in _required_headers(operation):
                lacking.append(f"{name}: needs no idempotency key")
    return lacking


def _required_headers(operation: Mapping[str, Any]) -> set[str]:
    parameters = operation.get("parameters", [])
    return {
        parameter["name"].lower()
        for parameter in parameters
        if parameter["in"] == "header" and parameter.get("required")
    }
