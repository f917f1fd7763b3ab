"""7.2 Determine evidence of immunity and 7.3 Determine contraindications, once per patient and antigen."""

from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Contraindication, Vaccine


class PatientFindings:
    """What the patient's observations say about one antigen, whatever the series."""

    __slots__ = ("_vaccines", "antigen_contraindications", "immune")

    def __init__(self, antigen: Antigen, patient: Patient) -> None:
        self.immune = is_immune(antigen, patient)
        self.antigen_contraindications: tuple[Contraindication, ...] = ()
        self._vaccines: frozenset[str] = frozenset()
        if patient.observations:
            self.antigen_contraindications = tuple(c for c in antigen.contraindications if _applies(c, patient))
            self._vaccines = frozenset(_contraindicated_vaccines(antigen, patient))

    def contraindicates(self, series: AntigenSeries) -> bool:
        """Table 7-7."""
        if self.antigen_contraindications:
            return True
        if not self._vaccines:
            return False
        preferable = {v.cvx for dose in series.doses for v in dose.preferable}
        return bool(preferable) and preferable <= self._vaccines

    def contraindicates_vaccine(self, vaccine: Vaccine) -> bool:
        return vaccine.cvx in self._vaccines


def is_immune(antigen: Antigen, patient: Patient) -> bool:
    """Table 7-3. A birth date rule without a country of birth is for every country."""
    if not antigen.immunity_observations.isdisjoint(patient.observations):
        return True
    return any(
        patient.born < rule.before
        and rule.exclusions.isdisjoint(patient.observations)
        and (not rule.birth_country or rule.birth_country == patient.birth_country)
        for rule in antigen.immunity_by_birth
    )


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
