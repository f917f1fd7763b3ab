"""Values that the feeds share, and the vaccine codes of the bundled table, read as the data that they are."""

import csv
import unicodedata
from datetime import date, datetime
from functools import cache
from pathlib import Path

ELIGIBILITY = Path(__file__).parents[4] / "services" / "eligibility"
RACES = frozenset({"1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1"})
ETHNICITIES = frozenset({"2135-2", "2186-5"})
NO_VACCINE = "998"


def day(text: str) -> date | None:
    """A day of eight digits between 1900 and 2199."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        found = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return found if 1900 <= found.year < 2200 else None


def instant(text: str) -> datetime | None:
    """A time stamp of minutes with its offset, as in 202103010500-0800."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%z")
    except ValueError:
        return None


def digits(text: str, count: int) -> str:
    return text if len(text) == count and text.isascii() and text.isdigit() else ""


def normal(text: str) -> str:
    """Letters only, without accents, in upper case."""
    return "".join(one for one in unicodedata.normalize("NFKD", text).upper() if one.isalpha())


def match_key(family: str, given: str, birth_on: date | None, zip5: str) -> str:
    """Name, birth date and ZIP in one; empty unless all are said."""
    names = normal(family), normal(given)
    return "|".join((*names, birth_on.isoformat(), zip5)) if all(names) and birth_on and zip5 else ""


def sorted_out(codes: list[str]) -> tuple[tuple[str, ...], str | None]:
    """Races and the first ethnicity among codes; what is neither is left out."""
    races = tuple(dict.fromkeys(code for code in codes if code in RACES))
    return races, next((code for code in codes if code in ETHNICITIES), None)


@cache
def vaccines() -> dict[str, dict[str, str]]:
    with (ELIGIBILITY / "feeds" / "codes" / "cvx.csv").open(newline="", encoding="utf-8") as file:
        return {row["cvx"]: row for row in csv.DictReader(file)}


def groups_of(cvx: str) -> tuple[str, ...]:
    """The vaccine groups that a code counts for, as codes of the contracts."""
    groups = vaccines().get(cvx, {}).get("groups", "")
    return tuple(_slug(name.lower()) for name in groups.split(";") if name) or (f"cvx-{cvx or 'unknown'}",)


def _slug(name: str) -> str:
    return "-".join("".join(one if one.isalnum() or one in ".-" else " " for one in name).split())


def is_specific(cvx: str) -> bool:
    return cvx in vaccines() and vaccines()[cvx]["kind"] != "unspecified"


def lot(text: str) -> str:
    """A lot number, or nothing for a text that can be none: a word, or the number of somebody."""
    plain = [char for char in text if char.isalnum()]
    numbers = sum(char.isdigit() for char in plain)
    is_one = numbers > 0 and (numbers < len(plain) or numbers < 8) and len(text) <= 32 and text.isascii()
    return text if is_one else ""
