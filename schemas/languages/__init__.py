"""Languages as everybody here names them: the primary subtag of BCP 47, such as `es`. One table for every door, made of
ISO 639-2 and of IANA's registry of subtags (see SOURCES.md beside eligibility's code tables)."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

NO_LANGUAGE: Final = frozenset({"", "mis", "mul", "und", "zxx", "unk"})
UNDETERMINED: Final = "und"
"""BCP 47's tag of a language that nobody could name."""

_HERE = Path(__file__).parent
# The tongue that is meant by a wider tag goes by that, as the rosters write it; others (Mandarin, Dari) are their own.
_STANDARD: Final = {
    "als": "sq", "arb": "ar", "azj": "az", "ekk": "et", "khk": "mn", "lvs": "lv", "npi": "ne", "ory": "or", "pes": "fa",
    "plt": "mg", "swh": "sw", "uzn": "uz", "ydd": "yi", "zsm": "ms",
}  # fmt: skip
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")


@cache
def _tags() -> Mapping[str, str]:
    """By code of either length. What ISO 639-2 does not tell apart, such as K'iche' and Mam, is IANA's to name."""
    tags = {row["tag"]: row["tag"] for row in _rows("subtag.csv")}
    tags |= {row["iso639_2"]: row["tag"] for row in _rows("language.csv")}
    return tags | {tag: tag for tag in tags.values()} | _STANDARD


def _rows(name: str) -> list[dict[str, str]]:
    with (_HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def language_tag(text: str) -> str | None:
    """The BCP 47 tag of a language, as its primary subtag: "SPA", "es" and "es-MX" are "es". Empty where the code says
    that no language is known, None where it is no code."""
    primary = text.strip().lower().replace("_", "-").partition("-")[0]
    return "" if primary in NO_LANGUAGE else _tags().get(primary)


def _spoken(text: str) -> str:
    tag = text.strip().lower()
    found = language_tag(tag) if _TAG.fullmatch(tag) else None
    if tag != UNDETERMINED and not found:
        raise PydanticCustomError("unknown_language", "Expected a language tag of BCP 47, such as es or zh-Hant")
    return found or UNDETERMINED


Language = Annotated[
    str,
    Field(min_length=2, max_length=35, description="A tag of BCP 47; its primary subtag counts.", examples=["es"]),
    AfterValidator(_spoken),
]
"""A language that somebody names at a door: `ES` and `es-MX` are `es`; `spanish` is refused."""
