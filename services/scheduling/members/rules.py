"""What booking knows of a member: eligibility's newest answer, and whether a death was reported. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from schemas.eligibility_v1 import EligibilityStatus, MemberEligibilityDecidedV1
from services.scheduling.refusals import RefusalCode

DEATH_REPORTED = "death-reported"
"""The reason of eligibility's answer while a report of the member's death is to be checked."""


class Standing(StrEnum):
    """What eligibility's answer means for booking."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    VACCINATED = "vaccinated"
    DISENROLLED = "disenrolled"
    DECEASED = "deceased"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The copy of eligibility's newest answer about an enrolment under a programme."""

    enrolment_id: UUID
    programme_id: str
    tenant_id: str
    member_token: UUID
    version: int
    standing: Standing
    reasons: tuple[str, ...] = ()
    death_reports_until: datetime | None = None


class Person(NamedTuple):
    """One person, by all tokens. `is_reported_dead`: somebody said so, and eligibility has not weighed it."""

    member_tokens: frozenset[UUID]
    is_reported_dead: bool


class DeathReport(NamedTuple):
    """What an attempt or a cancellation said of a death, or that it was said in error."""

    report_id: UUID
    member_token: UUID
    reported_at: datetime | None
    retracted: bool


def standing_of(decided: MemberEligibilityDecidedV1) -> Standing:
    """The standing that an answer gives. An eligible member may have had doses before (a series, a booster): eligible
    wins over vaccinated. Who is out only because a death is to be checked may have had doses as well, and still need
    one."""
    if decided.merged_into is not None:
        return Standing.MERGED
    if decided.status is EligibilityStatus.ELIGIBLE:
        return Standing.ELIGIBLE
    if "deceased" in decided.reasons:
        return Standing.DECEASED
    if not decided.enrolled:
        return Standing.DISENROLLED
    is_vaccinated = decided.vaccinated and decided.reasons != (DEATH_REPORTED,)
    return Standing.VACCINATED if is_vaccinated else Standing.INELIGIBLE


def newest_enrolments(decided: Sequence[MemberEligibilityDecidedV1]) -> list[Enrolment]:
    """Of each enrolment and programme the answer with the highest version."""
    newest = {
        (event.enrolment_id, event.programme_id): event for event in sorted(decided, key=lambda event: event.version)
    }
    return [
        Enrolment(
            event.enrolment_id, event.programme_id, event.tenant_id, event.member_token, event.version,
            standing_of(event), event.reasons, event.death_reports_until,
        )
        for event in newest.values()
    ]  # fmt: skip


def choose_enrolment(enrolments: Sequence[Enrolment], programme_id: str | None) -> Enrolment | RefusalCode:
    """The enrolment under the programme that was named, or under the only one there is. One that was just merged
    will be restated under the surviving token: until then nothing is known of it."""
    usable = [enrolment for enrolment in enrolments if enrolment.standing is not Standing.MERGED]
    named = [enrolment for enrolment in usable if programme_id in {None, enrolment.programme_id}]
    if not named:
        return RefusalCode.UNKNOWN_ENROLMENT
    return named[0] if len(named) == 1 else RefusalCode.PROGRAMME_NEEDED
