"""What an alert selects, adds up by and says of itself are labels that its metrics have."""

import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.kit import metrics
from services.kit.floods import DeadLetterLimitError
from tests.unit.deploy.test_alerts import NAMES, RULES

FROM_OUTSIDE = {"job", "instance"}
"""Put to every sample by whoever scrapes."""
SELECTED = re.compile(r"\b(vcc_\w+|up)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
BY = re.compile(r"\bby \(([^)]*)\)")
SPOKEN = re.compile(r"\$labels\.(\w+)")
VALUES = {
    ("error",): {DeadLetterLimitError.__name__},
    ("lock",): {"relay", "intake"},
    ("state",): {"used", "limit"},
    ("check",): {"own-log", "kafka", "bus", "workers"},
}
"""What the services put there, as far as alerts ask for single ones."""


def labels_of(name: str) -> set[str]:
    """Of this metric's samples."""
    found: set[str] = set(FROM_OUTSIDE)
    for collector, names in REGISTRY._collector_to_names.items():
        if name in names:
            found |= set(getattr(collector, "_labelnames", ()))
    return found


def remaining(expression: str) -> set[str]:
    """The labels that the result of an expression has: those that it is added up by, else those of its metrics."""
    added_up_by = [set(re.split(r"[,\s]+", by.strip())) for by in BY.findall(expression)]
    metric_labels = [labels_of(name) for name in NAMES.findall(expression)]
    return set.union(*(added_up_by[:1] or metric_labels))


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_asks_by_labels_that_there_are(rule: dict[str, Any]) -> None:
    """What it selects by is a label of that very metric, with a value that the services give it."""
    assert metrics.READY
    for name, matchers in SELECTED.findall(rule["expr"]):
        assert MATCHER.sub("", matchers).strip(", ") == ""
        for label, operator, value in MATCHER.findall(matchers):
            assert label in labels_of(name)
            known = VALUES.get((label,))
            if known is not None:
                assert set(value.split("|") if operator == "=~" else [value]) <= known


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_adds_up_and_speaks_by_labels_that_there_are(rule: dict[str, Any]) -> None:
    """What it adds up by is a label of its metrics, and what its summary names is left in the result."""
    expression = rule["expr"]
    known = set.union(*(labels_of(name) for name in NAMES.findall(expression)))
    for by in BY.findall(expression):
        assert set(re.split(r"[,\s]+", by.strip())) <= known
    spoken = set(SPOKEN.findall(rule["annotations"]["summary"]))
    assert spoken <= remaining(expression)


def test_a_label_that_nobody_gives_is_noticed() -> None:
    """The tests above see it: a metric has its own labels, those of who scrapes, and no others."""
    assert labels_of("vcc_lag_partition") == {"topic", "group", "partition", *FROM_OUTSIDE}
    assert labels_of("vcc_dead_letters_total") == {"topic", "group", "reason", *FROM_OUTSIDE}
    assert remaining("sum by (job) (rate(vcc_http_requests_total[5m])) > 1") == {"job"}
    assert remaining("vcc_lag_seconds > 300") == {"topic", "group", *FROM_OUTSIDE}
