"""The cells of coverage, and by how much they change. Pure."""

from collections.abc import Mapping
from typing import NamedTuple


class Cell(NamedTuple):
    """Whom a cell counts."""

    programme_id: str
    tenant_id: str
    zip5: str
    age_band: str
    race_ethnicity: str
    svi_group: str


class CellCounts(NamedTuple):
    """What it counts of them."""

    members: int
    eligible: int
    vaccinated: int


NONE = CellCounts(0, 0, 0)


def differences(before: Mapping[Cell, CellCounts], after: Mapping[Cell, CellCounts]) -> dict[Cell, CellCounts]:
    """What is to be added to each cell whose counts have changed."""
    changes = {}
    for cell in before.keys() | after.keys():
        old, new = before.get(cell, NONE), after.get(cell, NONE)
        if old != new:
            changes[cell] = CellCounts(*(right - left for left, right in zip(old, new, strict=True)))
    return changes
