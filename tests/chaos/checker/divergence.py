"""What the checker says when something is not as it must be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Divergence:
    """One thing that is not as it must be. `number` is the invariant's in the architecture; nothing here but ids, codes
    and counts: a field of a person is named and never shown."""

    number: int
    invariant: str
    where: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"[{self.number} {self.invariant}] {self.where}: expected {self.expected}, found {self.found}"


SHOWN_FIELDS = frozenset({
    "version", "status", "reasons", "vaccinated", "doses_valid", "closed_reason", "attempts", "booked", "fulfilled",
    "capacity", "released", "state", "action", "is_retracted", "is_announced", "eligible", "enrolled", "members",
    "programme_version", "held_by", "rank", "business_on", "rows_read", "rows_accepted", "rows_rejected",
    "code", "may_be", "is_kept",
})  # fmt: skip
"""Fields whose values tell nothing of a person beside his token."""


def differing(expected: Mapping[str, object], found: Mapping[str, object]) -> tuple[str, str] | None:
    """What differs between two rows, as texts of what was expected and what was found; None: nothing does."""
    names = sorted(name for name in expected if expected[name] != found.get(name))
    if not names:
        return None
    return _told(names, expected), _told(names, found, "something else")


def _told(names: Iterable[str], row: Mapping[str, object], hidden: str = "as recomputed") -> str:
    return ", ".join(f"{name}={row.get(name)}" if name in SHOWN_FIELDS else f"{name} {hidden}" for name in names)
