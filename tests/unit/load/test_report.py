"""What a benchmark says of its figures."""

import json

import pytest

from tests.load.report import Aim, Figure, Relation, Result, as_json, as_table

PIE = Result(
    "pies",
    "Pies thrown",
    [
        Figure("custard", 12_345.6, "pies/s", Aim("at least", 10_000), "by two clowns"),
        Figure("splash", 1.25, "s", Aim("at most", 1.0)),
        Figure("laughs", 0.5, "x"),
    ],
    {"clowns": 2},
    {"who": ["Bobo, twice"]},
)


@pytest.mark.parametrize(
    ("relation", "value", "met"),
    [("at least", 10.0, True), ("at least", 9.9, False), ("at most", 10.0, True), ("at most", 10.1, False)],
)
def test_an_aim_is_met_at_its_very_value(relation: Relation, value: float, met: bool) -> None:
    """At least and at most include the value itself."""
    assert Aim(relation, 10.0).met_by(value) is met


def test_a_figure_without_an_aim_has_no_verdict() -> None:
    """Only what has an aim can meet or miss it."""
    assert [one.verdict for one in PIE.figures] == ["met", "missed", ""]


def test_the_table_tells_figure_aim_and_verdict() -> None:
    """A line for each figure, the settings in the title, the details below."""
    title, _, custard, splash, *_, who, bobo = as_table(PIE).splitlines()
    assert "Pies thrown" in title
    assert "clowns 2" in title
    assert custard.split() == ["custard", "12,346", "pies/s", "at", "least", "10,000", "met", "by", "two", "clowns"]
    assert "missed" in splash
    assert (who.strip(), bobo.strip()) == ("who", "Bobo, twice")


def test_the_document_says_on_which_machine() -> None:
    """JSON holds every figure with its verdict, and what it was measured on."""
    document = json.loads(as_json([PIE]))
    assert document["machine"]["cores"] >= 1
    assert document["machine"]["python"]
    (pies,) = document["benchmarks"]
    assert pies["figures"][1]["value"] == 1.25
    assert pies["figures"][1]["verdict"] == "missed"
