"""The bundled tables of one SVI edition, each read when it is first needed. Nothing here decides anything."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Release:
    """One bundled SVI: its name and the places among which its percentiles rank."""

    name: str
    universe: str
    table: str


@dataclass(frozen=True, slots=True)
class Edition:
    """The SVI releases that are used together; the crosswalk is of the census whose tracts the first one has."""

    tracts: Release
    counties: Release
    zcta_tracts: str
    zip_zcta: str


EDITIONS: Mapping[str, Edition] = {
    "2018-ca": Edition(
        Release("SVI 2018", "tracts of the United States", "svi_tract_2018_ca.csv.gz"),
        Release("SVI 2022", "counties of the United States", "svi_county_2022_us.csv.gz"),
        "zcta_tract_2010_ca.csv.gz",
        "zip_zcta_ca.csv.gz",
    )
}
LATEST = "2018-ca"


class Ranked(NamedTuple):
    """A tract or county: its people and its percentiles, overall and by theme; None where the publisher has none."""

    fips: str
    county: str
    population: int
    population_65: int
    svi: float | None
    themes: tuple[float | None, ...]


class Overlap(NamedTuple):
    """The part of a tract that lies in a ZCTA; None residents where the tract is outside the release."""

    tract: str
    residents: float | None
    residents_65: float | None


class Tables:
    """A ZIP is a list of delivery points, not an area: it is looked up through its ZCTA."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition

    @cached_property
    def tracts(self) -> dict[str, Ranked]:
        return {
            fips: Ranked(fips, county, int(people), int(seniors), _float(svi), tuple(map(_float, themes)))
            for fips, county, people, seniors, svi, *themes in _rows(self.edition.tracts.table)
        }

    @cached_property
    def counties(self) -> dict[str, Ranked]:
        return {
            fips: Ranked(fips, county, int(people), int(seniors), _float(svi), tuple(map(_float, themes)))
            for fips, _, county, people, seniors, svi, *themes in _rows(self.edition.counties.table)
        }

    @cached_property
    def zctas(self) -> dict[str, tuple[Overlap, ...]]:
        found: dict[str, list[Overlap]] = {}
        for zcta, tract, residents, seniors in _rows(self.edition.zcta_tracts):
            found.setdefault(zcta, []).append(Overlap(tract, _float(residents), _float(seniors)))
        return {zcta: tuple(overlaps) for zcta, overlaps in found.items()}

    @cached_property
    def zcta_of_zip(self) -> dict[str, str]:
        """Only ZIPs that are no ZCTA of the same number: PO boxes and single buildings."""
        return dict(_pairs(self.edition.zip_zcta))

    @cached_property
    def _counties_of_zip(self) -> dict[str, str]:
        return dict(_pairs("zip_county_2020q4.csv.gz"))

    def counties_of_zip(self, zip5: str) -> tuple[tuple[str, float], ...]:
        """The ZIP's counties with the share of its residential addresses, largest first."""
        listed = (county.split("=") for county in self._counties_of_zip.get(zip5, "").split())
        return tuple((fips, float(ratio)) for fips, ratio in listed)

    def tracts_of_zip(self, zip5: str) -> tuple[Overlap, ...]:
        return self.zctas.get(self.zcta_of_zip.get(zip5, zip5), ())

    def lists_zip(self, zip5: str) -> bool:
        return zip5 in self._counties_of_zip or zip5 in self.zcta_of_zip or zip5 in self.zctas


def _float(text: str) -> float | None:
    return float(text) if text else None


def _rows(table: str) -> Iterator[list[str]]:
    return csv.reader(_lines(table))


def _pairs(table: str) -> Iterator[list[str]]:
    return (line.split(",") for line in _lines(table))


def _lines(table: str) -> list[str]:
    return gzip.decompress((FOLDER / table).read_bytes()).decode().splitlines()[1:]
