"""4.1 Gather necessary data: a history turned into what the rules compare, ordinals and sorted doses."""

from datetime import date
from typing import NamedTuple

from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST, Period, add
from services.eligibility.forecast.model import Dose, History


class DoseAdministered(NamedTuple):
    """`order` is the place in time, `position` the place in the history as it was given."""

    order: int
    position: int
    day: int
    cvx: str
    dose: Dose


class Patient:
    """The person as of the assessment date; ages are computed once per period."""

    __slots__ = ("_ages", "assessed", "birth_country", "born", "doses", "gender", "observations")

    def __init__(self, history: History, assessment_on: date) -> None:
        self.born = history.born_on.toordinal()
        self.assessed = assessment_on.toordinal()
        self.gender = history.gender
        self.birth_country = history.birth_country
        self.observations = _active_observations(history, assessment_on)
        self.doses = _doses_in_order(history, self.assessed)
        self._ages: dict[Period, int] = {}

    def reaches(self, age: Period) -> int:
        """Date of birth plus the age: the CALCDTAGE, CALCDTIND, CALCDTSKIP, CALCDTPREF and CALCDTCI dates."""
        ages = self._ages
        if age in ages:
            return ages[age]
        day = ages[age] = add(self.born, age)
        return day

    def is_aged(self, begin: Period | None, end: Period | None, day: int) -> bool:
        """Begin age date <= day < end age date, an empty age being the distant past or future."""
        begins = DISTANT_PAST if begin is None else self.reaches(begin)
        return begins <= day < (DISTANT_FUTURE if end is None else self.reaches(end))


def _active_observations(history: History, assessment_on: date) -> dict[str, int | None]:
    """The most recent date counts where one is repeated (CALCDTINT-9); what lies in the future is not yet active."""
    active: dict[str, int | None] = {}
    for code, observed_on in ((o.code, o.observed_on) for o in history.observations):
        if observed_on is not None and observed_on > assessment_on:
            continue
        day = None if observed_on is None else observed_on.toordinal()
        known = active.get(code)
        active[code] = known if day is None else day if known is None else max(known, day)
    return active


def _doses_in_order(history: History, assessed: int) -> tuple[DoseAdministered, ...]:
    """Ascending by date; doses of one day by product, so that the order of entry cannot matter."""
    dated = sorted(
        (dose.administered_on.toordinal(), dose.cvx, dose.mvx, dose.trade_name, position)
        for position, dose in enumerate(history.doses)
    )
    return tuple(
        DoseAdministered(order, position, day, cvx, history.doses[position])
        for order, (day, cvx, _, _, position) in enumerate(dated)
        if day <= assessed
    )
