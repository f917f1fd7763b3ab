"""7.2 Determine evidence of immunity and 7.3 Determine contraindications, once per patient and antigen."""

from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Contraindication, Vaccine


class PatientFindings:
    """What the patient's birth date and observations say about one antigen, whatever the series."""

    __slots__ = ("_antigen", "_vaccines", "immune")

    def __init__(self, immune: bool = False, antigen: bool = False, vaccines: frozenset[str] = frozenset()) -> None:
        self.immune = immune
        self._antigen = antigen
        self._vaccines = vaccines

    def contraindicates(self, series: AntigenSeries) -> bool:
        """Table 7-7."""
        if self._antigen or not self._vaccines:
            return self._antigen
        preferable = {v.cvx for dose in series.doses for v in dose.preferable}
        return bool(preferable) and preferable <= self._vaccines

    def contraindicates_vaccine(self, vaccine: Vaccine) -> bool:
        return vaccine.cvx in self._vaccines


NOTHING_FOUND = PatientFindings()
IMMUNE = PatientFindings(immune=True)


def find(antigen: Antigen, patient: Patient) -> PatientFindings:
    if antigen.concerned_by.isdisjoint(patient.observations):
        return IMMUNE if antigen.immunity_by_birth and is_immune(antigen, patient) else NOTHING_FOUND
    return PatientFindings(
        is_immune(antigen, patient),
        any(_applies(c, patient) for c in antigen.contraindications),
        frozenset(_contraindicated_vaccines(antigen, patient)),
    )


def is_immune(antigen: Antigen, patient: Patient) -> bool:
    """Table 7-3. A birth date rule without a country of birth is for every country."""
    if not antigen.immunity_observations.isdisjoint(patient.observations):
        return True
    return any(
        patient.born < rule.before
        and rule.exclusions.isdisjoint(patient.observations)
        and (not rule.birth_country or _plain(rule.birth_country) == _plain(patient.birth_country))
        for rule in antigen.immunity_by_birth
    )


def _plain(country: str) -> str:
    """CDC writes "U.S."."""
    plain = country.replace(".", "").strip().upper()
    return "US" if plain in {"USA", "UNITED STATES", "UNITED STATES OF AMERICA"} else plain


def _applies(contraindication: Contraindication, patient: Patient) -> bool:
    """Table 7-5 with CALCDTCI-1 and CALCDTCI-2."""
    return contraindication.observation in patient.observations and patient.is_aged(
        contraindication.begin_age, contraindication.end_age, patient.assessed
    )


def _contraindicated_vaccines(antigen: Antigen, patient: Patient) -> set[str]:
    """Table 7-6."""
    return {
        cvx
        for contraindication in antigen.vaccine_contraindications
        if _applies(contraindication, patient)
        for cvx, vaccines in contraindication.vaccines.items()
        if any(patient.is_aged(v.begin_age, v.end_age, patient.assessed) for v in vaccines)
    }
