"""A dose as it was told, and when a dose can have been given at an appointment or without one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from schemas.products import is_before_product
from schemas.scheduling_v1 import DoseGiven
from services.scheduling.days.rules import SiteDay
from services.scheduling.refusals import RefusalCode

EARLY_COMERS = timedelta(hours=1)  # somebody is served so long before the slot's hour, and no longer
LATE_AFTER = timedelta(days=30)  # older doses were forgotten, or belong to another day: somebody says why
OLDEST_DOSE = timedelta(days=366)  # what is older comes by the registry or a person's history, not as a visit
CORRECTION = "correction"
"""Why a dose is recorded late that was recorded wrongly before."""


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose as eligibility told it; one that was given in part counts as `retracted`: no dose. `heard_no` tells
    whether a booking was made before it became known here. `vaccine_groups` are those of a combination vaccine."""

    dose_id: UUID
    version: int
    member_token: UUID
    vaccine_group: str
    administered_on: date
    retracted: bool
    appointment_id: UUID | None
    heard_no: int = 0
    vaccine_groups: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Every vaccine group that the dose counts for."""
        return self.vaccine_groups or (self.vaccine_group,)


class DoseRecord(NamedTuple):
    """A dose that a site records as given, why it is recorded so late, if it is, and how and where in the body it was
    given."""

    dose: DoseGiven
    late_reason: str | None = None
    route: str | None = None
    body_site: str | None = None


def check_product(gives: Mapping[str, str], vaccine_group: str, dose: DoseGiven, day: SiteDay) -> RefusalCode | None:
    """The product must be one that the site gives, against what the member came for, and already given."""
    if dose.cvx not in gives:
        return RefusalCode.NOT_GIVEN_HERE
    if gives[dose.cvx] != vaccine_group:
        return RefusalCode.OTHER_VACCINE
    return RefusalCode.FUTURE_DOSE if dose.administered_on > day.own_on else None


def check_visit(start_on: date, start_at: datetime, given_on: date, day: SiteDay) -> RefusalCode | None:
    """A dose that was given before the appointment was not given at it."""
    is_too_early = day.hour is not None and start_on >= day.own_on and day.hour < start_at - EARLY_COMERS
    return RefusalCode.EARLY_DOSE if given_on < start_on or is_too_early else None


def check_existed(dose: DoseGiven) -> RefusalCode | None:
    """Nobody was given a product before it was in use."""
    return RefusalCode.BEFORE_PRODUCT if is_before_product(dose.cvx, dose.administered_on) else None


def is_late(given_on: date, on: date) -> bool:
    """Whether a dose of this day is recorded so late, on that one, that somebody says why."""
    return on - given_on > LATE_AFTER


def check_age(given_on: date, began_on: date, on: date, late_reason: str | None) -> RefusalCode | None:
    """A dose without an appointment that was given long ago, or before its programme began, needs somebody's reason;
    one of more than a year ago was no visit that a site forgot to record."""
    if on - given_on > OLDEST_DOSE:
        return RefusalCode.OLD_DOSE
    needs_reason = is_late(given_on, on) or given_on < began_on
    return RefusalCode.LATE_DOSE if needs_reason and late_reason is None else None
