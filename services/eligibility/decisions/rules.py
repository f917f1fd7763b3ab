"""Who is eligible, why, and until when that answer can stand: pure functions of a member, the doses and a programme."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date

from services.eligibility.clock.rules import ONE_DAY
from services.eligibility.decisions.decision import NO_BASIS, Basis, Decision, Member, Risk
from services.eligibility.doses.counted import CountedDose
from services.eligibility.people.ages import age_band, age_on, birthday
from services.eligibility.people.enrolment import Enrolment, Span, line_of_business
from services.eligibility.people.race import roll_up
from services.eligibility.places.rules import Level, Placement, Verdict, VulnerabilityRule, vulnerable
from services.eligibility.programmes import aim, arms, cap
from services.eligibility.programmes.aim import Answer, ForecastRule, ServiceRule
from services.eligibility.programmes.arms import arm_of, household_of
from services.eligibility.programmes.cap import rank_of
from services.eligibility.programmes.needs import Circumstances
from services.eligibility.programmes.programme import Phase, PriorityRule, Programme
from services.eligibility.programmes.segment import Traits, failing

PHASE_REASONS = frozenset({"programme-not-begun", "between-phases", "programme-ended"})


def counted(doses: Iterable[CountedDose], programme: Programme, birth_on: date | None, day: date) -> int:
    """How many doses count under this programme on this day; two of one day are one."""
    if not doses:
        return 0
    days = {
        dose.administered_on
        for dose in doses
        if programme.vaccine_group in dose.groups
        and dose.cvx not in programme.cvx_not_counted
        and not dose.is_partial
        and dose.administered_on <= day
        and (birth_on is None or dose.administered_on >= birth_on)
        and (programme.doses_since_on is None or dose.administered_on >= programme.doses_since_on)
    }
    return len(days)


def decide(
    member: Member,
    doses: Sequence[CountedDose],
    programme: Programme,
    business_on: date,
    basis: Basis = NO_BASIS,
) -> Decision:
    """The answer for one enrolment under one programme on one business day, with every criterion that fails. Cap and
    arm are asked only of whom everything else admits."""
    enrolment = member.enrolment
    phase = programme.phase_on(business_on)
    verdict = _verdict(member.placement, programme.area)
    risk = basis.risks.get(programme.risk_model) if programme.risk_model else None
    traits = traits_of(member, business_on, basis.circumstances, risk)
    answer = _answer(programme, doses, enrolment.birth_on, basis, business_on)
    age = age_on(enrolment.birth_on, business_on) if enrolment.birth_on is not None else None
    band = age_band(age)
    is_covered = covered(enrolment.spans, business_on)
    outside = _outside(member, programme, phase, verdict, traits, business_on, age, is_covered=is_covered)
    group, rank = _rank(member, programme, risk, verdict, outside, band)
    capped = _capped(programme, basis, group, rank)
    reasons = _in_order(outside, () if outside == ("merged",) else answer.reasons, capped)
    arm = _arm(member, programme, basis, reasons)
    if not reasons and arm == arms.CONTROL:
        reasons = ("control-arm",)
    is_over = enrolment.is_retired or member.vital.is_deceased
    turns_on = (*answer.turns_on, *basis.circumstances.turns_on, *member.interpreter.turns_on)
    return Decision(
        programme_id=programme.programme_id,
        programme_version=programme.version,
        phase=phase.code if phase else None,
        is_eligible=not reasons,
        reasons=reasons,
        is_vaccinated=answer.is_done,
        doses_valid=answer.doses_valid,
        priority=0 if reasons else _priority(programme.priority, member.placement.level, verdict.value, band, risk),
        age_band=band,
        race_ethnicity=traits.race_ethnicity,
        svi_level=str(member.placement.level),
        svi_release=member.placement.release or "none",
        svi_value=None if verdict.value is None else round(verdict.value, 4),
        is_vulnerable=verdict.vulnerable is True,
        line_of_business=traits.line_of_business,
        is_enrolled=is_covered and not is_over,
        is_protected=enrolment.is_restricted or member.is_protected,
        recheck_on=None if is_over else recheck_on(enrolment, programme, business_on, turns_on),
        rule=answer.rule,
        release=answer.release,
        due_on=answer.due_on,
        risk=risk,
        arm=arm,
        cap_group=group,
        cap_rank=rank,
    )


def _in_order(outside: tuple[str, ...], answer: tuple[str, ...], capped: tuple[str, ...]) -> tuple[str, ...]:
    """Who the member is, then what was reached, then when; what ranks the member last."""
    if not outside:
        return (*answer, *capped)
    who = tuple(reason for reason in outside if reason not in PHASE_REASONS)
    return (*who, *answer, *(reason for reason in outside if reason in PHASE_REASONS), *capped)


def _verdict(placement: Placement, area: VulnerabilityRule | None) -> Verdict:
    return Verdict(None, placement.level, placement.value, None) if area is None else vulnerable(placement, area)


def traits_of(member: Member, day: date, circumstances: Circumstances, risk: Risk | None = None) -> Traits:
    """What segments and benefits look at."""
    enrolment = member.enrolment
    return Traits(
        line_of_business=line_of_business(enrolment.spans, day),
        zip5=enrolment.zip5,
        county=member.placement.county_fips or "",
        language=enrolment.language,
        race_ethnicity=roll_up(enrolment, member.statements),
        observations=circumstances.observations,
        risk_tier=risk.tier if risk else None,
    )


def _outside(
    member: Member,
    programme: Programme,
    phase: Phase | None,
    verdict: Verdict,
    traits: Traits,
    day: date,
    age: int | None,
    *,
    is_covered: bool,
) -> tuple[str, ...]:
    """Why the member is not in the programme's segment on this day, whatever was given."""
    if member.person.merged_into is not None:
        return ("merged",)
    ages = (phase,) if phase else programme.phases
    return (
        *(("deceased",) if member.vital.is_deceased else ()),
        *(("death-reported",) if member.vital.is_reported else ()),
        *_enrolment_reasons(member.enrolment, programme, day, is_covered=is_covered),
        *_age_reasons(age, ages),
        *(() if programme.area is None else _area_reasons(verdict.vulnerable)),
        *failing(programme.segment, traits),
        *_phase_reasons(programme, phase, day),
    )


def _answer(
    programme: Programme, doses: Sequence[CountedDose], birth_on: date | None, basis: Basis, day: date
) -> Answer:
    match programme.aim:
        case ForecastRule() as rule:
            release = aim.covering(rule, basis.releases, day)
            forecasted = basis.forecasts.get((rule.cdsi_group, release)) if release else None
            return aim.by_forecast(rule, forecasted, release, day)
        case ServiceRule() as rule:
            return aim.by_service(rule, basis.circumstances.services, day)
        case None:
            doses_valid = counted(doses, programme, birth_on, day)
            is_done = doses_valid >= programme.doses_needed
            return Answer(("already-vaccinated",) if is_done else (), is_done, doses_valid, "doses")


def _rank(
    member: Member,
    programme: Programme,
    risk: Risk | None,
    verdict: Verdict,
    outside: tuple[str, ...],
    band: str | None,
) -> tuple[str | None, int | None]:
    """The group and rank of a member of the segment under the programme's cap: vaccinated or not, so that a dose
    moves nobody else's place."""
    limit = programme.cap
    if limit is None or outside:
        return None, None
    enrolment = member.enrolment
    group = {
        "county": member.placement.county_fips or "unknown",
        "plan": enrolment.tenant_id,
        "zip": enrolment.zip5,
    }.get(limit.per, "all")
    if limit.by == "risk":
        score = risk.score if risk else 0
    else:
        score = _priority(programme.priority, member.placement.level, verdict.value, band, risk)
    return group, rank_of(score, f"cap {programme.programme_id}", str(enrolment.member_token))


def _capped(programme: Programme, basis: Basis, group: str | None, rank: int | None) -> tuple[str, ...]:
    if group is None or rank is None:
        return ()
    drawn = basis.cut_offs.get((programme.programme_id, programme.version, group))
    return cap.why_not(drawn, rank)


def _arm(member: Member, programme: Programme, basis: Basis, reasons: tuple[str, ...]) -> str | None:
    """Drawn when everything else first admits the member; it stays whatever comes."""
    if programme.arms is None:
        return None
    drawn = basis.arms.get(programme.programme_id)
    if drawn is not None or reasons:
        return drawn
    enrolment = member.enrolment
    return arm_of(
        programme.arms, str(enrolment.member_token), household_of(enrolment.street, enrolment.unit, enrolment.zip5)
    )


def _enrolment_reasons(enrolment: Enrolment, programme: Programme, day: date, *, is_covered: bool) -> tuple[str, ...]:
    reasons: tuple[str, ...] = ()
    if not is_covered:
        begins_later = any(
            span.is_medical and span.begin_on is not None and span.begin_on > day for span in enrolment.spans
        )
        reasons = ("enrolment-not-begun",) if begins_later else ("not-enrolled",)
    return reasons if enrolment.tenant_id in programme.plans else (*reasons, "plan-not-participating")


def covered(spans: Iterable[Span], day: date) -> bool:
    """Whether any medical coverage is in force on the day."""
    return any(span.is_medical and span.covers(day) for span in spans)


def _age_reasons(age: int | None, phases: Sequence[Phase]) -> tuple[str, ...]:
    """By the phase that runs; between phases by the widest ages of all."""
    if age is None:
        return ("birth-date-unknown",)
    if age < min([phase.age_from for phase in phases]):
        return ("under-age",)
    return () if any(phase.age_to is None or age <= phase.age_to for phase in phases) else ("over-age",)


def _area_reasons(is_vulnerable: bool | None) -> tuple[str, ...]:
    if is_vulnerable is None:
        return ("area-unknown",)
    return () if is_vulnerable else ("area-not-vulnerable",)


def _phase_reasons(programme: Programme, phase: Phase | None, day: date) -> tuple[str, ...]:
    if phase is not None:
        return ()
    if all(other.begins_on > day for other in programme.phases):
        return ("programme-not-begun",)
    return ("between-phases",) if any(other.begins_on > day for other in programme.phases) else ("programme-ended",)


def _priority(rule: PriorityRule, level: Level, value: float | None, band: str | None, risk: Risk | None) -> int:
    points = rule.base + round(rule.svi.get(level, 0) * (value or 0.0)) + rule.age.get(band or "", 0)
    points += round(rule.risk * risk.score / 100) if risk else 0
    return max(0, min(1000, points))


def recheck_on(enrolment: Enrolment, programme: Programme, day: date, more: Iterable[date] = ()) -> date | None:
    """The first later day on which an age, a span or a phase begins or ends; `more`: what else turns then."""
    turning = [turn for turn in more if turn > day]
    if enrolment.birth_on is not None:
        later = bisect_right(programme.ages, age_on(enrolment.birth_on, day))
        if later < len(programme.ages):
            turning.append(birthday(enrolment.birth_on, programme.ages[later]))
    edges = [(span.begin_on, span.last_on) for span in enrolment.spans if span.is_medical]
    edges += [(phase.begins_on, phase.ends_on) for phase in programme.phases]
    for first_on, last_on in edges:
        if first_on is not None and first_on > day:
            turning.append(first_on)
        if last_on is not None and last_on >= day:
            turning.append(last_on + ONE_DAY)
    return min(turning, default=None)
