"""What is kept of two persons who become one, so that it can be taken back: what each had, what came of it. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.eligibility.doses.parting import KeptReports
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.kept_row import named
from services.eligibility.people.parting import KeptRows, Row

VERSION = 1
"""Raised when what was kept can't be read any more."""


@dataclass(frozen=True, slots=True)
class Kept:
    """`entries` are both's in plans before, `made` those of the person whom they became; `tables` the rows of each;
    `pairs` those that name one of both beside somebody."""

    entries: tuple[Enrolment, ...]
    made: tuple[Enrolment, ...]
    tables: dict[str, KeptRows]
    reports: KeptReports = field(default_factory=KeptReports)
    pairs: dict[str, list[Row]] = field(default_factory=dict)

    def rows_of(self, table: str) -> KeptRows:
        return self.tables.get(table, KeptRows([], [], []))


_KEPT = TypeAdapter(Kept)


def document_of(kept: Kept) -> str:
    return json.dumps({"version": VERSION, "kept": _by_name(kept)}, default=str)


def kept_of(document: Any) -> Kept | None:
    """What was kept; none where this code can't read it."""
    found = document.get("kept") if isinstance(document, dict) and document.get("version") == VERSION else None
    try:
        return _KEPT.validate_python(found)
    except ValidationError:
        return None


def _by_name(value: Any) -> Any:
    """Tables hold plain JSON; the rest is told by the names of the fields."""
    plain: dict[str, Any] = named(value)
    return plain | {"tables": {table: named(rows) for table, rows in value.tables.items()}, "pairs": value.pairs}
