"""Files that were not read to their end: a person cancelled them, or too many of their rows were rejected."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.chaos.checker.inputs.records import Registry, Roster

CANCELLED, STOPPED = "cancelled", "stopped"
REASONS = {CANCELLED: "cancelled", STOPPED: "too-many-rejects"}
MOST_REJECTS, MOST_PERCENT = 10_000, 25


def read_part(content: Roster | Registry, file: Mapping[str, Any]) -> Roster | Registry:
    """What was read of the file: of one that was cut short the rows up to its cursor."""
    if file["state"] not in REASONS:
        return content
    last = int(file["cursor_row"])
    if isinstance(content, Registry):
        return replace(content, rows=tuple(row for row in content.rows if row.row <= last))
    parts = [replace(part, rows=tuple(row for row in part.rows if row.row <= last)) for part in content.parts]
    return replace(content, parts=tuple(parts), is_cut=True)


def is_over(rejected: int, read: int) -> bool:
    """Whether so much was rejected that the rest is not read."""
    return rejected > MOST_REJECTS and rejected * 100 > MOST_PERCENT * read


def why_wrong(file: Mapping[str, Any]) -> str | None:
    """What does not hold of a file that was, or was not, cut short."""
    state, rejected = file["state"], int(file["rows_rejected"])
    if file.get("cut_short") != REASONS.get(state):
        return f"cut short for {REASONS.get(state)}"
    if state == CANCELLED and (file["decision"] != CANCELLED or not file["decided_by"]):
        return "a person who cancelled it"
    if state != CANCELLED and is_over(rejected, rejected + int(file["rows_accepted"])) is not (state == STOPPED):
        return "an end at too many rejects, and none before"
    return None
