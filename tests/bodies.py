"""What coordinators, sites and the State send to the public interfaces, for whoever plays them in a test."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

PROGRAMME = "illinois-connectors-65"
ZONE = ZoneInfo("America/Los_Angeles")
PLACES = 2  # in each slot of a block

Json = dict[str, Any]


def at(day: date, hour: time) -> datetime:
    """An instant of a day where the sites are."""
    return datetime.combine(day, hour, ZONE)


def a_dose(day: date, lot: str = "EN6200") -> Json:
    return {"cvx": "208", "mvx": "PFR", "lot": lot, "administered_on": day.isoformat()}


def a_dose_of_the_day(day: date) -> Json:
    """From the lot that was opened that day."""
    return a_dose(day, f"EN{day:%m%d}")


def a_site(site_id: str, name: str = "") -> Json:
    gives = [{"cvx": "208", "vaccine_group": "covid-19"}]
    return {"site_id": site_id, "name": name or site_id, "zip5": "90012", "time_zone": ZONE.key, "kind": "mass",
            "gives": gives}  # fmt: skip


def a_block(site_id: str, plan: str, monday: date, days: int) -> Json:
    """Two slots on each of the week's first days."""
    starts = [at(monday + timedelta(days=n), time(hour)) for n in range(days) for hour in (9, 14)]
    slots = [
        {"start_at": start.isoformat(), "end_at": (start + timedelta(hours=2)).isoformat(), "capacity": PLACES}
        for start in starts
    ]
    occurred_at = at(monday, time(6)).isoformat()
    return {"site_id": site_id, "week_on": monday.isoformat(), "plan": plan, "new_plan": True, "cvx": "208",
            "slots": slots, "occurred_at": occurred_at}  # fmt: skip


def more_of(disposition: str, day: date) -> Json:
    """What an attempt's disposition asks to be told with it."""
    if disposition == "initial-refusal":
        return {"refusal_domain": "motivation", "barriers": ["transportation-insecurity"]}
    if disposition == "callback-scheduled":
        return {"callback_at": at(day + timedelta(days=2), time(15)).isoformat()}
    return {}
