"""A FHIR Bundle as a history: what is taken, what is left out, and that nothing is left out silently."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from services.eligibility.forecast.fhir_history import Bundle, history_of, patient_of
from services.eligibility.forecast.model import Dose, Observation
from services.eligibility.forecast.observation_codes import ICD10, SNOMED, observations_of
from services.eligibility.forecast.schedule import SupportingData

ICD, SCT = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
OMA = {"resourceType": "Patient", "id": "oma", "birthDate": "1950-05-01", "gender": "female"}


def a_shot(cvx: str = "187", on: str = "2024-03-01", **changes: object) -> dict[str, Any]:
    coding = [{"system": "http://hl7.org/fhir/sid/cvx", "code": cvx}]
    return {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"coding": coding},
            "occurrenceDateTime": on, **changes}  # fmt: skip


def a_condition(system: str, code: str, **changes: object) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": {"coding": [{"system": system, "code": code}]}, **changes}


def a_bundle(*resources: dict[str, Any]) -> Bundle:
    return Bundle.model_validate({"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]})


def read(supporting: SupportingData, *resources: dict[str, Any]) -> tuple[Any, Any, list[tuple[str, str]]]:
    bundle = a_bundle(OMA, *resources)
    patient = patient_of(bundle)
    assert patient is not None
    history, found, notes, _ = history_of(bundle, patient, supporting)
    return history, found, [(one.where, one.code) for one in notes]


def test_doses_and_conditions_are_taken(supporting: SupportingData) -> None:
    """CVX, maker, day, volume, lot and potency reach the engine, and a condition becomes its observation."""
    shot = a_shot("8", "2024-03-01T10:00:00-06:00", isSubpotent=True, expirationDate="2024-02-01",
                  doseQuantity={"value": 0.5, "code": "mL"},
                  manufacturer={"identifier": {"system": "http://hl7.org/fhir/sid/mvx", "value": "SKB"}})  # fmt: skip
    history, found, notes = read(supporting, shot, a_condition(SCT, "73211009", onsetDateTime="2020-01-02"))
    assert history.doses == (Dose(date(2024, 3, 1), "08", "SKB", "", 0.5, date(2024, 2, 1), sub_standard=True),)
    assert history.observations == (Observation("014", date(2020, 1, 2)),)
    assert ([one.where for one in found], notes) == (["entry.2"], [])


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (a_shot(status="not-done"), "not-given"),
        (a_shot(status="entered-in-error"), "not-given"),
        (a_shot(vaccineCode={"text": "shingles"}), "no-cvx"),
        (a_shot(on="2024-03"), "no-day"),
        (a_shot(on="2024-02-30"), "no-day"),
        (a_condition(SCT, "1"), "not-mapped"),
        (a_condition(SCT, "73211009", clinicalStatus={"coding": [{"code": "resolved"}]}), "not-active"),
        (a_condition(SCT, "73211009", verificationStatus={"coding": [{"code": "refuted"}]}), "not-active"),
        ({"resourceType": "Basket"}, "not-used"),
    ],
)
def test_what_is_not_used_is_told_by_its_place(supporting: SupportingData, resource: Any, code: str) -> None:
    """Each resource is either in the history or among the notes."""
    history, found, notes = read(supporting, resource)
    assert (history.doses, found, notes) == ((), [], [("entry.1", code)])


def test_one_patient_is_expected() -> None:
    """None or two are not taken for one."""
    assert patient_of(a_bundle(a_shot())) is None
    assert patient_of(a_bundle(OMA, OMA)) is None


def test_a_birth_year_alone_is_refused() -> None:
    """Ages turn on days."""
    with pytest.raises(ValidationError):
        a_bundle({**OMA, "birthDate": "1950"})


@pytest.mark.parametrize(
    ("system", "code", "observations"),
    [
        (ICD10, "E11.9", {"014"}),
        (ICD10, "e1122", {"014", "256"}),
        (ICD10, "N18.6", {"161", "066", "114"}),
        (ICD10, "Z00.0", set()),
        (SNOMED, "73211009", {"014"}),
    ],
)
def test_codes_stand_for_observations(
    supporting: SupportingData, system: str, code: str, observations: set[str]
) -> None:
    """A longer ICD-10 prefix adds to what a shorter one says; dots and case do not matter."""
    assert observations_of(system, code, supporting) == observations


def test_every_mapped_observation_is_cdcs(supporting: SupportingData) -> None:
    """The ICD-10 list names no observation that the release doesn't have."""
    from services.eligibility.forecast.observation_codes import _by_prefix

    assert {one for found in _by_prefix().values() for one in found} <= supporting.observations.keys()
