"""From what is stored to what is announced: decide for a batch of persons, and say what changed."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from services.eligibility.decisions.decision import NO_SITUATION, Decision, Member, Situation
from services.eligibility.decisions.flow import situations
from services.eligibility.decisions.rules import covered, decide, traits_of
from services.eligibility.decisions.store import caps as cap_store
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.decisions.store.decisions import LastDecision
from services.eligibility.doses.counted import CountedDose
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people import store as people_store
from services.eligibility.people.ages import age_on
from services.eligibility.people.enrolment import Enrolment, Person
from services.eligibility.people.roster import Book
from services.eligibility.people.statement import Statement, is_protected
from services.eligibility.places.rules import Address, Geography, Placement
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.benefits.documents import bundled_lists
from services.eligibility.programmes.benefits.entitlements import Entitlement, entitlements
from services.eligibility.programmes.documents import in_effect, live
from services.eligibility.programmes.needs import circumstances
from services.eligibility.programmes.programme import Programme
from services.eligibility.vital import store as vital_store
from services.eligibility.vital.registry import channels_barred
from services.eligibility.vital.rules import vital_of
from services.eligibility.vital.store import NOBODY_SAID, Others
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork

SEX_CODES = {"F": "female", "M": "male", "X": "other"}
NOWHERE: Mapping[UUID, Situation] = MappingProxyType({})
_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of some persons, as far as deciding needs it."""

    enrolments: Sequence[Enrolment]
    persons: Mapping[UUID, Person]
    statements: Mapping[UUID, Sequence[Statement]]
    doses: Mapping[UUID, Sequence[CountedDose]]
    last: Mapping[tuple[UUID, str], LastDecision]
    others: Others = NOBODY_SAID


async def redecide(
    work: UnitOfWork,
    tokens: Collection[UUID],
    business_on: date,
    programmes: Iterable[Programme] | None = None,
    book: Book | None = None,
) -> int:
    """Decide for these persons under every programme and announce each answer that is not the last one. Gives how
    many facts that were. Locks the persons first, so that their facts leave in the order of the commits; whoever
    stands in the `book` is locked, and what it says of them is stored."""
    if not tokens:
        return 0
    known = await _load(work, tokens, Book(new_id) if book is None else book)
    documents = live(await programme_store.load_documents(work.connection)) if programmes is None else programmes
    holding = in_effect(documents, business_on)
    members, in_force = members_of(known), [programme for programme, _ in holding]
    situated = await situations.situate(work.connection, members, known.doses, in_force, business_on)
    events, decisions, arms = answer(known, holding, business_on, datetime.now(UTC), members, situated)
    await decision_store.save_decisions(work.connection, decisions)
    await cap_store.save_arms(work.connection, arms)
    await work.announce(events)
    return len(events)


async def _load(work: UnitOfWork, tokens: Collection[UUID], book: Book) -> Known:
    connection = work.connection
    wanted = set(tokens)
    missing = wanted - set(book.persons)
    persons = book.persons | await people_store.lock_persons(connection, missing)
    enrolments = [one for one in book.enrolments.values() if one.token in wanted]
    enrolments += await people_store.load_enrolments(connection, missing)
    return Known(
        enrolments=enrolments,
        persons=persons,
        statements=await people_store.load_statements(connection, tokens),
        doses=await dose_store.load_counted(connection, tokens),
        last=await decision_store.load_decisions(connection, [one.enrolment_id for one in enrolments]),
        others=await vital_store.load_others(connection, tokens),
    )


class Answers(NamedTuple):
    """The facts to announce, the decisions and arms to store; nothing for an answer that stands."""

    events: list[MemberEligibilityDecidedV1]
    decisions: list[tuple[LastDecision, str | None]]
    arms: list[tuple[str, UUID, str, int, date]]


def answer(
    known: Known,
    holding: Sequence[tuple[Programme, date | None]],
    business_on: date,
    now: datetime,
    members: Sequence[Member] | None = None,
    situated: Mapping[UUID, Situation] = NOWHERE,
) -> Answers:
    members = members_of(known) if members is None else members
    found, shared = Answers([], [], []), shared_arms(known, holding, business_on, members, situated)
    for member in members:
        doses = known.doses.get(member.person.token, ())
        situation = situated.get(member.enrolment.enrolment_id, NO_SITUATION)
        stored_arms = situation.arms
        if drawn_here := shared.get(member.person.token):
            situation = replace(situation, arms={**situation.arms, **drawn_here})
        for programme, next_version_on in holding:
            decision = _bounded(decide(member, doses, programme, business_on, situation), next_version_on)
            identity = member.enrolment.enrolment_id, programme.programme_id
            last = known.last.get(identity) or LastDecision(*identity)
            digest = _digest(member, decision)
            is_news = digest != last.digest
            now_stored = LastDecision(
                *identity, last.version + is_news, digest, decision.recheck_on, decision.cap_group, decision.cap_rank
            )
            if is_news:
                fact = fact_of(member, decision, now_stored.version, business_on, now)
                found.events.append(fact)
                found.decisions.append((now_stored, fact.payload))
            elif now_stored != last:
                found.decisions.append((now_stored, None))
            if decision.arm is not None and programme.programme_id not in stored_arms:
                drawn = member.person.token, decision.arm, programme.version, business_on
                found.arms.append((programme.programme_id, *drawn))
    return found


def shared_arms(
    known: Known,
    holding: Sequence[tuple[Programme, date | None]],
    business_on: date,
    members: Sequence[Member],
    situated: Mapping[UUID, Situation],
) -> dict[UUID, dict[str, str]]:
    """The arms of who is here with several enrolments, each of which may have an address of its own: drawn by the
    oldest enrolment that is admitted, and the same for all of them."""
    armed = [programme for programme, _ in holding if programme.arms]
    if not armed:
        return {}
    enrolments = Counter(one.enrolment.token for one in members)
    several = [one for one in members if enrolments[one.enrolment.token] > 1]
    found: dict[UUID, dict[str, str]] = {}
    for member in sorted(several, key=lambda one: one.enrolment.enrolment_id):
        situation = situated.get(member.enrolment.enrolment_id, NO_SITUATION)
        drawn = found.setdefault(member.person.token, {})
        for programme in armed:
            if programme.programme_id not in drawn.keys() | situation.arms.keys():
                doses = known.doses.get(member.person.token, ())
                arm = decide(member, doses, programme, business_on, situation).arm
                drawn |= {programme.programme_id: arm} if arm else {}
    return found


async def benefits_of(connection: Connection, token: UUID, business_on: date) -> list[Entitlement]:
    """What a person's enrolments that may be seen entitle to, each as its own plan knows the person. The dead are
    entitled to nothing."""
    known = Known(
        enrolments=[one for one in await people_store.load_enrolments(connection, [token]) if not one.is_retired],
        persons=await people_store.load_persons(connection, [token]),
        statements=await people_store.load_statements(connection, [token]),
        doses={},
        last={},
        others=await vital_store.load_others(connection, [token]),
    )
    said = await programme_store.load_observations(connection, [token])
    found: list[Entitlement] = []
    for member in members_of(known):
        if member.vital.is_deceased:
            continue
        one = member.enrolment
        holds = circumstances(said.get((token, one.tenant_id), ()), bundled(), business_on)
        born_on = one.birth_on
        age = age_on(born_on, business_on) if born_on is not None and born_on <= business_on else None
        traits = traits_of(member, business_on, holds)
        is_covered = covered(one.spans, business_on)
        found += entitlements(bundled_lists(), traits, age, holds, business_on, is_covered=is_covered)
    return found


def _bounded(decision: Decision, next_version_on: date | None) -> Decision:
    if next_version_on is None or (decision.recheck_on is not None and decision.recheck_on <= next_version_on):
        return decision
    return decision._replace(recheck_on=next_version_on)


def members_of(known: Known) -> list[Member]:
    addresses = []
    for one in known.enrolments:
        addresses.append(Address(one.zip5, _tract(one, known.statements.get(one.token, ())), one.county))
    placements = Geography.load().place_many(addresses)
    return [_member(known, one, placement) for one, placement in zip(known.enrolments, placements, strict=True)]


def _member(known: Known, one: Enrolment, placement: Placement) -> Member:
    others, statements = known.others, known.statements.get(one.token, ())
    consents = [said for said in others.consents.get(one.token, ()) if said.tenant_id in {EVERY_TENANT, one.tenant_id}]
    vital = vital_of(others.vital.get(one.token, ()), others.overrides.get(one.token, ()), one.tenant_id)
    return Member(
        one,
        known.persons[one.token],
        placement,
        tuple(statements),
        vital,
        is_protected(consents, statements),
        channels_barred(consents),
    )


def _tract(enrolment: Enrolment, statements: Iterable[Statement]) -> str:
    """The plan's tract, else the registry's, if that is of the same ZIP: somebody may have moved since."""
    if enrolment.tract:
        return enrolment.tract
    return next((one.tract for one in statements if one.tract and one.zip5 == enrolment.zip5), "")


def _digest(member: Member, decision: Decision) -> str:
    """Changes when anything does that a subscriber acts on. The rule's kind, CDC's release, the risk model and the day
    of the decision are told with it and are no news by themselves."""
    place, one = member.placement, member.enrolment
    carried = (
        decision.programme_version, decision.phase, decision.reasons, decision.is_vaccinated, decision.doses_valid,
        decision.priority, decision.age_band, decision.race_ethnicity, decision.svi_level, decision.svi_release,
        decision.svi_value, decision.is_vulnerable, decision.line_of_business, decision.is_enrolled,
        decision.is_protected, one.zip5, place.tract, place.county_fips, one.sex, one.language,
        str(member.person.merged_into), *_more(decision), *_reach(one), *_others(member),
    )  # fmt: skip
    return blake2b(repr(carried).encode(), digest_size=16).hexdigest()


def _more(decision: Decision) -> tuple[object, ...]:
    """What programmes with a dose rule alone do not carry."""
    tier = decision.risk.tier if decision.risk else None
    more = (decision.due_on, decision.arm, tier)
    return () if more == (None, None, None) else more


def _reach(one: Enrolment) -> tuple[int, ...]:
    """How often a roster brought another way to reach the member; what was stored before that was counted has none."""
    versions = one.phone_version, one.address_version, one.email_version
    return versions if any(versions) else ()


def _others(member: Member) -> tuple[object, ...]:
    """What is told of few: until when reports of death were weighed, and the channels that are barred."""
    more = (member.vital.reports_until, member.channels_barred)
    return () if more == (None, ()) else more


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
        "svi": {
            "level": decision.svi_level, "release": decision.svi_release, "value": decision.svi_value,
            "vulnerable": decision.is_vulnerable,
        },
        "enrolled": decision.is_enrolled,
        "contact_protected": decision.is_protected,
        "merged_into": member.person.merged_into,
        "decided_on": business_on,
        "rule": decision.rule,
        "release": decision.release,
        "due_on": decision.due_on,
        "arm": decision.arm,
        "risk_tier": decision.risk.tier if decision.risk else None,
        "risk_model": decision.risk.model if decision.risk else None,
        "phone_version": one.phone_version,
        "address_version": one.address_version,
        "email_version": one.email_version,
        "death_reports_until": member.vital.reports_until,
        "channels_barred": member.channels_barred,
    })  # fmt: skip
