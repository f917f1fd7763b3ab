"""Makes the published documents from the catalog: one JSON Schema for each event, one AsyncAPI 3 document for all."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas.catalog import TOPICS, Topic
from schemas.envelope import (
    CONTENT_TYPE,
    HEADER_CONTENT_TYPE,
    HEADER_ID,
    HEADER_SOURCE,
    HEADER_SPEC_VERSION,
    HEADER_TIME,
    HEADER_TRACE_PARENT,
    HEADER_TYPE,
    SPEC_VERSION,
    Event,
)
from schemas.member_contact_v1 import ContactDetails

ASYNCAPI_VERSION = "3.0.0"
COMPONENT = "#/components/schemas/{model}"
SEALED_PARTS = (ContactDetails,)
"""What stands in bodies as sealed bytes: described for whoever may open them."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each event's body, by event type."""
    return {event.event_type: _schema(event) for topic in TOPICS for event in topic.events}


def _schema(event: type[Event]) -> dict[str, Any]:
    body = event.model_json_schema(mode="validation")
    return {"$schema": DIALECT, "$id": f"urn:{event.event_type.replace('.', ':')}", **body}


def headers_schema(topic: Topic, event: type[Event]) -> dict[str, Any]:
    """The Kafka headers of one event: CloudEvents 1.0 in binary mode."""
    properties = {
        HEADER_SPEC_VERSION: {"const": SPEC_VERSION},
        HEADER_ID: {"type": "string", "format": "uuid", "description": "Deduplicate by this."},
        HEADER_SOURCE: {"const": f"/vcc/{topic.producer}"},
        HEADER_TYPE: {"const": event.event_type},
        HEADER_TIME: {"type": "string", "format": "date-time"},
        HEADER_CONTENT_TYPE: {"const": CONTENT_TYPE},
        HEADER_TRACE_PARENT: {"type": "string", "description": "W3C Trace Context, when the work was traced."},
    }
    required = [name for name in properties if name != HEADER_TRACE_PARENT]
    return {"type": "object", "properties": properties, "required": required}


def topic_terms() -> dict[str, dict[str, Any]]:
    """What subscribers rely on besides the bodies, by topic: it may not change within a version either."""
    return {
        topic.name: {
            "producer": topic.producer,
            "key": topic.key,
            "partitions": topic.partitions,
            "cleanup_policy": topic.cleanup_policy,
            "retention_ms": topic.retention_ms,
            "events": sorted(event.event_type for event in topic.events),
        }
        for topic in TOPICS
    }


def asyncapi(version: str) -> dict[str, Any]:
    """The AsyncAPI document: a channel for each topic, a message for each event, an operation for each party."""
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Vaccine Community Connectors: events",
            "version": version,
            "description": (
                "CloudEvents 1.0 in Kafka's binary content mode. Bodies evolve by optional fields only. A body is a "
                "snapshot of its entity: of two, the higher `version` holds. Order is kept within a key, and within "
                "nothing else. Where several environments share brokers, each has a prefix that stands before the "
                "addresses here and before the names of groups; who runs an environment says which."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {_channel_id(topic): _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic).items()},
        "components": {
            "messages": {event.event_type: _message(topic, event) for topic in TOPICS for event in topic.events},
            "schemas": _component_schemas(),
        },
    }


def _component_schemas() -> dict[str, Any]:
    """All bodies and their parts under one roof, so that every reference is the document's own."""
    events = [event for topic in TOPICS for event in topic.events]
    described: list[type[BaseModel]] = [*events, *SEALED_PARTS]
    _, together = models_json_schema([(part, "validation") for part in described], ref_template=COMPONENT)
    parts = dict(together["$defs"])
    return {event.event_type: parts.pop(event.__name__) for event in events} | parts


def _channel_id(topic: Topic) -> str:
    return topic.name.replace(".", "-")


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {event.event_type: {"$ref": f"#/components/messages/{event.event_type}"} for event in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup_policy],
                    "retention.ms": topic.retention_ms,
                    **({} if topic.compaction_lag_ms is None else {"max.compaction.lag.ms": topic.compaction_lag_ms}),
                },
            }
        },
        "x-key": topic.key,
        "x-classification": topic.classification.value,
    }


def _message(topic: Topic, event: type[Event]) -> dict[str, Any]:
    key = {"type": "string", "description": f"The value of `{event.key_field or topic.key}`."}
    return {
        "name": event.__name__,
        "title": event.event_type,
        "summary": (event.__doc__ or "").split(". ")[0].replace("\n", " ").strip(". ") + ".",
        "contentType": CONTENT_TYPE,
        "headers": headers_schema(topic, event),
        "payload": {"$ref": f"#/components/schemas/{event.event_type}"},
        "bindings": {"kafka": {"key": key}},
    }


def _operations(topic: Topic) -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{_channel_id(topic)}"}
    send = {f"{topic.producer}.send.{_channel_id(topic)}": {"action": "send", "channel": channel}}
    receive = {
        f"{who}.receive.{_channel_id(topic)}": {"action": "receive", "channel": channel} for who in topic.consumers
    }
    return send | receive
