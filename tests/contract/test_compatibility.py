"""The gate that keeps subscribers' code working."""

import copy
from typing import Any

import pytest

from deploy.contracts import generated, refusals
from schemas.compatibility import breaking_changes
from schemas.documents import json_schemas

CASE = "vcc.case.changed.v1"


def test_generated_documents_are_committed() -> None:
    """The committed JSON Schemas and AsyncAPI document are what the catalog gives today."""
    stale = [path.name for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "run: python -m deploy.contracts"


def test_todays_schemas_break_no_release() -> None:
    """No released contract is broken by today's schemas."""
    assert refusals() == []


def _without_field(schema: dict[str, Any]) -> None:
    del schema["properties"]["paused_until_on"]


def _narrowed(schema: dict[str, Any]) -> None:
    schema["properties"]["attempts"] = {"type": "boolean"}


def _not_null(schema: dict[str, Any]) -> None:
    schema["properties"]["paused_until_on"] = {"type": "string", "format": "date"}


def _new_required(schema: dict[str, Any]) -> None:
    schema["properties"]["mood"] = {"type": "string"}
    schema["required"].append("mood")


def _renamed_enum_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["CaseStatus"]["enum"] = ["open", "sleeping", "closed"]


def _tighter(schema: dict[str, Any]) -> None:
    schema["properties"]["priority"]["maximum"] = 10


def _now_optional(schema: dict[str, Any]) -> None:
    schema["required"].remove("opened_on")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_without_field, "paused_until_on is gone"),
        (_narrowed, "attempts was integer and would be boolean"),
        (_not_null, "paused_until_on was null or string and would be string"),
        (_new_required, "mood is now required"),
        (_renamed_enum_value, "status no longer takes 'paused'"),
        (_renamed_enum_value, "status may now be 'sleeping'"),
        (_tighter, "priority: maximum changes from 1000 to 10"),
        (_now_optional, "opened_on is no longer always there"),
    ],
)
def test_breaking_change_is_refused_by_name(change: Any, sentence: str) -> None:
    """A breaking change is refused with a sentence that names the event and the field."""
    released = json_schemas()
    current = copy.deepcopy(released)
    change(current[CASE])
    said = breaking_changes(released, current)
    assert any(one.startswith(f"{CASE}: {sentence}") for one in said), said


def test_removed_event_is_refused() -> None:
    """An event that subscribers wait for can't vanish."""
    current = json_schemas()
    del current[CASE]
    assert breaking_changes(json_schemas(), current) == [
        f"{CASE}: the event is gone; its subscribers still wait for it."
    ]


def test_optional_field_and_new_description_pass() -> None:
    """A new optional field and a better description break nobody."""
    current = json_schemas()
    current[CASE]["properties"]["note"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    current[CASE]["properties"]["attempts"]["description"] = "How often somebody tried."
    current["vcc.brand-new.v1"] = {"type": "object", "properties": {}}
    assert breaking_changes(json_schemas(), current) == []
