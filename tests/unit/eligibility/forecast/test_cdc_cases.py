"""The engine held to CDC's own cases."""

import pytest

from services.eligibility.forecast.cases import read_cases
from services.eligibility.forecast.check_cases import Outcome, check
from services.eligibility.forecast.known_misses import read_known_misses
from services.eligibility.forecast.schedule import SupportingData
from tests.unit.eligibility.forecast.people import CONDITIONS, HEALTHY, KNOWN_MISSES


@pytest.mark.capability("F11")
def test_every_healthy_case_agrees(supporting: SupportingData) -> None:
    """CDC's healthy cases agree in status, dose number, dates and every dose's evaluation."""
    outcomes = list(check(read_cases(HEALTHY, supporting), supporting))
    assert len(outcomes) == 314
    assert [told(o) for o in outcomes if o.differences] == []


@pytest.mark.capability("F11")
def test_every_miss_of_the_condition_cases_was_reviewed(supporting: SupportingData) -> None:
    """Nine in ten condition cases agree, and the rest differs exactly as the reviewed list says."""
    known = read_known_misses(KNOWN_MISSES)
    outcomes = list(check(read_cases(CONDITIONS, supporting), supporting))
    missed = {o.case.case_id: o for o in outcomes if o.differences}
    assert len(outcomes) == 114
    assert len(outcomes) - len(missed) >= 0.9 * len(outcomes)
    assert {case_id: told(o) for case_id, o in missed.items() if not known[case_id].covers(o)} == {}
    assert known.keys() == missed.keys()


@pytest.mark.parametrize("path", [HEALTHY, CONDITIONS])
def test_cases_name_what_they_expect(supporting: SupportingData, path: object) -> None:
    """No comparison is empty: each case asserts status, dose number, earliest and recommended date, and its doses."""
    for case in read_cases(HEALTHY if path == HEALTHY else CONDITIONS, supporting):
        assert {"status", "dose_number", "earliest", "recommended"} <= case.expected.keys()
        assert len(case.doses) == len(case.history.doses)


def told(outcome: Outcome) -> str:
    return f"{outcome.case.case_id}: {[(d.label, d.expected, d.ours) for d in outcome.differences]}"
