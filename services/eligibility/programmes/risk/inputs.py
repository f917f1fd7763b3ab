"""From what is known of a member to the figures that a risk model looks at. Pure; what is not known is left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.eligibility.places.rules import MOST_VULNERABLE, Level, Placement
from services.eligibility.programmes.needs import Circumstances, vocabulary
from services.eligibility.programmes.segment import plain_language

CHRONIC = frozenset({
    "003", "005", "014", "015", "016", "017", "027", "066", "076", "114", "154", "155", "157", "160", "161", "178",
    "179", "180", "181", "186", "198", "199", "200", "201", "202", "204", "206", "207", "208", "214", "215", "254",
    "256", "257", "258", "259", "262",
})  # fmt: skip
"""CDSi observations that are lasting conditions of the person."""

OF_CONDITIONS = (
    frozenset({"014", "256", "263", "264", "266"}),
    frozenset({"016", "254"}),
    frozenset({"017", "027", "199", "200", "214", "215", "253"}),
    frozenset({"066", "114", "161"}),
    frozenset({"204", "257"}),
    frozenset({"258", "259", "205", "279"}),
)
"""Codes that speak of one and the same condition count once."""


@dataclass(frozen=True, slots=True)
class About:
    """`themes` are the four SVI percentiles of the member's own tract."""

    age: int | None
    language: str
    placement: Placement
    themes: tuple[float | None, ...]
    circumstances: Circumstances


def inputs_of(about: About) -> Mapping[str, float]:
    """Figures by name. A plan that sends observations at all is believed to send the needs that hold; where it sent
    none, needs are unknown rather than absent."""
    known = about.circumstances
    inputs: dict[str, float] = {}
    if about.age is not None:
        inputs["age"] = about.age
    if language := plain_language(about.language):
        inputs["not-english"] = float(language != "en")
    inputs |= {f"svi-theme-{n}": value for n, value in enumerate(about.themes, 1) if value is not None}
    if about.placement.level is Level.TRACT and about.placement.svi is not None:
        inputs["svi"] = about.placement.svi
    if (share := about.placement.share_above(MOST_VULNERABLE)) is not None:
        inputs["svi-zip-share"] = share
    if known.observations or known.figures:
        inputs["conditions"] = float(conditions(known.observations))
        inputs |= {need: float(need in known.observations) for need in vocabulary()["needs"]}
    return {**inputs, **known.figures}


def conditions(observations: frozenset[str]) -> int:
    """How many different lasting conditions."""
    lasting = observations & CHRONIC
    alike = [group for group in OF_CONDITIONS if lasting & group]
    return len(alike) + len(lasting - frozenset().union(*OF_CONDITIONS))
