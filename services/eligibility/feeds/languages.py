"""The languages that a roster names of a member (LUI), and for which use. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.languages import language_tag

READ, WRITTEN, SPOKEN = "5", "6", "7"
"""LUI04. There are more: 8 is the native language, and often none is said."""

OF_NISO = {
    "cam": "km", "esk": "ypk", "esp": "eo", "eth": "gez", "far": "fo", "fri": "fy", "gae": "gd", "gag": "gl",
    "gal": "om", "gua": "gn", "int": "ia", "iri": "ga", "kus": "kos", "lan": "oc", "max": "gv", "mla": "mg",
    "mol": "ro", "sao": "sm", "scc": "sr", "scr": "hr", "sho": "sn", "snh": "si", "sso": "st", "swz": "ss",
    "tag": "tl", "taj": "tg", "tar": "tt", "tru": "chk", "tsw": "tn",
}  # fmt: skip
"""NISO Z39.53's older codes, which ISO 639-2 has under others. Some are codes of small languages in ISO 639-3 (`tag`:
Tagoi), which no roster means: X12 has NISO's (LUI01 = LD) and ISO 639's first two parts (LE)."""


class LanguageUse(NamedTuple):
    """A language as a tag of BCP 47, and the use that the member makes of it (LUI04)."""

    tag: str
    use: str = ""


def x12_language(code: str) -> str | None:
    """The tag of a language by its code (LUI02); empty where none is known, None for no code."""
    return OF_NISO.get(code.lower()) or language_tag(code)


def to_speak(languages: Sequence[LanguageUse]) -> str:
    """In which of them to speak to the member: one that is spoken, else the first that is not merely read or written,
    else the first."""
    return min(languages, key=lambda language: (language.use != SPOKEN, language.use in {READ, WRITTEN})).tag


def spoken(languages: Sequence[LanguageUse]) -> tuple[str, ...]:
    """Those of which it is said that the member speaks them."""
    return tuple(dict.fromkeys(language.tag for language in languages if language.use == SPOKEN))
