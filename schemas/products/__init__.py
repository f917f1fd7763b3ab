"""Since when there have been the younger products: nobody was given one before. One table for every door; what it does
not name is older than the dates that are typed wrong, or not known for sure."""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).parent / "first_used.csv"


@cache
def _first_days() -> Mapping[str, date]:
    """By CVX code: the earliest day on which the product can have been given, anywhere."""
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["cvx"]: date.fromisoformat(row["first_on"]) for row in csv.DictReader(file)}


def is_before_product(cvx: str, given_on: date) -> bool:
    """Whether the product did not exist yet on that day."""
    first_on = _first_days().get(cvx)
    return first_on is not None and given_on < first_on
