"""Code tables of vaccines (CVX), manufacturers (MVX) and products (NDC). Inactive codes stay valid for history."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from services.eligibility.feeds.codes import released
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.supporting_data import bundled

UNSPECIFIED = "unspecified"
NO_VACCINE = "998"
_HERE = Path(__file__).parent
# NDC segments are labeler-product-package; dropping a leading zero of one makes the ten-digit forms.
_WIDTHS = (5, 4, 2)
_TEN_DIGIT_SHAPES = ((4, 4, 2), (5, 3, 2), (5, 4, 1))


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A CVX code. `groups` are the vaccine groups it counts for."""

    cvx: str
    name: str
    kind: str
    groups: tuple[str, ...]


@cache
def vaccines() -> Mapping[str, Vaccine]:
    """Every code that CDC has: of the table, and of the newest release of its logic."""
    table = {
        row["cvx"]: Vaccine(row["cvx"], row["name"], row["kind"], tuple(filter(None, row["groups"].split(";"))))
        for row in _rows("cvx.csv")
    }
    return with_release(table, bundled())


def with_release(table: Mapping[str, Vaccine], release: SupportingData) -> dict[str, Vaccine]:
    """The table with the codes that a release maps; of a code that the table puts into no group, with its groups."""
    groups = {cvx: vaccine.groups for cvx, vaccine in table.items()}
    found = dict(table)
    for cvx, name in release.vaccine_names.items():
        known = found.get(cvx) or Vaccine(cvx, name, UNSPECIFIED if UNSPECIFIED in name.lower() else "vaccine", ())
        found[cvx] = known if known.groups else replace(known, groups=released.groups_of(cvx, release, groups))
    return found


@cache
def manufacturers() -> frozenset[str]:
    return frozenset(row["mvx"] for row in _rows("mvx.csv"))


@cache
def vaccine_by_ndc() -> Mapping[str, str]:
    return {row["ndc"]: row["cvx"] for row in _rows("ndc.csv")}


def cvx_code(text: str) -> str | None:
    """The CVX code as CDC writes it ("8" is "08"), None if CDC has no such code."""
    code = text.zfill(2)
    return code if code in vaccines() else None


def cvx_of_ndc(text: str) -> str | None:
    """The CVX code of a product, whichever of the usual spellings of its NDC was sent."""
    found = {vaccine_by_ndc()[ndc] for ndc in _spellings(text.strip()) if ndc in vaccine_by_ndc()}
    return found.pop() if len(found) == 1 else None


def _spellings(text: str) -> list[str]:
    parts = text.split("-")
    if len(parts) == 3:
        return ["".join(part.zfill(width) for part, width in zip(parts, _WIDTHS, strict=True))]
    if len(text) == 10:
        return [_padded(text, shape) for shape in _TEN_DIGIT_SHAPES]
    return [text]


def _padded(text: str, shape: tuple[int, int, int]) -> str:
    first, second, _ = shape
    parts = text[:first], text[first : first + second], text[first + second :]
    return "".join(part.zfill(width) for part, width in zip(parts, _WIDTHS, strict=True))


def _rows(name: str) -> list[dict[str, str]]:
    with (_HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
