"""Since when there have been which products."""

import csv
from datetime import date
from pathlib import Path

import pytest

from schemas import products
from schemas.products import is_before_product


@pytest.mark.parametrize(
    ("cvx", "on", "is_before"),
    [
        ("208", date(2020, 12, 1), True),
        ("208", date(2020, 12, 2), False),
        ("187", date(2016, 3, 1), True),
        ("216", date(2021, 6, 8), False),
        ("326", date(2021, 3, 15), True),
        ("203", date(2015, 6, 1), False),  # Europe's, eight years before the one of here
        ("203", date(2011, 6, 1), True),
        ("205", date(2019, 10, 1), False),  # Australia's
        ("186", date(2016, 1, 15), False),  # Korea's
        ("211", date(2021, 1, 10), False),  # a trial's, which CDC counts
        ("211", date(2020, 1, 10), True),
        ("334", date(2025, 5, 30), False),
        ("08", date(1999, 1, 1), False),  # of an old product the table says nothing
    ],
)
def test_nobody_was_given_what_did_not_exist(cvx: str, on: date, is_before: bool) -> None:
    """From the day of its first licence or authorization on, wherever that was, there is a product."""
    assert is_before_product(cvx, on) is is_before


def test_each_day_says_what_it_rests_on() -> None:
    """Product and day stand in the list of sources as in the table."""
    folder = Path(products.__file__).parent
    sources = (folder / "SOURCES.md").read_text("utf-8")
    with (folder / "first_used.csv").open(newline="", encoding="utf-8") as file:
        rows = [f"| {row['cvx']} {row['product']} | {row['first_on']} | " for row in csv.DictReader(file)]
    assert [row for row in rows if row not in sources] == []
    assert sources.count("\n| ") == len(rows) + 1
