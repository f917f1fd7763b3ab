"""What eligibility speaks of: persons, enrolments, doses, programmes, situations and decisions. Pure.

"Today" is always the business day, given as an argument, so that the same facts give the same answer at any time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.eligibility.feeds.records import MEDICAL
from services.eligibility.places.rules import Placement, VulnerabilityRule
from services.eligibility.programmes import arms, cap, segment, target
from services.eligibility.programmes.arms import Arms
from services.eligibility.programmes.cap import Cap
from services.eligibility.programmes.needs import NOTHING_KNOWN, Circumstances
from services.eligibility.programmes.segment import EVERYBODY, Segment
from services.eligibility.programmes.target import Forecasted, ForecastRule, ServiceRule
from services.eligibility.vital.rules import UNHEARD, Vital

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
SUBSCRIBER, DEPENDANT = "subscriber", "dependant"
SOURCES = ("self", "plan", "registry")
"""Who may say what race somebody is, the most believed first."""


REASONS = {
    "merged": "This record was merged into another one of the same person.",
    "deceased": "The member has died.",
    "death-reported": "Somebody reported that the member has died; it must be checked.",
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


class Span(NamedTuple):
    """A time of coverage by one product. `last_on` is the last day it counts: the end, plus a grace where months are
    renewed. `product` is empty where nobody has said it since products are kept: then it is medical."""

    line: str
    begin_on: date | None = None
    end_on: date | None = None
    last_on: date | None = None
    kind: str = MEDICAL
    product: str = ""

    @property
    def is_medical(self) -> bool:
        """Whether this is cover by which vaccination can be offered, and not dental, vision or a drug plan."""
        return self.kind == MEDICAL

    def covers(self, day: date) -> bool:
        return (self.begin_on is None or self.begin_on <= day) and (self.last_on is None or day <= self.last_on)


class Person(NamedTuple):
    """An identity. Whoever asks for a merged token is sent on to the survivor."""

    token: UUID
    merged_into: UUID | None = None


class Enrolment(NamedTuple):
    """A person in a plan, as the plan says. The fields are the columns of its table, in their order. `said_at`,
    `said_by` and `said_no` are instant, sender and control number of the newest statement; `family_number` is the
    subscriber's, of whoever is known under it."""

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
    role: str = ""
    phone_version: int = 0
    address_version: int = 0
    email_version: int = 0
    said_at: datetime | None = None
    said_by: str = ""
    said_no: int = 0
    family_number: str = ""
    first_file_no: int = 0


class Statement(NamedTuple):
    """What somebody other than the plan says of a person. `is_protected` is from before each registry's own word was
    kept: it holds until one gives it."""

    token: UUID
    source: str
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    zip5: str = ""
    tract: str = ""
    is_protected: bool | None = None


class Member(NamedTuple):
    """Everything that a decision about one enrolment depends on, but the doses. `vital`, `is_protected` and
    `channels_barred` are what holds of what others than the plan say."""

    enrolment: Enrolment
    person: Person
    placement: Placement
    statements: tuple[Statement, ...] = ()
    vital: Vital = UNHEARD
    is_protected: bool = False
    channels_barred: tuple[str, ...] = ()


class CountedDose(NamedTuple):
    """A canonical dose as far as counting goes. `vaccine_groups` are all of a combination vaccine's."""

    vaccine_group: str
    cvx: str
    administered_on: date
    is_partial: bool = False
    mvx: str = ""
    vaccine_groups: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Every vaccine group that the dose counts for."""
        return self.vaccine_groups or (self.vaccine_group,)


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
    `releases` of CDC's rules with their dates; `cut_offs` by programme, version and group, `arms` by
    programme, as drawn."""

    circumstances: Circumstances = NOTHING_KNOWN
    forecasts: Mapping[tuple[str, str], Forecasted] = field(default_factory=dict)
    releases: tuple[tuple[str, date], ...] = ()
    risks: Mapping[str, Risk] = field(default_factory=dict)
    cut_offs: Mapping[tuple[str, int, str], int] = field(default_factory=dict)
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
    ages: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """All at which an answer may change, ascending."""

    def __post_init__(self) -> None:
        ages = {least for least, _ in AGE_BANDS if least} | {phase.age_from for phase in self.phases}
        ages |= {phase.age_to + 1 for phase in self.phases if phase.age_to is not None} | self.turning_ages
        object.__setattr__(self, "ages", tuple(sorted(ages)))

    def phase_on(self, day: date) -> Phase | None:
        for one in self.phases:
            if one.begins_on <= day and (one.ends_on is None or day <= one.ends_on):
                return one
        return None


class Decision(NamedTuple):
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
    """Completed years; negative before birth."""
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def age_band(age: int | None) -> str | None:
    """The band of an age; none where it is not known, and for who is not yet born."""
    if age is None:
        return None
    for least, band in AGE_BANDS:
        if age >= least:
            return band
    return None


def roll_up(enrolment: Enrolment, statements: Collection[Statement]) -> str:
    """Hispanic of any race first, then a single race, several races, unknown; the best source that says anything."""
    if not statements:
        return _roll_up(enrolment.races, enrolment.ethnicity)
    said = {one.source: (one.races, one.ethnicity) for one in statements}
    said["plan"] = (enrolment.races, enrolment.ethnicity)
    known = [said[source] for source in SOURCES if source in said]
    ethnicity = next((ethnicity for _, ethnicity in known if ethnicity), None)
    return _roll_up(next((races for races, _ in known if races), ()), ethnicity)


def _roll_up(races: tuple[str, ...], ethnicity: str | None) -> str:
    if ethnicity == HISPANIC:
        return "hispanic"
    named = {RACE_OF_CODE[code] for code in races if code in RACE_OF_CODE}
    if len(named) > 1:
        return "multiracial"
    return named.pop() if named else "unknown"


def line_of_business(spans: Sequence[Span], day: date) -> str:
    """The payer segment of the medical coverages in force, or of the last one where none is."""
    medical = [span for span in spans if span.is_medical]
    lines = {_line(span.line) for span in medical if span.covers(day)} or {_line(span.line) for span in medical[-1:]}
    if "dual" in lines or lines >= {"medicaid", "medicare"}:
        return "dual"
    return next((line for line in ("medicare", "medicaid", "commercial") if line in lines), "unknown")


def _line(text: str) -> str:
    if text.startswith("medicare"):
        return "medicare"
    return "commercial" if text == "exchange" else text
