r"""Makes the small reference tables beside this file from the published sources, byte for byte the same each time.

    python -m services.eligibility.places.reference.build --svi-tracts … --svi-counties … --zcta-tracts … \
        --zip-county …

SOURCES.md says where each source comes from. A source whose row count differs from the one that was reviewed is
refused: a new release is a decision (columns move, rankings change), not something to slip in.
"""

import argparse
import csv
import gzip
import io
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import zipcodes

Row = dict[str, str]
MISSING = -999.0
RANKS = ("RPL_THEMES", "RPL_THEME1", "RPL_THEME2", "RPL_THEME3", "RPL_THEME4")
RANK_COLUMNS = ("themes", "theme1", "theme2", "theme3", "theme4")
# The Census corrected this Los Angeles tract's number after the 2010 relationship file was published.
RENUMBERED = {"06037930401": "06037137000"}
EXPECTED_ROWS = {
    "svi_tracts": 8041,
    "svi_counties": 3144,
    "zcta_tracts": 148_897,
    "zip_county": 54_194,
}
EXPECTED_ZIPS = 42_789
STATE = "CA"


class SourceChangedError(ValueError):
    """A source has another number of rows than the reviewed one: check its release, then change EXPECTED_ROWS."""


def read(source: Path, name: str) -> list[Row]:
    """Every row of a published CSV; the byte order mark that some carry is dropped."""
    with source.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if len(rows) != EXPECTED_ROWS[name]:
        raise SourceChangedError(f"{name}: {len(rows)} rows, expected {EXPECTED_ROWS[name]}")
    return rows


def zip_points() -> list[Row]:
    """The State's ZIPs with their coordinates, from the installed `zipcodes` package."""
    listed: list[Row] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    if len(listed) != EXPECTED_ZIPS:
        raise SourceChangedError(f"zipcodes: {len(listed)} rows, expected {EXPECTED_ZIPS}")
    return [row for row in listed if row["state"] == STATE]


def number(text: str) -> str:
    """A count or percentile in its shortest form; the publisher's -999 becomes empty, so nobody can average it."""
    value = float(text)
    return "" if value == MISSING else f"{value:g}" if value < 1 else f"{value:.0f}"


def tracts(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    for row in sorted(rows, key=lambda row: row["FIPS"]):
        ranks = (number(row[rank]) for rank in RANKS)
        yield row["FIPS"].zfill(11), row["COUNTY"], number(row["E_TOTPOP"]), number(row["E_AGE65"]), *ranks


def counties(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    """The 2022 file lost its leading zeros; a FIPS county code has five digits."""
    for row in sorted(rows, key=lambda row: row["FIPS"].zfill(5)):
        name = row["COUNTY"].removesuffix(" County")
        ranks = (number(row[rank]) for rank in RANKS)
        yield row["FIPS"].zfill(5), row["ST_ABBR"], name, number(row["E_TOTPOP"]), number(row["E_AGE65"]), *ranks


def zcta_tracts(rows: Iterable[Row], svi: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    """Residents of each ZCTA by tract, for every ZCTA that touches a tract with an SVI row.

    The relationship file names which tracts touch which ZCTA but not how many live in the overlap. A tract's people
    are divided evenly among the ZCTAs it touches: every resident is counted once, and slivers weigh less. A tract
    beyond the state line is listed without people, so that a reader can see how much of a ZCTA is unknown.
    """
    people = {row["FIPS"]: (float(row["E_TOTPOP"]), float(row["E_AGE65"])) for row in svi}
    pairs = sorted({(row["zcta"].zfill(5), RENUMBERED.get(row["tract"], row["tract"])) for row in rows})
    touched = Counter(tract for _, tract in pairs)
    inside = {zcta for zcta, tract in pairs if tract in people}
    for zcta, tract in pairs:
        if tract in people:
            residents, seniors = (count / touched[tract] for count in people[tract])
            yield zcta, tract, f"{residents:.1f}", f"{seniors:.1f}"
        elif zcta in inside:
            yield zcta, tract, "", ""


def zip_zcta(points: Iterable[Row], zctas: set[str]) -> Iterator[tuple[str, ...]]:
    """The ZCTA around every ZIP that is none itself (PO boxes, single buildings): that of the nearest other ZIP."""
    at = {row["zip_code"]: (float(row["lat"]), float(row["long"])) for row in points if row["lat"] and row["long"]}
    areas = sorted((zip5, place) for zip5, place in at.items() if zip5 in zctas)
    for zip5, place in sorted(at.items()):
        if zip5 not in zctas:
            yield zip5, min(areas, key=lambda area: _distance(area[1], place))[0]


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Enough to compare places a few miles apart, in degrees of latitude."""
    return math.hypot(one[0] - other[0], (one[1] - other[1]) * math.cos(math.radians(one[0])))


def zip_county(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    """One line a ZIP, its counties as FIPS=ratio, the one with most of its residents first."""
    ordered = sorted(rows, key=lambda row: (row["ZIP"], -float(row["RES_RATIO"]), row["COUNTY"]))
    for zip5, counties in groupby(ordered, key=lambda row: row["ZIP"]):
        yield zip5.zfill(5), " ".join(f"{row['COUNTY'].zfill(5)}={float(row['RES_RATIO']):.4g}" for row in counties)


def write(target: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> int:
    """Gzip without a name or a time in it, so that the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    return count


def build(sources: dict[str, Path], out: Path) -> dict[str, int]:
    """Writes every table into `out` and answers how many rows each has."""
    rows = {name: read(sources[name], name) for name in EXPECTED_ROWS}
    zctas = {row["zcta"] for row in rows["zcta_tracts"]}
    people = ("population", "population_65", *RANK_COLUMNS)
    return {
        "svi_tract_2018_ca": write(
            out / "svi_tract_2018_ca.csv.gz", ("fips", "county", *people), tracts(rows["svi_tracts"])
        ),
        "svi_county_2022_us": write(
            out / "svi_county_2022_us.csv.gz", ("fips", "state", "county", *people), counties(rows["svi_counties"])
        ),
        "zcta_tract_2010_ca": write(
            out / "zcta_tract_2010_ca.csv.gz",
            ("zcta", "tract", "residents", "residents_65"),
            zcta_tracts(rows["zcta_tracts"], rows["svi_tracts"]),
        ),
        "zip_zcta_ca": write(out / "zip_zcta_ca.csv.gz", ("zip", "zcta"), zip_zcta(zip_points(), zctas)),
        "zip_county_2020q4": write(
            out / "zip_county_2020q4.csv.gz", ("zip", "counties"), zip_county(rows["zip_county"])
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in EXPECTED_ROWS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    given = vars(parser.parse_args())
    out = given.pop("out")
    for table, count in build(given, out).items():
        sys.stdout.write(f"{table}: {count} rows\n")


if __name__ == "__main__":
    main()
