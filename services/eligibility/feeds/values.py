"""Values that every feed writes its own way, brought to one form. None or "" means: this is no such value."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.eligibility.feeds.no_numbers import names_nothing
from services.eligibility.feeds.records import Phone, Sex

END_OF_DAY = time(23, 59, 59, 999_999)
EARLIEST_ON = date(1900, 1, 1)
LATEST_ON = date(2199, 12, 31)
DATE_RANGE = f"a date between {EARLIEST_ON.year} and {LATEST_ON.year} as YYYYMMDD"

WHITE, BLACK, ASIAN = "2106-3", "2054-5", "2028-9"
NATIVE, PACIFIC, OTHER_RACE = "1002-5", "2076-8", "2131-1"
HISPANIC, NOT_HISPANIC = "2135-2", "2186-5"

# CDC numbers its detailed codes in blocks below each category of the Office of Management and Budget.
_CDC_BLOCKS = (
    (1002, 2027, NATIVE), (2028, 2053, ASIAN), (2054, 2075, BLACK), (2076, 2105, PACIFIC), (2106, 2130, WHITE),
    (2131, 2132, OTHER_RACE), (2133, 2185, HISPANIC), (2186, 2186, NOT_HISPANIC), (2500, 2500, PACIFIC),
)  # fmt: skip
_CDC_CODE = re.compile(r"(\d{4})-\d", re.ASCII)
ETHNICITIES = frozenset({HISPANIC, NOT_HISPANIC})
UNSAID = frozenset({"", "UNK", "ASKU", "NASK", "POL", "PHC1175", "U"})

_DAY = re.compile(r"\d{8}", re.ASCII)
_INSTANT = re.compile(r"(\d{8})(\d{2})?(\d{2})?(\d{2})?(?:\.\d{1,6})?([+-]\d{4})?", re.ASCII)
_ZIP = re.compile(r"(\d{5})-?(\d{4})?", re.ASCII)
_AT_HOME = frozenset({
    "", "US", "USA", "PR", "PRI", "VI", "VIR", "GU", "GUM", "AS", "ASM", "MP", "MNP", "UM", "UMI", "FM", "FSM", "MH",
    "MHL", "PW", "PLW",
})  # fmt: skip
"""The United States, their territories and the states in free association with them, which have ZIP codes."""
_NO_ZIP = frozenset({"00000", "99999"})
_DIGITS = re.compile(r"\D+", re.ASCII)
_LETTERS = re.compile(r"[^A-Z]+")
_PHONE = re.compile(r"[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_SEXES: dict[str, Sex] = {"F": "F", "M": "M", "X": "X", "U": "U", "FEMALE": "F", "MALE": "M", "": "U"}


@lru_cache(maxsize=65536)
def day(text: str) -> date | None:
    """A YYYYMMDD day within reason."""
    if not _DAY.fullmatch(text):
        return None
    try:
        found = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return found if EARLIEST_ON <= found <= LATEST_ON else None


def is_open_end(text: str) -> bool:
    """Senders write the end of an open span as a day in the year 9999."""
    return len(text) == 8 and text.startswith("9999")


def iso_day(text: str) -> date | None:
    """YYYY-MM-DD or YYYYMMDD, as extracts mix them."""
    return day(text.replace("-", "")) if len(text) in {8, 10} else None


def instant(text: str) -> datetime | None:
    """An HL7 or X12 time stamp, UTC where it names no zone; a zone of no place on Earth is dropped, not believed."""
    match = _INSTANT.fullmatch(text)
    on = day(match[1]) if match else None
    if match is None or on is None:
        return None
    hour, minute, second = int(match[2] or 0), int(match[3] or 0), int(match[4] or 0)
    if hour > 23 or minute > 59 or second > 60:
        return None
    return datetime(on.year, on.month, on.day, hour, minute, min(second, 59), tzinfo=zone(match[5] or ""))


@lru_cache(maxsize=4096)
def moment(text: str, local: tzinfo) -> datetime | None:
    """A time stamp of a message: in its sender's zone where it names none. A day alone stands for its end, marked by
    the last microsecond."""
    match, found = _INSTANT.fullmatch(text), instant(text)
    if match is None or found is None:
        return None
    offset = _offset(match[5]) if match[5] else None
    there = local if offset is None else timezone(offset)
    return datetime.combine(found, found.time() if match[2] else END_OF_DAY, there)


@lru_cache(maxsize=256)
def zone(text: str) -> timezone:
    offset = _offset(text) if text else None
    return UTC if offset is None else timezone(offset)


def _offset(text: str) -> timedelta | None:
    """From UTC; none for a zone of no place on Earth."""
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    if offset > timedelta(hours=14) or int(text[3:5]) > 59:
        return None
    return -offset if text[0] == "-" else offset


# X12 element 623: the zones that are named; those with a season of their own go by the place.
_PLACES = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles",
    "AT": "America/Anchorage", "HT": "Pacific/Honolulu", "TT": "America/Halifax", "NT": "America/St_Johns",
}  # fmt: skip
_HOURS = {
    "ED": -4, "ES": -5, "CD": -5, "CS": -6, "MD": -6, "MS": -7, "PD": -7, "PS": -8, "AD": -8, "AS": -9, "HD": -9,
    "HS": -10, "TD": -3, "TS": -4, "ND": -2.5, "NS": -3.5, "UT": 0, "GM": 0,
}  # fmt: skip


@lru_cache(maxsize=256)
def time_zone(code: str) -> tzinfo:
    """A time zone of X12 element 623: by name, or 01-12 hours east and 13-24 (24 is one) hours west; else UTC."""
    if code in _PLACES:
        return ZoneInfo(_PLACES[code])
    number = int(digits(code, 2) or 0)
    hours = _HOURS.get(code, number if number <= 12 else number - 25)
    return timezone(timedelta(hours=hours)) if -12 <= hours <= 12 else UTC


@lru_cache(maxsize=65536)
def zip_code(text: str) -> tuple[str, str] | None:
    """(ZIP, +4), the +4 empty where it is missing or all zeros."""
    match = _ZIP.fullmatch(text)
    if match is None or match[1] in _NO_ZIP:
        return None
    return match[1], "" if match[2] in (None, "0000") else match[2]


def abroad(country: str, state: str) -> str:
    """The country, if it is said to be another one: no word that stands for none, no number, and not the state said
    once more, as some senders do."""
    plain = _LETTERS.sub("", country.upper())
    is_home = plain in _AT_HOME or plain.startswith("UNITEDSTATES") or plain == state.upper()
    return "" if is_home or names_nothing(plain) else country


def phone(text: str, use: str) -> Phone | None:
    """A North American number in whatever punctuation."""
    digits = text if text.isascii() and text.isdecimal() else _DIGITS.sub("", text)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    return Phone(digits, use) if _PHONE.fullmatch(digits) else None


def email(text: str) -> str:
    name, at, host = text.strip().partition("@")
    return f"{name}@{host.lower()}" if at and name and "." in host and " " not in text else ""


def sex(text: str) -> Sex | None:
    return _SEXES.get(text.upper())


@lru_cache(maxsize=1024)
def cdc_category(code: str) -> str | None:
    """The reporting category a CDC race or ethnicity code belongs to."""
    match = _CDC_CODE.fullmatch(code)
    number = int(match[1]) if match else 0
    return next((category for first, last, category in _CDC_BLOCKS if first <= number <= last), None)


def digits(text: str, count: int) -> str:
    """The text if it is just that many digits."""
    return text if len(text) == count and text.isascii() and text.isdigit() else ""


def decode(raw: bytes, charset: str = "") -> tuple[str, bool]:
    """The text and whether the charset had to be guessed: UTF-8 unless said otherwise, else the Windows one."""
    for name in (charset, "utf-8"):
        if name:
            try:
                return raw.decode(name), False
            except (UnicodeDecodeError, LookupError):
                continue
    try:
        return raw.decode("cp1252"), True
    except UnicodeDecodeError:
        return raw.decode("latin-1"), True


def mend(text: str) -> str:
    """The text of bytes that were split as Latin-1 before anybody knew their charset."""
    return text if text.isascii() else decode(text.encode("latin-1"))[0]
