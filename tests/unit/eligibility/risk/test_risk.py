"""Points that anybody can add up: each factor's steps, what is unknown, and wrong documents."""

from dataclasses import replace
from datetime import date

import pytest

from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.places.rules import Level, Placement
from services.eligibility.programmes.needs import MemberObservation, circumstances
from services.eligibility.programmes.risk.documents import MODELS, RiskModelError, models, parse_model
from services.eligibility.programmes.risk.inputs import About, conditions, inputs_of
from services.eligibility.programmes.risk.model import Factor, PointsModel, Step, Tier, score

TEXT = (MODELS / "social-risk-1.yaml").read_text(encoding="utf-8")
AGE = Factor("age", "Age", "age", (Step(50, 4), Step(65, 8)), "a book")
RIDE = Factor("ride", "Ride", "transportation-insecurity", (Step(1, 10),), "a study", missing=2)
MODEL = PointsModel("street", 1, "Street", (AGE, RIDE), (Tier("low", 0), Tier("high", 12)))
HOME = Placement(Level.TRACT, "90011", "06037228410", "06037", 0.97, "SVI 2018")


@pytest.mark.capability("D1")
@pytest.mark.parametrize(
    ("inputs", "points", "total", "tier"),
    [
        ({"age": 49, "transportation-insecurity": 0}, [0, 0], 0, "low"),
        ({"age": 50, "transportation-insecurity": 0}, [4, 0], 4, "low"),
        ({"age": 64, "transportation-insecurity": 1}, [4, 10], 14, "high"),
        ({"age": 65}, [8, 2], 10, "low"),
        ({}, [0, 2], 2, "low"),
        ({"age": 90, "transportation-insecurity": 1}, [8, 10], 18, "high"),
    ],
)
def test_a_score_is_the_sum_of_its_contributions(
    inputs: dict[str, float], points: list[int], total: int, tier: str
) -> None:
    """Each factor adds the points of the highest step reached, or those of what is missing."""
    found = score(MODEL, inputs)
    assert ([one.points for one in found.contributions], found.score, found.tier) == (points, total, tier)
    assert [one.value for one in found.contributions] == [inputs.get("age"), inputs.get("transportation-insecurity")]


@pytest.mark.parametrize(("points", "total"), [(90, 98), (100, 100), (-100, 0)])
def test_a_score_stays_between_0_and_100(points: int, total: int) -> None:
    """Whatever the points add up to."""
    model = replace(MODEL, factors=(AGE, replace(RIDE, steps=(Step(1, points),))))
    assert score(model, {"age": 70, "transportation-insecurity": 1}).score == total


@pytest.mark.capability("D2")
def test_inputs_say_only_what_is_known() -> None:
    """Without observations no need is taken for absent; with them, those not sent are."""
    nobody = inputs_of(About(None, "", Placement(Level.UNKNOWN), (), circumstances([], bundled(), date(2025, 1, 1))))
    assert nobody == {}
    said = [
        MemberObservation("icd10", "E11.22", date(2024, 1, 1)),
        MemberObservation("vcc", "missed-appointments", date(2024, 1, 1), value=3),
    ]
    known = circumstances(said, bundled(), date(2025, 1, 1))
    inputs = inputs_of(About(70, "spa", HOME, (0.9, None, 0.8, 0.1), known))
    assert inputs["conditions"] == 1
    assert (inputs["age"], inputs["not-english"], inputs["svi"], inputs["lives-alone"]) == (70, 1, 0.97, 0)
    assert (inputs["missed-appointments"], inputs["svi-theme-1"]) == (3, 0.9)
    assert "svi-theme-2" not in inputs


def test_one_condition_said_twice_counts_once() -> None:
    """Diabetes and its complication are one; diabetes and asthma are two; an allergy is none."""
    assert conditions(frozenset({"014", "256"})) == 1
    assert conditions(frozenset({"014", "027", "202"})) == 3
    assert conditions(frozenset({"101", "homebound"})) == 0


@pytest.mark.capability("D19")
@pytest.mark.parametrize(("share", "points"), [(0.49, 0), (0.5, 3), (0.75, 5), (None, 0)])
def test_fragmented_care_adds_to_the_shipped_score(share: float | None, points: int) -> None:
    """The share of visits outside the usual source of care is a factor of its own; unknown, it adds nothing."""
    said = [] if share is None else [MemberObservation("vcc", "care-fragmentation", date(2024, 1, 1), value=share)]
    known = circumstances(said, bundled(), date(2025, 1, 1))
    found = score(models()["social-risk.1"], inputs_of(About(None, "", Placement(Level.UNKNOWN), (), known)))
    assert {one.factor: one.points for one in found.contributions}["fragmentation"] == points


def test_the_shipped_model() -> None:
    """It names a source for every factor, and a member with nothing known scores nothing."""
    model = models()["social-risk.1"]
    assert all(factor.source for factor in model.factors)
    assert {65, 75, 85} <= model.turning_ages
    assert score(model, {}).score == 0


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("input: age", "input: shoe-size", "x.yaml:10: factors.0.input: Value error, expected one of age"),
        ("at_least: 65, points: 8", "at_least: 40, points: 8", "x.yaml:11: factors.0.steps: Value error, each step"),
        ("- {code: low, at_least: 0}", "- {code: low, at_least: 5}", "tiers: Value error, the first tier must begin"),
        ("code: conditions", "code: age", "factors: Value error, each factor needs a code of its own"),
        ("version: 1", "version: first", "x.yaml:5: version: "),
    ],
)
def test_a_wrong_document_is_refused(old: str, new: str, complaint: str) -> None:
    """With line and field."""
    with pytest.raises(RiskModelError) as error:
        parse_model(TEXT.replace(old, new, 1), "x.yaml")
    assert complaint in str(error.value)
