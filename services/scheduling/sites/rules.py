"""A site, and its own days. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Site:
    """`gives` is the vaccine group of each product (CVX) that the site gives."""

    site_id: str
    name: str
    zip5: str
    time_zone: str
    kind: str
    gives: Mapping[str, str]

    def giving(self, cvx: str, vaccine_group: str) -> "Site":
        """The same with one product more, unless it gives that anyway."""
        return self if cvx in self.gives else replace(self, gives={**self.gives, cvx: vaccine_group})

    def day_of(self, instant: datetime) -> date:
        """The site's own calendar day at this instant."""
        return instant.astimezone(ZoneInfo(self.time_zone)).date()

    def noon(self, day: date) -> datetime:
        """The middle of the site's day, for a walk-in whose hour nobody recorded."""
        return datetime.combine(day, time(12), ZoneInfo(self.time_zone))
