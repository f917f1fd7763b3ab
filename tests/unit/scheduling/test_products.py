"""A site gives a product for what it protects from."""

import pytest
from pydantic import ValidationError

from schemas.vaccines import cvx_groups
from services.scheduling.sites.shapes import ProductIn


@pytest.mark.parametrize(
    ("cvx", "group"),
    [("208", "covid-19"), ("110", "hepb"), ("110", "polio"), ("999", "flu")],
)
def test_a_product_counts_for_its_groups(cvx: str, group: str) -> None:
    """A combination for each of them; of a product that CDC's table does not have the site says it."""
    assert ProductIn(cvx=cvx, vaccine_group=group).vaccine_group == group


@pytest.mark.parametrize(("cvx", "group"), [("208", "flu"), ("197", "influenza"), ("110", "covid-19"), ("140", "hepb")])
def test_a_product_of_another_group_is_refused(cvx: str, group: str) -> None:
    """Seats for influenza with a vaccine against covid-19 would be booked by whom it does not help."""
    with pytest.raises(ValidationError, match="a vaccine group that the product counts for"):
        ProductIn(cvx=cvx, vaccine_group=group)


def test_the_table_has_what_is_given_today() -> None:
    """Single vaccines and combinations, by the codes that doses are told under."""
    assert [sorted(cvx_groups()[cvx]) for cvx in ("208", "110")] == [["covid-19"], ["dtap", "hepb", "polio"]]
