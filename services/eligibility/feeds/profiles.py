"""Sender profiles: what one sender of rosters means by the qualifiers that the standard leaves open.

A profile is a YAML file in the folder `profiles`; the README there explains each word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import yaml

from services.eligibility.feeds.records import MEDICAL, IdType
from services.eligibility.feeds.values import digits

PROFILES = Path(__file__).with_name("profiles")
DEFAULT = "tr3"

INSURANCE_LINES = {
    "AG": "wellness", "AH": MEDICAL, "AJ": MEDICAL, "AK": "mental-health", "DCP": "dental", "DEN": "dental",
    "EPO": MEDICAL, "FAC": MEDICAL, "HE": "hearing", "HLT": MEDICAL, "HMO": MEDICAL, "LTC": "long-term-care",
    "LTD": "disability", "MM": MEDICAL, "MOD": "drug", "PDG": "drug", "POS": MEDICAL, "PPO": MEDICAL, "PRA": MEDICAL,
    "STD": "disability", "UR": "review", "VIS": "vision",
}  # fmt: skip
"""What each insurance line (X12 element 1205) covers."""


class Source(NamedTuple):
    """Where an identifier stands: REF-0F; REF-3H;3 (third of a ";" list); NM1-MI (NM109 when NM108 is MI)."""

    segment: str
    qualifier: str
    part: int = 0

    @classmethod
    def parse(cls, text: str) -> "Source":
        place, _, part = text.partition(";")
        segment, _, qualifier = place.partition("-")
        if segment not in {"REF", "NM1"} or not qualifier:
            raise ValueError(f"a profile's source is REF-xx, REF-xx;n or NM1-xx, not {text!r}")
        return cls(segment, qualifier, int(part or 0))

    def pick(self, value: str) -> str:
        if not self.part:
            return value
        parts = value.split(";")
        return parts[self.part - 1].strip() if len(parts) >= self.part else ""


@dataclass(frozen=True, slots=True)
class IdRule:
    """An identifier's type, its assigner ("" = the payer of the file) and its sources, best first."""

    type: str
    assigner: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    title: str
    match: tuple[Mapping[str, str], ...] = ()
    identifiers: tuple[IdRule, ...] = ()
    group: tuple[Source, ...] = ()
    tract: tuple[Source, ...] = ()
    county: Literal["fips", "california-number"] = "fips"
    dependants_carry: Literal["own", "subscriber"] = "subscriber"
    files: Literal["bgn08", "full", "change"] = "bgn08"
    absence_terminates: bool = False
    takes_test_data: bool = False
    spans: Literal["term", "monthly"] = "term"
    renewal_grace_days: int = 0
    line_of_business: str = "commercial"
    line_by_insurance: Mapping[str, str] = field(default_factory=dict)
    line_by_description: Mapping[str, str] = field(default_factory=dict)
    medical: frozenset[str] = frozenset()
    withheld: re.Pattern[str] | None = None

    def is_full(self, bgn08: str) -> bool:
        return self.files == "full" or (self.files == "bgn08" and bgn08 in {"4", "RX"})

    def is_withheld(self, text: str) -> bool:
        return self.withheld is not None and self.withheld.match(text) is not None

    def line_for(self, insurance: str, description: str) -> str:
        upper = description.upper()
        for word, line in self.line_by_description.items():
            if word in upper:
                return line
        return self.line_by_insurance.get(insurance, self.line_of_business)

    def kind_of(self, insurance: str) -> str:
        return MEDICAL if insurance in self.medical else INSURANCE_LINES.get(insurance, MEDICAL)

    def lapse(self, begin_on: date | None, end_on: date | None, may_renew: bool = True) -> date | None:
        """The last day a span counts: a month that is renewed month by month hasn't ended until the grace has."""
        if end_on is None or (begin_on is not None and end_on < begin_on):
            return None
        one_month = begin_on is not None and (begin_on.year, begin_on.month) == (end_on.year, end_on.month)
        grace = timedelta(days=self.renewal_grace_days)
        return end_on + grace if may_renew and one_month and self.spans == "monthly" else end_on

    def county_fips(self, text: str) -> str:
        """California numbers its counties in alphabetical order, FIPS the same by odd numbers."""
        if self.county == "california-number":
            number = int(text) if digits(text, len(text)) and len(text) <= 2 else 0
            return f"06{2 * number - 1:03d}" if 1 <= number <= 58 else ""
        return digits(text, 5)


def _sources(texts: list[str] | None) -> tuple[Source, ...]:
    return tuple(Source.parse(text) for text in texts or [])


def parse_profile(text: str) -> Profile:
    """Reads one profile; an unknown word in it is an error of its author."""
    raw = yaml.safe_load(text)
    rules = tuple(
        IdRule(IdType(rule["type"]).value, rule.get("assigner", ""), _sources(rule["from"]))
        for rule in raw.pop("identifiers")
    )
    withheld = raw.pop("withheld", None)
    return Profile(
        identifiers=rules,
        group=_sources(raw.pop("group", None)),
        tract=_sources(raw.pop("tract", None)),
        withheld=re.compile(withheld) if withheld else None,
        medical=frozenset(raw.pop("medical", ())),
        **raw,
    )


@cache
def profiles() -> Mapping[str, Profile]:
    found = [parse_profile(path.read_text(encoding="utf-8")) for path in sorted(PROFILES.glob("*.yaml"))]
    return {profile.name: profile for profile in found}


class UnknownProfile(ValueError):
    """There is no such sender profile: use one of those in the folder `profiles`."""


def named_profile(name: str) -> Profile:
    found = profiles().get(name)
    if found is None:
        raise UnknownProfile(f"no sender profile {name!r}; there are {', '.join(profiles())}")
    return found


def choose_profile(sender: str, group_sender: str, receiver: str, implementation: str) -> Profile | None:
    """The profile whose match names most of what the envelope says; None if no profile knows this sender."""
    seen = {"sender": {sender, group_sender}, "receiver": {receiver}, "implementation": {implementation}}
    scored = [
        (len(rule), profile)
        for profile in profiles().values()
        for rule in profile.match
        if all(value in seen[key] for key, value in rule.items())
    ]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None
