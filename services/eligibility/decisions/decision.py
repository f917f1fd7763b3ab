"""What a decision looks at, and the answer that it gives. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.eligibility.decisions.interpreter import Interpreter
from services.eligibility.people.enrolment import Enrolment, Person
from services.eligibility.people.statement import Statement
from services.eligibility.places.rules import Placement
from services.eligibility.programmes import aim, arms, cap, segment
from services.eligibility.programmes.aim import Forecasted
from services.eligibility.programmes.needs import NOTHING_KNOWN, Circumstances
from services.eligibility.vital.rules import UNHEARD, Vital

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
    **aim.REASONS,
    **cap.REASONS,
    **arms.REASONS,
}
"""Every criterion that can fail, as a sentence."""


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
    interpreter: Interpreter = Interpreter()


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk score of 0-100, its tier, and the model and version that gave it."""

    score: int
    tier: str
    model: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision looks at beyond the member and the doses. `forecasts` by CDSi vaccine group and release;
    `releases` of CDC's rules with their dates; `cut_offs` by programme, version and group, `arms` by
    programme, as drawn."""

    circumstances: Circumstances = NOTHING_KNOWN
    forecasts: Mapping[tuple[str, str], Forecasted] = field(default_factory=dict)
    releases: tuple[tuple[str, date], ...] = ()
    risks: Mapping[str, Risk] = field(default_factory=dict)
    cut_offs: Mapping[tuple[str, int, str], int] = field(default_factory=dict)
    arms: Mapping[str, str] = field(default_factory=dict)


NO_BASIS = Basis()


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


class LastDecision(NamedTuple):
    """What was announced last for an enrolment and programme; `version` 0: nothing yet. `cap_rank`: the place in its
    group that a capped programme compares."""

    enrolment_id: UUID
    programme_id: str
    version: int = 0
    digest: str = ""
    recheck_on: date | None = None
    cap_group: str | None = None
    cap_rank: int | None = None
