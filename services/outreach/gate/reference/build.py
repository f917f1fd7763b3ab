"""Makes the two tables beside this file from the installed `zipcodes` package, byte for byte the same each time.

    python -m services.outreach.gate.reference.build

A release with another number of ZIPs than the one that was reviewed is refused: SOURCES.md names it.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import zipcodes

from schemas.time_zones import is_time_zone
from services.outreach.gate.zones import AREA_CODES, FOLDER, ZIPS

EXPECTED_ZIPS = 42_789

Listed = dict[str, Any]


def listed_zips() -> list[Listed]:
    """Every ZIP of the package, in order, with a zone of the IANA database or none."""
    listed: list[Listed] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    if len(listed) != EXPECTED_ZIPS:
        raise ValueError(f"zipcodes: {len(listed)} rows, expected {EXPECTED_ZIPS}")
    zones = [row["timezone"] if is_time_zone(row["timezone"]) else "" for row in listed]
    placed = [{**row, "timezone": zone} for row, zone in zip(listed, zones, strict=True)]
    return sorted(placed, key=lambda row: str(row["zip_code"]))


def zip_runs(listed: Iterable[Listed]) -> Iterator[tuple[str, ...]]:
    """First and last ZIP of each run within one prefix, its state and its zone."""
    for (_, state, zone), run in groupby(listed, lambda row: (row["zip_code"][:3], row["state"], row["timezone"])):
        codes = [row["zip_code"] for row in run]
        yield codes[0], codes[-1], state, zone


def area_places(listed: Iterable[Listed]) -> list[tuple[str, ...]]:
    """Area code, state, zone: every place in which the code is used and whose zone is known."""
    used = {(code, row["state"], row["timezone"]) for row in listed for code in row["area_codes"] if row["timezone"]}
    return sorted(used)


def as_csv(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def tables() -> dict[str, str]:
    """Both files by their names."""
    listed = listed_zips()
    return {
        ZIPS: as_csv(("first", "last", "state", "zone"), zip_runs(listed)),
        AREA_CODES: as_csv(("area_code", "state", "zone"), area_places(listed)),
    }


if __name__ == "__main__":
    for name, text in tables().items():
        (FOLDER / name).write_text(text, "utf-8")
