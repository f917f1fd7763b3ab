"""The words in which a sender is told what his row changed."""

from datetime import date
from uuid import UUID

import pytest

from services.eligibility.people.changes import changes_of
from services.eligibility.people.enrolment import Enrolment, Span

HMO, DEN = "HMO", "DEN"


def span(begin: str, end: str = "", product: str = HMO, kind: str = "medical") -> Span:
    last_on = date.fromisoformat(end) if end else None
    return Span("commercial", date.fromisoformat(begin), last_on, last_on, kind, product)


PAST, OPEN = span("2022-01-01", "2022-12-31"), span("2024-01-01")
ENDED = span("2024-01-01", "2025-06-30")


@pytest.mark.parametrize(
    ("edge", "before", "after", "told"),
    [
        ("an open one ends", (OPEN,), (ENDED,), ("ended",)),
        ("a past one ends sooner", (PAST, OPEN), (span("2022-01-01", "2022-06-30"), OPEN), ("ended",)),
        ("a past one never was", (PAST, OPEN), (OPEN,), ("ended",)),
        ("a past one comes to be known", (OPEN,), (PAST, OPEN), ("extended",)),
        ("it goes on", (ENDED,), (ENDED, span("2025-09-01")), ("extended",)),
        ("an open one is parted", (OPEN,), (ENDED, span("2025-07-01")), ("changed",)),
        ("another begin", (OPEN,), (span("2024-03-01"),), ("changed",)),
        ("one ends, another begins", (OPEN,), (ENDED, span("2025-07-01", product="PPO")), ("added", "ended")),
        ("another product", (OPEN,), (OPEN, span("2024-01-01", product=DEN, kind="dental")), ("added",)),
        ("no product was kept, and it goes on", (OPEN._replace(product=""),), (OPEN,), ("changed",)),
    ],
)
def test_changes_of_coverage(
    edge: str, before: tuple[Span, ...], after: tuple[Span, ...], told: tuple[str, ...]
) -> None:
    """Ended is also what is over already and ends sooner than was known."""
    one = Enrolment(UUID(int=1), UUID(int=2), "acme", "M1")
    assert changes_of(one._replace(spans=before), one._replace(spans=after)) == told, edge
