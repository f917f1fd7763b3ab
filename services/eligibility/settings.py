"""What only this service is told, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.eligibility.feeds.registries import DEFAULT_ZONE
from services.kit.settings import SettingsError

FIRST_BUSINESS_ON = "VCC_FIRST_BUSINESS_ON"
SENDER_TIME_ZONE = "VCC_SENDER_TIME_ZONE"


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """`first_business_on` counts only while no day was ever opened; None: today in the programme's time zone.
    `sender_time_zone`: whose clock a registry's message is read by that names no zone, if the registry has no profile.
    `keep_bytes_days`: how long a processed file's bytes are kept to answer its sender's questions."""

    first_business_on: date | None = None
    rows_per_batch: int = 1000
    poll_s: float = 0.5
    keep_bytes_days: int = 90
    sender_time_zone: str = DEFAULT_ZONE


def read_own_settings(environ: Mapping[str, str]) -> OwnSettings:
    zone = environ.get(SENDER_TIME_ZONE) or DEFAULT_ZONE
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            f"{SENDER_TIME_ZONE}: expected a zone of the IANA database such as America/Chicago"
        ) from None
    text = environ.get(FIRST_BUSINESS_ON, "")
    try:
        first_on = date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{FIRST_BUSINESS_ON}: expected a date such as 2021-03-01") from None
    return OwnSettings(first_on, sender_time_zone=zone)
