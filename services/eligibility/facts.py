"""From what is stored to what is announced: decide for a batch of persons, and say what changed."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from uuid import UUID

from schemas.eligibility_v1 import MemberEligibilityDecidedV1, Svi
from services.eligibility import store_decisions, store_doses, store_members
from services.eligibility.domain import CountedDose, Decision, Enrolment, Member, Person, Programme, Statement, decide
from services.eligibility.geography import Address, Geography
from services.eligibility.programmes.documents import bundled, in_effect
from services.eligibility.store_decisions import LastDecision
from services.kit.unit_of_work import UnitOfWork

SEX_CODES = {"F": "female", "M": "male", "X": "other"}
_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of some persons, as far as deciding needs it."""

    enrolments: Sequence[Enrolment]
    persons: Mapping[UUID, Person]
    statements: Mapping[UUID, Sequence[Statement]]
    doses: Mapping[UUID, Sequence[CountedDose]]
    last: Mapping[tuple[UUID, str], LastDecision]


async def redecide(
    work: UnitOfWork, tokens: Collection[UUID], business_on: date, programmes: Iterable[Programme] | None = None
) -> int:
    """Decide for these persons under every programme and announce each answer that is not the last one. Gives how
    many facts that were. Locks the persons first, so that their facts leave in the order of the commits."""
    if not tokens:
        return 0
    known = await _load(work, tokens)
    holding = in_effect(bundled() if programmes is None else programmes, business_on)
    events, decisions = answer(known, holding, business_on, datetime.now(UTC))
    await store_decisions.save_decisions(work.connection, decisions)
    await work.announce(events)
    return len(events)


async def _load(work: UnitOfWork, tokens: Collection[UUID]) -> Known:
    connection = work.connection
    persons = await store_members.lock_persons(connection, tokens)
    enrolments = await store_members.load_enrolments(connection, tokens)
    return Known(
        enrolments=enrolments,
        persons=persons,
        statements=await store_members.load_statements(connection, tokens),
        doses=await store_doses.load_counted(connection, tokens),
        last=await store_decisions.load_decisions(connection, [one.enrolment_id for one in enrolments]),
    )


def answer(
    known: Known, holding: Sequence[tuple[Programme, date | None]], business_on: date, now: datetime
) -> tuple[list[MemberEligibilityDecidedV1], list[tuple[LastDecision, str | None]]]:
    """The facts to announce and the decisions to store; nothing for an answer that stands."""
    events: list[MemberEligibilityDecidedV1] = []
    decisions: list[tuple[LastDecision, str | None]] = []
    for member in _members(known):
        doses = known.doses.get(member.person.token, ())
        for programme, next_version_on in holding:
            decision = _bounded(decide(member, doses, programme, business_on), next_version_on)
            identity = member.enrolment.enrolment_id, programme.programme_id
            last = known.last.get(identity) or LastDecision(*identity)
            digest = _digest(member, decision)
            if digest != last.digest:
                fact = fact_of(member, decision, last.version + 1, business_on, now)
                events.append(fact)
                stored = LastDecision(*identity, fact.version, digest, decision.recheck_on)
                decisions.append((stored, fact.model_dump_json()))
            elif decision.recheck_on != last.recheck_on:
                decisions.append((replace(last, recheck_on=decision.recheck_on), None))
    return events, decisions


def _bounded(decision: Decision, next_version_on: date | None) -> Decision:
    if next_version_on is None or (decision.recheck_on is not None and decision.recheck_on <= next_version_on):
        return decision
    return replace(decision, recheck_on=next_version_on)


def _members(known: Known) -> list[Member]:
    addresses = []
    for one in known.enrolments:
        addresses.append(Address(one.zip5, _tract(one, known.statements.get(one.token, ())), one.county))
    placements = Geography.load().place_many(addresses)
    return [
        Member(one, known.persons[one.token], placement, tuple(known.statements.get(one.token, ())))
        for one, placement in zip(known.enrolments, placements, strict=True)
    ]


def _tract(enrolment: Enrolment, statements: Iterable[Statement]) -> str:
    """The plan's tract, else the registry's, if that is of the same ZIP: somebody may have moved since."""
    if enrolment.tract:
        return enrolment.tract
    return next((one.tract for one in statements if one.tract and one.zip5 == enrolment.zip5), "")


def _digest(member: Member, decision: Decision) -> str:
    """Changes exactly when anything does that the fact carries."""
    place, one = member.placement, member.enrolment
    carried = (
        decision.programme_version, decision.phase, decision.reasons, decision.is_vaccinated, decision.doses_valid,
        decision.priority, decision.age_band, decision.race_ethnicity, decision.svi_level, decision.svi_release,
        decision.svi_value, decision.is_vulnerable, decision.line_of_business, decision.is_enrolled,
        decision.is_protected, one.zip5, place.tract, place.county_fips, one.sex, one.language,
        str(member.person.merged_into),
    )  # fmt: skip
    return blake2b(repr(carried).encode(), digest_size=16).hexdigest()


def fact_of(
    member: Member, decision: Decision, version: int, business_on: date, now: datetime
) -> MemberEligibilityDecidedV1:
    one, place = member.enrolment, member.placement
    return MemberEligibilityDecidedV1.model_validate({
        "occurred_at": now,
        "enrolment_id": one.enrolment_id,
        "member_token": one.token,
        "tenant_id": one.tenant_id,
        "programme_id": decision.programme_id,
        "programme_version": decision.programme_version,
        "phase": decision.phase,
        "version": version,
        "status": "eligible" if decision.is_eligible else "ineligible",
        "reasons": decision.reasons,
        "vaccinated": decision.is_vaccinated,
        "doses_valid": decision.doses_valid,
        "priority": decision.priority,
        "age_band": decision.age_band,
        "sex": SEX_CODES.get(one.sex),
        "race_ethnicity": decision.race_ethnicity,
        "language": one.language if _CODE.fullmatch(one.language) else None,
        "line_of_business": decision.line_of_business,
        "zip5": one.zip5 or None,
        "tract": place.tract,
        "county_fips": place.county_fips,
        "svi": Svi(
            level=decision.svi_level, release=decision.svi_release, value=decision.svi_value,
            vulnerable=decision.is_vulnerable,
        ),
        "enrolled": decision.is_enrolled,
        "contact_protected": decision.is_protected,
        "merged_into": member.person.merged_into,
        "decided_on": business_on,
    })  # fmt: skip
