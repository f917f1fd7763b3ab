"""5 Create relevant patient series: which antigen series are appropriate for the patient."""

from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Indication, SeriesType


def relevant_series(antigen: Antigen, patient: Patient) -> list[AntigenSeries]:
    return [series for series in antigen.series if is_relevant(series, patient)]


def is_relevant(series: AntigenSeries, patient: Patient) -> bool:
    """Table 5-5. A series without a required gender is for every gender (Table 5-2)."""
    if series.genders and patient.gender not in series.genders:
        return False
    if series.kind is not SeriesType.RISK:
        return True
    return bool(patient.observations) and any(applies(i, patient) for i in series.indications)


def applies(indication: Indication, patient: Patient) -> bool:
    """Table 5-4 with CALCDTIND-1 and CALCDTIND-2."""
    return indication.observation in patient.observations and patient.is_aged(
        indication.begin_age, indication.end_age, patient.assessed
    )
