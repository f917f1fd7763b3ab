"""A person's history as a FHIR R4 Bundle: Patient, Immunizations, Conditions and AllergyIntolerances; only the parts
that rules look at.

What can't be used is told by its place in the bundle and never by its content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, StrictFloat, StringConstraints, Tag

from schemas.envelope import DAY_AS_WRITTEN
from services.eligibility.forecast.dates import DISTANT_FUTURE, DISTANT_PAST
from services.eligibility.forecast.model import Dose, History, Observation
from services.eligibility.forecast.observation_codes import ICD10, SNOMED, observations_of
from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.unused import TEXTS

CVX_SYSTEM = "http://hl7.org/fhir/sid/cvx"
MVX_SYSTEM = "http://hl7.org/fhir/sid/mvx"
BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
CODE_SYSTEMS = {"http://snomed.info/sct": SNOMED, "http://hl7.org/fhir/sid/icd-10-cm": ICD10}
PAST = frozenset({"inactive", "remission", "resolved"})
NOT_TRUE = frozenset({"refuted", "entered-in-error"})

NOTES = {
    "not-given": "The vaccine was not given, or its record was entered in error.",
    "no-cvx": "The vaccine has no CVX code.",
    "no-day": "The date is not given to the day, or is none between 1900 and 2999.",
    "not-active": "It is past and only counts while it lasts, or it is refuted or entered in error.",
    "not-severe": "The reaction is said not to be severe, and the rules look at severe ones only.",
    "not-mapped": "No rule of this release looks at its codes.",
    "not-used": "This kind of resource is not looked at.",
    **TEXTS,
}

FIRST_DAY, LAST_DAY = date.fromordinal(DISTANT_PAST), date.fromordinal(DISTANT_FUTURE)
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY), DAY_AS_WRITTEN]
"""The days that CDC's logic knows."""
FhirDate = Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d{2}(-\d{2}(T[0-9:.Z+-]+)?)?)?$")]


class Fhir(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Coding(Fhir):
    system: str = ""
    code: str = ""


class Concept(Fhir):
    coding: tuple[Coding, ...] = ()

    def codes(self, system: str) -> list[str]:
        return [coding.code.strip() for coding in self.coding if coding.system == system and coding.code.strip()]

    def is_any(self, codes: frozenset[str]) -> bool:
        return any(coding.code in codes for coding in self.coding)


class Identifier(Fhir):
    system: str = ""
    value: str = ""


class Manufacturer(Fhir):
    identifier: Identifier = Identifier()


class Quantity(Fhir):
    value: StrictFloat | None = None
    code: str = ""


class Address(Fhir):
    country: str = ""


class Extension(Fhir):
    url: str = ""
    value_address: Address | None = Field(default=None, alias="valueAddress")


class Patient(Fhir):
    resource_type: Literal["Patient"] = Field(alias="resourceType")
    id: str = ""
    birth_date: Day = Field(alias="birthDate")
    gender: Literal["female", "male", "other", "unknown"] = "unknown"
    extension: tuple[Extension, ...] = ()

    def birth_country(self) -> str:
        places = (extension.value_address for extension in self.extension if extension.url == BIRTH_PLACE)
        return next((place.country for place in places if place is not None), "")


class Immunization(Fhir):
    resource_type: Literal["Immunization"] = Field(alias="resourceType")
    id: str = ""
    status: Literal["completed", "not-done", "entered-in-error"]
    vaccine_code: Concept = Field(alias="vaccineCode")
    occurred: FhirDate | None = Field(default=None, alias="occurrenceDateTime")
    manufacturer: Manufacturer = Manufacturer()
    expires: FhirDate | None = Field(default=None, alias="expirationDate")
    quantity: Quantity | None = Field(default=None, alias="doseQuantity")
    is_subpotent: StrictBool = Field(default=False, alias="isSubpotent")


class _Stated(Fhir):
    clinical_status: Concept = Field(default=Concept(), alias="clinicalStatus")
    verification_status: Concept = Field(default=Concept(), alias="verificationStatus")
    code: Concept = Concept()
    onset: FhirDate | None = Field(default=None, alias="onsetDateTime")
    recorded: FhirDate | None = Field(default=None, alias="recordedDate")


class Condition(_Stated):
    resource_type: Literal["Condition"] = Field(alias="resourceType")


class Reaction(Fhir):
    severity: Literal["mild", "moderate", "severe"] | None = None


class AllergyIntolerance(_Stated):
    resource_type: Literal["AllergyIntolerance"] = Field(alias="resourceType")
    criticality: Literal["low", "high", "unable-to-assess"] | None = None
    reaction: tuple[Reaction, ...] = ()

    def is_mild(self) -> bool:
        """Said to be so; a severity that nobody stated may be any."""
        severities = {reaction.severity for reaction in self.reaction} - {None}
        if "severe" in severities or self.criticality == "high":
            return False
        return bool(severities) or self.criticality == "low"


class Other(Fhir):
    """A resource that the forecast does not look at."""


def _kind(resource: Any) -> str:
    name = resource.get("resourceType") if isinstance(resource, Mapping) else getattr(resource, "resource_type", "")
    return name if name in {"Patient", "Immunization", "Condition", "AllergyIntolerance"} else "other"


Resource = Annotated[
    Annotated[Patient, Tag("Patient")]
    | Annotated[Immunization, Tag("Immunization")]
    | Annotated[Condition, Tag("Condition")]
    | Annotated[AllergyIntolerance, Tag("AllergyIntolerance")]
    | Annotated[Other, Tag("other")],
    Discriminator(_kind),
]


class Entry(Fhir):
    resource: Resource


class Bundle(Fhir):
    """FHIR R4 Bundle with exactly one Patient."""

    resource_type: Literal["Bundle"] = Field(alias="resourceType")
    entry: tuple[Entry, ...] = Field(max_length=1000)


@dataclass(frozen=True, slots=True)
class Note:
    """What was not used, by its place in the request."""

    where: str
    code: str


@dataclass(frozen=True, slots=True)
class Found:
    """An observation that a condition or an allergy stands for."""

    where: str
    observation: Observation


def patient_of(bundle: Bundle) -> Patient | None:
    """None unless the bundle is about exactly one person."""
    patients = [entry.resource for entry in bundle.entry if isinstance(entry.resource, Patient)]
    return patients[0] if len(patients) == 1 else None


class Read(NamedTuple):
    """`places` and `shots`: where each dose of the history stood, and as what."""

    history: History
    found: list[Found]
    notes: list[Note]
    places: list[str]
    shots: list[Immunization]


def history_of(
    bundle: Bundle, patient: Patient, supporting: SupportingData, places_of: Sequence[str] | None = None
) -> Read:
    """What the bundle says; `places_of`: how its entries are told where they are called otherwise."""
    doses: list[Dose] = []
    places: list[str] = []
    shots: list[Immunization] = []
    found: list[Found] = []
    notes: list[Note] = []
    for position, entry in enumerate(bundle.entry):
        where = places_of[position] if places_of else f"entry.{position}"
        match entry.resource:
            case Immunization() as shot:
                read = _dose(shot)
                if isinstance(read, Dose):
                    doses.append(read)
                    places.append(where)
                    shots.append(shot)
                else:
                    notes.append(Note(where, read))
            case Condition() | AllergyIntolerance() as stated:
                said = _said(stated, supporting)
                if isinstance(said, str):
                    notes.append(Note(where, said))
                else:
                    found += [Found(where, observation) for observation in said]
            case Other():
                notes.append(Note(where, "not-used"))
    history = History(
        patient.birth_date,
        patient.gender.capitalize(),
        tuple(doses),
        tuple(finding.observation for finding in found),
        patient.birth_country(),
    )
    return Read(history, found, notes, places, shots)


def _dose(shot: Immunization) -> Dose | str:
    if shot.status != "completed":
        return "not-given"
    cvx, given_on = shot.vaccine_code.codes(CVX_SYSTEM), _day(shot.occurred)
    if not cvx:
        return "no-cvx"
    if given_on is None:
        return "no-day"
    maker = shot.manufacturer.identifier
    quantity = shot.quantity
    return Dose(
        given_on,
        cvx[0].zfill(2),
        mvx=maker.value if maker.system in {"", MVX_SYSTEM} else "",
        volume_ml=quantity.value if quantity is not None and quantity.code == "mL" else None,
        lot_expires_on=_day(shot.expires),
        sub_standard=shot.is_subpotent,
    )


def _said(stated: Condition | AllergyIntolerance, supporting: SupportingData) -> list[Observation] | str:
    """The observations that it stands for, or why there are none."""
    if stated.verification_status.is_any(NOT_TRUE):
        return "not-active"
    mapped = _mapped(stated, supporting)
    if not mapped:
        return "not-mapped"
    if isinstance(stated, AllergyIntolerance):
        # An allergy that is over was tested and is gone.
        current = frozenset() if stated.clinical_status.is_any(PAST) else mapped
        reason = "not-severe" if current else "not-active"
        counting = {code for code in current if not (stated.is_mild() and _is_of_severe(code, supporting))}
    else:
        reason, counting = (
            "not-active",
            set(mapped & _past(supporting) if stated.clinical_status.is_any(PAST) else mapped),
        )
    observed_on = _day(stated.onset) or _day(stated.recorded)
    return [Observation(code, observed_on) for code in sorted(counting)] or reason


def _mapped(stated: Condition | AllergyIntolerance, supporting: SupportingData) -> frozenset[str]:
    codes = {
        code
        for uri, system in CODE_SYSTEMS.items()
        for written in stated.code.codes(uri)
        for code in observations_of(system, written, supporting)
    }
    if isinstance(stated, AllergyIntolerance):  # to a vaccine: CDC lists its CVX code with the reaction to it
        reactions = supporting.lists.past["reactions"]
        vaccines = (cvx.zfill(2) for cvx in stated.code.codes(CVX_SYSTEM))
        codes |= {code for cvx in vaccines for code in supporting.observations_coded("CVX", cvx) & reactions}
    return frozenset(codes)


def _is_of_severe(code: str, supporting: SupportingData) -> bool:
    return supporting.observations[code].title.startswith("Severe")


def _past(supporting: SupportingData) -> frozenset[str]:
    """Histories and events, which stay when the condition that told of them is over."""
    return frozenset().union(*supporting.lists.past.values())


def _day(text: str | None) -> date | None:
    """A year or a month alone is no day. The day is that of the place where it was written down."""
    try:
        day = date.fromisoformat(text[:10]) if text and len(text) >= 10 else None
    except ValueError:
        return None
    return day if day is not None and FIRST_DAY <= day <= LAST_DAY else None
