"""Since when there have been which products."""

from datetime import date

import pytest

from schemas.products import is_before_product


@pytest.mark.parametrize(
    ("cvx", "on", "is_before"),
    [
        ("208", date(2020, 12, 1), True),
        ("208", date(2020, 12, 2), False),
        ("187", date(2016, 3, 1), True),
        ("216", date(2021, 6, 8), False),
        ("326", date(2021, 3, 15), True),
        ("08", date(1999, 1, 1), False),  # of an old product the table says nothing
    ],
)
def test_nobody_was_given_what_did_not_exist(cvx: str, on: date, is_before: bool) -> None:
    """From the day of its first licence or authorization on there is a product."""
    assert is_before_product(cvx, on) is is_before
