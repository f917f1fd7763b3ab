"""One version of a programme: phases, priorities, and what its document asks for. Pure."""

from dataclasses import dataclass, field
from datetime import date

from services.eligibility.people.ages import AGE_BANDS
from services.eligibility.places.rules import VulnerabilityRule
from services.eligibility.programmes.aim import ForecastRule, ServiceRule
from services.eligibility.programmes.arms import Arms
from services.eligibility.programmes.cap import Cap
from services.eligibility.programmes.segment import EVERYBODY, Segment


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
class Programme:
    """One version of a programme document. Without an `aim` its doses are counted; `turning_ages` are those at which
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
    aim: ForecastRule | ServiceRule | None = None
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
        for phase in self.phases:
            if phase.begins_on <= day and (phase.ends_on is None or day <= phase.ends_on):
                return phase
        return None
