"""Where somebody lives and how vulnerable that place is, from the bundled tables: the tract, else the ZIP's tracts,
else the county."""

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from tests.chaos.checker.inputs.codes import ELIGIBILITY, digits

TRACTS, COUNTIES = "SVI 2018", "SVI 2022"
Part = tuple[str, float | None]
"""A tract of a ZIP and its residents there; none: the tract is beyond the tables."""


@dataclass(frozen=True, slots=True)
class Place:
    """`svi` is a percentile of a tract or county; at a ZIP `ranked` are its tracts' percentiles and residents."""

    level: str
    tract: str | None = None
    county: str | None = None
    svi: float | None = None
    release: str = "none"
    ranked: tuple[tuple[float, float], ...] = ()

    def value(self, cut_off: float) -> float | None:
        """The percentile, or the share of a ZIP's residents who live in tracts above the cut-off."""
        if self.level != "zip":
            return self.svi
        total = sum(residents for _, residents in self.ranked)
        return sum(residents for svi, residents in self.ranked if svi >= cut_off) / total if total else None


@cache
def place(zip5: str, tract: str, county: str) -> Place:
    ranked_tract = _ranks("svi_tract_2018_ca", 4).get(tract)
    if ranked_tract is not None:
        return Place("tract", tract, tract[:5], ranked_tract, TRACTS)
    parts = _parts(zip5)
    ranks = _ranks("svi_tract_2018_ca", 4)
    known = tuple((svi, residents) for one, residents in parts if residents and (svi := ranks[one]) is not None)
    if known and sum(residents is None for _, residents in parts) * 2 < len(parts):
        return Place("zip", None, _county(zip5, digits(county, 5)), None, TRACTS, known)
    return _in_county(zip5, digits(county, 5) or tract[:5])


def _in_county(zip5: str, county: str) -> Place:
    home = county or _county(zip5, "")
    svi = _ranks("svi_county_2022_us", 5).get(home or "")
    if svi is None:
        return Place("unknown", county=home or None)
    return Place("county", None, home, svi, COUNTIES)


def _county(zip5: str, county: str) -> str | None:
    """The given county if the ZIP reaches into it, else the one with most of the ZIP's addresses."""
    listed = [one.split("=")[0] for one in _pairs("zip_county_2020q4").get(zip5, "").split()]
    return county or None if not listed or county in listed else listed[0]


def _parts(zip5: str) -> list[Part]:
    return _zips().get(_pairs("zip_zcta_ca").get(zip5, zip5), [])


@cache
def _ranks(table: str, column: int) -> dict[str, float | None]:
    return {row[0]: float(row[column]) if row[column] else None for row in csv.reader(_lines(table))}


@cache
def _zips() -> dict[str, list[Part]]:
    found: defaultdict[str, list[Part]] = defaultdict(list)
    for zcta, tract, residents, _ in csv.reader(_lines("zcta_tract_2010_ca")):
        found[zcta].append((tract, float(residents) if residents else None))
    return dict(found)


@cache
def _pairs(table: str) -> dict[str, str]:
    return dict(line.split(",", 1) for line in _lines(table))


def _lines(table: str) -> list[str]:
    return (
        gzip.decompress((ELIGIBILITY / "places" / "reference" / f"{table}.csv.gz").read_bytes())
        .decode()
        .splitlines()[1:]
    )
