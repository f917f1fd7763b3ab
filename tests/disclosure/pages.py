"""The report's page and text: sentences, the texts and the places of marks in plots, tables."""

import re
from collections.abc import Iterator, Mapping
from html import unescape

from services.reporting.pages.words import say
from tests.disclosure import figures
from tests.disclosure.intervals import members_of
from tests.disclosure.system import System

NUMBER = r"(\d[\d,]*)"
HALF = 0.005
PLOTS = {"Coverage by race and ethnicity": ("race", "by_race_ethnicity"), "Coverage by age": ("age", "by_age"),
         "Coverage by plan": ("plan", "by_plan"), "Coverage by arm": ("arm", "by_arm"),
         "Coverage by the member's census tract": ("svi:tract", "by_svi"),
         "Coverage by zip: share of residents in vulnerable tracts": ("svi:zip", "by_svi"),
         "Coverage by county (coarse)": ("svi:county", "by_svi")}  # fmt: skip


def read(system: System, page: str, report: figures.Json, *, same_day: bool) -> None:
    """The whole page; which rows a plot has stands in the document."""
    read_sentences(system, unescape(page))
    for title, body in _pictures(page):
        name, _, said = title.partition(". ")
        if name in PLOTS:
            _dots(system, PLOTS[name], said, body, report)
        elif name == "Funnel":
            _bars(system, "funnel all", {say(one): one for one in figures.STAGES}, said, body)
        elif name == "Outcomes" and report["funnels"]:
            words = {say(one): f"outcome {one}" for one in report["funnels"][0]["outcomes"]}
            _bars(system, "funnel all", words, said, body)
        elif title.startswith("Map of"):
            _map(system, body)
    for zip5, members, unvaccinated in re.findall(
        rf'<tr><td>\d+</td><td>(\d{{5}})</td><td>[^<]*</td><td class="n">{NUMBER}</td><td class="n">{NUMBER}</td>', page
    ):
        if same_day:
            system.know({f"T:{zip5} V": 1, f"T:{zip5} U": 1}, _count(members))
            system.know({f"T:{zip5} U": 1}, _count(unvaccinated))


def read_sentences(system: System, text: str) -> None:
    """The headline, the gap, the share of the unknown: counts, and shares rounded to whole per cent."""
    for some, of in re.findall(rf"{NUMBER} of {NUMBER} members in the target group are vaccinated", text):
        system.know({"T V": 1}, _count(some))
        system.know({"T V": 1, "T U": 1}, _count(of))
    for count in re.findall(rf"{NUMBER} of them in the last 7 days", text):
        system.know({"lately": 1}, _count(count))
    if re.search(r"\bfew of them in the last 7 days", text):
        system.count("lately", 1, 10)
    gap = re.search(
        r"vulnerable quarter of census tracts (\d+) % are vaccinated, in the least vulnerable (\d+) %", text
    )
    for name, share in zip(("svi:tract:4", "svi:tract:1"), gap.groups() if gap else (), strict=False):
        figures.cell(system, name)
        figures.tell_share(system, name, int(share) / 100, HALF)
    for count in re.findall(rf"<b>{NUMBER}</b><span>members of the target group still without", text):
        system.know({"T U": 1}, _count(count))
    for cases, doses in re.findall(rf"opened for {NUMBER} people; {NUMBER} of them had their dose", text):
        system.know({"funnel all case-opened": 1}, _count(cases))
        system.know({"funnel all dose-after-outreach": 1}, _count(doses))


def _pictures(page: str) -> Iterator[tuple[str, str]]:
    for title, body in re.findall(r'<svg role="img"[^>]*aria-label="([^"]*)">(.*?)</svg>', page, re.DOTALL):
        yield unescape(title), unescape(body)


def _dots(system: System, plot: tuple[str, str], said: str, body: str, report: figures.Json) -> None:
    """Each row's share by its text and by where its dot and the ends of its interval are."""
    by, table = plot
    by, _, level = by.partition(":")
    words = {say(row["group"]): f"{by}:{row['group']}" for row in report[table] if row["group"].startswith(level)}
    shares: dict[str, str] = dict(re.findall(r"(?:^|; )(.+?): (\d+) %", said))
    whiskers = re.findall(r'<line x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)" y2="[\d.]+" class="whisker"/>'
                          r'<circle cx="([\d.]+)"', body)  # fmt: skip
    grid = [float(x) for x in re.findall(r'<line x1="([\d.]+)"[^>]*class="grid"/>', body)]
    if len(whiskers) != len(shares) or not grid:
        return
    left, span = grid[0], grid[-1] - grid[0]
    for (label, share), spots in zip(shares.items(), whiskers, strict=True):
        if label not in words:
            continue
        name = words[label]
        low, high, at = ((float(spot) - left) / span for spot in spots)
        off = 0.06 / span
        figures.tell_share(system, name, int(share) / 100, HALF)
        figures.tell_share(system, name, at, off)
        system.know({f"{name} V": 1, f"{name} U": 1}, *members_of(at, low, high, 2 * off))


def _bars(system: System, prefix: str, words: Mapping[str, str], said: str, body: str) -> None:
    """Counts in the picture's text; the longest bar gives the scale of the others."""
    counts: dict[str, str] = dict(re.findall(r"(?:^|; )(.+?): ([\d,]+|hidden|<11)(?=;|\.|$)", said))
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', body)]
    known = [_count(count) for count in counts.values() if count[0].isdigit()]
    if len(widths) != len(counts) or not any(known):
        return
    scale = max(known) / max(width for width, count in zip(widths, counts.values(), strict=True) if count[0].isdigit())
    for (label, count), width in zip(counts.items(), widths, strict=True):
        if label in words and count[0].isdigit():
            system.know({f"{prefix} {words[label]}": 1}, _count(count))
            system.know({f"{prefix} {words[label]}": 1}, (width - 0.06) * scale, (width + 0.06) * scale)


def _map(system: System, body: str) -> None:
    """Members and share by ZIP in the texts of the circles; their sizes, by that of the largest."""
    spots = re.findall(r'<circle [^>]*r="([\d.]+)" class="([^"]+)"><title>(\d{5})[^:]*: ([^ ]+) members, (\w+)', body)
    radii = {zip5: float(radius) for radius, _, zip5, _, _ in spots}
    known = {zip5: _count(count) for _, _, zip5, count, _ in spots if count[0].isdigit()}
    for _, shade, zip5, count, share in spots:
        name = f"zip:{zip5}"
        if count[0].isdigit():
            system.know({f"{name} V": 1, f"{name} U": 1}, _count(count))
        if share.isdigit():
            figures.tell_share(system, name, int(share) / 100, HALF)
        _shade(system, name, shade)
    largest = max(known, key=lambda zip5: known[zip5]) if known else ""
    for zip5 in radii if largest else ():
        _size(system, f"zip:{zip5}", radii[zip5], radii[largest], known[largest])


def _shade(system: System, name: str, shade: str) -> None:
    edges = (0.0, 0.3, 0.4, 0.5, 0.6, 1.0)
    if shade[0] == "q":
        low, high = edges[int(shade[1])], edges[int(shade[1]) + 1]
        figures.tell_share(system, name, (low + high) / 2, (high - low) / 2)


def _size(system: System, name: str, radius: float, largest: float, members: int) -> None:
    """A circle's radius grows by the root of the members, from 4 to 17 parts; hidden ones have none."""
    one = largest / 17
    low, high = (max(0.0, (radius + off) / one - 4) / 13 for off in (-0.11, 0.11))
    if low > 0:
        system.know({f"{name} V": 1, f"{name} U": 1}, low**2 * members, high**2 * members)


def _count(said: str) -> int:
    return int(said.replace(",", ""))
