"""The gate's rules written a second time, plainly and without a line of its code: may a member be contacted at an
instant? It takes the triples of `triples.py`, whose instants are UTC, and looks ZIPs up in the package itself."""

from collections import defaultdict
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import zipcodes

Triple = dict[str, Any]

# Weekdays, Saturday, Sunday, in hours; () is closed.
ALL_WEEK = {"CT": (9, 20), "FL": (8, 20), "IL": (9, 21), "KY": (10, 21), "MA": (8, 20), "MD": (8, 20), "MI": (9, 21),
            "MN": (9, 21), "NM": (9, 21), "NV": (9, 20), "OK": (8, 20), "WA": (8, 20), "WY": (8, 20)}  # fmt: skip
OTHERS = {
    "AL": ((8, 20), (8, 20), ()), "LA": ((8, 20), (8, 20), ()), "MS": ((8, 20), (8, 20), ()),
    "PA": ((8, 21), (8, 12), (8, 21)), "RI": ((9, 18), (10, 17), ()), "SD": ((9, 21), (9, 21), ()),
    "TX": ((9, 21), (9, 21), (12, 21)), "UT": ((8, 21), (8, 21), ()),
}  # fmt: skip
NOWHERE = (("America/Puerto_Rico", "?"), ("America/New_York", "?"), ("America/Chicago", "?"), ("America/Denver", "?"),
           ("America/Phoenix", "?"), ("America/Los_Angeles", "?"), ("America/Anchorage", "?"),
           ("Pacific/Honolulu", "?"))  # fmt: skip
CAPS = {"phone": (3, 7, 10), "text": (1, 3, 10), "email": (1, 3, 10), "letter": (1, 1, 3), "visit": (1, 2, 4)}


@cache
def tables() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """ZIP → state and zone; state → its zones; area code → its zones with their states."""
    zips: dict[str, Any] = {}
    states: dict[str, Any] = defaultdict(set)
    areas: dict[str, Any] = defaultdict(set)
    for row in zipcodes.list_all():  # type: ignore[no-untyped-call]
        zone = row["timezone"] if "/" in row["timezone"] else ""
        zips[row["zip_code"]] = (zone, row["state"])
        if zone:
            states[row["state"]].add((zone, row["state"]))
            for code in row["area_codes"]:
                areas[code].add((zone, row["state"]))
    return zips, states, areas


def where(triple: Triple) -> set[tuple[str, str]]:
    """Every zone and state that the member may be in."""
    zips, states, areas = tables()
    found = set()
    if triple["zip5"] in zips:
        zone, state = zips[triple["zip5"]]
        found = {(zone, state)} if zone else set(states[state])
    if triple["state"] and triple["state"] not in {state for _, state in found}:
        found = found | states[triple["state"]]
    home = set(found)
    for code in triple["area_codes"]:
        used = areas.get(code, set())
        if used and not (home and home.issubset(used)):
            found = found | used
    return found or set(NOWHERE)


def hours(state: str, weekday: int) -> tuple[int, ...]:
    """From which hour until which one may call."""
    third = 0 if weekday < 5 else weekday - 4
    if state == "?":
        each = [*ALL_WEEK.values(), *(week[third] for week in OTHERS.values()), (8, 21)]
        if () in each:
            return ()
        return max(one[0] for one in each), min(one[1] for one in each)
    if state in ALL_WEEK:
        return ALL_WEEK[state]
    return OTHERS[state][third] if state in OTHERS else (8, 21)


def is_holiday(day: datetime) -> bool:
    """A federal holiday, or the weekday on which one is kept."""
    if _is_named(day):
        return True
    if day.weekday() == 4:
        return _is_named(day + timedelta(days=1))
    return day.weekday() == 0 and _is_named(day - timedelta(days=1))


def _is_named(day: datetime) -> bool:
    if (day.month, day.day) in {(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)}:
        return True
    week = (day.day + 6) // 7
    if day.weekday() == 0:
        is_last_of_may = day.month == 5 and day.day > 24
        return is_last_of_may or (day.month, week) in {(1, 3), (2, 3), (9, 1), (10, 2)}
    return day.weekday() == 3 and (day.month, week) == (11, 4)


def may_contact(triple: Triple, at: datetime) -> bool:
    """Whether the contact is allowed at this instant."""
    if _is_ruled_out(triple):
        return False
    if triple["confirms_stop"]:
        return _is_first_confirmation(triple, at)
    if triple["channel"] in triple["stopped"]:
        return False
    if triple["channel"] in {"phone", "text"} and triple["do_not_call"]:
        return False
    if triple["kind"] != "manual" and not _agreed(triple, at):
        return False
    return all(_may_there(triple, at.astimezone(ZoneInfo(zone)), state, zone) for zone, state in where(triple))


def _is_ruled_out(triple: Triple) -> bool:
    channel = triple["channel"]
    if triple["is_deceased"] or triple["is_death_reported"] or not triple["is_enrolled"] or triple["is_protected"]:
        return True
    if channel in {"phone", "text"} and triple["reassigned"]:
        return True
    return channel in triple["barred"] or channel in triple["invalid"]


def _is_first_confirmation(triple: Triple, at: datetime) -> bool:
    heard = [stop for channel, stop in triple["stops"] if channel == triple["channel"] and stop <= at]
    if not heard or (at - max(heard)).total_seconds() > 300:
        return False
    return not [one for channel, one in triple["confirmations"] if channel == triple["channel"] and one >= max(heard)]


def _agreed(triple: Triple, at: datetime) -> bool:
    for channel, kind, scope, given, expires, withdrawn in triple["consents"]:
        if channel == triple["channel"] and kind == triple["kind"] and scope == triple["scope"] and given <= at:
            ended = (expires is not None and expires <= at) or (withdrawn is not None and withdrawn <= at)
            if not ended:
                return True
    return False


def _may_there(triple: Triple, local: datetime, state: str, zone: str) -> bool:
    if not triple["is_promised"] and not _is_below_caps(triple, local, zone):
        return False
    if triple["channel"] in {"letter", "email"}:
        return True
    if is_holiday(local):
        return False
    allowed = hours(state, local.weekday())
    if not allowed or not allowed[0] <= local.hour < allowed[1]:
        return False
    if triple["is_promised"] or not triple["preferences"]:
        return True
    minute = local.hour * 60 + local.minute
    return any(local.weekday() in days and opens <= minute < closes for days, opens, closes in triple["preferences"])


def _is_below_caps(triple: Triple, local: datetime, zone: str) -> bool:
    today = local.date().toordinal()
    ages: list[int] = []
    prerecorded: list[int] = []
    for channel, kind, at in triple["contacts"]:
        if channel == triple["channel"]:
            age = today - at.astimezone(ZoneInfo(zone)).date().toordinal()
            ages.append(age)
            if kind == "prerecorded":
                prerecorded.append(age)
    if not _fits(ages, CAPS[triple["channel"]]):
        return False
    return triple["kind"] != "prerecorded" or _fits(prerecorded, (1, 3, 3))


def _fits(ages: list[int], caps: tuple[int, int, int]) -> bool:
    """Ages in days of those made before: today's, those of the last seven days and of the last thirty."""
    counts = [len([age for age in ages if 0 <= age <= oldest]) for oldest in (0, 6, 29)]
    return all(count < cap for count, cap in zip(counts, caps, strict=True))
