"""How a row is kept while it waits: every value that was read by its name, under a version. Pure."""

import dataclasses
import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.eligibility.people.roster_row import RosterRow

VERSION = 2
"""Raised when a row that was kept can't be read any more. Version 1 was a list of values in the order of the fields."""
_ROW = TypeAdapter(RosterRow)


def document_of(row: RosterRow) -> str:
    return json.dumps({"version": VERSION, "row": named(row)}, default=str)


def row_of(document: Any) -> RosterRow | None:
    """The row, or none where this code can't read how it was kept."""
    if isinstance(document, dict):
        document = document.get("row") if document.get("version") == VERSION else None
    try:
        return _ROW.validate_python(document)
    except ValidationError:
        return None


def named(value: Any) -> Any:
    """The value as JSON has it, every field by its name."""
    if isinstance(value, tuple):
        if (fields := getattr(value, "_fields", None)) is None:
            return [named(entry) for entry in value]
        return {name: named(entry) for name, entry in zip(fields, value, strict=True)}
    if dataclasses.is_dataclass(value):
        return {field.name: named(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
