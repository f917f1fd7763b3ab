"""The answers of a batch of members under every programme, and which of them are news. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from services.eligibility.decisions.decision import NO_BASIS, Basis, Decision, LastDecision, Member
from services.eligibility.decisions.fact import digest_of, fact_of
from services.eligibility.decisions.known import Known, members_of
from services.eligibility.decisions.rules import decide
from services.eligibility.decisions.told import as_told
from services.eligibility.programmes.programme import Programme

NOWHERE: Mapping[UUID, Basis] = MappingProxyType({})


class Answers(NamedTuple):
    """The facts to announce, the decisions, with the whole answers, and arms to store; nothing for an answer that
    stands."""

    events: list[MemberEligibilityDecidedV1]
    decisions: list[tuple[LastDecision, str | None]]
    arms: list[tuple[str, UUID, str, int, date]]


def answer(
    known: Known,
    holding: Sequence[tuple[Programme, date | None]],
    business_on: date,
    now: datetime,
    members: Sequence[Member] | None = None,
    bases: Mapping[UUID, Basis] = NOWHERE,
) -> Answers:
    members = members_of(known, business_on) if members is None else members
    found, shared = Answers([], [], []), shared_arms(known, holding, business_on, members, bases)
    for member in members:
        doses = known.doses.get(member.person.member_token, ())
        basis = bases.get(member.enrolment.enrolment_id, NO_BASIS)
        stored_arms = basis.arms
        if drawn_here := shared.get(member.person.member_token):
            basis = replace(basis, arms={**basis.arms, **drawn_here})
        for programme, next_version_on in holding:
            decision = _bounded(decide(member, doses, programme, business_on, basis), next_version_on)
            identity = member.enrolment.enrolment_id, programme.programme_id
            last = known.last.get(identity) or LastDecision(*identity)
            digest = digest_of(member, decision)
            is_news = digest != last.digest
            now_stored = LastDecision(
                *identity, last.version + is_news, digest, decision.recheck_on, decision.cap_group, decision.cap_rank
            )
            if is_news:
                fact = fact_of(member, decision, now_stored.version, business_on, now)
                found.events.append(as_told(fact))
                found.decisions.append((now_stored, fact.payload))
            elif now_stored != last:
                found.decisions.append((now_stored, None))
            if decision.arm is not None and programme.programme_id not in stored_arms:
                drawn = member.person.member_token, decision.arm, programme.version, business_on
                found.arms.append((programme.programme_id, *drawn))
    return found


def shared_arms(
    known: Known,
    holding: Sequence[tuple[Programme, date | None]],
    business_on: date,
    members: Sequence[Member],
    bases: Mapping[UUID, Basis],
) -> dict[UUID, dict[str, str]]:
    """The arms of who is here with several enrolments, each of which may have an address of its own: drawn by the
    oldest enrolment that is admitted, and the same for all of them."""
    armed = [programme for programme, _ in holding if programme.arms]
    if not armed:
        return {}
    enrolments = Counter(member.enrolment.member_token for member in members)
    several = [member for member in members if enrolments[member.enrolment.member_token] > 1]
    found: dict[UUID, dict[str, str]] = {}
    for member in sorted(several, key=lambda member: member.enrolment.enrolment_id):
        basis = bases.get(member.enrolment.enrolment_id, NO_BASIS)
        drawn = found.setdefault(member.person.member_token, {})
        for programme in armed:
            if programme.programme_id not in drawn.keys() | basis.arms.keys():
                doses = known.doses.get(member.person.member_token, ())
                arm = decide(member, doses, programme, business_on, basis).arm
                drawn |= {programme.programme_id: arm} if arm else {}
    return found


def _bounded(decision: Decision, next_version_on: date | None) -> Decision:
    if next_version_on is None or (decision.recheck_on is not None and decision.recheck_on <= next_version_on):
        return decision
    return decision._replace(recheck_on=next_version_on)
