"""Who is eligible, why, and until when that answer can stand: pure functions of a member, the doses and a programme.

"Today" is always the business day, given as an argument, so that the same facts give the same answer at any time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.eligibility.geography import Level, Placement, VulnerabilityRule, vulnerable

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
    "area-unknown": "No vulnerability index is known for where the member lives.",
    "area-not-vulnerable": "Where the member lives is not above the programme's cut-off of vulnerability.",
    "already-vaccinated": "The member has had the doses that the programme asks for.",
    "programme-not-begun": "The programme has not begun.",
    "between-phases": "The programme pauses between two phases.",
    "programme-ended": "The programme has ended.",
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


@dataclass(frozen=True, slots=True)
class Phase:
    """A time in which a programme may offer vaccination, and from which age."""

    code: str
    begins_on: date
    ends_on: date | None = None
    age_from: int = 65


@dataclass(frozen=True, slots=True)
class PriorityRule:
    """Points; the sum is cut to 0-1000. An SVI value weighs differently at each level, being another quantity."""

    base: int
    svi: dict[str, int]
    age: dict[str, int]


@dataclass(frozen=True, slots=True)
class Programme:
    """One version of a programme document."""

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
    area: VulnerabilityRule
    phases: tuple[Phase, ...]
    priority: PriorityRule
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


def decide(member: Member, doses: Sequence[CountedDose], programme: Programme, business_on: date) -> Decision:
    """The answer for one enrolment under one programme on one business day, with every criterion that fails."""
    enrolment, person = member.enrolment, member.person
    phase = programme.phase_on(business_on)
    verdict = vulnerable(member.placement, programme.area)
    doses_valid = counted(doses, programme, enrolment.birth_on, business_on)
    is_vaccinated = doses_valid >= programme.doses_needed
    reasons = (
        ("merged",)
        if person.merged_into is not None
        else (
            *(("deceased",) if person.is_deceased else ()),
            *_enrolment_reasons(enrolment, programme, business_on),
            *_age_reasons(enrolment.birth_on, phase.age_from if phase else _youngest(programme), business_on),
            *_area_reasons(verdict.vulnerable),
            *(("already-vaccinated",) if is_vaccinated else ()),
            *_phase_reasons(programme, phase, business_on),
        )
    )
    band = age_band(enrolment.birth_on, business_on)
    is_over = enrolment.is_retired or person.is_deceased
    is_enrolled = not is_over and _covered(enrolment.spans, business_on)
    return Decision(
        programme_id=programme.programme_id,
        programme_version=programme.version,
        phase=phase.code if phase else None,
        is_eligible=not reasons,
        reasons=reasons,
        is_vaccinated=is_vaccinated,
        doses_valid=doses_valid,
        priority=0 if reasons else _priority(programme.priority, member.placement.level, verdict.value, band),
        age_band=band,
        race_ethnicity=roll_up(enrolment, member.statements),
        svi_level=member.placement.level.value,
        svi_release=member.placement.release or "none",
        svi_value=None if verdict.value is None else round(verdict.value, 4),
        is_vulnerable=verdict.vulnerable is True,
        line_of_business=line_of_business(enrolment.spans, business_on),
        is_enrolled=is_enrolled,
        is_protected=enrolment.is_restricted or any(one.is_protected for one in member.statements),
        recheck_on=None if is_over else recheck_on(enrolment, programme, business_on),
    )


def _enrolment_reasons(enrolment: Enrolment, programme: Programme, day: date) -> tuple[str, ...]:
    reasons: tuple[str, ...] = ()
    if not _covered(enrolment.spans, day):
        begins_later = any(span.begin_on is not None and span.begin_on > day for span in enrolment.spans)
        reasons = ("enrolment-not-begun",) if begins_later else ("not-enrolled",)
    return reasons if enrolment.tenant_id in programme.plans else (*reasons, "plan-not-participating")


def _covered(spans: Iterable[Span], day: date) -> bool:
    return any(span.covers(day) for span in spans)


def _age_reasons(birth_on: date | None, age_from: int, day: date) -> tuple[str, ...]:
    if birth_on is None:
        return ("birth-date-unknown",)
    return () if age_on(birth_on, day) >= age_from else ("under-age",)


def _youngest(programme: Programme) -> int:
    return min(phase.age_from for phase in programme.phases)


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


def _priority(rule: PriorityRule, level: Level, value: float | None, band: str | None) -> int:
    points = rule.base + round(rule.svi.get(level.value, 0) * (value or 0.0)) + rule.age.get(band or "", 0)
    return max(0, min(1000, points))


def recheck_on(enrolment: Enrolment, programme: Programme, day: date) -> date | None:
    """The first later day on which an age, a span or a phase begins or ends."""
    turning: list[date] = []
    if enrolment.birth_on is not None:
        ages = {least for least, _ in AGE_BANDS if least} | {phase.age_from for phase in programme.phases}
        turning += [birthday(enrolment.birth_on, age) for age in ages]
    for span in enrolment.spans:
        turning += [span.begin_on] if span.begin_on else []
        turning += [span.last_on + ONE_DAY] if span.last_on else []
    for phase in programme.phases:
        turning.append(phase.begins_on)
        turning += [phase.ends_on + ONE_DAY] if phase.ends_on else []
    return min((one for one in turning if one > day), default=None)
