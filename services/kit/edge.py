"""The edge of every service's HTTP: correlation ids, limits, masking, headers, access log. What goes out of here to a
log or a metric names routes and codes, never a path, a query or a body."""

import json
import re
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from fastapi.responses import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit import asking, metrics, problem, trace
from services.kit.answers import Trail
from services.kit.auth import route_template, token_first
from services.kit.health_routes import HEALTH_PATHS
from services.kit.ids import new_id
from services.kit.json_bodies import checked
from services.kit.masking import SEES, Mask, mask_of_all
from services.kit.slow_clients import hurried

log = structlog.get_logger()


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
