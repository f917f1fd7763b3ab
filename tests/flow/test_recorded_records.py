"""What really stands in the log against what is published: the AsyncAPI document and the JSON Schemas."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from jsonschema import Draft202012Validator

from deploy.local.state import ROOT
from schemas.catalog import TOPICS
from tests.flow import kafka_log
from tests.flow.chain import pass_through
from tests.flow.feeds import a_member
from tests.flow.world import World

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "schemas" / "asyncapi.json").read_text())
EVENT_TYPES = {event.event_type for topic in TOPICS for event in topic.events}
KEY_FIELDS = re.compile(r"The value of `([\w/]+)`\.")


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def complaints(record: ConsumerRecord) -> Iterator[str]:
    """Everything in which a record is not what was published, in words without its values."""
    headers = {name: value.decode() for name, value in record.headers}
    event_type = headers.get("ce_type", "none")
    channel = next(one for one in DOCUMENT["channels"].values() if one["address"] == record.topic)
    if event_type not in channel["messages"]:
        yield f"{record.topic}: {event_type} is not published for it"
        return
    message, body = DOCUMENT["components"]["messages"][event_type], json.loads(record.value)
    inside = {**DOCUMENT["components"]["schemas"][event_type], "components": DOCUMENT["components"]}
    alone = json.loads((ROOT / "schemas" / "json" / f"{event_type}.json").read_text())
    for about, schema, said in (
        ("headers", message["headers"], headers),
        ("body", inside, body),
        ("file", alone, body),
    ):
        for error in validator(schema).iter_errors(said):
            yield f"{event_type}: {about}: {error.json_path}: {error.validator}"
    unknown = headers.keys() - message["headers"]["properties"].keys()
    unknown |= body.keys() - alone["properties"].keys()
    if unknown:
        yield f"{event_type}: {sorted(unknown)} are nowhere published"
    fields = KEY_FIELDS.fullmatch(message["bindings"]["kafka"]["key"]["description"])
    if fields is None or record.key != "/".join(str(body.get(name)) for name in fields[1].split("/")).encode():
        yield f"{event_type}: the key is not what the document says"


async def test_every_record_is_as_published(world: World) -> None:
    """Of every record in the log, headers, body and key are what the AsyncAPI document and the JSON Schema of its type
    say, with nothing unpublished; and every type of the catalog is among them."""
    await pass_through(world, [a_member(place=("95205", "06077001500")) for _ in range(18)])
    records = await kafka_log.read(world.stack.bootstrap)
    usable = [record for record in records if not record.topic.startswith("_") and not _is_planted(record)]
    found = {line for record in usable for line in complaints(record)}
    assert not found, "\n".join(sorted(found))
    assert {dict(record.headers)["ce_type"].decode() for record in usable} == EVENT_TYPES
    partitions: dict[tuple[str, bytes], set[int]] = {}
    for record in usable:
        partitions.setdefault((record.topic, record.key), set()).add(record.partition)
    assert all(len(found) == 1 for found in partitions.values()), "a key keeps to its partition, so it keeps its order"


def _is_planted(record: ConsumerRecord) -> bool:
    """Another test's broken record, put there by its own hand."""
    return dict(record.headers).get("planted") is not None
