"""What a request is for, as it says itself or as its roles tell."""

import pytest

from services.kit import audit
from services.kit.asking import Asked
from services.kit.roles import TABLE, Purpose


@pytest.mark.parametrize(
    ("roles", "purpose"),
    [
        ({"operator"}, Purpose.HSYSADMIN),
        ({"coordinator"}, Purpose.CAREMGT),
        ({"case-manager"}, Purpose.CAREMGT),
        ({"site"}, Purpose.TREAT),
        ({"state", "operator"}, Purpose.PUBHLTH),
        ({"auditor"}, Purpose.HCOMPL),
        ({"a role of tomorrow"}, Purpose.HOPERAT),
        (set(), Purpose.HOPERAT),
    ],
)
def test_the_purpose_follows_from_the_role(roles: set[str], purpose: Purpose) -> None:
    """The first role of the table decides; an unknown one works for the deployment."""
    assert TABLE.purpose_of(roles) == purpose


def test_the_role_that_let_somebody_in_decides() -> None:
    """Who is coordinator and auditor and asks what only an auditor may, asks for compliance; and what a request says
    itself goes before both."""
    both = frozenset({"auditor", "coordinator"})
    assert Asked({}).purpose(both) == Purpose.CAREMGT
    assert Asked({}, roles=frozenset({"auditor"})).purpose(both) == Purpose.HCOMPL
    assert Asked({}, said=Purpose.PATRQT, roles=both).purpose(both) == Purpose.PATRQT


def test_a_refusal_of_a_flow_is_told_once() -> None:
    """A flow's own 403 stands in the trail by its refused write, and is no denial beside that."""
    asked = Asked({"type": "http", "method": "POST", "path": "/x"}, outcomes={"refused"})
    assert audit.untold(asked, 403) is None
    asked.outcomes = set()
    told = audit.untold(asked, 403)
    assert told is not None
    assert told.outcome == "denied"
