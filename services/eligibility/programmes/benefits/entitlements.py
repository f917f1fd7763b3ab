"""Which benefits a member may be entitled to, by rules that are data. Pure.

An indication, not a grant: the plan or the county decides. It tells a coordinator what to ask for and why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.eligibility.programmes.needs import Circumstances
from services.eligibility.programmes.segment import Traits


@dataclass(frozen=True, slots=True)
class Benefit:
    """`any_of`: one of these needs or conditions must be known; empty: none is asked for."""

    code: str
    title: str
    kind: str
    lines_of_business: frozenset[str]
    any_of: frozenset[str] = frozenset()
    age_from: int = 0


@dataclass(frozen=True, slots=True)
class BenefitList:
    """One version of the benefits of a state, in force from its day to the day before the next version's."""

    list_id: str
    version: int
    effective_on: date
    state_fips: str
    source: str
    benefits: tuple[Benefit, ...]


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`because`: the needs and conditions that speak for it; `missing`: why not, as codes; none: entitled."""

    benefit: Benefit
    cited: str
    because: tuple[str, ...]
    missing: tuple[str, ...]


def in_force(lists: Iterable[BenefitList], day: date) -> list[BenefitList]:
    """Of each list the version that holds on this day."""
    holding: dict[str, BenefitList] = {}
    for listed in sorted(lists, key=lambda listed: (listed.effective_on, listed.version)):
        if listed.effective_on <= day:
            holding[listed.list_id] = listed
    return list(holding.values())


def entitlements(
    lists: Iterable[BenefitList],
    traits: Traits,
    age: int | None,
    known: Circumstances,
    day: date,
    *,
    is_covered: bool = True,
) -> list[Entitlement]:
    """Every benefit of the member's state, with what speaks for it and what is missing. `is_covered`: a coverage is in
    force on the day, without which nothing is indicated."""
    here = [listed for listed in in_force(lists, day) if traits.county.startswith(listed.state_fips)]
    missing = () if is_covered else ("coverage",)
    return [
        _entitlement(listed, benefit, traits, age, known, missing) for listed in here for benefit in listed.benefits
    ]


def _entitlement(
    listed: BenefitList,
    benefit: Benefit,
    traits: Traits,
    age: int | None,
    known: Circumstances,
    missing: tuple[str, ...],
) -> Entitlement:
    because = tuple(sorted(benefit.any_of & known.observations))
    missing = (
        *missing,
        *(("line-of-business",) if traits.line_of_business not in benefit.lines_of_business else ()),
        *(("age",) if benefit.age_from and (age is None or age < benefit.age_from) else ()),
        *(("need",) if benefit.any_of and not because else ()),
    )
    return Entitlement(benefit, f"{listed.list_id}.{listed.version}", because, missing)
