"""Each criterion of a segment with who meets it and who doesn't."""

from datetime import date
from typing import Any

import pytest

from services.eligibility.forecast.schedule import SupportingData
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.programmes.needs import MemberObservation, circumstances, is_known, meanings
from services.eligibility.programmes.segment import EVERYBODY, REASONS, Segment, Traits, failing

OMA = Traits("medicaid", "90011", "06037", "spa", "hispanic", frozenset({"homebound", "014"}), "high")
DAY = date(2025, 12, 1)


@pytest.fixture(scope="module")
def supporting() -> SupportingData:
    return bundled()


@pytest.mark.capability("B17", "C18")
@pytest.mark.parametrize(
    ("criterion", "failed"),
    [
        ({"lines_of_business": {"medicaid", "dual"}}, None),
        ({"lines_of_business": {"commercial"}}, "other-line-of-business"),
        ({"zips": {"90011"}}, None),
        ({"zips": {"60612"}}, "outside-places"),
        ({"zips": {"60612"}, "counties": {"06037"}}, None),
        ({"languages": {"es"}}, None),
        ({"languages": {"ko"}}, "other-language"),
        ({"any_of": (frozenset({"014", "016"}),)}, None),
        ({"any_of": (frozenset({"014"}), frozenset({"lives-alone"}))}, "no-listed-condition"),
        ({"none_of": {"detained"}}, None),
        ({"none_of": {"homebound"}}, "excluded-condition"),
        ({"race_ethnicity": {"hispanic"}}, None),
        ({"race_ethnicity": {"asian"}}, "other-race-ethnicity"),
        ({"risk_tiers": {"high", "very-high"}}, None),
        ({"risk_tiers": {"very-high"}}, "other-risk-tier"),
    ],
)
def test_a_criterion(criterion: dict[str, Any], failed: str | None) -> None:
    """Each alone admits or names what fails."""
    frozen: dict[str, Any] = {
        name: value if isinstance(value, tuple) else frozenset(value) for name, value in criterion.items()
    }
    assert failing(Segment(**frozen), OMA) == ((failed,) if failed else ())
    assert failed is None or failed in REASONS


def test_nothing_known_meets_no_criterion() -> None:
    """Who is unknown is admitted by the empty segment alone, and each failing criterion is told."""
    strict = Segment(
        frozenset({"dual"}), frozenset({"90011"}), languages=frozenset({"es"}), any_of=(frozenset({"homebound"}),),
        race_ethnicity=frozenset({"asian"}), risk_tiers=frozenset({"high"}),
    )  # fmt: skip
    assert failing(EVERYBODY, Traits()) == ()
    assert failing(strict, Traits()) == (
        "other-line-of-business", "outside-places", "other-language", "no-listed-condition", "other-race-ethnicity",
        "risk-unknown",
    )  # fmt: skip


@pytest.mark.parametrize("spelling", ["es", "spa", "ES", "es-MX"])
def test_a_language_by_any_code(spelling: str) -> None:
    """Rosters write ISO 639-2 or -3, documents the short code."""
    assert failing(Segment(languages=frozenset({"es"})), Traits(language=spelling)) == ()


@pytest.mark.parametrize(
    ("asked", "spoken", "is_met"),
    [("zh", "yue", True), ("zh", "cmn", True), ("zh", "chi", True), ("zh", "zh", True), ("yue", "yue", True),
     ("yue", "zh", False), ("yue", "cmn", False), ("es", "", False), ("es", "und", False)],
)  # fmt: skip
def test_chinese_means_each_of_its_languages(asked: str, spoken: str, is_met: bool) -> None:
    """Who asks for Chinese reaches speakers of Cantonese; who asks for Cantonese wants to know that it is that."""
    segment = Segment(languages=frozenset({asked}))
    assert failing(segment, Traits(language=spoken)) == (() if is_met else ("other-language",))


@pytest.mark.parametrize(
    ("system", "code", "meant"),
    [
        ("icd10", "Z74.01", {"homebound"}),
        ("icd10", "z7401", {"homebound"}),
        ("icd10", "Z59.02", {"homelessness", "121"}),
        ("snomed", "32911000", {"homelessness", "121"}),
        ("icd10", "E11.9", {"014"}),
        ("cdsi", "14", {"014"}),
        ("vcc", "homebound", {"homebound"}),
        ("vcc", "sleepy", set()),
        ("snomed", "1", set()),
    ],
)
def test_codes_have_meanings(supporting: SupportingData, system: str, code: str, meant: set[str]) -> None:
    """A code may stand for a need, for CDC's observations, for both or for nothing."""
    assert meanings(system, code, supporting) == meant
    assert is_known(system, code, supporting) is bool(meant)


@pytest.mark.parametrize(
    ("edge", "on", "ended_on", "holds", "turns_on"),
    [
        ("begins today", DAY, None, True, ()),
        ("begins tomorrow", date(2025, 12, 2), None, False, (date(2025, 12, 2),)),
        ("ends today", date(2025, 1, 1), DAY, False, ()),
        ("ends tomorrow", date(2025, 1, 1), date(2025, 12, 2), True, (date(2025, 12, 2),)),
    ],
)
def test_an_observation_holds_for_its_time(
    supporting: SupportingData, edge: str, on: date, ended_on: date | None, holds: bool, turns_on: tuple[date, ...]
) -> None:
    """From its day to the day before its end; the days on which that turns are told."""
    found = circumstances([MemberObservation("icd10", "E11.9", on, ended_on)], supporting, DAY)
    assert (found.observations, found.turns_on) == (frozenset({"014"} if holds else ()), turns_on), edge
    assert found.dated == ((("014", on),) if holds else ())


def test_the_latest_figure_and_service_count(supporting: SupportingData) -> None:
    """Whatever the order in which they came in."""
    said = [
        MemberObservation("vcc", "missed-appointments", date(2025, 11, 1), value=3),
        MemberObservation("vcc", "missed-appointments", date(2025, 10, 1), value=1),
        MemberObservation("vcc", "colonoscopy", date(2019, 1, 1)),
        MemberObservation("vcc", "colonoscopy", date(2015, 1, 1)),
    ]
    found = circumstances(said, supporting, DAY)
    assert found.figures == {"missed-appointments": 3}
    assert found.services == {"colonoscopy": date(2019, 1, 1)}


@pytest.mark.parametrize(
    ("code", "value"),
    [("admissions", float("inf")), ("admissions", float("nan")), ("admissions", -1.0), ("care-fragmentation", 1.5),
     ("homebound", 0.0)],
)  # fmt: skip
def test_what_cannot_be_a_figure_is_none(supporting: SupportingData, code: str, value: float) -> None:
    """Whatever stands in the store: such a value reaches no score; a need stays a need."""
    found = circumstances([MemberObservation("vcc", code, date(2025, 11, 1), value=value)], supporting, DAY)
    assert (found.figures, found.observations) == ({}, frozenset({code} & {"homebound"}))
