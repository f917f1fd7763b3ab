"""Benefits by rules: what speaks for each, what is missing, and which version of the list holds."""

from datetime import date

import pytest

from services.eligibility.programmes.benefits.documents import LISTS, BenefitListError, bundled_lists, parse_list
from services.eligibility.programmes.benefits.entitlements import Entitlement, entitlements
from services.eligibility.programmes.needs import Circumstances
from services.eligibility.programmes.segment import Traits

DAY = date(2025, 7, 1)
OMA = Traits("medicaid", "90011", "06037")


def asked(
    *needs: str, traits: Traits = OMA, age: int | None = 70, day: date = DAY, rules: str = ""
) -> dict[str, Entitlement]:
    lists = (parse_list(rules),) if rules else bundled_lists()
    found = entitlements(lists, traits, age, Circumstances(frozenset(needs)), day)
    return {one.benefit.code: one for one in found}


@pytest.mark.capability("C3", "E7")
@pytest.mark.parametrize(
    ("benefit", "needs"),
    [
        ("medical-ride", ["transportation-insecurity"]),
        ("ihss", ["homebound"]),
        ("cbas", ["202"]),
        ("ecm", ["homelessness"]),
        ("ecm", ["207"]),
        ("tailored-meals", ["food-insecurity"]),
        ("asthma-remediation", ["027"]),
        ("transitional-rent", ["homelessness"]),
    ],
)
def test_a_need_speaks_for_a_benefit(benefit: str, needs: list[str]) -> None:
    """With the need the benefit is indicated and says why; without it, or in another line, it says what is missing."""
    assert (asked(*needs)[benefit].because, asked(*needs)[benefit].missing) == (tuple(needs), ())
    assert asked()[benefit].missing == ("need",)
    assert asked(*needs, traits=Traits("commercial", "90011", "06037"))[benefit].missing == ("line-of-business",)


def test_without_coverage_nothing_is_indicated() -> None:
    """Whatever the need: the plan pays for nobody whose coverage has lapsed. What speaks for it is told."""
    known = Circumstances(frozenset({"homelessness"}))
    found = entitlements(bundled_lists(), OMA, 70, known, DAY, is_covered=False)
    assert all(one.missing[0] == "coverage" for one in found)
    rent = next(one for one in found if one.benefit.code == "transitional-rent")
    assert (rent.because, rent.missing) == (("homelessness",), ("coverage",))


@pytest.mark.parametrize(("age", "missing"), [(17, ("age",)), (18, ()), (None, ("age",))])
def test_an_age(age: int | None, missing: tuple[str, ...]) -> None:
    """Adult day health care is for adults; an unknown age is not taken for one."""
    assert asked("needs-personal-care", age=age)["cbas"].missing == missing


@pytest.mark.capability("C6")
@pytest.mark.parametrize(
    ("day", "supports", "cited"),
    [
        (date(2021, 12, 31), 0, set()),
        (date(2022, 1, 1), 14, {"california.1"}),
        (date(2025, 6, 30), 14, {"california.1"}),
        (date(2025, 7, 1), 15, {"california.2"}),
    ],
)
def test_the_list_is_versioned(day: date, supports: int, cited: set[str]) -> None:
    """Fourteen Community Supports since 2022, a fifteenth since July 2025."""
    found = asked(day=day).values()
    assert sum(one.benefit.kind == "community-support" for one in found) == supports
    assert {one.cited for one in found} == cited


def test_another_state_has_other_benefits() -> None:
    """California's list says nothing of Illinois, nor of an unknown county."""
    assert asked("homebound", traits=Traits("medicaid", "60612", "17031")) == {}
    assert asked("homebound", traits=Traits("medicaid")) == {}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("kind: transport", "kind: flight", "x.yaml:11: benefits.0.kind: String should match"),
        ("need: homebound", "need: bored", "benefits.0.any_of.1: Value error, no CDSi observation and no need"),
        ("code: ihss", "code: medical-ride", "x.yaml:8: benefits: Value error, each benefit needs a code of its own"),
    ],
)
def test_a_wrong_list_is_refused(old: str, new: str, complaint: str) -> None:
    """With line and field."""
    text = (LISTS / "california-1.yaml").read_text(encoding="utf-8")
    with pytest.raises(BenefitListError) as error:
        parse_list(text.replace(old, new, 1), "x.yaml")
    assert complaint in str(error.value)
