"""Who is whom after merges. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from schemas.eligibility_v1 import MemberEligibilityDecidedV1, MembersMergedV1


class Merge(NamedTuple):
    """Two tokens that turned out to be one person, who goes on under the surviving one."""

    retired_token: UUID
    surviving_token: UUID


def merges_in(events: Iterable[MemberEligibilityDecidedV1 | MembersMergedV1]) -> list[Merge]:
    """What these events say of merges, in their order: one is told when it happens, and again by every fact of a token
    that was retired."""
    merges = []
    for event in events:
        if isinstance(event, MembersMergedV1):
            merges.append(Merge(event.retired_token, event.surviving_token))
        elif event.merged_into is not None:
            merges.append(Merge(event.member_token, event.merged_into))
    return merges


def with_merges(persons: Mapping[UUID, UUID], merges: Iterable[Merge]) -> dict[UUID, UUID]:
    """The person of every token after these merges; nobody's is one that was merged on. A merge of a person with itself
    (a circle) says nothing."""
    person_of = dict(persons)
    for retired, surviving in merges:
        old, new = person_of.setdefault(retired, retired), person_of.setdefault(surviving, surviving)
        if old != new:
            person_of |= {member_token: new for member_token, person in person_of.items() if person == old}
    return person_of
