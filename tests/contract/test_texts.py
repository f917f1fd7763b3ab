"""No event has a text that could hold anything: a pattern, a list or a format says what it is, or its producer does."""

from collections.abc import Iterator
from typing import Any

from pydantic import create_model

from schemas.catalog import TOPICS
from schemas.envelope import Event
from schemas.outreach_v1 import CaseChangedV1

BY_THEIR_PRODUCER = {
    "Svi.release",  # a table that eligibility bundles
    "MemberEligibilityDecidedV1.release",  # CDC's, bundled too
    "DoseGiven.lot",  # schemas.lots, at scheduling's door
    "DoseAdministeredV1.lot",  # no longer filled
    "ProgrammePublishedV1.title",  # a programme's author, of no person
    "ProgrammePublishedV1.time_zone",  # schemas.time_zones, in a programme's document
    "BusinessDayOpenedV1.time_zone",
}
"""Contracts can't grow narrower, for history is read by them. Who fills these sees to what stands in them."""


def free_texts(event: type[Event]) -> set[str]:
    schema = event.model_json_schema()
    models = {event.__name__: schema, **schema.get("$defs", {})}
    return {
        f"{model}.{name}"
        for model, form in models.items()
        for name, field in form.get("properties", {}).items()
        if any(_is_free(text) for text in _texts(field))
    }


def _texts(field: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield field
    for inner in (*field.get("anyOf", ()), field.get("items", {}), *field.get("prefixItems", ())):
        yield from _texts(inner) if inner else ()


def _is_free(text: dict[str, Any]) -> bool:
    return text.get("type") == "string" and not text.keys() & {"pattern", "enum", "const", "format"}


def test_every_text_is_bounded() -> None:
    """A field that takes any text is told here, unless it is one whose producer is named to see to it."""
    found = {text for topic in TOPICS for event in topic.events for text in free_texts(event)}
    assert found == BY_THEIR_PRODUCER


def test_a_new_free_text_is_found() -> None:
    """In an event itself, in a list and in a part of it."""
    planted = create_model("Planted", __base__=CaseChangedV1, note=(str | None, None), notes=(tuple[str, ...], ()))
    assert free_texts(planted) == {"Planted.note", "Planted.notes"}
