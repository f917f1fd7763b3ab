"""Where a member lives and how vulnerable that place is.

The member's own tract is best; else the ZIP's tracts; else the county, which is coarse. The three are different
quantities (a percentile among tracts, a share of residents, a percentile among counties): each keeps its level,
release and ranking universe, and a rule names one cut-off per level.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

from services.eligibility.places.reference.tables import EDITIONS, LATEST, Edition, Tables

TRACT_DIGITS, COUNTY_DIGITS, ZIP_DIGITS, PLUS_FOUR_DIGITS = 11, 5, 5, 4
NEARLY_ALL = 0.99  # of a ZIP's addresses in one county: the rest is not worth a second look


class Level(StrEnum):
    TRACT = "tract"
    ZIP = "zip"
    COUNTY = "county"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a placement is not at the member's own tract, or needs a second look."""

    NO_TRACT = "no tract was given"
    TRACT_MALFORMED = "the tract is not eleven digits"
    TRACT_NOT_IN_RELEASE = "the tract is not in this SVI release"
    TRACT_UNRANKED = "the tract has no percentile in this SVI release"
    TRACT_OUTSIDE_ZIP = "the tract does not touch the member's ZIP"
    NO_ZIP = "no usable ZIP was given"
    ZIP_UNKNOWN = "the ZIP is in no crosswalk"
    ZIP_WITHOUT_RESIDENTS = "nobody lives in the ZIP (PO boxes or one building); its surroundings were taken"
    ZIP_OUTSIDE_RELEASE = "most of the ZIP lies outside this SVI release"
    ZIP_SPANS_COUNTIES = "the ZIP spans counties; the one with most residents was taken"
    COUNTY_OUTSIDE_ZIP = "the given county is none of the ZIP's"
    COUNTY_NOT_IN_RELEASE = "the county is not in this SVI release"
    NO_COUNTY = "no county was given or could be derived"


class Address(NamedTuple):
    """What a feed says about where somebody lives; each part may be missing or wrong."""

    zip5: str | None = None
    tract: str | None = None
    county: str | None = None


MOST_VULNERABLE = 0.75
"""The most vulnerable quarter of all tracts: the cut-off of a ZIP's share where no rule names one."""

Reasons = tuple[Reason, ...]
ResidentsBySvi = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a member was placed. `svi` is a percentile at tract and county level and None at ZIP level, where only
    `share_above` has a meaning."""

    level: Level
    zip5: str | None = None
    tract: str | None = None
    county_fips: str | None = None
    svi: float | None = None
    release: str | None = None
    universe: str | None = None
    reasons: Reasons = ()
    residents_by_svi: ResidentsBySvi = field(default=(), repr=False)

    @property
    def value(self) -> float | None:
        """What is told of the place where no rule asks: the percentile, at ZIP level the share above the quarter."""
        return self.share_above(MOST_VULNERABLE) if self.level is Level.ZIP else self.svi

    def share_above(self, cut_off: float) -> float | None:
        """The share of the ZIP's residents who live in a tract at or above the cut-off; None at any other level."""
        total = sum(residents for _, residents in self.residents_by_svi)
        if self.level is not Level.ZIP or not total:
            return None
        return sum(residents for svi, residents in self.residents_by_svi if svi >= cut_off) / total


@dataclass(frozen=True, slots=True)
class VulnerabilityRule:
    """One cut-off per level; None admits no decision at that level.

    tract_cut_off: percentile of the member's own tract. zip_share: share of the ZIP's residents who must live in
    tracts at or above tract_cut_off. county_cut_off: percentile of the county, for a programme that accepts coarse.
    """

    tract_cut_off: float
    zip_share: float | None = None
    county_cut_off: float | None = None


class Verdict(NamedTuple):
    """Whether the place is vulnerable under a rule, and the value, cut-off and level that say so; None: not decided."""

    vulnerable: bool | None
    level: Level
    value: float | None
    cut_off: float | None


def vulnerable(placement: Placement, rule: VulnerabilityRule) -> Verdict:
    """Compares like with like: the placement's value at its level with the rule's cut-off for that level."""
    value: float | None
    cut_off: float | None
    match placement.level:
        case Level.TRACT:
            value, cut_off = placement.svi, rule.tract_cut_off
        case Level.ZIP:
            value, cut_off = placement.share_above(rule.tract_cut_off), rule.zip_share
        case Level.COUNTY:
            value, cut_off = placement.svi, rule.county_cut_off
        case Level.UNKNOWN:
            value, cut_off = None, None
    decided = None if value is None or cut_off is None else value >= cut_off
    return Verdict(decided, placement.level, value, cut_off)


class Geography:
    """Places addresses by the tables of one edition. Take it from `load`, which shares the tables."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.tables = Tables(edition)
        self._placed = lru_cache(maxsize=1 << 14)(self.place)

    @staticmethod
    @cache
    def load(release: str = LATEST) -> "Geography":
        if release not in EDITIONS:
            raise ValueError(f"no SVI edition of that name is bundled; there are: {', '.join(EDITIONS)}")
        return Geography(EDITIONS[release])

    def place_many(self, addresses: Iterable[Address]) -> list[Placement]:
        """Places a batch; an address that occurs again costs nothing."""
        return [self._placed(*address) for address in addresses]

    def place(self, zip5: str | None = None, tract: str | None = None, county: str | None = None) -> Placement:
        """The finest level that the address and the edition allow. ZIP+4 is cut to five digits."""
        zip5, tract, county = _zip5(zip5), (tract or "").strip(), _digits(county, COUNTY_DIGITS)
        refused = self._refuse_tract(tract)
        if refused is None:
            return self._at_tract(zip5, tract)
        residents, zip_refused = self._residents_by_svi(zip5)
        if zip_refused is None:
            return self._at_zip(zip5 or "", county, residents, refused)
        if county is None and refused is not Reason.TRACT_MALFORMED:
            county = tract[:COUNTY_DIGITS] or None
        return self._at_county(zip5, county, (refused, zip_refused))

    def _refuse_tract(self, tract: str) -> Reason | None:
        if not tract:
            return Reason.NO_TRACT
        if _digits(tract, TRACT_DIGITS) is None:
            return Reason.TRACT_MALFORMED
        if tract not in self.tables.tracts:
            return Reason.TRACT_NOT_IN_RELEASE
        return Reason.TRACT_UNRANKED if self.tables.tracts[tract].svi is None else None

    def _residents_by_svi(self, zip5: str | None) -> tuple[ResidentsBySvi, Reason | None]:
        if zip5 is None:
            return (), Reason.NO_ZIP
        overlaps = self.tables.tracts_of_zip(zip5)
        if not overlaps and not self.tables.lists_zip(zip5):
            return (), Reason.ZIP_UNKNOWN
        ranked = ((self.tables.tracts[part.tract].svi, part.residents) for part in overlaps if part.residents)
        known = tuple((svi, residents) for svi, residents in ranked if svi is not None)
        beyond = sum(part.residents is None for part in overlaps)
        return (known, None) if known and beyond * 2 < len(overlaps) else ((), Reason.ZIP_OUTSIDE_RELEASE)

    def _at_tract(self, zip5: str | None, tract: str) -> Placement:
        of_zip = {part.tract for part in self.tables.tracts_of_zip(zip5)} if zip5 else set()
        reasons = (Reason.TRACT_OUTSIDE_ZIP,) if of_zip and tract not in of_zip else ()
        svi, release = self.tables.tracts[tract].svi, self.edition.tracts
        return Placement(Level.TRACT, zip5, tract, tract[:COUNTY_DIGITS], svi, release.name, release.universe, reasons)

    def _at_zip(self, zip5: str, county: str | None, residents: ResidentsBySvi, refused: Reason) -> Placement:
        home, reasons = self._county_within(zip5, county)
        if self._nobody_lives_in(zip5):
            reasons = (Reason.ZIP_WITHOUT_RESIDENTS, *reasons)
        release = self.edition.tracts
        return Placement(
            Level.ZIP, zip5, None, home, None, release.name, release.universe, (refused, *reasons), residents
        )

    def _at_county(self, zip5: str | None, county: str | None, reasons: Reasons) -> Placement:
        if county is None:
            county, more = self._county_within(zip5 or "", None)
            reasons = (*reasons, *more)
        if county is None:
            return Placement(Level.UNKNOWN, zip5, reasons=(*reasons, Reason.NO_COUNTY))
        ranked, release = self.tables.counties.get(county), self.edition.counties
        if ranked is None or ranked.svi is None:
            return Placement(Level.UNKNOWN, zip5, county_fips=county, reasons=(*reasons, Reason.COUNTY_NOT_IN_RELEASE))
        return Placement(Level.COUNTY, zip5, None, county, ranked.svi, release.name, release.universe, reasons)

    def _county_within(self, zip5: str, county: str | None) -> tuple[str | None, Reasons]:
        """The given county if the ZIP reaches into it, else the one with most of the ZIP's addresses."""
        counties = self.tables.counties_of_zip(zip5)
        if not counties or county in {fips for fips, _ in counties}:
            return county, ()
        if county is not None:
            return counties[0][0], (Reason.COUNTY_OUTSIDE_ZIP,)
        spans = len(counties) > 1 and counties[0][1] < NEARLY_ALL
        return counties[0][0], (Reason.ZIP_SPANS_COUNTIES,) if spans else ()

    def _nobody_lives_in(self, zip5: str) -> bool:
        counties = self.tables.counties_of_zip(zip5)
        return bool(counties) and not any(ratio for _, ratio in counties)


def _digits(text: str | None, length: int) -> str | None:
    text = (text or "").strip()
    return text if len(text) == length and text.isascii() and text.isdigit() else None


def _zip5(text: str | None) -> str | None:
    """Five digits of a ZIP or ZIP+4, with or without the hyphen."""
    text = (text or "").strip()
    plus_four = text[ZIP_DIGITS:].removeprefix("-")
    whole = not plus_four or _digits(plus_four, PLUS_FOUR_DIGITS) is not None
    return _digits(text[:ZIP_DIGITS], ZIP_DIGITS) if whole else None
