"""A FHIR Bundle as a history: what is taken, what is left out, and that nothing is left out silently."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from services.eligibility.forecast.engine import forecast
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
    history, found, notes, *_ = history_of(bundle, patient, supporting)
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


RESOLVED = {"clinicalStatus": {"coding": [{"code": "resolved"}]}}
INACTIVE = {"clinicalStatus": {"coding": [{"code": "inactive"}]}}
REFUTED = {"verificationStatus": {"coding": [{"code": "refuted"}]}}


@pytest.mark.parametrize(
    ("resource", "observations"),
    [
        (a_condition(SCT, "38907003", **RESOLVED), {"024"}),  # varicella
        (a_condition(SCT, "371113008", **INACTIVE), {"023"}),  # immune by laboratory
        (a_condition(SCT, "49723003", **RESOLVED), {"028"}),  # intussusception
        (a_condition(SCT, "313039003", **INACTIVE), {"157"}),  # solid organ transplant
        (a_condition(SCT, "77386006", **RESOLVED), set()),  # pregnant
        (a_condition(SCT, "91930004", **RESOLVED), set()),  # allergic to egg
        (a_condition(SCT, "38907003", **RESOLVED, **REFUTED), set()),
    ],
)
def test_what_is_past_counts_where_it_is_a_history(
    supporting: SupportingData, resource: dict[str, Any], observations: set[str]
) -> None:
    """A disease that was had, a reaction and a transplant stay; what must be current ends with the condition."""
    _, found, notes = read(supporting, resource)
    assert {one.observation.code for one in found} == observations
    assert notes == ([] if observations else [("entry.1", "not-active")])


@pytest.mark.parametrize(
    ("group", "birth_on", "code", "status"),
    [
        ("Varicella", "1990-05-01", (SCT, "38907003"), "Immune"),
        ("Varicella", "1990-05-01", (ICD, "B01.9"), "Immune"),
        ("Rotavirus", "2025-08-01", (SCT, "49723003"), "Contraindicated"),
        ("Rotavirus", "2025-08-01", (ICD, "K56.1"), "Contraindicated"),
    ],
)
def test_a_resolved_history_decides(
    supporting: SupportingData, group: str, birth_on: str, code: tuple[str, str], status: str
) -> None:
    """Who had chickenpox as a child is immune; after an intussusception no rotavirus vaccine is given."""
    system, value = code
    resolved = a_condition(system, value, **RESOLVED, onsetDateTime="2025-09-01")
    bundle = a_bundle({**OMA, "birthDate": birth_on}, resolved)
    patient = patient_of(bundle)
    assert patient is not None
    history, *_ = history_of(bundle, patient, supporting)
    forecasts = forecast(history, supporting, date(2025, 10, 20))
    assert [one.status.value for one in forecasts if one.vaccine_group == group] == [status]


def an_allergy(system: str, code: str, **changes: object) -> dict[str, Any]:
    return {**a_condition(system, code, **changes), "resourceType": "AllergyIntolerance"}


CVX_URI = "http://hl7.org/fhir/sid/cvx"


@pytest.mark.parametrize(
    ("resource", "observations", "note"),
    [
        (an_allergy(SCT, "294847001"), {"102"}, None),  # gelatin
        (an_allergy(SCT, "294847001", criticality="high", reaction=[{"severity": "mild"}]), {"102"}, None),
        (an_allergy(SCT, "294847001", reaction=[{"severity": "moderate"}]), set(), "not-severe"),
        (an_allergy(SCT, "294847001", criticality="low", reaction=[{"severity": "severe"}]), {"102"}, None),
        (an_allergy(SCT, "91930004", criticality="low"), {"101"}, None),  # egg: any reaction counts
        (an_allergy(SCT, "294847001", **RESOLVED), set(), "not-active"),
        (an_allergy(SCT, "294847001", **REFUTED), set(), "not-active"),
        (an_allergy(CVX_URI, "187"), {"172"}, None),  # recombinant zoster vaccine
        (an_allergy(CVX_URI, "20"), {"086", "087", "088"}, None),  # DTaP
        (an_allergy(CVX_URI, "13"), set(), "not-mapped"),  # tetanus globulin: CDC's code is of its having been given
        (an_allergy(SCT, "1"), set(), "not-mapped"),
    ],
)
def test_an_allergy_is_read(
    supporting: SupportingData, resource: dict[str, Any], observations: set[str], note: str | None
) -> None:
    """By its SNOMED code or the vaccine's CVX code; one that is over, refuted or said to be mild is told, not used."""
    _, found, notes = read(supporting, resource)
    assert {one.observation.code for one in found} == observations
    assert notes == ([("entry.1", note)] if note else [])


def test_every_listed_history_is_cdcs(supporting: SupportingData) -> None:
    """The list names no observation that the release doesn't have, and each reaction to a vaccine is on it."""
    past = supporting.lists.past
    assert frozenset().union(*past.values()) <= supporting.observations.keys()
    after_a_dose = {one.code for one in supporting.observations.values() if "after previous dose" in one.title}
    assert after_a_dose <= past["reactions"]


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
        (ICD10, "B01.9", {"024"}),
        (ICD10, "K56.1", {"028"}),
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
    mapped = supporting.lists.icd10.values()
    assert {one for found in mapped for one in found} <= supporting.observations.keys()
