"""7.2 Determine evidence of immunity and 7.3 Determine contraindications, once per patient and antigen."""

from collections.abc import Iterable

from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Contraindication, Vaccine


class PatientFindings:
    """What the patient's birth date and observations say about one antigen, whatever the series.

    `of_antigen` and `of_vaccines` are the contraindications that apply to the patient."""

    __slots__ = ("_vaccines", "immune", "of_antigen", "of_vaccines")

    def __init__(
        self,
        immune: bool = False,
        of_antigen: tuple[Contraindication, ...] = (),
        of_vaccines: tuple[Contraindication, ...] = (),
        vaccines: frozenset[str] = frozenset(),
    ) -> None:
        self.immune = immune
        self.of_antigen = of_antigen
        self.of_vaccines = of_vaccines
        self._vaccines = vaccines

    def contraindicates(self, series: AntigenSeries) -> bool:
        """Table 7-7."""
        if self.of_antigen or not self._vaccines:
            return bool(self.of_antigen)
        preferable = {v.cvx for dose in series.doses for v in dose.preferable}
        return bool(preferable) and preferable <= self._vaccines

    def contraindicates_vaccine(self, vaccine: Vaccine) -> bool:
        return vaccine.cvx in self._vaccines

    def texts(self) -> tuple[str, ...]:
        """In CDC's words: of the antigen, or else of the vaccines that would be preferable."""
        return tuple(dict.fromkeys(_plain_text(c.text) for c in self.of_antigen or self.of_vaccines if c.text))

    def guidance(self) -> list[str]:
        """FORECASTGUIDANCE-1: of every contraindication that describes an active observation."""
        return [c.guidance for c in (*self.of_antigen, *self.of_vaccines) if c.guidance]


NOTHING_FOUND = PatientFindings()
IMMUNE = PatientFindings(immune=True)


def find(antigen: Antigen, patient: Patient) -> PatientFindings:
    if antigen.concerned_by.isdisjoint(patient.observations):
        return IMMUNE if antigen.immunity_by_birth and is_immune(antigen, patient) else NOTHING_FOUND
    of_vaccines = tuple(c for c in antigen.vaccine_contraindications if _applies(c, patient))
    return PatientFindings(
        is_immune(antigen, patient),
        tuple(c for c in antigen.contraindications if _applies(c, patient)),
        of_vaccines,
        frozenset(_contraindicated_vaccines(of_vaccines, patient)),
    )


def _plain_text(text: str) -> str:
    """CDC's cells have line breaks within a sentence."""
    return " ".join(text.split())


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


def _contraindicated_vaccines(applying: Iterable[Contraindication], patient: Patient) -> set[str]:
    """Table 7-6."""
    return {
        cvx
        for contraindication in applying
        for cvx, vaccines in contraindication.vaccines.items()
        if any(patient.is_aged(v.begin_age, v.end_age, patient.assessed) for v in vaccines)
    }
