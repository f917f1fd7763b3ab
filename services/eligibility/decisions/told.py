"""What the topic tells of an answer. Whoever may see a member reads the whole answer here; the topic is read by many,
and carries no attribute that none of them needs (docs/adr/0024). Pure."""

from collections.abc import Mapping
from typing import Any

from schemas.eligibility_v1 import MemberEligibilityDecidedV1

NOT_TOLD: Mapping[str, Any] = dict.fromkeys(("sex", "tract", "county_fips", "due_on", "risk_tier", "risk_model"))
QUARTERS = 4


def as_told(fact: MemberEligibilityDecidedV1) -> MemberEligibilityDecidedV1:
    """The fact without what nobody needs, and with the quarter of the SVI ranking instead of the rank, which in a ZIP
    names the tract."""
    svi = fact.svi
    if svi.value is not None:
        svi = svi.model_copy(update={"value": quarter_of(svi.value)})
    return fact.model_copy(update={**NOT_TOLD, "svi": svi})


def quarter_of(value: float) -> float:
    """The lower bound of the value's quarter: coverage by vulnerability is told by quarters."""
    return min(int(value * QUARTERS), QUARTERS - 1) / QUARTERS
