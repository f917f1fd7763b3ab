"""4.1 Gather necessary data: a history turned into what the rules compare, ordinals and sorted doses."""

from datetime import date
from typing import NamedTuple

from services.eligibility.forecast.dates import Period, day_in, month_of
from services.eligibility.forecast.model import Dose, EvaluationReason, History

UNKNOWN = "Unknown"
GENDERS = frozenset({"Female", "Male", UNKNOWN})
"""Those that CDC's required genders name (Table 5-2): every other one is unknown to them."""


class DoseAdministered(NamedTuple):
    """`order` is the place in time, `position` the place in the history as it was given (Table 6-3: `cannot_count`)."""

    order: int
    position: int
    day: int
    cvx: str
    cannot_count: EvaluationReason | None
    dose: Dose


class AgeDates(dict[Period, int]):
    """Date of birth plus an age, computed once: the CALCDTAGE, CALCDTIND, CALCDTSKIP, CALCDTPREF and CALCDTCI dates."""

    def __init__(self, born: int) -> None:
        super().__init__()
        self.month, self.days = month_of(born)

    def __missing__(self, age: Period) -> int:
        day = self[age] = day_in(self.month + age.months, self.days) + age.days
        return day


class Patient:
    """The person as of the assessment date."""

    __slots__ = ("ages", "assessed", "birth_country", "born", "doses", "gender", "observations", "vaccine_types")

    def __init__(self, history: History, assessment_on: date) -> None:
        self.born = history.birth_on.toordinal()
        self.assessed = assessment_on.toordinal()
        self.gender = history.gender if history.gender in GENDERS else UNKNOWN
        self.birth_country = history.birth_country
        self.observations = _active_observations(history, assessment_on)
        self.doses = _doses_in_order(history, self.assessed)
        self.vaccine_types = {dose.cvx for dose in self.doses}
        self.ages = AgeDates(self.born)

    def is_aged(self, begin: Period | None, end: Period | None, day: int) -> bool:
        """Begin age date <= day < end age date, an empty age being the distant past or future."""
        if begin is not None and day < self.ages[begin]:
            return False
        return end is None or day < self.ages[end]


def _active_observations(history: History, assessment_on: date) -> dict[str, int | None]:
    """The most recent date counts where one is repeated (CALCDTINT-9); what lies in the future is not yet active."""
    active: dict[str, int | None] = {}
    for observation in history.observations:
        observed_on = observation.observed_on
        if observed_on is not None and observed_on > assessment_on:
            continue
        day = None if observed_on is None else observed_on.toordinal()
        known = active.get(observation.code)
        active[observation.code] = known if day is None else day if known is None else max(known, day)
    return active


def _doses_in_order(history: History, assessed: int) -> tuple[DoseAdministered, ...]:
    """Ascending by date; doses of one day by product, so that the order of entry cannot matter."""
    dated = sorted(
        (dose.administered_on.toordinal(), dose.cvx, dose.mvx, dose.trade_name, position)
        for position, dose in enumerate(history.doses)
    )
    return tuple(
        DoseAdministered(order, position, day, cvx, cannot_count(history.doses[position]), history.doses[position])
        for order, (day, cvx, _, _, position) in enumerate(dated)
        if day <= assessed
    )


def cannot_count(dose: Dose) -> EvaluationReason | None:
    """Table 6-3."""
    if dose.lot_expires_on is not None and dose.administered_on > dose.lot_expires_on:
        return EvaluationReason.LOT_EXPIRED
    return EvaluationReason.SUB_STANDARD if dose.sub_standard else None
