"""Compares the engine with CDC's test cases, field by field."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.eligibility.forecast.cases import Case, ExpectedDose
from services.eligibility.forecast.engine import forecast, foremost
from services.eligibility.forecast.model import DoseEvaluation, VaccineGroupForecast
from services.eligibility.forecast.schedule import SeriesType, SupportingData

_REASON_WORDS = {
    "too young": "young",
    "too old": "old",
    "too soon": "soon",
    "live virus": "conflict",
    "conflict": "conflict",
    "inadvertent": "inadvertent",
    "complete": "complete",
    "volume": "volume",
    "expired": "expired",
    "grace": "grace",
    "preferable": "not allowed",
    "allowable": "not allowed",
    "invalid usage": "not allowed",
    "dose condition": "condition",
}


@dataclass(frozen=True, slots=True)
class Difference:
    field: str
    expected: str
    ours: str
    dose: int | None = None

    @property
    def label(self) -> str:
        return self.field if self.dose is None else f"{self.field} {self.dose}"


@dataclass(frozen=True, slots=True)
class Outcome:
    case: Case
    compared: tuple[str, ...]
    differences: tuple[Difference, ...]
    answer: VaccineGroupForecast | None


def check(cases: Iterable[Case], supporting: SupportingData) -> Iterator[Outcome]:
    for case in cases:
        yield compare(case, forecast(case.history, supporting, case.assessment_on))


def asserted(case: Case, answers: Sequence[VaccineGroupForecast]) -> VaccineGroupForecast | None:
    """A row asserts one forecast of a vaccine group that may have several: at risk, if its last dose is so."""
    of_group = [a for a in answers if a.vaccine_group == case.vaccine_group]
    at_risk = [a for a in of_group if a.series_type is SeriesType.RISK and case.series_type == "risk"]
    return foremost(at_risk or of_group, case.assessment_on)


def compare(case: Case, answers: Sequence[VaccineGroupForecast]) -> Outcome:
    answer = asserted(case, answers)
    ours = _fields(answer)
    differences = [
        Difference(field, expected, ours[field])
        for field, expected in case.expected.items()
        if _normal(expected) != _normal(ours[field])
    ]
    compared = list(case.expected)
    for dose in case.doses:
        compared.append("evaluation")
        found = _evaluation(dose, answer, answers)
        if not _agrees(dose.status, dose.reason, found):
            expected = f"{dose.status} {dose.reason}".strip()
            differences.append(Difference("evaluation", expected, _told(found), dose.position + 1))
    return Outcome(case, tuple(compared), tuple(differences), answer)


def _evaluation(
    dose: ExpectedDose, answer: VaccineGroupForecast | None, answers: Sequence[VaccineGroupForecast]
) -> DoseEvaluation | None:
    """In a series of the type that the row names, else in the forecast asserted, else in the dose's own group."""
    if answer is None:
        return None
    of_group = [s for a in answers if a.vaccine_group == answer.vaccine_group for s in (*a.series, *a.set_aside)]
    of_type = [s for s in of_group if s.series_type.casefold() == dose.series_type]
    candidates = [e for s in of_type for e in s.evaluations]
    candidates += [e for a in (answer, *answers) for e in a.evaluations]
    return next((e for e in candidates if e.dose == dose.position), None)


def _fields(answer: VaccineGroupForecast | None) -> dict[str, str]:
    if answer is None:
        return dict.fromkeys(("dose_number", "earliest", "recommended", "past_due"), "") | {"status": "No forecast"}
    return {
        "status": answer.series_status,
        "dose_number": str(answer.dose_number or ""),
        "earliest": str(answer.earliest_on or ""),
        "recommended": str(answer.recommended_on or ""),
        "past_due": str(answer.past_due_on or ""),
    }


def _agrees(status: str, reason: str, found: DoseEvaluation | None) -> bool:
    if found is None or _normal(found.status) != _normal(status):
        return False
    return not reason or _keyword(reason) in {_keyword(r) for r in found.reasons}


def _told(found: DoseEvaluation | None) -> str:
    return "not evaluated" if found is None else f"{found.status} {', '.join(found.reasons)}".strip()


def _keyword(reason: str) -> str:
    """Wording differs between the files: what is compared is the word that tells one reason from another."""
    plain = _normal(reason)
    return next((meant for word, meant in _REASON_WORDS.items() if word in plain), plain)


def _normal(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()
