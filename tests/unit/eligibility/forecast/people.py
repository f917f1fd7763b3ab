"""People to try the forecast on, and CDC's files."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.model import Dose, History, Observation, VaccineGroupForecast
from services.eligibility.forecast.schedule import SupportingData

CASES = Path(__file__).parents[3] / "data" / "cdsi"
HEALTHY = CASES / "cases_healthy_v4.45_given30.csv"
CONDITIONS = CASES / "cases_underlying_conditions_v4.6_given30.csv"
KNOWN_MISSES = CASES / "known_misses.yaml"


def day(text: str) -> date:
    return date.fromisoformat(text)


def a_person(
    birth_on: str, *doses: tuple[str, str], gender: str = "Female", observations: Iterable[str] = (), country: str = ""
) -> History:
    """`doses` are pairs of date and CVX code, `observations` CDSi codes."""
    given = tuple(Dose(day(on), cvx) for on, cvx in doses)
    return History(day(birth_on), gender, given, tuple(map(Observation, observations)), country)


def forecast_of(
    supporting: SupportingData, history: History, vaccine_group: str, on: str, series_group: str = "1"
) -> VaccineGroupForecast:
    answers = forecast(history, supporting, day(on))
    return next(a for a in answers if (a.vaccine_group, a.series_group) == (vaccine_group, series_group))
