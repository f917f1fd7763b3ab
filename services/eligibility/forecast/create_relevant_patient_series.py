"""5 Create relevant patient series: which antigen series are appropriate for the patient."""

from collections.abc import Sequence

from services.eligibility.forecast.gather_necessary_data import Patient
from services.eligibility.forecast.schedule import Antigen, AntigenSeries, Indication, SeriesType


def relevant_series(antigen: Antigen, patient: Patient) -> Sequence[AntigenSeries]:
    """Table 5-5. A series without a required gender is for every gender (Table 5-2)."""
    if not patient.observations:
        candidates = antigen.series_without_indication
    else:
        candidates = antigen.series
    gender = patient.gender
    return [
        series
        for series in candidates
        if (not series.genders or gender in series.genders)
        and (series.kind is not SeriesType.RISK or _is_indicated(series, patient))
    ]


def _is_indicated(series: AntigenSeries, patient: Patient) -> bool:
    return not series.indicated_by.isdisjoint(patient.observations) and any(
        applies(i, patient) for i in series.indications
    )


def applies(indication: Indication, patient: Patient) -> bool:
    """Table 5-4 with CALCDTIND-1 and CALCDTIND-2."""
    return indication.observation in patient.observations and patient.is_aged(
        indication.begin_age, indication.end_age, patient.assessed
    )
