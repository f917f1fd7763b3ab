"""Arms of a programme: who is offered it and who is a control, drawn by a seeded hash. Pure.

The draw depends on the seed and the unit alone: not on the order of entry, the day or the machine, so it can be drawn
again by anybody who has the document. Everybody of one household is drawn together where the document says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

CONTROL = "control"
REASONS = {"control-arm": "The member was drawn for the control arm, which is not offered the programme."}


@dataclass(frozen=True, slots=True)
class Arms:
    """`unit`: person or household. `shares` by arm sum to 1; `control` is not offered anything."""

    unit: str
    seed: str
    shares: Mapping[str, float]


def arm_of(arms: Arms, person: str, household: str) -> str:
    """The arm of a unit. Somebody without a household is a household of his own."""
    unit = household or person if arms.unit == "household" else person
    point = fraction(arms.seed, unit)
    total = 0.0
    for arm, share in arms.shares.items():
        total += share
        if point < total:
            return arm
    return list(arms.shares)[-1]  # shares that sum to a hair less than one


def fraction(seed: str, unit: str) -> float:
    """A number from 0 to 1 that is even over units and unrelated between seeds."""
    digest = blake2b(unit.encode(), key=seed.encode()[:64], digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)


def household_of(street: str, unit: str, zip5: str) -> str:
    """Who is written at one address in one way; empty without a street."""
    return " ".join(map(_plain, (street, unit, zip5))) if _plain(street) and zip5 else ""


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())
