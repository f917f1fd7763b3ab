"""The fact that tells an answer, and the digest by which one is known to be no news. Pure."""

import re
from datetime import date, datetime
from hashlib import blake2b

from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from services.eligibility.decisions.decision import Decision, Member
from services.eligibility.people.enrolment import Enrolment

SEX_CODES = {"F": "female", "M": "male", "X": "other"}
UNKNOWN = (None, "", (), "unknown")
_CODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def digest_of(member: Member, decision: Decision) -> str:
    """Changes when anything does that a subscriber acts on. The rule's kind, CDC's release, the risk model and the day
    of the decision are told with it and are no news by themselves."""
    place, enrolment = member.placement, member.enrolment
    carried = (
        decision.programme_version, decision.phase, decision.reasons, decision.is_vaccinated, decision.doses_valid,
        decision.priority, decision.age_band, decision.race_ethnicity, decision.svi_level, decision.svi_release,
        decision.svi_value, decision.is_vulnerable, decision.line_of_business, decision.is_enrolled,
        decision.is_protected, enrolment.zip5, place.tract, place.county_fips, enrolment.sex, enrolment.language,
        str(member.person.merged_into), *_more(decision), *_reach(enrolment), *_others(member), *_attributes(member),
    )  # fmt: skip
    return blake2b(repr(carried).encode(), digest_size=16).hexdigest()


def _more(decision: Decision) -> tuple[object, ...]:
    """Due day, arm and risk tier: part of the digest only where a programme has one of them, so that older digests stay
    the same."""
    tier = decision.risk.tier if decision.risk else None
    more = (decision.due_on, decision.arm, tier)
    return () if more == (None, None, None) else more


def _reach(one: Enrolment) -> tuple[int, ...]:
    """How often a roster brought another way to reach the member; what was stored before that was counted has none."""
    versions = one.phone_version, one.address_version, one.email_version
    return versions if any(versions) else ()


def _others(member: Member) -> tuple[object, ...]:
    """Reports of death and barred channels: part of the digest only where there are any."""
    more = (member.vital.reports_until, member.channels_barred)
    return () if more == (None, ()) else more


def attributes_of(member: Member) -> dict[str, object]:
    """What else is carried of the member, by the names of the fact's fields. An attribute goes here."""
    return {"interpreter_needed": member.interpreter.needed}


def _attributes(member: Member) -> list[tuple[str, object]]:
    """Those of which something is known: an attribute that is new and unknown makes no news of anybody."""
    return [(name, str(value)) for name, value in attributes_of(member).items() if value not in UNKNOWN]


def fact_of(
    member: Member, decision: Decision, version: int, business_on: date, now: datetime
) -> MemberEligibilityDecidedV1:
    enrolment, place = member.enrolment, member.placement
    return MemberEligibilityDecidedV1.model_validate({
        "occurred_at": now,
        "enrolment_id": enrolment.enrolment_id,
        "member_token": enrolment.member_token,
        "tenant_id": enrolment.tenant_id,
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
        "sex": SEX_CODES.get(enrolment.sex),
        "race_ethnicity": decision.race_ethnicity,
        "language": enrolment.language if _CODE.fullmatch(enrolment.language) else None,
        "line_of_business": decision.line_of_business,
        "zip5": enrolment.zip5 or None,
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
        "phone_version": enrolment.phone_version,
        "address_version": enrolment.address_version,
        "email_version": enrolment.email_version,
        "death_reports_until": member.vital.reports_until,
        "channels_barred": member.channels_barred,
        **attributes_of(member),
    })  # fmt: skip
