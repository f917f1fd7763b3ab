"""What can be a vaccine's lot number."""

import pytest

from schemas.lots import is_lot


@pytest.mark.parametrize("lot", ["EN6201", "039K20A", "1808609", "U-7100/AA", "AIRA-YFVECAZ4", "8L7B3418", "7H3J"])
def test_lots_of_manufacturers_are_lots(lot: str) -> None:
    """Letters and digits in any order, with signs between them."""
    assert is_lot(lot)


@pytest.mark.parametrize(
    "text",
    ["Quixwhistle", "1937-11-23", "19371123", "11/23/1937", "213-999-7731", "123-45-6789", "97731468",
     "Zoë1", "3/5/21", "2021-3-5", "5.3.1950", "3 15 21", "1A" * 17, "", " A1", "x@y.example1"],
)  # fmt: skip
def test_what_people_are_known_by_is_no_lot(text: str) -> None:
    """Names have no digit; dates, telephone and member numbers are longer numbers; other signs are of addresses."""
    assert not is_lot(text)
