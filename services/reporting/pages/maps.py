"""A map of ZIP points over county outlines, as SVG text."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from math import cos, radians, sqrt
from pathlib import Path

import zipcodes

from services.reporting.figures.report import ZipRow
from services.reporting.pages.charts import picture, text
from services.reporting.pages.words import number, percent

_LIST_ALL: Callable[[], list[dict[str, str]]] = zipcodes.list_all
COUNTIES = Path(__file__).with_name("geography") / "counties.json"
FIPS = {"CA": "06", "IL": "17"}
BINS = (0.3, 0.4, 0.5, 0.6)
KEY = ("below 30 %", "30 to 40 %", "40 to 50 %", "50 to 60 %", "60 % and more")


@dataclass(frozen=True, slots=True)
class Place:
    """The point of a ZIP, and its name."""

    longitude: float
    latitude: float
    city: str
    state: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of the world that a map shows, and how large."""

    west: float
    south: float
    east: float
    north: float
    width: float
    height: float

    def at(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Degrees to units of the picture: true to scale in the middle of the frame."""
        squeeze = cos(radians((self.south + self.north) / 2))
        scale = min(self.width / ((self.east - self.west) * squeeze), self.height / (self.north - self.south))
        x = (longitude - (self.west + self.east) / 2) * squeeze * scale + self.width / 2
        return x, (((self.south + self.north) / 2) - latitude) * scale + self.height / 2


@cache
def places() -> dict[str, Place]:
    """Every ZIP's point. Takes a second the first time."""
    return {
        entry["zip_code"]: Place(float(entry["long"]), float(entry["lat"]), entry["city"], entry["state"])
        for entry in _LIST_ALL()
        if entry["lat"] and entry["long"]
    }


@cache
def counties() -> dict[str, dict[str, dict[str, list[list[list[float]]]]]]:
    """Outlines by state and county."""
    loaded: dict[str, dict[str, dict[str, list[list[list[float]]]]]] = json.loads(COUNTIES.read_text("utf-8"))
    return loaded


def draw(rows: Sequence[ZipRow], ranks: Mapping[str, int]) -> tuple[str, str]:
    """The whole state of most of the members, and where they live closest together; empty if no ZIP is known."""
    known = [(row, places()[row.zip5]) for row in rows if row.zip5 in places()]
    states = Counter[str]()
    for row, place in known:
        states[place.state] += row.coverage.members or 1
    state = next((name for name, _ in states.most_common() if name in FIPS), None)
    if state is None:
        return "", ""
    points = [(row, place) for row, place in known if place.state == state]
    outlines = counties()[FIPS[state]]
    whole = _around(
        [(x, y) for county in outlines.values() for ring in county["rings"] for x, y in ring], 0.1, 400, 560
    )
    close = _around(_densest(points), 0.06, 560, 560)
    return (
        _map(f"Map of {state}: ZIPs by members and coverage", whole, points, 0.5, detail=close, ranks={}),
        _map("The same, closer, where most members live", close, points, 1.0, detail=None, ranks=ranks),
    )


def _around(points: Sequence[tuple[float, float]], margin: float, width: float, height: float) -> Frame:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Frame(min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin, width, height)


def _densest(points: Sequence[tuple[ZipRow, Place]], reach: float = 0.2) -> list[tuple[float, float]]:
    def near(center: Place) -> list[tuple[ZipRow, Place]]:
        return [
            point for point in points
            if abs(point[1].longitude - center.longitude) < reach * 1.3
            and abs(point[1].latitude - center.latitude) < reach
        ]  # fmt: skip

    best = max(
        (near(place) for _, place in points), key=lambda found: sum(row.coverage.members or 1 for row, _ in found)
    )
    return [(place.longitude, place.latitude) for _, place in best]


def _map(
    title: str,
    frame: Frame,
    points: Sequence[tuple[ZipRow, Place]],
    size: float,
    *,
    detail: Frame | None,
    ranks: Mapping[str, int],
) -> str:
    body = [_outline(frame, place["rings"]) for place in counties()[FIPS[points[0][1].state]].values()]
    names: list[str] = []
    largest = max((row.coverage.members or 0 for row, _ in points), default=1) or 1
    for row, place in sorted(points, key=lambda point: -(point[0].coverage.members or 0)):
        x, y = frame.at(place.longitude, place.latitude)
        if -20 <= x <= frame.width + 20 and -20 <= y <= frame.height + 20:
            radius = size * (4 + 13 * sqrt((row.coverage.members or 0) / largest))
            body.append(_point(row, place, x, y, radius))
            if row.zip5 in ranks:
                names.append(text(x, y + 4.5, str(ranks[row.zip5]), "rank", anchor="middle"))
    if detail is not None:
        (x1, y1), (x2, y2) = frame.at(detail.west, detail.north), frame.at(detail.east, detail.south)
        body.append(f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" class="detail"/>')
    body += names
    listed = sum(row.listed for row, _ in points)
    return picture(f"{title}; {len(points)} ZIPs, {listed} of them targets.", frame.width, frame.height, body)


def _outline(frame: Frame, rings: Sequence[Sequence[Sequence[float]]]) -> str:
    paths = []
    for ring in rings:
        spots = [frame.at(longitude, latitude) for longitude, latitude in ring]
        if any(-9 <= x <= frame.width + 9 and -9 <= y <= frame.height + 9 for x, y in spots) or len(spots) > 9:
            paths.append("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in spots) + "Z")
    return f'<path d="{"".join(paths)}" class="county"/>' if paths else ""


def _point(row: ZipRow, place: Place, x: float, y: float, radius: float) -> str:
    share = row.coverage.share
    shade = "suppressed" if share is None else f"q{sum(share.value >= edge for edge in BINS)}"
    tip = f"{row.zip5} {place.city}: {number(row.coverage.members)} members, {percent(share.value if share else None)}"
    tip = escape(f"{tip}, target ZIP" if row.listed else tip)
    spot = f'<circle cx="{x:.1f}" cy="{y:.1f}"'
    ring = f'{spot} r="{radius + 1.5:.1f}" class="ring"/>' if row.listed else ""
    return f'{spot} r="{radius:.1f}" class="{shade}"><title>{tip}</title></circle>{ring}'


def key() -> str:
    """What sizes, shades and rings mean."""
    parts = []
    for i, label in enumerate(KEY):
        parts += [f'<circle cx="{12 + 106 * i}" cy="13" r="8" class="q{i}"/>', text(26 + 106 * i, 17, label, "small")]
    parts += ['<circle cx="556" cy="13" r="8" class="suppressed"/>', text(570, 17, "hidden", "small")]
    parts += ['<circle cx="640" cy="13" r="7" class="q1"/><circle cx="640" cy="13" r="8.5" class="ring"/>']
    parts += [text(655, 17, "target ZIP with its rank; larger: more members", "small")]
    return picture("Key of the map: darker means higher coverage, a ring a target ZIP", 960, 26, parts)
