"""The code tables, and values in one form."""

from dataclasses import replace
from datetime import date

import pytest

from services.eligibility.feeds.codes import (
    cvx_code,
    cvx_of_ndc,
    manufacturers,
    vaccine_by_ndc,
    vaccines,
    with_release,
)
from services.eligibility.feeds.values import cdc_category, day, email, iso_day, phone, zip_code
from services.eligibility.forecast.supporting_data import bundled


def test_the_adult_vaccines_are_there() -> None:
    """The codes the programmes are about belong to their groups."""
    expected = {"187": "ZOSTER", "305": "RSV", "140": "FLU", "309": "COVID-19", "115": "Td"}
    assert {cvx: vaccines()[cvx].groups[:1] for cvx in expected} == {cvx: (one,) for cvx, one in expected.items()}
    assert {"SKB", "PFR", "MOD", "MSD"} <= manufacturers()


def test_every_product_is_of_a_known_vaccine() -> None:
    """No NDC leads to a CVX code that the table lacks, and all have eleven digits."""
    assert set(vaccine_by_ndc().values()) <= set(vaccines())
    assert {len(ndc) for ndc in vaccine_by_ndc()} == {11}


@pytest.mark.parametrize(("text", "code"), [("8", "08"), ("08", "08"), ("187", "187"), ("902", None), ("x", None)])
def test_cvx_codes_are_text(text: str, code: str | None) -> None:
    """8 is 08, and placeholders are no codes."""
    assert cvx_code(text) == code


@pytest.mark.parametrize(
    ("ndc", "cvx"),
    [
        ("00069-0344-01", "305"),
        ("0069-0344-01", "305"),
        ("00069034401", "305"),
        ("0069034401", "305"),
        ("49281-0215-88", "113"),
        ("49281-215-88", "113"),
        ("99999-9999-99", None),
        ("", None),
        ("a-b-c", None),
        ("1-2-3-4", None),
    ],
)
def test_ndc_spellings_lead_to_one_vaccine(ndc: str, cvx: str | None) -> None:
    """Ten or eleven digits, with dashes or without."""
    assert cvx_of_ndc(ndc) == cvx


@pytest.mark.parametrize(
    ("text", "expected"),
    [("19480229", date(1948, 2, 29)), ("19490229", None), ("18991231", None), ("21991231", date(2199, 12, 31)),
     ("22000101", None), ("30240101", None), ("2025011", None), ("２０２５０１０１", None), ("", None)],
)  # fmt: skip
def test_days_are_within_reason(text: str, expected: date | None) -> None:
    """The edges of the calendar and of the believable."""
    assert day(text) == expected


def test_extracts_write_days_in_two_ways() -> None:
    """With dashes or without, never half of it."""
    assert iso_day("2025-01-02") == iso_day("20250102") == date(2025, 1, 2)
    assert iso_day("2025-0102") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("60616", ("60616", "")), ("606161234", ("60616", "1234")), ("60616-1234", ("60616", "1234")),
     ("171110000", ("17111", "")), ("00000", None), ("6061", None), ("PR007", None)],
)  # fmt: skip
def test_zip_codes_have_five_digits(text: str, expected: tuple[str, str] | None) -> None:
    """With the four more where they say something."""
    assert zip_code(text) == expected


@pytest.mark.parametrize(
    ("code", "category"),
    [("1002-5", "1002-5"), ("1735-0", "1002-5"), ("2036-2", "2028-9"), ("2056-0", "2054-5"), ("2079-2", "2076-8"),
     ("2118-8", "2106-3"), ("2131-1", "2131-1"), ("2180-8", "2135-2"), ("2186-5", "2186-5"), ("2500-7", "2076-8"),
     ("9999-9", None), ("UNK", None)],
)  # fmt: skip
def test_detailed_codes_belong_to_their_category(code: str, category: str | None) -> None:
    """CDC's blocks: Tlingit, Filipino, African, Hawaiian, Egyptian, Puerto Rican."""
    assert cdc_category(code) == category


def test_contacts_that_are_none_stay_out() -> None:
    """Too few digits, a leading one or zero, an address without a host."""
    assert phone("555-0100", "home") is None
    assert phone("1135550100", "home") is None
    assert email("petra@") == email("petra") == email("a b@c.d") == ""


def test_a_code_that_only_the_release_maps_is_valid() -> None:
    """CDC adds codes to its logic's release first: a new one has its name, and the groups of vaccines like it."""
    release, table = bundled(), dict(vaccines())
    new = {
        "901": ("208", "COVID-19, new"),
        "902": ("110", "DTaP-IPV-HepB, new"),
        "903": ("88", "flu, unspecified, new"),
    }
    newer = replace(
        release,
        vaccine_names=dict(release.vaccine_names) | {cvx: name for cvx, (_, name) in new.items()},
        associations=dict(release.associations) | {cvx: release.associations[like] for cvx, (like, _) in new.items()},
    )
    found = with_release(table, newer)
    assert [(found[cvx].name, set(found[cvx].groups)) for cvx in new] == [
        (name, set(table[like].groups)) for like, name in new.values()
    ]
    assert [found[cvx].kind for cvx in new] == ["vaccine", "vaccine", "unspecified"]


@pytest.mark.parametrize(
    ("cvx", "groups"),
    [("11", ("DTAP",)), ("178", ("POLIO",)), ("198", ("DTAP", "HepB", "HIB")), ("110", ("DTAP", "HepB", "POLIO"))],
)
def test_a_code_without_a_group_has_those_of_its_antigens(cvx: str, groups: tuple[str, ...]) -> None:
    """Where CDC's table puts a code into no group its logic tells against what it is."""
    assert vaccines()[cvx].groups == groups
