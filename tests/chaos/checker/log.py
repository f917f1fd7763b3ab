"""The whole log, read from offset 0 by another client than the services use, and taken apart as plain JSON."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from tests.chaos.checker.catalog import KIND, TOPICS

Body = Mapping[str, Any]
Place = tuple[str, int, int]
"""Topic, partition and offset."""

QUIETLY = {"log_level": 2}
"""The client tells of faults by what it raises; its own lines are nobody's."""

READ_TIMEOUT_S = 120.0
WAIT_S = 10.0


class LogUnreadableError(Exception):
    """The log could not be read to its end in time; look whether the broker is up."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def place(self) -> Place:
        return self.topic, self.partition, self.offset

    @property
    def content(self) -> tuple[object, ...]:
        """All but where it stands."""
        return self.topic, self.key, self.value, self.headers

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class Fact:
    """A record that holds an event."""

    record: Record
    event_id: str
    type: str
    body: Body

    @property
    def entity(self) -> tuple[str, ...]:
        """What it is about."""
        return tuple(str(self.body.get(name)) for name in KIND[self.type].entity)

    @property
    def version(self) -> Any:
        name = KIND[self.type].version
        return self.body.get(name) if name else None


def read_log(bootstrap: str) -> list[Record]:
    """Every record of every topic, in each partition's order."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "chaos-checker", "enable.auto.commit": False,
        "auto.offset.reset": "error", "allow.auto.create.topics": False, **QUIETLY,
    })  # fmt: skip
    try:
        return _read(consumer)
    finally:
        consumer.close()


def _read(consumer: Consumer) -> list[Record]:
    partitions = [TopicPartition(topic.name, n, OFFSET_BEGINNING) for topic in TOPICS for n in range(topic.partitions)]
    ends = {(one.topic, one.partition): _end(consumer, one) for one in partitions}
    consumer.assign(partitions)
    records: list[Record] = []
    deadline = time.monotonic() + READ_TIMEOUT_S
    written = [one for one in partitions if ends[one.topic, one.partition]]
    while any(_position(consumer, one) < ends[one.topic, one.partition] for one in written):
        if time.monotonic() > deadline:
            raise LogUnreadableError
        records += [_record(message) for message in consumer.consume(5000, 0.5) if message.error() is None]
    wanted = [one for one in records if one.offset < ends[one.topic, one.partition]]
    return sorted(wanted, key=lambda one: one.place)


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    try:
        first, end = consumer.get_watermark_offsets(partition, timeout=WAIT_S)
    except KafkaException as error:
        raise LogUnreadableError from error
    return int(end) if end > first else 0


def _position(consumer: Consumer, partition: TopicPartition) -> int:
    return int(consumer.position([TopicPartition(partition.topic, partition.partition)])[0].offset)


def _record(message: Message) -> Record:
    headers = cast(list[tuple[str, bytes | None]], message.headers() or [])
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    return Record(str(topic), int(partition or 0), int(offset or 0), message.key(), message.value(), tuple(headers))


def parse(record: Record) -> Fact | None:
    """The event of a record; None if it holds none that anybody could use."""
    headers = {name: value for name, value in record.headers if value is not None}
    try:
        event_id, kind_name = headers["ce_id"].decode(), headers["ce_type"].decode()
        body = json.loads(record.value or b"")
    except (KeyError, ValueError):
        return None
    kind = KIND.get(kind_name)
    if kind is None or kind.topic != record.topic or not isinstance(body, dict):
        return None
    key = "/".join(str(body.get(name)) for name in kind.key).encode()
    return Fact(record, event_id, kind_name, body) if record.key == key else None


@dataclass(frozen=True)
class Log:
    """The log with what does not belong in it told apart: `foreign` records were put there by somebody else."""

    records: Sequence[Record]
    foreign: frozenset[Place] = frozenset()
    facts: tuple[Fact, ...] = field(init=False)
    unusable: tuple[Record, ...] = field(init=False)
    """Records that nobody planted and nobody can use."""

    def __post_init__(self) -> None:
        own = [one for one in self.records if one.place not in self.foreign]
        parsed = [(one, parse(one)) for one in own]
        object.__setattr__(self, "facts", tuple(fact for _, fact in parsed if fact is not None))
        object.__setattr__(self, "unusable", tuple(one for one, fact in parsed if fact is None))

    def once(self, held: Iterable[Place] = ()) -> list[Fact]:
        """Each event once, where it first stands, without those that stand in `held` places only."""
        out, seen = set(held), set[str]()
        found = []
        for fact in self.facts:
            if fact.record.place not in out and fact.event_id not in seen:
                seen.add(fact.event_id)
                found.append(fact)
        return found


def of_type(facts: Iterable[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact.type == kind]


def survivors_in(merges: Iterable[Fact]) -> dict[str, str]:
    """For whom each retired token stands by its newest assignment; whoever was parted again stands for himself."""
    found: dict[str, str] = {}
    for fact in sorted(merges, key=lambda fact: fact.body.get("version") or 0):
        found.pop(fact.body["retired_token"], None)
        if not fact.body.get("is_split"):
            found[fact.body["retired_token"]] = fact.body["surviving_token"]
    return found


def latest(facts: Iterable[Fact], kind: str) -> dict[tuple[str, ...], Fact]:
    """The highest version of each entity, the later in the log of equal ones."""
    found: dict[tuple[str, ...], Fact] = {}
    for fact in of_type(facts, kind):
        known = found.get(fact.entity)
        if known is None or (fact.version or 0) >= (known.version or 0):
            found[fact.entity] = fact
    return found
