"""Makes counties.json from us-atlas' counties-10m.json: `python convert.py counties-10m.json > counties.json`. The two
states' counties, borders thinned out arc by arc so that neighbours still share them.
"""

import json
import sys
from math import hypot
from pathlib import Path
from typing import Any

STATES = ("06", "17")
TOLERANCE = 0.012

Point = tuple[float, float]


def decode(arcs: list[Any], transform: dict[str, Any]) -> list[list[Point]]:
    """Arcs as longitudes and latitudes: in the file each point is the difference to the one before, in grid steps."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    decoded = []
    for arc in arcs:
        x = y = 0
        points = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            points.append((x * scale_x + left, y * scale_y + bottom))
        decoded.append(points)
    return decoded


def simplify(points: list[Point]) -> list[Point]:
    """Douglas and Peucker's thinning: leave out what lies within the tolerance of the straight line."""
    (x1, y1), (x2, y2) = points[0], points[-1]
    length = hypot(x2 - x1, y2 - y1)

    def distance(point: Point) -> float:
        x, y = point
        if length == 0:
            return hypot(x - x1, y - y1)
        return abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length

    farthest = max(range(len(points)), key=lambda i: distance(points[i]))
    if distance(points[farthest]) <= TOLERANCE or farthest in {0, len(points) - 1}:
        return [points[0], points[-1]]
    return [*simplify(points[: farthest + 1])[:-1], *simplify(points[farthest:])]


def ring(indices: list[int], arcs: list[list[Point]]) -> list[Point]:
    """One closed line out of arcs; a negative index means the arc backwards."""
    points: list[Point] = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += arc[1:] if points else arc
    return points


def counties(topology: dict[str, Any]) -> dict[str, Any]:
    arcs = [simplify(arc) for arc in decode(topology["arcs"], topology["transform"])]
    found: dict[str, Any] = {state: {} for state in STATES}
    for county in topology["objects"]["counties"]["geometries"]:
        if county["id"][:2] in found:
            polygons = county["arcs"] if county["type"] == "MultiPolygon" else [county["arcs"]]
            rings = [ring(indices, arcs) for polygon in polygons for indices in polygon]
            found[county["id"][:2]][county["id"]] = {
                "name": county["properties"]["name"],
                "rings": [[[round(x, 3), round(y, 3)] for x, y in line] for line in rings if len(line) > 3],
            }
    return found


if __name__ == "__main__":
    json.dump(counties(json.loads(Path(sys.argv[1]).read_text("utf-8"))), sys.stdout, separators=(",", ":"))
