"""Two plans' members who agree exactly, of whom no plan's row can say whether they are one person. Pure."""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from services.eligibility.people.doubtful_sides import Compared, compare_members
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.identity import Described, agrees_exactly
from services.eligibility.people.linkage import match_key
from services.eligibility.people.matching import Acquaintances

WAITING, ONE_PERSON, TWO_PERSONS = "waiting", "one-person", "two-persons"

Pair = tuple[UUID, UUID]
"""The smaller token first."""


class Side(NamedTuple):
    """One plan's entry beside one of another plan, field by field."""

    one: Enrolment
    other: Enrolment
    fields: list[Compared]


def pair_of(one: UUID, other: UUID) -> Pair:
    return min(one, other), max(one, other)


def found_alike(known: Acquaintances, changed: Iterable[Enrolment]) -> set[Pair]:
    """The pairs of whom one was changed now, or came, and agrees exactly with the other; nobody who was told apart."""
    return {
        pair_of(enrolment.member_token, other)
        for enrolment in changed
        if not enrolment.is_retired and (key := key_of(enrolment))
        for other in known.by_key.get(key, ())
        if other not in known.apart.get(enrolment.member_token, ())
        and _is_found(enrolment, key, known.by_plan(enrolment.member_token), known.by_plan(other).values())
    }


def _is_found(mine: Enrolment, key: str, by_plan: Collection[str], others: Iterable[Enrolment]) -> bool:
    """Whether name, birth date and ZIP agree with one of the others' entries, and no plan lists both: that would be
    its word that they are two."""
    theirs = list(others)
    if any(enrolment.tenant_id in by_plan for enrolment in theirs):
        return False
    return any(key_of(enrolment) == key and is_alike(mine, enrolment) for enrolment in theirs)


def may_be_one(enrolments: Iterable[Enrolment], pair: Pair) -> bool:
    """Whether two persons may be one by what their plans say today: name and birth date agree (he may have moved), and
    no plan lists both."""
    return any(is_alike(side.one, side.other) for side in sides(enrolments, pair))


def sides(enrolments: Iterable[Enrolment], pair: Pair) -> list[Side]:
    """Each plan's entry of the one beside each of the other; none if a plan lists both."""
    living = sorted((known for known in enrolments if not known.is_retired), key=lambda known: known.tenant_id)
    ones, others = ([known for known in living if known.member_token == member_token] for member_token in pair)
    if {known.tenant_id for known in ones} & {known.tenant_id for known in others}:
        return []
    return [Side(one, other, compare_members(one, other)) for one in ones for other in others]


def is_alike(one: Enrolment, other: Enrolment) -> bool:
    """Whether name and birth date are the same, and the suffix where both say one."""
    return agrees_exactly(one, Described.of_enrolment(other))


def key_of(enrolment: Enrolment) -> str:
    return match_key(enrolment.family, enrolment.given, enrolment.birth_on, enrolment.zip5)
