"""The application that every service's HTTP is: its edge, problem documents, permissions in its OpenAPI, `/docs`."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import ASGIApp, Lifespan

from services.kit import problem
from services.kit.api_docs import docs_page
from services.kit.auth import Auth, RouteAsks, asked_by
from services.kit.edge import Edge
from services.kit.json_bodies import MAX_BODY_BYTES
from services.kit.signed import asks_for_signature

_NO_TELEMETRY: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
"""FastAPI's own spans and log records would carry paths, queries and the texts of exceptions."""


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
