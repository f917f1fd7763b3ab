"""Where a member may be: states and time zones by ZIP, by state and by area code. Pure."""

import csv
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Final

ANY_STATE: Final = ""
FOLDER = Path(__file__).parent / "reference"
ZIPS, AREA_CODES = "zips.csv", "area_codes.csv"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A state and a time zone; `ANY_STATE`: nobody knows which, so that the strictest hours of all hold."""

    state: str
    zone: str


@dataclass(frozen=True, slots=True)
class Preference:
    """Hours in which the member wants to hear from the plan, on these weekdays (0 is Monday), by his own clock."""

    weekdays: frozenset[int]
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of where a member is and when he likes to be reached. `area_codes` are those of his usable numbers;
    `reassigned`: the carriers say that the number is somebody else's by now. No preference: any hour."""

    zip5: str | None = None
    state: str | None = None
    area_codes: tuple[str, ...] = ()
    preferences: tuple[Preference, ...] = ()
    reassigned: bool = False


@dataclass(frozen=True, slots=True)
class Atlas:
    """The tables by which a place is found. `anywhere`: the zones asked about somebody of whom nothing is known."""

    firsts: tuple[str, ...]
    runs: tuple[tuple[str, Place], ...]
    by_state: Mapping[str, frozenset[Place]]
    by_area_code: Mapping[str, frozenset[Place]]
    anywhere: frozenset[Place]

    def places_of(self, reach: Reach) -> frozenset[Place]:
        """Everywhere the member may be now. Where the address and an area code agree it is the address; where they
        don't, both; where nothing is known, anywhere."""
        home = self._home(reach)
        by_number = [self.by_area_code[code] for code in reach.area_codes if code in self.by_area_code]
        away = [places for places in by_number if not home or not home <= places]
        return home.union(*away) or self.anywhere

    def _home(self, reach: Reach) -> frozenset[Place]:
        found = self._by_zip(reach.zip5)
        if reach.state and all(place.state != reach.state for place in found):
            found |= self.by_state.get(reach.state, frozenset())
        return found

    def _by_zip(self, zip5: str | None) -> frozenset[Place]:
        number = bisect_right(self.firsts, zip5 or "") - 1
        if number < 0 or zip5 is None or zip5 > self.runs[number][0]:
            return frozenset()
        place = self.runs[number][1]
        return frozenset({place}) if place.zone else self.by_state.get(place.state, frozenset())


def load_atlas(anywhere: frozenset[str], folder: Path = FOLDER) -> Atlas:
    """The bundled tables."""
    runs = [(row["first"], row["last"], Place(row["state"], row["zone"])) for row in _rows(folder / ZIPS)]
    by_state: dict[str, set[Place]] = {}
    for *_, place in runs:
        if place.zone:
            by_state.setdefault(place.state, set()).add(place)
    by_area_code: dict[str, set[Place]] = {}
    for row in _rows(folder / AREA_CODES):
        by_area_code.setdefault(row["area_code"], set()).add(Place(row["state"], row["zone"]))
    return Atlas(
        tuple(first for first, *_ in runs),
        tuple((last, place) for _, last, place in runs),
        {state: frozenset(places) for state, places in by_state.items()},
        {code: frozenset(places) for code, places in by_area_code.items()},
        frozenset(Place(ANY_STATE, zone) for zone in anywhere),
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
