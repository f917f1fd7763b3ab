"""The rules of alerts: what they ask is told, what pages has a runbook, and operators find each of them."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from deploy.local.state import ROOT
from services.kit import metrics

RULES = [
    rule for group in yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
PAGE = (ROOT / "docs" / "operate.md").read_text()
ROWS = {row[1]: row for row in re.findall(r"^(\| (\w+) \| (page|ticket) \|.*)$", PAGE, re.MULTILINE)}
NAMES = re.compile(r"\bvcc_\w+|\bup\b")


def told() -> set[str]:
    """The names of all samples, as Prometheus sees them."""
    assert metrics.READY
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {"up"} | {
        family.name + suffix for family in REGISTRY.collect() for suffix in suffixes.get(family.type, ("",))
    }


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_what_an_alert_asks_is_told(rule: dict[str, Any]) -> None:
    """Every metric in its expression is one that the services have."""
    asked = set(NAMES.findall(rule["expr"]))
    assert asked
    assert asked - told() == set()


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_operator_finds_the_alert(rule: dict[str, Any]) -> None:
    """It has one row on the page, with the same severity; what wakes somebody names a runbook that is there, and the
    page links it."""
    row = ROWS[rule["alert"]]
    assert row[2] == rule["labels"]["severity"]
    assert rule["annotations"]["summary"]
    if row[2] == "page":
        runbook = rule["annotations"]["runbook"]
        assert (ROOT / runbook).is_file()
        assert f"({runbook.removeprefix('docs/')})" in row[0]


def test_the_page_names_no_alert_that_is_not_there() -> None:
    """And every metric that the page and the runbooks name is told."""
    assert set(ROWS) == {rule["alert"] for rule in RULES}
    texts = [
        PAGE,
        *(
            (ROOT / "docs" / "runbooks").joinpath(path.name).read_text()
            for path in (ROOT / "docs" / "runbooks").glob("*.md")
        ),
    ]
    named = {name for text in texts for name in re.findall(r"`(?:\w+\()*(vcc_\w+)", text)}
    assert named - told() == set()
