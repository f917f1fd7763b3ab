"""The demo's sites: mass sites whose weekly slots the state holds for the plans, and a mobile team."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.demo.api import Api

ZONE = "America/Los_Angeles"
PLANS = ("lakeshore", "prairie")
PLACES_A_SLOT = 4
SLOT_TIMES = (time(9), time(11), time(13), time(15))
DAYS_OPEN = 6


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A site and what it gives."""

    site_id: str
    name: str
    zip5: str
    kind: str
    cvx: str
    mvx: str


SITES = (
    DemoSite("dodger-stadium", "Dodger Stadium", "90012", "mass", "208", "PFR"),
    DemoSite("oakland-coliseum", "Oakland Coliseum", "94621", "mass", "207", "MOD"),
    DemoSite("fresno-fairgrounds", "Fresno Fairgrounds", "93702", "mass", "208", "PFR"),
    DemoSite("mobile-team-1", "Mobile Team 1", "90011", "mobile", "212", "JSN"),
)
SITE_BY_ID = {site.site_id: site for site in SITES}


async def describe_sites(state: Api) -> None:
    """Make the sites known."""
    for site in SITES:
        body = {
            "site_id": site.site_id,
            "name": site.name,
            "zip5": site.zip5,
            "time_zone": ZONE,
            "kind": site.kind,
            "gives": [{"cvx": site.cvx, "vaccine_group": "covid-19"}],
        }
        await state.post("/sites", f"demo-site-{site.site_id}", body)


async def open_week(state: Api, monday: date) -> None:
    """Hold a block at each site for each plan for the week."""
    for site in SITES:
        for plan in PLANS:
            body = {
                "site_id": site.site_id,
                "week_on": monday.isoformat(),
                "plan": plan,
                "new_plan": True,  # the first week is opened before the plans' first rosters are read
                "cvx": site.cvx,
                "slots": list(_slots(monday)),
                "occurred_at": at(monday, time(6)).isoformat(),
            }
            await state.post("/blocks", f"demo-block-{site.site_id}-{plan}-{monday}", body)


def _slots(monday: date) -> Iterator[dict[str, Any]]:
    for offset in range(DAYS_OPEN):
        for start in SLOT_TIMES:
            begin = at(monday + timedelta(days=offset), start)
            end = begin + timedelta(hours=2)
            yield {"start_at": begin.isoformat(), "end_at": end.isoformat(), "capacity": PLACES_A_SLOT}


def at(day: date, clock: time) -> datetime:
    """An instant of a day in the sites' time zone."""
    return datetime.combine(day, clock, ZoneInfo(ZONE))
