"""Who is eligible, why, and until when that answer can stand: pure functions of a member, the doses and a programme.

"Today" is always the business day, given as an argument, so that the same facts give the same answer at any time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from services.eligibility.geography import Level, Placement, Verdict, VulnerabilityRule, vulnerable
from services.eligibility.programmes import arms, cap, segment, target
from services.eligibility.programmes.arms import Arms, arm_of, household_of
from services.eligibility.programmes.cap import Cap, rank_of
from services.eligibility.programmes.needs import NOTHING_KNOWN, Circumstances
from services.eligibility.programmes.segment import EVERYBODY, Segment, Traits, failing
from services.eligibility.programmes.target import Answer, Forecasted, ForecastRule, ServiceRule

ONE_DAY = timedelta(days=1)
AGE_BANDS = ((85, "85+"), (80, "80-84"), (75, "75-79"), (70, "70-74"), (65, "65-69"), (0, "0-64"))

RACE_OF_CODE = {
    "1002-5": "american-indian-or-alaska-native",
    "2028-9": "asian",
    "2054-5": "black-or-african-american",
    "2076-8": "native-hawaiian-or-pacific-islander",
    "2106-3": "white",
    "2131-1": "other",
}
HISPANIC = "2135-2"
SOURCES = ("self", "plan", "registry")
"""Who may say what race somebody is, the most believed first."""


REASONS = {
    "merged": "This record was merged into another one of the same person.",
    "deceased": "The member has died.",
    "not-enrolled": "No coverage by the plan is in force.",
    "enrolment-not-begun": "The coverage begins later.",
    "plan-not-participating": "The plan does not take part in the programme.",
    "birth-date-unknown": "The birth date is not known, so neither is the age.",
    "under-age": "The member is younger than the programme's age.",
    "over-age": "The member is older than the programme's age.",
    "area-unknown": "No vulnerability index is known for where the member lives.",
    "area-not-vulnerable": "Where the member lives is not above the programme's cut-off of vulnerability.",
    "already-vaccinated": "The member has had the doses that the programme asks for.",
    "programme-not-begun": "The programme has not begun.",
    "between-phases": "The programme pauses between two phases.",
    "programme-ended": "The programme has ended.",
    **segment.REASONS,
    **target.REASONS,
    **cap.REASONS,
    **arms.REASONS,
}
"""Every criterion that can fail, as a sentence."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time of coverage. `last_on` is the last day it counts: the end, plus a grace where months are renewed."""

    line: str
    begin_on: date | None = None
    end_on: date | None = None
    last_on: date | None = None

    def covers(self, day: date) -> bool:
        return (self.begin_on is None or self.begin_on <= day) and (self.last_on is None or day <= self.last_on)


@dataclass(frozen=True, slots=True)
class Person:
    """An identity. Whoever asks for a merged token is sent on to the survivor."""

    token: UUID
    merged_into: UUID | None = None
    is_deceased: bool = False
    death_on: date | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A person in a plan, as the plan says. The fields are the columns of its table, in their order."""

    enrolment_id: UUID
    token: UUID
    tenant_id: str
    member_id: str
    group_number: str = ""
    family: str = ""
    given: str = ""
    middle: str = ""
    suffix: str = ""
    birth_on: date | None = None
    sex: str = "U"
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    language: str = ""
    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""
    tract: str = ""
    county: str = ""
    phones: tuple[str, ...] = ()
    email: str = ""
    is_restricted: bool = False
    spans: tuple[Span, ...] = ()
    is_retired: bool = False
    seen_file_no: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody other than the plan says of a person."""

    token: UUID
    source: str
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    zip5: str = ""
    tract: str = ""
    is_protected: bool | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Everything that a decision about one enrolment depends on, but the doses."""

    enrolment: Enrolment
    person: Person
    placement: Placement
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class CountedDose:
    """A canonical dose as far as counting goes."""

    vaccine_group: str
    cvx: str
    administered_on: date
    is_partial: bool = False
    mvx: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """A time in which a programme may offer vaccination, and from which age; `age_to` is the last age that counts."""

    code: str
    begins_on: date
    ends_on: date | None = None
    age_from: int = 65
    age_to: int | None = None


@dataclass(frozen=True, slots=True)
class PriorityRule:
    """Points; the sum is cut to 0-1000. An SVI value weighs differently at each level, being another quantity.
    `risk` is what the highest risk score adds."""

    base: int
    svi: dict[str, int]
    age: dict[str, int]
    risk: int = 0


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk score of 0-100, its tier, and the model and version that gave it."""

    score: int
    tier: str
    model: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision looks at beyond the member and the doses. `forecasts` by CDSi vaccine group and release;
    `releases` of CDC's rules with their dates; `cut_offs` by programme and group, `arms` by programme, as drawn."""

    circumstances: Circumstances = NOTHING_KNOWN
    forecasts: Mapping[tuple[str, str], Forecasted] = field(default_factory=dict)
    releases: tuple[tuple[str, date], ...] = ()
    risks: Mapping[str, Risk] = field(default_factory=dict)
    cut_offs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    arms: Mapping[str, str] = field(default_factory=dict)


NO_SITUATION = Situation()


@dataclass(frozen=True, slots=True)
class Programme:
    """One version of a programme document. Without a `target` its doses are counted; `turning_ages` are those at which
    its risk model gives other points."""

    programme_id: str
    version: int
    title: str
    effective_on: date
    time_zone: str
    vaccine_group: str
    doses_needed: int
    doses_since_on: date | None
    cvx_not_counted: frozenset[str]
    plans: frozenset[str]
    area: VulnerabilityRule | None
    phases: tuple[Phase, ...]
    priority: PriorityRule
    segment: Segment = EVERYBODY
    target: ForecastRule | ServiceRule | None = None
    risk_model: str | None = None
    turning_ages: frozenset[int] = frozenset()
    cap: Cap | None = None
    arms: Arms | None = None
    document: str = ""
    sha256: str = ""

    def phase_on(self, day: date) -> Phase | None:
        running = (one for one in self.phases if one.begins_on <= day and (one.ends_on is None or day <= one.ends_on))
        return next(running, None)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer and what it carries. `recheck_on` is the first day on which time alone may change it."""

    programme_id: str
    programme_version: int
    phase: str | None
    is_eligible: bool
    reasons: tuple[str, ...]
    is_vaccinated: bool
    doses_valid: int
    priority: int
    age_band: str | None
    race_ethnicity: str
    svi_level: str
    svi_release: str
    svi_value: float | None
    is_vulnerable: bool
    line_of_business: str
    is_enrolled: bool
    is_protected: bool
    recheck_on: date | None
    rule: str = "doses"
    release: str | None = None
    due_on: date | None = None
    risk: Risk | None = None
    arm: str | None = None
    cap_group: str | None = None
    cap_rank: int | None = None


def birthday(birth_on: date, years: int) -> date:
    """The day on which this age is reached; who was born on 29 February comes of age on 1 March."""
    try:
        return birth_on.replace(year=birth_on.year + years)
    except ValueError:
        return date(birth_on.year + years, 3, 1)


def age_on(birth_on: date, day: date) -> int:
    years = day.year - birth_on.year
    return years if birthday(birth_on, years) <= day else years - 1


def age_band(birth_on: date | None, day: date) -> str | None:
    if birth_on is None or birth_on > day:
        return None
    age = age_on(birth_on, day)
    return next(band for least, band in AGE_BANDS if age >= least)


def roll_up(enrolment: Enrolment, statements: Iterable[Statement]) -> str:
    """Hispanic of any race first, then a single race, several races, unknown; the best source that says anything."""
    said = {one.source: (one.races, one.ethnicity) for one in statements}
    said["plan"] = (enrolment.races, enrolment.ethnicity)
    known = [said[source] for source in SOURCES if source in said]
    ethnicity = next((ethnicity for _, ethnicity in known if ethnicity), None)
    if ethnicity == HISPANIC:
        return "hispanic"
    races = next((races for races, _ in known if races), ())
    named = {RACE_OF_CODE[code] for code in races if code in RACE_OF_CODE}
    if len(named) > 1:
        return "multiracial"
    return named.pop() if named else "unknown"


def line_of_business(spans: Iterable[Span], day: date) -> str:
    """The payer segment of the coverages in force, or of the last one where none is."""
    spans = list(spans)
    lines = {_line(span.line) for span in spans if span.covers(day)} or {_line(span.line) for span in spans[-1:]}
    if {"medicaid", "medicare"} <= lines or "dual" in lines:
        return "dual"
    return next((line for line in ("medicare", "medicaid", "commercial") if line in lines), "unknown")


def _line(text: str) -> str:
    if text.startswith("medicare"):
        return "medicare"
    return "commercial" if text == "exchange" else text


def counted(doses: Iterable[CountedDose], programme: Programme, birth_on: date | None, day: date) -> int:
    """How many doses count under this programme on this day; two of one day are one."""
    days = {
        dose.administered_on
        for dose in doses
        if dose.vaccine_group == programme.vaccine_group
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
    situation: Situation = NO_SITUATION,
) -> Decision:
    """The answer for one enrolment under one programme on one business day, with every criterion that fails. Cap and
    arm are asked only of whom everything else admits."""
    enrolment, person = member.enrolment, member.person
    phase = programme.phase_on(business_on)
    verdict = _verdict(member.placement, programme.area)
    risk = situation.risks.get(programme.risk_model) if programme.risk_model else None
    traits = traits_of(member, business_on, situation.circumstances, risk)
    aim = _aim(programme, doses, enrolment.birth_on, situation, business_on)
    outside = _outside(member, programme, phase, verdict, traits, business_on)
    group, rank = _rank(member, programme, risk, verdict, outside, business_on)
    capped = _capped(programme, situation, group, rank)
    reasons = _in_order(outside, () if outside == ("merged",) else aim.reasons, capped)
    arm = _arm(member, programme, situation, reasons)
    if not reasons and arm == arms.CONTROL:
        reasons = ("control-arm",)
    band = age_band(enrolment.birth_on, business_on)
    is_over = enrolment.is_retired or person.is_deceased
    is_enrolled = not is_over and _covered(enrolment.spans, business_on)
    turns_on = (*aim.turns_on, *situation.circumstances.turns_on)
    return Decision(
        programme_id=programme.programme_id,
        programme_version=programme.version,
        phase=phase.code if phase else None,
        is_eligible=not reasons,
        reasons=reasons,
        is_vaccinated=aim.is_done,
        doses_valid=aim.doses_valid,
        priority=0 if reasons else _priority(programme.priority, member.placement.level, verdict.value, band, risk),
        age_band=band,
        race_ethnicity=traits.race_ethnicity,
        svi_level=member.placement.level.value,
        svi_release=member.placement.release or "none",
        svi_value=None if verdict.value is None else round(verdict.value, 4),
        is_vulnerable=verdict.vulnerable is True,
        line_of_business=traits.line_of_business,
        is_enrolled=is_enrolled,
        is_protected=enrolment.is_restricted or any(one.is_protected for one in member.statements),
        recheck_on=None if is_over else recheck_on(enrolment, programme, business_on, turns_on),
        rule=aim.rule,
        release=aim.release,
        due_on=aim.due_on,
        risk=risk,
        arm=arm,
        cap_group=group,
        cap_rank=rank,
    )


PHASE_REASONS = frozenset({"programme-not-begun", "between-phases", "programme-ended"})


def _in_order(outside: tuple[str, ...], aim: tuple[str, ...], capped: tuple[str, ...]) -> tuple[str, ...]:
    """Who the member is, then what was reached, then when; what ranks the member last."""
    who = tuple(one for one in outside if one not in PHASE_REASONS)
    return (*who, *aim, *(one for one in outside if one in PHASE_REASONS), *capped)


def _verdict(placement: Placement, area: VulnerabilityRule | None) -> Verdict:
    return Verdict(None, placement.level, placement.svi, None) if area is None else vulnerable(placement, area)


def traits_of(member: Member, day: date, circumstances: Circumstances, risk: Risk | None = None) -> Traits:
    """What segments and benefits look at."""
    one = member.enrolment
    return Traits(
        line_of_business=line_of_business(one.spans, day),
        zip5=one.zip5,
        county=member.placement.county_fips or "",
        language=one.language,
        race_ethnicity=roll_up(one, member.statements),
        observations=circumstances.observations,
        risk_tier=risk.tier if risk else None,
    )


def _outside(
    member: Member, programme: Programme, phase: Phase | None, verdict: Verdict, traits: Traits, day: date
) -> tuple[str, ...]:
    """Why the member is not in the programme's segment on this day, whatever was given."""
    if member.person.merged_into is not None:
        return ("merged",)
    ages = (phase,) if phase else programme.phases
    return (
        *(("deceased",) if member.person.is_deceased else ()),
        *_enrolment_reasons(member.enrolment, programme, day),
        *_age_reasons(member.enrolment.birth_on, ages, day),
        *(() if programme.area is None else _area_reasons(verdict.vulnerable)),
        *failing(programme.segment, traits),
        *_phase_reasons(programme, phase, day),
    )


def _aim(
    programme: Programme, doses: Sequence[CountedDose], birth_on: date | None, situation: Situation, day: date
) -> Answer:
    match programme.target:
        case ForecastRule() as rule:
            release = target.covering(rule, situation.releases, day)
            forecasted = situation.forecasts.get((rule.cdsi_group, release)) if release else None
            return target.by_forecast(rule, forecasted, release, day)
        case ServiceRule() as rule:
            return target.by_service(rule, situation.circumstances.services, day)
        case None:
            doses_valid = counted(doses, programme, birth_on, day)
            is_done = doses_valid >= programme.doses_needed
            return Answer(("already-vaccinated",) if is_done else (), is_done, doses_valid, "doses")


def _rank(
    member: Member, programme: Programme, risk: Risk | None, verdict: Verdict, outside: tuple[str, ...], day: date
) -> tuple[str | None, int | None]:
    """The group and rank of a member of the segment under the programme's cap: vaccinated or not, so that a dose
    moves nobody else's place."""
    limit = programme.cap
    if limit is None or outside:
        return None, None
    one = member.enrolment
    group = {"county": member.placement.county_fips or "unknown", "plan": one.tenant_id, "zip": one.zip5}.get(
        limit.per, "all"
    )
    if limit.by == "risk":
        score = risk.score if risk else 0
    else:
        band = age_band(one.birth_on, day)
        score = _priority(programme.priority, member.placement.level, verdict.value, band, risk)
    return group, rank_of(score, f"cap {programme.programme_id}", str(one.token))


def _capped(programme: Programme, situation: Situation, group: str | None, rank: int | None) -> tuple[str, ...]:
    if group is None or rank is None:
        return ()
    return cap.why_not(situation.cut_offs.get((programme.programme_id, group)), rank)


def _arm(member: Member, programme: Programme, situation: Situation, reasons: tuple[str, ...]) -> str | None:
    """Drawn when everything else first admits the member; it stays whatever comes."""
    if programme.arms is None:
        return None
    drawn = situation.arms.get(programme.programme_id)
    if drawn is not None or reasons:
        return drawn
    one = member.enrolment
    return arm_of(programme.arms, str(one.token), household_of(one.street, one.unit, one.zip5))


def _enrolment_reasons(enrolment: Enrolment, programme: Programme, day: date) -> tuple[str, ...]:
    reasons: tuple[str, ...] = ()
    if not _covered(enrolment.spans, day):
        begins_later = any(span.begin_on is not None and span.begin_on > day for span in enrolment.spans)
        reasons = ("enrolment-not-begun",) if begins_later else ("not-enrolled",)
    return reasons if enrolment.tenant_id in programme.plans else (*reasons, "plan-not-participating")


def _covered(spans: Iterable[Span], day: date) -> bool:
    return any(span.covers(day) for span in spans)


def _age_reasons(birth_on: date | None, phases: Sequence[Phase], day: date) -> tuple[str, ...]:
    """By the phase that runs; between phases by the widest ages of all."""
    if birth_on is None:
        return ("birth-date-unknown",)
    age = age_on(birth_on, day)
    if age < min(phase.age_from for phase in phases):
        return ("under-age",)
    return () if any(phase.age_to is None or age <= phase.age_to for phase in phases) else ("over-age",)


def _area_reasons(is_vulnerable: bool | None) -> tuple[str, ...]:
    if is_vulnerable is None:
        return ("area-unknown",)
    return () if is_vulnerable else ("area-not-vulnerable",)


def _phase_reasons(programme: Programme, phase: Phase | None, day: date) -> tuple[str, ...]:
    if phase is not None:
        return ()
    if all(one.begins_on > day for one in programme.phases):
        return ("programme-not-begun",)
    return ("between-phases",) if any(one.begins_on > day for one in programme.phases) else ("programme-ended",)


def _priority(rule: PriorityRule, level: Level, value: float | None, band: str | None, risk: Risk | None) -> int:
    points = rule.base + round(rule.svi.get(level.value, 0) * (value or 0.0)) + rule.age.get(band or "", 0)
    points += round(rule.risk * risk.score / 100) if risk else 0
    return max(0, min(1000, points))


def recheck_on(enrolment: Enrolment, programme: Programme, day: date, more: Iterable[date] = ()) -> date | None:
    """The first later day on which an age, a span or a phase begins or ends; `more`: what else turns then."""
    turning = list(more)
    if enrolment.birth_on is not None:
        ages = {least for least, _ in AGE_BANDS if least} | {phase.age_from for phase in programme.phases}
        ages |= {phase.age_to + 1 for phase in programme.phases if phase.age_to is not None} | programme.turning_ages
        turning += [birthday(enrolment.birth_on, age) for age in ages]
    for span in enrolment.spans:
        turning += [span.begin_on] if span.begin_on else []
        turning += [span.last_on + ONE_DAY] if span.last_on else []
    for phase in programme.phases:
        turning.append(phase.begins_on)
        turning += [phase.ends_on + ONE_DAY] if phase.ends_on else []
    return min((one for one in turning if one > day), default=None)
