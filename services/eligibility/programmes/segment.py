"""Whom a programme is for, beyond age and area: criteria that all must hold. Pure; says every one that fails."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from schemas.languages import language_tag

MACRO_LANGUAGES = {"cmn": "zh", "yue": "zh"}
"""ISO 639-3: who asks for Chinese means Mandarin and Cantonese too, not the other way round."""

REASONS = {
    "other-line-of-business": "The member's line of business is not one of the programme's.",
    "outside-places": "The member lives outside the programme's ZIPs and counties.",
    "other-language": "The member's language is not one of the programme's, or is not known.",
    "no-listed-condition": "None of the conditions or needs that the programme is for is known of the member.",
    "excluded-condition": "A condition is known of the member for which the programme is not meant.",
    "other-race-ethnicity": "The programme states a lawful purpose for other groups only.",
    "risk-unknown": "The member's risk has not been scored.",
    "other-risk-tier": "The member's risk tier is not one of the programme's.",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """An empty criterion admits everybody. `any_of` holds groups, of each of which one code must be known."""

    lines_of_business: frozenset[str] = frozenset()
    zips: frozenset[str] = frozenset()
    counties: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    any_of: tuple[frozenset[str], ...] = ()
    none_of: frozenset[str] = frozenset()
    race_ethnicity: frozenset[str] = frozenset()
    lawful_purpose: str = ""
    risk_tiers: frozenset[str] = frozenset()


EVERYBODY = Segment()


class Traits(NamedTuple):
    """What the criteria look at. `observations` are CDSi codes and needs that hold on the day."""

    line_of_business: str = "unknown"
    zip5: str = ""
    county: str = ""
    language: str = ""
    race_ethnicity: str = "unknown"
    observations: frozenset[str] = frozenset()
    risk_tier: str | None = None


@lru_cache(maxsize=1024)
def plain_language(code: str) -> str:
    """The primary subtag, as feeds tell it: "spa", "es" and "es-MX" are one language. Empty where none is known."""
    return language_tag(code) or ""


def failing(segment: Segment, traits: Traits) -> tuple[str, ...]:
    """The criteria that do not hold, in a fixed order."""
    return () if segment is EVERYBODY else tuple(_failing(segment, traits))


def _failing(segment: Segment, traits: Traits) -> Iterator[str]:
    if segment.lines_of_business and traits.line_of_business not in segment.lines_of_business:
        yield "other-line-of-business"
    if (segment.zips or segment.counties) and traits.zip5 not in segment.zips and traits.county not in segment.counties:
        yield "outside-places"
    spoken = plain_language(traits.language)
    if segment.languages and segment.languages.isdisjoint({spoken, MACRO_LANGUAGES.get(spoken, spoken)}):
        yield "other-language"
    if any(group.isdisjoint(traits.observations) for group in segment.any_of):
        yield "no-listed-condition"
    if not segment.none_of.isdisjoint(traits.observations):
        yield "excluded-condition"
    if segment.race_ethnicity and traits.race_ethnicity not in segment.race_ethnicity:
        yield "other-race-ethnicity"
    if segment.risk_tiers and traits.risk_tier not in segment.risk_tiers:
        yield "risk-unknown" if traits.risk_tier is None else "other-risk-tier"
