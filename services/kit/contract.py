"""From a Kafka record to an event, or to a reason why not. Nothing here can raise on a record's content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from schemas.catalog import Topic
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

MAX_VALUE_BYTES = 900_000
WRONG_SOURCE, HANDLER_ERROR = "wrong-source", "handler-error"
REASONS = (
    WRONG_SOURCE, HANDLER_ERROR, "unknown-type", "null-header", "binary-header", "missing-header",
    "unknown-specversion", "bad-event-id", "tombstone", "too-large", "null-key", "wrong-key", "bad-json", "bad-schema",
)  # fmt: skip
"""All codes by which a consumer sets a record aside."""
Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it stands in the log: coordinates and original bytes. A topic made anew under the same name has
    another id; a partition that has lost its end gives the offsets again, at another time."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = field(repr=False)
    topic_id: UUID | None = None
    written_ms: int = -1
    leader_epoch: int | None = None
    """Of the partition, as last heard before the record was read: that of its writing or an earlier one."""

    def is_in(self, topic_id: UUID | None) -> bool:
        """Whether it stands in this topic and in no other of that name; so it is taken where either is unknown."""
        return self.topic_id is None or topic_id is None or self.topic_id == topic_id


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record that holds an event."""

    record: Record
    event_id: UUID
    event: Event


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that holds none. `detail` names fields and expectations, never values."""

    record: Record
    reason: str
    detail: str


class UnusableError(Exception):
    """A record can't be read as an event; carries a reason code and a sentence without values."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def event_id_of(result: Delivery | Reject) -> UUID | None:
    """The id under which it was marked, if it was applied: also that of a record which was read before its source was
    asked for."""
    if isinstance(result, Delivery):
        return result.event_id
    try:
        return _event_id(_headers(result.record.headers)) if result.reason == WRONG_SOURCE else None
    except UnusableError:
        return None


def to_record(
    raw: ConsumerRecord, topic_id: UUID | None = None, leader_epoch: int | None = None, prefix: str = ""
) -> Record:
    """Copy what we need of the client's record. `prefix`: with which its topic's name begins on the brokers."""
    written_ms = -1 if raw.timestamp is None else raw.timestamp
    topic, headers = raw.topic.removeprefix(prefix), tuple(raw.headers or ())
    return Record(topic, raw.partition, raw.offset, raw.key, raw.value, headers, topic_id, written_ms, leader_epoch)


class Decoder:
    """Decodes the records of one topic by the catalog."""

    def __init__(self, topic: Topic) -> None:
        self._models: Mapping[str, type[Event]] = {event.event_type: event for event in topic.events}
        self._signature = HEADER_SOURCE, source_of(topic.producer).encode()
        self._source = source_of(topic.producer)

    def decode(self, records: Sequence[Record]) -> list[Delivery | Reject]:
        """One result for each record, in order."""
        return [self._decode(record) for record in records]

    def _decode(self, record: Record) -> Delivery | Reject:
        try:
            headers = _headers(record.headers)
            event_id = _event_id(headers)
            event = _event(self._model(headers), record)
            self._require_source(record)
            return Delivery(record, event_id, event)
        except UnusableError as unusable:
            return Reject(record, unusable.reason, unusable.detail)

    def _require_source(self, record: Record) -> None:
        """Only the topic's one producer is believed. A source that is given twice is given by nobody."""
        given = [header for header in record.headers if header[0] == HEADER_SOURCE]
        if given != [self._signature]:
            raise UnusableError(WRONG_SOURCE, f"{HEADER_SOURCE}: expected {self._source}, once")

    def _model(self, headers: Mapping[str, str]) -> type[Event]:
        model = self._models.get(headers[HEADER_TYPE])
        if model is None:
            raise UnusableError("unknown-type", f"{HEADER_TYPE}: expected one of {', '.join(sorted(self._models))}")
        return model


def _headers(raw: Sequence[Header]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        if name not in _KNOWN_HEADERS:
            continue
        if value is None:
            raise UnusableError("null-header", f"{name}: expected a value")
        try:
            headers[name] = value.decode("utf-8")
        except UnicodeDecodeError:
            raise UnusableError("binary-header", f"{name}: expected UTF-8 text") from None
    for name in (HEADER_SPEC_VERSION, HEADER_ID, HEADER_TYPE):
        if name not in headers:
            raise UnusableError("missing-header", f"{name}: expected")
    if headers[HEADER_SPEC_VERSION] != SPEC_VERSION:
        raise UnusableError("unknown-specversion", f"{HEADER_SPEC_VERSION}: expected {SPEC_VERSION}")
    return headers


_KNOWN_HEADERS = frozenset({HEADER_SPEC_VERSION, HEADER_ID, HEADER_TYPE})
"""Headers that decoding depends on; any other may hold anything."""


def _event_id(headers: Mapping[str, str]) -> UUID:
    try:
        return UUID(headers[HEADER_ID])
    except ValueError:
        raise UnusableError("bad-event-id", f"{HEADER_ID}: expected a UUID") from None


def _event(model: type[Event], record: Record) -> Event:
    if record.value is None:
        raise UnusableError("tombstone", "value: expected a JSON object, found none")
    if len(record.value) > MAX_VALUE_BYTES:
        raise UnusableError("too-large", f"value: expected at most {MAX_VALUE_BYTES} bytes")
    try:
        event = model.model_validate_json(record.value)
    except ValidationError as error:
        raise _unusable(error) from None
    if record.key is None:
        raise UnusableError("null-key", "key: expected the key that the catalog names")
    if record.key != event.key().encode():
        raise UnusableError("wrong-key", "key: expected the value of the field that the catalog names")
    return event


def _unusable(error: ValidationError) -> UnusableError:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return UnusableError("bad-json", "value: expected JSON")
    listed = "; ".join(
        f"{'.'.join(_safe(part) for part in problem['loc'])}: {problem['type']}" for problem in problems[:5]
    )
    return UnusableError("bad-schema", listed)


def _safe(part: int | str) -> str:
    """A location part: field names pass, list positions pass, anything else could be somebody's data."""
    text = str(part)
    return text if text.replace("_", "").isalnum() and len(text) <= 40 else "?"


def source_of(service: str) -> str:
    """The CloudEvents source of what a service says."""
    return f"/vcc/{service}"


def headers_of(event_id: UUID, source: str, event_type: str, time_iso: str, trace_parent: str | None) -> list[Header]:
    """The headers of one event. Few, because each one costs every reader."""
    headers: list[Header] = [
        (HEADER_SPEC_VERSION, SPEC_VERSION.encode()),
        (HEADER_ID, str(event_id).encode()),
        (HEADER_SOURCE, source.encode()),
        (HEADER_TYPE, event_type.encode()),
        (HEADER_TIME, time_iso.encode()),
        (HEADER_CONTENT_TYPE, CONTENT_TYPE.encode()),
    ]
    if trace_parent:
        headers.append((HEADER_TRACE_PARENT, trace_parent.encode()))
    return headers
