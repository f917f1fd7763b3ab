"""What of a history no rule looks at, told by its place: nothing that was sent vanishes."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.model import History
from services.eligibility.forecast.organize_immunization_history import organize
from services.eligibility.forecast.schedule import SupportingData

AFTER_THE_DAY, BEFORE_BIRTH, CVX_UNKNOWN, NO_ANTIGEN = (
    "after-the-day",
    "before-birth",
    "cvx-unknown",
    "cvx-of-no-antigen",
)
OBSERVED_AFTER, OBSERVATION_UNKNOWN = "observed-after-the-day", "observation-unknown"
TEXTS = {
    AFTER_THE_DAY: "The dose lies after the day of the assessment.",
    BEFORE_BIRTH: "The dose lies before the birth date; it is evaluated as too young.",
    CVX_UNKNOWN: "This release does not know the vaccine's CVX code.",
    NO_ANTIGEN: "At this age the vaccine stands for no antigen in this release.",
    OBSERVED_AFTER: "The observation lies after the day of the assessment.",
    OBSERVATION_UNKNOWN: "No rule of this release knows the observation's code.",
}


class Unused(NamedTuple):
    """`kind`: "doses" or "observations" of the history, `position` there."""

    kind: str
    position: int
    code: str


def unused(history: History, supporting: SupportingData, on: date) -> list[Unused]:
    return [*_doses(history, supporting, on), *_observations(history, supporting, on)]


def _doses(history: History, supporting: SupportingData, on: date) -> Iterator[Unused]:
    organized = organize(Patient(history, on), supporting)
    used = {dose.position for records in organized.values() for dose in records}
    for position, dose in enumerate(history.doses):
        if not supporting.associations.get(dose.cvx):
            yield Unused("doses", position, CVX_UNKNOWN)
        elif dose.administered_on > on:
            yield Unused("doses", position, AFTER_THE_DAY)
        elif position not in used:
            yield Unused("doses", position, NO_ANTIGEN)
        elif dose.administered_on < history.birth_on:
            yield Unused("doses", position, BEFORE_BIRTH)


def _observations(history: History, supporting: SupportingData, on: date) -> Iterator[Unused]:
    for position, observation in enumerate(history.observations):
        if observation.code not in supporting.observations:
            yield Unused("observations", position, OBSERVATION_UNKNOWN)
        elif observation.observed_on is not None and observation.observed_on > on:
            yield Unused("observations", position, OBSERVED_AFTER)
