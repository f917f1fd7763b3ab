"""Facts that the services tell each other, with sane defaults, for the tests of whoever hears them. The `days`-th day
is counted from DAY."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAction,
    DoseAdministeredV1,
    DoseSource,
    EligibilityStatus,
    LineOfBusiness,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
    RaceEthnicity,
    Svi,
    SviLevel,
)
from schemas.scheduling_v1 import AppointmentChangedV1, AppointmentStatus, DoseGiven
from services.kit.ids import derived_id

DAY = date(2021, 3, 1)  # a Monday
NOON = datetime(2021, 3, 1, 18, tzinfo=UTC)
PROGRAMME = "connectors-65"
ZONE = "America/Chicago"


def member_token(name: str) -> UUID:
    """The token of a member with this nickname."""
    return derived_id("member", name)


def enrolment_id(name: str, plan: str = "lakeshore") -> UUID:
    return derived_id("enrolment", name, plan)


def a_tract(value: float | None = 0.97, level: SviLevel = SviLevel.TRACT) -> Svi:
    return Svi(level=level, release="2018", value=value, vulnerable=(value or 0) >= 0.75)


def a_fact(name: str = "ada", version: int = 1, days: int = 0, **changes: Any) -> MemberEligibilityDecidedV1:
    """Somebody eligible and unvaccinated, unless told otherwise."""
    plan = changes.pop("tenant_id", "lakeshore")
    said: dict[str, Any] = {
        "occurred_at": NOON, "enrolment_id": enrolment_id(name, plan), "member_token": member_token(name),
        "tenant_id": plan,
        "programme_id": PROGRAMME, "programme_version": 1, "version": version, "status": EligibilityStatus.ELIGIBLE,
        "reasons": (), "vaccinated": False, "doses_valid": 0, "priority": 500, "age_band": "70-74",
        "race_ethnicity": RaceEthnicity.UNKNOWN, "language": "en", "line_of_business": LineOfBusiness.MEDICARE,
        "zip5": "60623", "tract": "17031843500", "enrolled": True, "contact_protected": False,
        "decided_on": DAY + timedelta(days=days), "svi": a_tract(),
    }  # fmt: skip
    return MemberEligibilityDecidedV1(**(said | changes))


def a_merge(
    retired: str, survivor: str, days: int = 0, version: int | None = None, is_split: bool = False
) -> MembersMergedV1:
    return MembersMergedV1(
        occurred_at=NOON,
        surviving_token=member_token(survivor),
        retired_token=member_token(retired),
        merged_on=DAY + timedelta(days),
        version=version,
        is_split=is_split,
    )


def a_dose(name: str = "ada", version: int = 1, days: int = 0, **changes: Any) -> DoseAdministeredV1:
    """Given and known on the `days`-th day."""
    on = DAY + timedelta(days=days)
    said: dict[str, Any] = {
        "occurred_at": NOON, "dose_id": derived_id("dose", name), "version": version, "action": DoseAction.NEW,
        "member_token": member_token(name), "cvx": "212", "vaccine_group": "covid-19", "administered_on": on,
        "known_on": on, "sources": (DoseSource.IIS,),
    }  # fmt: skip
    return DoseAdministeredV1(**(said | changes))


def an_appointment(
    name: str = "ada", version: int = 1, days: int = 2, changed: int = 0, **changes: Any
) -> AppointmentChangedV1:
    """For the `days`-th day, said on the `changed`-th."""
    plan = changes.pop("tenant_id", "lakeshore")
    start_on = DAY + timedelta(days=days)
    said: dict[str, Any] = {
        "occurred_at": NOON, "appointment_id": derived_id("appointment", name, plan), "version": version,
        "status": AppointmentStatus.BOOKED, "enrolment_id": enrolment_id(name, plan), "tenant_id": plan,
        "member_token": member_token(name), "programme_id": PROGRAMME, "site_id": "united-center",
        "start_at": NOON + timedelta(days=days), "start_on": start_on, "changed_on": DAY + timedelta(days=changed),
    }  # fmt: skip
    if changes.get("status") is AppointmentStatus.FULFILLED:
        said["dose"] = DoseGiven(cvx="212", lot="QUOKKA7", administered_on=start_on)
    return AppointmentChangedV1(**(said | changes))


def a_programme(version: int = 1, **changes: Any) -> ProgrammePublishedV1:
    said: dict[str, Any] = {
        "occurred_at": NOON, "programme_id": PROGRAMME, "version": version, "title": "Connectors, 65 and older",
        "vaccine_group": "covid-19", "effective_on": DAY, "time_zone": ZONE, "document_sha256": "0" * 64,
    }  # fmt: skip
    return ProgrammePublishedV1(**(said | changes))


def a_day(days: int = 0, zone: str = ZONE) -> BusinessDayOpenedV1:
    """The `days`-th business day from now."""
    on = DAY + timedelta(days=days)
    return BusinessDayOpenedV1(occurred_at=NOON + timedelta(days=days), business_on=on, time_zone=zone)
