"""What only this service is told, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from schemas.time_zones import EXPECTED, is_time_zone
from services.eligibility.feeds.archives import USUAL_LIMITS, ArchiveLimits
from services.eligibility.feeds.registries import DEFAULT_ZONE
from services.eligibility.feeds.reject_cap import USUAL, RejectCap
from services.eligibility.forecast.overlay_documents import OverlayError, overlay_paths
from services.eligibility.forecast.release_folder import SupportingDataError
from services.eligibility.forecast.supporting_data import bundled, releases
from services.eligibility.payers.senders import read_senders
from services.kit.settings import SettingsError

FIRST_BUSINESS_ON = "VCC_FIRST_BUSINESS_ON"
TEST_DATA_FROM = "VCC_TEST_DATA_FROM"
BUSINESS_DAYS = "VCC_BUSINESS_DAYS"
BY_CLOCK, BY_HAND = "by-clock", "by-hand"
SENDER_TIME_ZONE = "VCC_SENDER_TIME_ZONE"
ZIP_MOST_FILES, ZIP_MOST_MIB, ZIP_MOST_RATIO = "VCC_ZIP_MOST_FILES", "VCC_ZIP_MOST_MIB", "VCC_ZIP_MOST_RATIO"
MOST_UPLOAD_MIB, USUAL_UPLOAD_MIB = "VCC_MOST_UPLOAD_MIB", 512
MOST_REJECTS, MOST_REJECTS_PERCENT = "VCC_MOST_REJECTS", "VCC_MOST_REJECTS_PERCENT"


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """`first_business_on` counts only while no day was ever opened; None: today in the programme's time zone.
    `sender_time_zone`: whose clock a registry's message is read by that names no zone, if the registry has no profile.
    `keep_bytes_days`: how long a processed file's bytes are kept to answer its sender's questions. `test_data_from`:
    senders, as codes, whose test data take effect; `*` is everybody. Without any a deployment is production.
    `business_days`: who opens days, by-clock or by-hand; None: the clock, unless the deployment lives in another time.
    """

    first_business_on: date | None = None
    rows_per_batch: int = 1000
    poll_s: float = 0.5
    keep_bytes_days: int = 90
    test_data_from: frozenset[str] = frozenset()
    business_days: str | None = None
    sender_time_zone: str = DEFAULT_ZONE
    reject_cap: RejectCap = USUAL
    archive_limits: ArchiveLimits = USUAL_LIMITS
    most_upload_mib: int = USUAL_UPLOAD_MIB


def read_own_settings(environ: Mapping[str, str]) -> OwnSettings:
    """All of them, checked. Each release of CDC's rules is read, with each state's overlay: one that can't be used
    fails the start."""
    _read_releases()
    by = environ.get(BUSINESS_DAYS) or None
    if by not in {None, BY_CLOCK, BY_HAND}:
        raise SettingsError(f"{BUSINESS_DAYS}: expected {BY_CLOCK} or {BY_HAND}")
    text = environ.get(FIRST_BUSINESS_ON, "")
    try:
        first_on = date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{FIRST_BUSINESS_ON}: expected a date such as 2021-03-01") from None
    try:
        test_data_from = read_senders(environ.get(TEST_DATA_FROM, ""))
    except ValueError as error:
        raise SettingsError(f"{TEST_DATA_FROM}: {error}") from None
    return OwnSettings(
        first_on,
        test_data_from=test_data_from,
        business_days=by,
        sender_time_zone=_zone(environ.get(SENDER_TIME_ZONE) or DEFAULT_ZONE),
        reject_cap=_reject_cap(environ),
        archive_limits=_archive_limits(environ),
        most_upload_mib=_whole(environ, MOST_UPLOAD_MIB, USUAL_UPLOAD_MIB, 1_000_000),
    )


def _reject_cap(environ: Mapping[str, str]) -> RejectCap:
    most = _whole(environ, MOST_REJECTS, USUAL.most, 10_000_000)
    return RejectCap(most, _whole(environ, MOST_REJECTS_PERCENT, USUAL.percent, 100))


def _archive_limits(environ: Mapping[str, str]) -> ArchiveLimits:
    return ArchiveLimits(
        _whole(environ, ZIP_MOST_FILES, USUAL_LIMITS.members, 65_535),
        _whole(environ, ZIP_MOST_MIB, USUAL_LIMITS.unpacked_mib, 1_000_000),
        _whole(environ, ZIP_MOST_RATIO, USUAL_LIMITS.ratio, 1032),
    )


def _whole(environ: Mapping[str, str], name: str, usual: int, most: int) -> int:
    text = environ.get(name) or str(usual)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise SettingsError(f"{name}: expected a whole number from 0 to {most}")
    return int(text)


def _zone(name: str) -> str:
    if not is_time_zone(name):
        raise SettingsError(f"{SENDER_TIME_ZONE}: expected {EXPECTED}")
    return name


def _read_releases() -> None:
    try:
        for name in releases():
            for overlay in ("", *(f"+{jurisdiction}" for jurisdiction in overlay_paths())):
                bundled(name + overlay)
    except (SupportingDataError, OverlayError) as error:
        raise SettingsError(str(error)) from error
