"""Compares the engine with CDC's test cases, field by field."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from services.eligibility.forecast.cases import Case
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.model import DoseEvaluation, SeriesStatus, VaccineGroupForecast
from services.eligibility.forecast.schedule import SupportingData

_REASON_WORDS = ("young", "old", "soon", "live virus", "inadvertent", "complete", "volume", "expired", "conflict")


@dataclass(frozen=True, slots=True)
class Difference:
    field: str
    expected: str
    ours: str


@dataclass(frozen=True, slots=True)
class Outcome:
    case: Case
    compared: tuple[str, ...]
    differences: tuple[Difference, ...]
    answer: VaccineGroupForecast | None


def check(cases: Iterable[Case], supporting: SupportingData) -> Iterator[Outcome]:
    for case in cases:
        answers = forecast(case.history, supporting, case.assessment_on)
        yield compare(case, foremost([a for a in answers if a.vaccine_group == case.vaccine_group]))


def foremost(answers: Sequence[VaccineGroupForecast]) -> VaccineGroupForecast | None:
    """A case asserts one forecast of a vaccine group that may have several: what is needed first, risk before standard."""
    return min(
        answers,
        key=lambda a: (
            a.series_status is not SeriesStatus.CONTRAINDICATED,
            a.series_status is not SeriesStatus.NOT_COMPLETE,
            a.series_type != "Risk",
            a.earliest_on or date.max,
        ),
        default=None,
    )


def compare(case: Case, answer: VaccineGroupForecast | None) -> Outcome:
    ours = _fields(answer)
    differences = [
        Difference(field, expected, ours[field])
        for field, expected in case.expected.items()
        if _normal(expected) != _normal(ours[field])
    ]
    evaluated = {e.dose: e for e in answer.evaluations} if answer else {}
    compared = list(case.expected)
    for dose in case.doses:
        compared.append("evaluation")
        found = evaluated.get(dose.position)
        if not _agrees(dose.status, dose.reason, found):
            expected = f"dose {dose.position + 1}: {dose.status} {dose.reason}".strip()
            differences.append(Difference("evaluation", expected, _told(found)))
    return Outcome(case, tuple(compared), tuple(differences), answer)


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
    return next((word for word in _REASON_WORDS if word in plain), plain)


def _normal(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()
