"""What is a time zone is said once, for settings, profiles, programmes and sites."""

from collections.abc import Callable

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.time_zones import is_time_zone
from services.eligibility.feeds.registries import parse_registry
from services.eligibility.settings import read_own_settings
from services.kit.settings import SettingsError
from services.scheduling.sites.shapes import TimeZone

GOOD = ["America/Chicago", "Pacific/Guam", "UTC", "Etc/GMT+6"]
BAD = [
    "posixrules",
    "localtime",
    "Factory",
    "america/chicago",
    "Chicago",
    "",
    "../etc/passwd",
    "America/Chicago ",
    "posix/UTC",
]


def a_setting(name: str) -> None:
    read_own_settings({"VCC_SENDER_TIME_ZONE": name or " "})


def a_registry(name: str) -> None:
    parse_registry(f"{{name: x, title: X, senders: [X], time_zone: '{name}'}}")


def a_site(name: str) -> None:
    TypeAdapter(TimeZone).validate_python(name)


@pytest.mark.parametrize("name", GOOD)
def test_zones_of_the_database(name: str) -> None:
    """Letter by letter as the IANA database names them."""
    assert is_time_zone(name)
    for taken in (a_setting, a_registry, a_site):
        taken(name)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("door", [a_setting, a_registry, a_site])
def test_what_is_no_zone_is_refused_at_every_door(name: str, door: Callable[[str], None]) -> None:
    """A machine's own setting, or a name that only some file systems find, is none."""
    assert not is_time_zone(name)
    with pytest.raises((SettingsError, ValueError, ValidationError)):
        door(name)
