"""Who is whom: each token's newest assignment, and the person that follows from all of them. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from schemas.eligibility_v1 import MemberEligibilityDecidedV1, MembersMergedV1


class Merge(NamedTuple):
    """Two tokens that turned out to be one person, who goes on under the surviving one; or, as a split, two after all.
    `version` is the retired token's; 0: told before there were versions."""

    retired_token: UUID
    surviving_token: UUID
    version: int = 0
    is_split: bool = False

    @property
    def tokens(self) -> tuple[UUID, UUID]:
        """Both."""
        return self.retired_token, self.surviving_token


class Assigned(NamedTuple):
    """For whom a token stands, as it was told: itself, or another token, which may stand for a third one."""

    to: UUID
    version: int = 0


def merges_in(events: Iterable[MemberEligibilityDecidedV1 | MembersMergedV1]) -> list[Merge]:
    """What these events say of merges, in their order: one is told when it happens, and again by every fact of a token
    that was retired."""
    merges = []
    for event in events:
        if isinstance(event, MembersMergedV1):
            merges.append(Merge(event.retired_token, event.surviving_token, event.version or 0, event.is_split))
        elif event.merged_into is not None:
            merges.append(Merge(event.member_token, event.merged_into))
    return merges


def with_merges(known: Mapping[UUID, Assigned], merges: Iterable[Merge]) -> dict[UUID, Assigned]:
    """Every token's assignment after these: of two of one token the higher version holds, whichever comes first. What
    has no version counts only for tokens of which no version was told, and a merge of a person with itself (a circle)
    says nothing then."""
    assigned = dict(known)
    for retired, surviving, version, is_split in merges:
        for member_token in (retired, surviving):
            assigned.setdefault(member_token, Assigned(member_token))
        if version > assigned[retired].version:
            assigned[retired] = Assigned(retired if is_split else surviving, version)
        elif version == assigned[retired].version == 0:
            old, new = person_of(assigned, retired), person_of(assigned, surviving)
            if old != new and assigned[old].version == 0:
                assigned[old] = Assigned(surviving if old == retired else new)
    return assigned


def persons_of(assigned: Mapping[UUID, Assigned]) -> dict[UUID, UUID]:
    """The person of every token."""
    return {member_token: person_of(assigned, member_token) for member_token in assigned}


def come_apart(before: Mapping[UUID, UUID], after: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
    """Of those who were one person and are several now every token, with the person that they were."""
    persons = defaultdict[UUID, set[UUID]](set)
    for member_token, person in before.items():
        persons[person].add(after[member_token])
    return {member_token: person for member_token, person in before.items() if len(persons[person]) > 1}


def joined_in(
    events: Iterable[MemberEligibilityDecidedV1 | MembersMergedV1],
    before: Mapping[UUID, UUID],
    after: Mapping[UUID, UUID],
) -> dict[UUID, datetime]:
    """Of the tokens that stand for another one since these events, and did not before, the instants of their joins."""
    return {
        event.retired_token: event.occurred_at
        for event in events
        if isinstance(event, MembersMergedV1)
        and not event.is_split
        and before[event.retired_token] != before[event.surviving_token]
        and after[event.retired_token] == after[event.surviving_token]
    }


def person_of(assigned: Mapping[UUID, Assigned], member_token: UUID) -> UUID:
    """The token at the end of the chain; in a circle, which no producer tells, the smallest of it."""
    seen = [member_token]
    while (found := assigned.get(seen[-1])) is not None and found.to != seen[-1]:
        if found.to in seen:
            return min(seen[seen.index(found.to) :])
        seen.append(found.to)
    return seen[-1]
