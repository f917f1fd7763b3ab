"""What a pass through the whole chain says: rates, shares of the processor, memory, disk, and whether size matters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploy.local.plan import SERVICES
from tests.load.report import Aim, Figure, Result
from tests.load.sampling import Look

ROSTERS, MESSAGES = "834", "VXU"
ROWS_OF = {ROSTERS: "member", MESSAGES: "dose"}
RSS_LIMIT_MB = 300
FLAT = 0.2


@dataclass(frozen=True, slots=True)
class Leg:
    """Files of one kind: from their submission until nobody has anything left to do, with all looks in between."""

    what: str
    rows: int
    wall_s: float
    read_s: float
    looks: Sequence[Look]
    disk_bytes: Mapping[str, int]
    events: int


@dataclass(frozen=True, slots=True)
class Pass:
    """One size: its legs, and then reporting read again from the whole log."""

    members: int
    legs: Sequence[Leg]
    statements: Sequence[str]
    events: int
    rebuild_s: float


def result_of(passes: Sequence[Pass]) -> Result:
    """All sizes together."""
    figures = [figure for one in passes for figure in _figures(one)]
    if len(passes) > 1:
        by_clock = [one.legs[0].wall_s / one.legs[0].rows for one in passes]
        by_processor = [sum(_spent(one.legs[0]).values()) / one.legs[0].rows for one in passes]
        for how, per_member in (("time", by_clock), ("processor", by_processor)):
            what = f"{how} per member, largest / smallest - 1"
            figures.append(Figure(what, max(per_member) / min(per_member) - 1, "", Aim("at most", FLAT)))
    details = {f"statements at {one.members:,}": one.statements for one in passes}
    sizes = ", ".join(f"{one.members:,}" for one in passes)
    return Result("chain", "Whole chain: feed files to the report's cells", figures, {"members": sizes}, details)


def _figures(one: Pass) -> Iterator[Figure]:
    at = f"{one.members:,}"
    for leg in one.legs:
        yield from _of_leg(f"{at}, {leg.what}: ", leg, f"{ROWS_OF[leg.what]}s/s", f"/{ROWS_OF[leg.what]}")
    note = f"{one.events:,} in {one.rebuild_s:.1f} s"
    yield Figure(f"{at}: reporting, rebuilt from the log", one.events / one.rebuild_s, "events/s", note=note)
    for name in SERVICES:
        resident = [look.rss_mb[name] for leg in one.legs for look in leg.looks]
        half = resident[: len(resident) // 2]
        note = f"start {resident[0]:.0f}, first half at most {max(half):.0f}, end {resident[-1]:.0f}"
        yield Figure(f"{at}: {name}, memory at most", max(resident), "MB", Aim("at most", RSS_LIMIT_MB), note)


def _of_leg(at: str, leg: Leg, rate: str, each: str) -> Iterator[Figure]:
    note = f"{leg.rows:,} in {leg.wall_s:.1f} s, {leg.events:,} events"
    yield Figure(f"{at}to the report", leg.rows / leg.wall_s, rate, note=note)
    yield Figure(f"{at}to eligibility", leg.rows / leg.read_s, rate)
    yield from _of_subscriptions(at, leg)
    spent = _spent(leg)
    for name, seconds in spent.items():
        share = f"{seconds / leg.wall_s:.0%} of a core"
        yield Figure(f"{at}{name}, processor", seconds / leg.rows * 1e6, f"µs{each}", note=share)
    whole = sum(spent.values()) / leg.rows
    yield Figure(
        f"{at}all, processor", whole * 1e6, f"µs{each}", note=f"two cores of our own would bear {2 / whole:,.0f}"
    )
    others = leg.looks[-1].cpu_s["others"] - leg.looks[0].cpu_s["others"]
    yield Figure(f"{at}others on this machine", others / leg.wall_s, "cores")
    for name, size in leg.disk_bytes.items():
        count, unit = (leg.events, "bytes/event") if name == "log" else (leg.rows, f"bytes{each}")
        yield Figure(f"{at}{name}, disk", size / count, unit)


def _spent(leg: Leg) -> dict[str, float]:
    first, last = leg.looks[0].cpu_s, leg.looks[-1].cpu_s
    return {name: last[name] - first[name] for name in last if name != "others"}


def _of_subscriptions(at: str, leg: Leg) -> Iterator[Figure]:
    """Each subscription and relay that had much to do: until when it was busy."""
    first, last = leg.looks[0], leg.looks[-1]
    for group in sorted(last.counts):
        count = last.counts[group] - first.counts.get(group, 0)
        if count < leg.rows / 10:
            continue
        changes = [
            after.at
            for before, after in zip(leg.looks, leg.looks[1:], strict=False)
            if after.counts.get(group, 0) != before.counts.get(group, 0)
        ]
        ended_s = changes[-1] - first.at
        yield Figure(f"{at}{group}", count / ended_s, "events/s", note=f"{count:,} by {ended_s:.1f} s")
