"""Medi-Cal's Community Supports by day, and where a plan has elected them. Pure, but for reading the list beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter

_SOURCE = Path(__file__).with_name("supports.yaml")


@dataclass(frozen=True, slots=True)
class Support:
    """One of the list; it is there from this day on."""

    title: str
    from_on: date
    until_on: date | None = None

    def is_listed(self, day: date) -> bool:
        """Whether the list has it on this day."""
        return self.from_on <= day and (self.until_on is None or day <= self.until_on)


@dataclass(frozen=True, slots=True)
class Election:
    """A plan offers a support in a county, from the first day to the last, both among them."""

    support: str
    county: str
    from_on: date
    until_on: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it holds on this day."""
        return self.from_on <= day and (self.until_on is None or day <= self.until_on)


def load_supports(path: Path = _SOURCE) -> Mapping[str, Support]:
    """The list; a pydantic error for a file that does not fit."""
    document = yaml.safe_load(path.read_text("utf-8"))
    return TypeAdapter(dict[str, Support]).validate_python(document["supports"])


SUPPORTS: Final = load_supports()


def listed_on(day: date) -> dict[str, Support]:
    """The Community Supports of this day, in the list's order."""
    return {code: support for code, support in SUPPORTS.items() if support.is_listed(day)}


def is_elected(support: str, county: str, elections: Iterable[Election], day: date) -> bool:
    """Whether the support is listed, and the plan offers it in this county, on this day."""
    return support in listed_on(day) and any(
        (one.support, one.county) == (support, county) and one.holds(day) for one in elections
    )
