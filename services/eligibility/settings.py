"""What only this service is told, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.eligibility.forecast.overlay_documents import OverlayError, overlay_paths
from services.eligibility.forecast.release_folder import SupportingDataError
from services.eligibility.forecast.supporting_data import bundled, releases
from services.kit.settings import SettingsError

FIRST_BUSINESS_ON = "VCC_FIRST_BUSINESS_ON"


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """`first_business_on` counts only while no day was ever opened; None: today in the programme's time zone.
    `keep_bytes_days`: how long a processed file's bytes are kept to answer its sender's questions."""

    first_business_on: date | None = None
    rows_per_batch: int = 1000
    poll_s: float = 0.5
    keep_bytes_days: int = 90


def read_own_settings(environ: Mapping[str, str]) -> OwnSettings:
    """Every release of CDC's rules is read here, with each state's overlay: one that can't be used fails the start."""
    try:
        for name in releases():
            for overlay in ("", *(f"+{jurisdiction}" for jurisdiction in overlay_paths())):
                bundled(name + overlay)
    except (SupportingDataError, OverlayError) as error:
        raise SettingsError(str(error)) from error
    text = environ.get(FIRST_BUSINESS_ON, "")
    try:
        return OwnSettings(date.fromisoformat(text) if text else None)
    except ValueError:
        raise SettingsError(f"{FIRST_BUSINESS_ON}: expected a date such as 2021-03-01") from None
