"""Which names are time zones: one check for whatever names one, at every door."""

from functools import cache
from zoneinfo import available_timezones

NO_PLACES = frozenset({"posixrules", "localtime", "Factory"})
"""Files beside the zones of the IANA database: what a machine was set up with, which is another one elsewhere."""
EXPECTED = "a zone of the IANA database such as America/Chicago"


def is_time_zone(name: str) -> bool:
    """Whether the IANA database has a zone of this name, letter by letter."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_PLACES
