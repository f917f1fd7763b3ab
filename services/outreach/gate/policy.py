"""What the gate permits, read once from the files beside this module."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter

from schemas.outreach_v1 import Channel
from services.outreach.gate.hours import Holiday, Hours, Window, hours_of
from services.outreach.gate.zones import Atlas, load_atlas

_FOLDER = Path(__file__).parent


class CallKind(StrEnum):
    """How a call or a text is made."""

    MANUAL = "manual"
    AUTODIALLED = "autodialled"
    PRERECORDED = "prerecorded"


@dataclass(frozen=True, slots=True)
class Caps:
    """Most contacts on a day, in 7 days and in 30."""

    day: int
    week: int
    month: int


@dataclass(frozen=True, slots=True)
class Limits:
    """See `policy.yaml` for the reason of each."""

    version: int
    effective_on: date
    with_hours: frozenset[Channel]
    needs_consent: frozenset[CallKind]
    confirmation_minutes: int
    reservation_minutes: int
    recheck_hours: int
    caps: Mapping[Channel, Caps]
    prerecorded_caps: Caps
    holidays: tuple[Holiday, ...]

    def __post_init__(self) -> None:
        if missing := set(Channel) - set(self.caps):
            raise ValueError(f"no caps for {', '.join(sorted(missing))}")


@dataclass(frozen=True, slots=True)
class _Said:
    version: int
    effective_on: date
    federal: tuple[time, time]
    states: Mapping[str, tuple[tuple[time, time] | None, ...]]
    anywhere: frozenset[str]


@dataclass(frozen=True)
class GatePolicy:
    """Everything that a decision depends on beside the member."""

    limits: Limits
    hours: Hours
    atlas: Atlas
    _holidays: dict[int, frozenset[date]] = field(default_factory=dict, compare=False, repr=False)

    def is_holiday(self, on: date) -> bool:
        """Whether nobody is called on this day; one that is kept in the old year belongs to the new one's first day."""
        if on.year not in self._holidays:
            years = on.year, on.year + 1
            days = (day for one in self.limits.holidays for year in years for day in one.days_in(year))
            self._holidays[on.year] = frozenset(days)
        return on in self._holidays[on.year]


def load_limits(path: Path = _FOLDER / "policy.yaml") -> Limits:
    """Caps, holidays and times; a pydantic error for a file that does not fit."""
    return TypeAdapter(Limits).validate_python(_read(path))


def load_gate_policy(path: Path = _FOLDER / "hours.yaml") -> GatePolicy:
    """All of it, with the tables of places."""
    said = TypeAdapter(_Said).validate_python(_read(path))
    weeks = {state: tuple(None if one is None else Window(*one) for one in week) for state, week in said.states.items()}
    return GatePolicy(load_limits(), hours_of(Window(*said.federal), weeks), load_atlas(said.anywhere))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


GATE: Final = load_gate_policy()
