"""What the alerts ask of labels: names that the metrics have, and values that they can take."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from prometheus_client import REGISTRY

from deploy.local.plan import SERVICES
from deploy.local.state import ROOT
from services.kit.health_routes import HEALTH_PATHS
from tests.unit.deploy.test_alerts import RULES

SELECTOR = re.compile(r"\b(vcc_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|=|!=)\s*"([^"]*)"')
LISTS = re.compile(r"\b(?:by|on|ignoring) \(([^)]*)\)")
TARGET = frozenset({"job", "instance"})
IDS = [rule["alert"] for rule in RULES]
ERRORS = next(rule for rule in RULES if rule["alert"] == "VccErrors")


@cache
def labels_of() -> dict[str, frozenset[str]]:
    """The labels of each metric, by the name that Prometheus sees."""
    found = {"up": TARGET}
    for collector in list(REGISTRY._collector_to_names):
        for name in REGISTRY._collector_to_names[collector]:
            found[name] = TARGET | frozenset(getattr(collector, "_labelnames", ()))
    return found


@cache
def code() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))


def asked(expression: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    for name, matchers in SELECTOR.findall(expression):
        yield name, MATCHER.findall(matchers)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_every_label_that_is_asked_is_one_of_the_metric(rule: dict[str, Any]) -> None:
    """By a matcher, a grouping, or in the sentence that people read, where no grouping has taken it away."""
    every: set[str] = set()
    for name, matchers in asked(rule["expr"]):
        every |= labels_of()[name]
        assert {label for label, _, _ in matchers} <= labels_of()[name], name
    lists = [set(re.findall(r"\w+", names)) for names in LISTS.findall(rule["expr"])]
    assert set().union(*lists) <= every
    grouped = [set(re.findall(r"\w+", names)) for names in re.findall(r"\bby \(([^)]*)\)", rule["expr"])]
    said = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert said <= (set().union(*grouped) | TARGET if grouped else every)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_every_value_that_is_asked_can_be_told(rule: dict[str, Any]) -> None:
    """A job is a service; any other word is one that the services' code gives, as a text or as an error's name."""
    for _, matchers in asked(rule["expr"]):
        for label, _, value in matchers:
            for word in value.split("|") if re.fullmatch(r"[\w|-]+", value) else ():
                assert word in SERVICES if label == "job" else re.search(f'"{word}"|class {word}', code()), word


def test_probes_are_no_answers_of_a_service() -> None:
    """A process that says it is not ready, every few seconds to everybody who asks, makes no share of faults."""
    patterns = [value for _, matchers in asked(ERRORS["expr"]) for label, _, value in matchers if label == "route"]
    assert len(patterns) == 2
    for pattern in patterns:
        assert all(re.fullmatch(pattern, path) for path in HEALTH_PATHS)
        assert not any(re.fullmatch(pattern, path) for path in ("/members", "/live-slots/{slot_id}", "unmatched"))


@pytest.mark.parametrize("name", ["VccNotServing", "VccNobodyPublishes", "VccFilesStuck"])
def test_an_alert_that_says_nobody_fires_when_nobody_is_there(name: str) -> None:
    """Without a process there is no sample to compare: absence is asked for beside it."""
    rule = next(rule for rule in RULES if rule["alert"] == name)
    assert re.search(r"\babsent\(|\bunless on \(job\)", rule["expr"])


def test_every_service_is_missed() -> None:
    """Each of them by name: what is not there says not who it is."""
    [rule] = [rule for rule in RULES if rule["alert"] == "VccNotServing"]
    assert set(re.findall(r'absent\(up\{job="(\w+)"\}\)', rule["expr"])) == set(SERVICES)


def test_a_worker_that_is_in_no_hurry_wakes_nobody() -> None:
    """Pruning fails on into the morning: what pages asks for no worker by the check of all of them."""
    paging = [rule for rule in RULES if rule["labels"]["severity"] == "page"]
    assert not any("workers" in value for rule in paging for _, ms in asked(rule["expr"]) for _, _, value in ms)
