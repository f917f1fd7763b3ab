"""4.2 Organize immunization history: doses broken into antigen administered records, sorted by antigen and date."""

from collections.abc import Mapping

from services.eligibility.forecast.gather_necessary_data import DoseAdministered, Patient
from services.eligibility.forecast.schedule import SupportingData

NO_RECORDS: tuple[DoseAdministered, ...] = ()


def organize(patient: Patient, supporting: SupportingData) -> Mapping[str, list[DoseAdministered]]:
    """Note 2a: a product may stand for one antigen below an age and another above (live zoster under 50)."""
    records: dict[str, list[DoseAdministered]] = {}
    for dose in patient.doses:
        for association in supporting.associations.get(dose.cvx, ()):
            if patient.is_aged(association.begin_age, association.end_age, dose.day):
                records.setdefault(association.antigen, []).append(dose)
    return records
