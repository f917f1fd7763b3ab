"""The gate that keeps subscribers' code working."""

import copy
from typing import Any

import pytest

from deploy import contracts
from deploy.contracts import generated, refusals, released, released_terms
from schemas.compatibility import breaking_changes, breaking_terms
from schemas.documents import json_schemas, topic_terms

CASE = "vcc.case.changed.v1"


def test_generated_documents_are_committed() -> None:
    """The committed JSON Schemas, AsyncAPI and OpenAPI documents are what catalog and services give today."""
    stale = [path.name for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "run: python -m deploy.contracts"


def test_todays_schemas_break_no_release() -> None:
    """No released contract is broken by today's schemas."""
    assert refusals() == []


def _without_field(schema: dict[str, Any]) -> None:
    del schema["properties"]["paused_until_on"]


def _narrowed(schema: dict[str, Any]) -> None:
    schema["properties"]["attempts"] = {"type": "boolean"}


def _not_null(schema: dict[str, Any]) -> None:
    schema["properties"]["paused_until_on"] = {"type": "string", "format": "date"}


def _new_required(schema: dict[str, Any]) -> None:
    schema["properties"]["mood"] = {"type": "string"}
    schema["required"].append("mood")


def _renamed_enum_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["CaseStatus"]["enum"] = ["open", "sleeping", "closed"]


def _tighter(schema: dict[str, Any]) -> None:
    schema["properties"]["priority"]["maximum"] = 10


def _now_optional(schema: dict[str, Any]) -> None:
    schema["required"].remove("opened_on")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_without_field, "paused_until_on is gone"),
        (_narrowed, "attempts was integer and would be boolean"),
        (_not_null, "paused_until_on was null or string and would be string"),
        (_new_required, "mood is now required"),
        (_renamed_enum_value, "status no longer takes 'paused'"),
        (_renamed_enum_value, "status may now be 'sleeping'"),
        (_tighter, "priority: maximum changes from 1000 to 10"),
        (_now_optional, "opened_on is no longer always there"),
    ],
)
def test_breaking_change_is_refused_by_name(change: Any, sentence: str) -> None:
    """A breaking change is refused with a sentence that names the event and the field."""
    released = json_schemas()
    current = copy.deepcopy(released)
    change(current[CASE])
    said = breaking_changes(released, current)
    assert any(one.startswith(f"{CASE}: {sentence}") for one in said), said


def test_removed_event_is_refused() -> None:
    """An event that subscribers wait for can't vanish."""
    current = json_schemas()
    del current[CASE]
    assert breaking_changes(json_schemas(), current) == [
        f"{CASE}: the event is gone; its subscribers still wait for it."
    ]


def test_optional_field_and_new_description_pass() -> None:
    """A new optional field and a better description break nobody."""
    current = json_schemas()
    current[CASE]["properties"]["note"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    current[CASE]["properties"]["attempts"]["description"] = "How often somebody tried."
    current["vcc.brand-new.v1"] = {"type": "object", "properties": {}}
    assert breaking_changes(json_schemas(), current) == []


def test_every_release_kept_its_topics() -> None:
    """Beside each release's schemas stand its topics, with every event of theirs."""
    assert len(released()) == len(released_terms()) > 0
    for schemas, topics in zip(released(), released_terms(), strict=True):
        assert {event for one in topics.values() for event in one["events"]} == schemas.keys()


CASES = "vcc.case.v1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"key": "case_id"}, "key changes from 'member_token' to 'case_id'"),
        ({"producer": "reporting"}, "producer changes from 'outreach' to 'reporting'"),
        ({"partitions": 2}, "partitions changes from 4 to 2"),
        ({"partitions": 8}, "partitions changes from 4 to 8"),
        ({"cleanup_policy": "compact"}, "cleanup_policy changes from 'delete' to 'compact'"),
        ({"retention_ms": 604_800_000}, "retention_ms shrinks from -1 to 604800000"),
        ({"events": []}, f"{CASE} no longer comes here"),
    ],
)
def test_a_breaking_change_of_a_topic_is_refused(change: dict[str, Any], sentence: str) -> None:
    """What a subscriber relies on besides the bodies: each change is refused by the topic's name."""
    current = topic_terms()
    current[CASES] |= change
    [said] = breaking_terms(topic_terms(), current)
    assert said.startswith(f"{CASES}: {sentence}")


def test_a_topic_gone_is_refused() -> None:
    """A topic that subscribers read can't vanish."""
    current = topic_terms()
    del current[CASES]
    assert breaking_terms(topic_terms(), current) == [f"{CASES}: the topic is gone; its subscribers still read it."]


def test_a_longer_retention_and_a_new_topic_or_event_pass() -> None:
    """Who is kept longer, or comes new, breaks nobody."""
    week = topic_terms()
    week[CASES]["retention_ms"] = 604_800_000
    later = topic_terms()
    later[CASES]["events"].append("vcc.case.applauded.v1")
    later["vcc.applause.v1"] = later[CASES]
    assert breaking_terms(week, later) == []
    week_longer = topic_terms()
    week_longer[CASES]["retention_ms"] = 604_800_001
    assert breaking_terms(week, week_longer) == []
    assert len(breaking_terms(week_longer, week)) == 1


def test_the_gate_holds_todays_catalog_against_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog with another key is refused by the command itself, and nothing is written."""
    changed = topic_terms()
    changed[CASES]["key"] = "case_id"
    monkeypatch.setattr(contracts, "topic_terms", lambda: changed)
    assert refusals() != []
    monkeypatch.setattr(contracts, "generated", lambda: pytest.fail("written all the same"))
    assert contracts.main([]) == 1
