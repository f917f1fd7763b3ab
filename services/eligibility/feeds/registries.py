"""Profiles of registries: what a sender of messages leaves unsaid. A YAML file in the folder `registries` for each.

A message whose time (MSH-7) names no zone was sent by the clock of its sender's place. A sender without a profile is
taken to keep the deployment's time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from schemas.time_zones import EXPECTED, is_time_zone

REGISTRIES = Path(__file__).with_name("registries")
DEFAULT_ZONE = "America/Chicago"


@dataclass(frozen=True, slots=True)
class RegistryProfile:
    """`senders` are the names under which it sends: its facility (MSH-4) or its application (MSH-3)."""

    name: str
    title: str
    senders: frozenset[str]
    time_zone: str


def parse_registry(text: str) -> RegistryProfile:
    """Reads one profile; an unknown word, or a zone that there is not, is an error of its author."""
    raw = yaml.safe_load(text)
    if not is_time_zone(raw["time_zone"]):
        raise ValueError(f"time_zone: expected {EXPECTED}")
    senders = frozenset(sender.upper() for sender in raw.pop("senders"))
    return RegistryProfile(senders=senders, **raw)


@cache
def registries() -> Mapping[str, RegistryProfile]:
    """By every name under which one of them sends."""
    found = [parse_registry(path.read_text(encoding="utf-8")) for path in sorted(REGISTRIES.glob("*.yaml"))]
    return {sender: profile for profile in found for sender in profile.senders}


@cache
def zone_of(facility: str, application: str, default: str = DEFAULT_ZONE) -> tzinfo:
    """The time zone of a sender, by facility first."""
    known = registries()
    profile = known.get(facility.upper()) or known.get(application.upper())
    return ZoneInfo(profile.time_zone if profile else default)
