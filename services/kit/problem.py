"""Errors as RFC 9457 problem documents. None of them ever holds a value that the client sent or that the database
named: only codes, field names of our own contract, and what was expected there."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, get_args

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic_core.core_schema import ErrorType
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.kit.log import fault_fields
from services.kit.postgres import is_outage

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
"""Long enough for a failover to begin, short enough that a person waits for it."""

RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457). `type` names its kind for good; `errors` only where fields were wrong.",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "title": "Problem",
                    "type": "object",
                    "required": ["type", "title", "status", "correlation_id"],
                    "properties": {
                        "type": {"type": "string", "examples": ["urn:vcc:problem:forbidden"]},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "correlation_id": {"type": "string"},
                        "errors": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["field", "expected"],
                                "properties": {"field": {"type": "string"}, "expected": {"type": "string"}},
                            },
                        },
                    },
                }
            }
        },
    }
}
"""What the interface's description says of every operation's errors."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 'no', which is a value. Each is declared as a constant at the top of a module, so that docs/problems.md lists
    them all. `title` and `status` are the same for every occurrence of `code`; `detail` says what was expected or what
    to do, and holds nothing that identifies a person."""

    code: str
    title: str
    detail: str
    status: int = HTTPStatus.CONFLICT

    def saying(self, detail: str) -> "Refusal":
        """The same refusal with a sentence about this occurrence."""
        return replace(self, detail=detail)

    def document(self) -> dict[str, Any]:
        return document(self, detail=self.detail)


class RefusedError(HTTPException):
    """Carries a refusal out of a place that cannot return it, such as a dependency or the reading of a body."""

    def __init__(self, refusal: Refusal, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(refusal.status, refusal.code, headers)
        self.refusal = refusal


def refuse(refusal: Refusal, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The refusal as the answer of a route."""
    return answer(refusal.document(), headers)


INVALID = Refusal(
    "invalid-request", "The request does not fit", "`errors` names each field and what is expected there.", 422
)
UNAVAILABLE = Refusal(
    "unavailable", "Service Unavailable", "Nothing is known of the outcome. Send the same request again, with the same "
    "idempotency key if it has one.", 503,
)  # fmt: skip
FAULT = Refusal(
    "fault", "Internal Server Error", "The software is at fault: tell its operator the `correlation_id`.", 500
)
OF_FRAMEWORK = {
    refusal.status: refusal
    for refusal in (
        Refusal("bad-request", "Bad Request", "The request can't be read.", 400),
        Refusal("not-found", "Not Found", "There is no such route.", 404),
        Refusal("method-not-allowed", "Method Not Allowed", "The route takes another method.", 405),
        Refusal(
            "request-entity-too-large", "Request Entity Too Large", "The body is larger than this route takes.", 413
        ),
    )
}
"""What the web framework refuses by itself, by status."""


def type_uri(code: str) -> str:
    """A name, not an address: stable for as long as a client may compare it."""
    return f"urn:vcc:problem:{code}"


def document(refusal: Refusal, **members: Any) -> dict[str, Any]:
    """Its problem document, with these members and not its own sentence."""
    known = {"type": type_uri(refusal.code), "title": refusal.title, "status": int(refusal.status)}
    return {**known, **members, "correlation_id": correlation_id()}


def answer(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(problem, problem["status"], headers=headers, media_type=MEDIA_TYPE)


def code_of(document: bytes) -> str | None:
    """The code that a problem document names."""
    try:
        return str(json.loads(document)["type"]).removeprefix(type_uri(""))
    except (ValueError, KeyError, TypeError):
        return None


def correlation_id() -> str:
    """The id of the request being answered, as bound at the edge; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("correlation_id", ""))


UNSTORABLE = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
"""What the database says of a text that it can't hold: the client sent it."""


class UnstorableTextError(HTTPException):
    """Expected text without U+0000, which no database holds."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.UNPROCESSABLE_ENTITY)


class RepeatedNameError(HTTPException):
    """Expected each name once in an object of a JSON body; whoever took one of the two would choose for the client."""

    def __init__(self, location: Sequence[str | int]) -> None:
        super().__init__(HTTPStatus.UNPROCESSABLE_ENTITY)
        self.location = location


def unstorable() -> JSONResponse:
    """The answer to a request whose path, query or body holds U+0000."""
    errors = [{"field": "*", "expected": "Text without the character U+0000"}]
    return answer(document(INVALID, errors=errors))


_OUTAGES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError, TimeoutError)


def install(app: FastAPI) -> None:
    app.add_exception_handler(RefusedError, _on_refused)
    for unstorable_error in (UnstorableTextError, *UNSTORABLE):
        app.add_exception_handler(unstorable_error, _on_unstorable)
    app.add_exception_handler(RepeatedNameError, _on_repeated)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for error in _OUTAGES:
        app.add_exception_handler(error, _on_outage)
    app.add_exception_handler(Exception, on_fault)


async def _on_refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RefusedError)
    return refuse(error.refusal, error.headers)


async def _on_unstorable(_request: Request, _error: Exception) -> JSONResponse:
    return unstorable()


async def _on_repeated(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RepeatedNameError)
    field = field_path(("body", *error.location), frozenset(_contract_names(request.app.openapi())))
    return answer(document(INVALID, errors=[{"field": field, "expected": "This name once in its object"}]))


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return answer(of_status(error.status_code, error.detail), error.headers)


def of_status(status: int, detail: str = "") -> dict[str, Any]:
    """What the framework refuses, with its sentence if it has one."""
    refusal = OF_FRAMEWORK.get(status) or _of_phrase(status)
    more = {"detail": detail} if isinstance(detail, str) and detail not in ("", HTTPStatus(status).phrase) else {}
    return document(refusal, **more)


def _of_phrase(status: int) -> Refusal:
    """For a status that the framework does not give today."""
    phrase = HTTPStatus(status).phrase
    return replace(OF_FRAMEWORK[400], code=re.sub(r"[^a-z]+", "-", phrase.lower()), title=phrase, status=status)


async def _on_outage(request: Request, error: Exception) -> JSONResponse:
    if not is_outage(error):
        return await on_fault(request, error)
    log.error("dependency unavailable", **fault_fields(error))
    return refuse(UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_S)})


async def on_fault(_request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", **fault_fields(error))
    return answer(document(FAULT))


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    names = frozenset(_contract_names(request.app.openapi()))
    errors = [{"field": field_path(detail["loc"], names), "expected": expected(detail)} for detail in error.errors()]
    return answer(document(INVALID, errors=errors))


_PLACES = frozenset({"body", "query", "path", "header", "cookie"})
_STANDARD = frozenset(get_args(ErrorType))
_FREE_TEXT = frozenset({"value_error", "assertion_error", "iteration_error", "get_attribute_error"})


def field_path(location: Sequence[str | int], contract_names: frozenset[str]) -> str:
    """`body.rows.3.zip`. A step that is no name of our contract is a key that the client made up: `*`."""
    known = _PLACES | {name.lower() for name in contract_names}
    return ".".join(str(step) if isinstance(step, int) or step.lower() in known else "*" for step in location)


def expected(error: Mapping[str, Any]) -> str:
    """What would have been accepted. pydantic's own sentences are kept where they are made from the schema alone.

    A validator that wants to be heard raises `PydanticCustomError("code", "a literal sentence")`; the text of a
    ValueError may hold the value, so it is not passed on.
    """
    kind, context, sentence = str(error["type"]), error.get("ctx") or {}, str(error["msg"])
    if kind == "union_tag_invalid":
        return f"Input tag should be one of {context['expected_tags']}"
    if kind in _FREE_TEXT or (kind not in _STANDARD and context):
        return "Another value: this one breaks a rule of this field"
    if "error" in context or "tz_actual" in context:
        return re.split(r"[,:] ", sentence)[0]
    return sentence


def _contract_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        if "in" in schema and isinstance(schema.get("name"), str):
            yield schema["name"]
        for part in schema.values():
            yield from _contract_names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _contract_names(part)
