"""What registries say beside doses, as the records tell it and as CDC's logic takes it."""

from datetime import date
from typing import Any

import pytest

from services.eligibility.doses.remarks import Remark, meanings, remarks_of
from services.eligibility.feeds.records import DoseOutcome, DoseRecord, Evidence, Position, StatedPerson
from services.eligibility.forecast.supporting_data import bundled

DAY = date(2021, 2, 15)


def a_record(outcome: DoseOutcome = DoseOutcome.ADMINISTERED, **changes: Any) -> DoseRecord:
    base = DoseRecord(Position(1, 1), StatedPerson(), outcome, "A", DAY, "208")
    return base._replace(**changes)


@pytest.mark.parametrize(
    ("outcome", "reason", "kinds"),
    [
        (DoseOutcome.REFUSED, "00", [("refusal", "00")]),
        (DoseOutcome.REFUSED, "", [("refusal", "unknown")]),
        (DoseOutcome.MISSED_APPOINTMENT, "02", []),
        (DoseOutcome.NOT_ADMINISTERED, "", []),
        (DoseOutcome.ADMINISTERED, "", []),
    ],
)
def test_who_did_not_come_refused_nothing(outcome: DoseOutcome, reason: str, kinds: list[tuple[str, str]]) -> None:
    """Only what was refused is a refusal."""
    found = remarks_of(a_record(outcome, refusal_reason=reason))
    assert [(one.kind, one.code) for one in found] == kinds


def test_a_remark_has_its_own_day_or_its_events() -> None:
    """And comes back from a report that waited as it was."""
    own = Evidence("contraindication", "cdcphinvs", "VXC18", date(2021, 1, 1), date(2021, 3, 1))
    found = remarks_of(a_record(evidence=(own, Evidence("immunity", "snomed", "38907003"))))
    assert [(one.observed_on, one.expires_on) for one in found] == [(date(2021, 1, 1), date(2021, 3, 1)), (DAY, None)]
    assert [Remark.of_document(one.document()) for one in found] == list(found)


@pytest.mark.parametrize(
    ("system", "code", "cvx", "observations"),
    [
        ("snomed", "38907003", "998", {"024"}),
        ("snomed", "371113008", "998", {"023"}),
        ("cdcphinvs", "VXC18", "998", {"110"}),
        ("cdcphinvs", "VXC20", "208", {"080", "122"}),
        ("cdcphinvs", "VXC20", "187", {"080", "172"}),
        ("cdcphinvs", "VXC20", "998", {"080"}),
        ("cdcphinvs", "VXC999", "998", set()),
        ("nip002", "00", "208", set()),
        ("local", "38907003", "998", set()),
    ],
)
def test_what_cdcs_logic_makes_of_a_code(system: str, code: str, cvx: str, observations: set[str]) -> None:
    """A reaction is to the vaccine that it was sent with, and to no other."""
    assert meanings(system, code, cvx, bundled()) == observations
