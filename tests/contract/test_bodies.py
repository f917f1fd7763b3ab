"""What a request's body says is taken as it is written: no number out of a text, no day out of a count of seconds."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import pytest
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import SecretStr

from deploy.contracts import openapis
from services.eligibility import app as eligibility
from services.kit.app import create
from services.kit.settings import KafkaSettings, Settings
from services.outreach import app as outreach
from services.reporting import app as reporting
from services.scheduling import app as scheduling

Json = dict[str, Any]

BUILDS = (eligibility.build, outreach.build, scheduling.build, reporting.build)
FITS: Mapping[str, Any] = {
    "integer": 12, "number": 1.5, "boolean": True, "date": "2026-01-26", "date-time": "2026-01-26T09:00:00Z",
    "text": "deu",
}  # fmt: skip
SECONDS = (1769904000, "1769904000", 1769904000.5, True)
UNSEEN = ("\u200b\u200b\u200b", "abc\u202edef", "abc\u0007def", "abc\u2066def", "\u3164\u3164\u3164", "\ufeffabc")
ODD: Mapping[str, tuple[Any, ...]] = {
    "integer": ("12", 12.0, True, "12.0", [12]),
    "number": ("1.5", True, "NaN"),
    "boolean": ("yes", "true", 1, 0, "on"),
    "date": (*SECONDS, "2026-01-26T00:00:00", "2026-01-26 00:00:00Z", " 2026-01-26", "26.01.2026"),
    "date-time": (*SECONDS, "2026-01-26", "2026-01-26T09:00:00"),
    "text": (*UNSEEN, "   ", "---", 12),
}
"""By kind of field: what means something else, or nothing, in JSON."""
LOOKED_UP = frozenset({"code", "member_id", "language"})
"""Texts that name what is known already: what is not known is refused, one by one."""


class Leaf(NamedTuple):
    """A field of a body that is no object: where it stands, of what kind it is, and the body in which nothing else is
    said but of which kind its parts are."""

    operation: str
    path: tuple[str, ...]
    kind: str
    body_with: Callable[[Any], Any]


def operations() -> Iterator[tuple[str, APIRoute]]:
    """Every operation by service, method and path."""
    for service in (build() for build in BUILDS):
        nowhere = KafkaSettings(bootstrap_servers="localhost:1")
        settings = Settings(service=service.name, kafka=nowhere, dsn=SecretStr(""), oidc_issuer="http://localhost:1")
        for context in iter_route_contexts(create(service, settings).routes):
            if isinstance(route := context.original_route, APIRoute):
                yield from ((f"{service.name} {method} {context.path_format}", route) for method in route.methods or ())


@cache
def routes() -> dict[str, APIRoute]:
    """Those that take a JSON body."""
    return {name: route for name, route in operations() if route.body_field is not None}


def whole_numbers() -> list[tuple[str, ModelField]]:
    """The parameters of queries and paths that are whole numbers, and of which operation."""
    return [
        (name, parameter)
        for name, route in operations()
        for parameter in _parameters(route.dependant)
        if parameter.field_info.annotation in {int, int | None}
    ]


def _parameters(dependant: Dependant) -> Iterator[ModelField]:
    yield from (*dependant.query_params, *dependant.path_params, *dependant.header_params)
    for one in dependant.dependencies:
        yield from _parameters(one)


def leaves() -> list[Leaf]:
    """Every field of every operation's body, as the OpenAPI document tells it."""
    found = []
    for name, document in openapis().items():
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                content = operation.get("requestBody", {}).get("content", {})
                if "application/json" in content:
                    schema = content["application/json"]["schema"]
                    operation_name = f"{name} {method.upper()} {path}"
                    found += [Leaf(operation_name, *one) for one in _leaves(schema, document["components"]["schemas"])]
    return found


def _leaves(
    schema: Json, named: Mapping[str, Json], path: tuple[str, ...] = (), body_with: Callable[[Any], Any] = lambda it: it
) -> Iterator[tuple[tuple[str, ...], str, Callable[[Any], Any]]]:
    """No body nests a shape in the same one."""
    for part in _parts(schema, named):
        fields = part.get("properties", {})
        consts = {name: about["const"] for name, about in fields.items() if "const" in about}
        for name, about in fields.items():
            yield from _leaves(about, named, (*path, name), partial(_within, body_with, consts, name))
        if part.get("type") == "array":
            yield from _leaves(part["items"], named, path, lambda it: body_with([it]))
        elif (kind := _kind(part)) and path[-1] not in LOOKED_UP:
            yield path, kind, body_with


def _within(body_with: Callable[[Any], Any], consts: Json, name: str, value: Any) -> Any:
    return body_with(consts | {name: value})


def _parts(schema: Json, named: Mapping[str, Json]) -> Iterator[Json]:
    if "$ref" in schema:
        schema = named[schema["$ref"].rpartition("/")[2]]
    choices = schema.get("anyOf") or schema.get("oneOf")
    for choice in choices or ():
        yield from _parts(choice, named)
    if not choices:
        yield schema


def _kind(part: Json) -> str | None:
    if part.get("type") == "string":
        kind = part.get("format") or ("text" if "minLength" in part and "pattern" not in part else None)
        return kind if kind in FITS else None
    return part.get("type") if part.get("type") in FITS else None


def complaints(leaf: Leaf, value: Any) -> list[tuple[str | int, ...]]:
    """Where the operation finds fault with the body."""
    field = routes()[leaf.operation].body_field
    assert field is not None
    _, errors = field.validate(leaf.body_with(value), {}, loc=("body",))
    return [tuple(error["loc"]) for error in errors or ()]


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: f"{leaf.operation} {'.'.join(leaf.path)}")
def test_a_body_is_taken_as_it_is_written(leaf: Leaf) -> None:
    """What JSON has a form for is taken in that form alone: a number is no text, no fraction and no yes; a day is
    YYYY-MM-DD and no count of seconds; a text that people read has nothing that nobody sees."""
    assert not _about(leaf, complaints(leaf, FITS[leaf.kind]))
    taken = [odd for odd in ODD[leaf.kind] if not _about(leaf, complaints(leaf, odd))]
    assert not taken


@pytest.mark.parametrize(("operation", "parameter"), whole_numbers(), ids=lambda it: getattr(it, "name", it))
def test_a_number_of_a_query_is_one_that_a_column_can_hold(operation: str, parameter: ModelField) -> None:
    """Greater ones are refused at the door, and no fault behind it."""
    assert parameter.validate("12", {}, loc=("query",)) == (12, [])
    for odd in (str(2**63), "9" * 40, "-" + "9" * 40, "12.5", "", "true", "0x0c"):
        assert parameter.validate(odd, {}, loc=("query",))[1], (operation, odd)


def test_a_reason_in_a_header_can_be_read() -> None:
    """What an operator does to records has a reason that says something to whoever reads the trail."""
    reasons = [one for _, route in operations() for one in _parameters(route.dependant) if one.alias == "X-Reason"]
    assert reasons
    for reason in reasons:
        assert reason.validate(" ticket 7 ", {}, loc=("header",)) == ("ticket 7", [])
        assert [odd for odd in ("   ", "...", "--- ", "7 ") if not reason.validate(odd, {}, loc=("header",))[1]] == []


def _about(leaf: Leaf, found: list[tuple[str | int, ...]]) -> bool:
    """Whether any of it is about this field."""
    return any(leaf.path[-1] in where for where in found)


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: f"{leaf.operation} {'.'.join(leaf.path)}")
def test_a_body_has_no_field_that_nobody_reads(leaf: Leaf) -> None:
    """A slip in a name is no silence: every part of a body refuses fields that it does not know. FHIR's resources alone
    bring much that is not looked at."""
    field = routes()[leaf.operation].body_field
    assert field is not None
    body = _with_stranger(leaf.body_with(FITS[leaf.kind]), leaf.path[-1])
    _, errors = field.validate(body, {}, loc=("body",))
    is_fhir = "resource" in leaf.path or leaf.operation.endswith("$immds-forecast")
    assert any("unheard_of" in error["loc"] for error in errors or ()) is not is_fhir


def _with_stranger(body: Any, name: str) -> Any:
    """The same with a field more beside the one of this name."""
    if isinstance(body, list):
        return [_with_stranger(one, name) for one in body]
    if not isinstance(body, dict):
        return body
    return body | ({"unheard_of": 1} if name in body else {key: _with_stranger(it, name) for key, it in body.items()})


def test_no_operation_is_left_out() -> None:
    """Every operation with a body of JSON is gone through, as far as it has numbers, days or texts."""
    assert {leaf.operation for leaf in leaves()} <= routes().keys()
    assert {leaf.kind for leaf in leaves()} == FITS.keys()
