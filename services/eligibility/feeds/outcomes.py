"""What became of a row of a file. Pure."""

from typing import NamedTuple


class RowResult(NamedTuple):
    """What became of a row. `code`, `field` and `expected` are sentences of ours, never what the row holds. `changes`
    are what it changed, by their words."""

    row: int
    outcome: str
    code: str | None = None
    field: str | None = None
    segment: int | None = None
    expected: str | None = None
    changes: tuple[str, ...] = ()
