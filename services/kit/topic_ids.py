"""Which topic it is that bears a name: one that was deleted and made anew has another id, and its offsets mean other
records. The client speaks no version of the question that is answered with ids, so the question stands here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

NO_ID = UUID(int=0)


class Uuid(AbstractType[UUID]):  # type: ignore[misc]  # the client has no types
    """Sixteen bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


TEXT, TAGS = CompactString("utf-8"), ("tags", TaggedFields)
BROKER = ("node_id", Int32), ("host", TEXT), ("port", Int32), ("rack", TEXT), TAGS
PARTITION = (
    ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)), ("isr", CompactArray(Int32)), ("offline", CompactArray(Int32)), TAGS,
)  # fmt: skip
TOPIC = (
    ("error_code", Int16), ("name", TEXT), ("topic_id", Uuid), ("is_internal", Boolean),
    ("partitions", CompactArray(*PARTITION)), ("authorized_operations", Int32), TAGS,
)  # fmt: skip


class Metadata_v12(Response):  # type: ignore[misc]  # noqa: N801 - as the client calls its own
    """The first version whose answer has the ids of topics that were asked for by name or by nothing."""

    API_KEY, API_VERSION = 3, 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("brokers", CompactArray(*BROKER)), ("cluster_id", TEXT), ("controller", Int32),
        ("topics", CompactArray(*TOPIC)), TAGS,
    )  # fmt: skip


class MetadataRequest_v12(RequestStruct):  # type: ignore[misc]  # noqa: N801
    """Its question."""

    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION, RESPONSE_TYPE = 3, 12, Metadata_v12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", TEXT), TAGS)),
        ("allow_auto_topic_creation", Boolean), ("include_topic_authorized_operations", Boolean), TAGS,
    )  # fmt: skip


class _Question(Request[MetadataRequest_v12]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def build(self, struct: Any) -> Any:
        makes_topics = tells_rights = False
        return struct([(NO_ID, name, {}) for name in sorted(self._names)], makes_topics, tells_rights, {})


@dataclass(frozen=True, slots=True)
class Leader:
    """Which broker leads a partition, in which epoch: each that takes it over begins the next one."""

    node: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Described:
    """A topic; of its partitions those that have a leader now."""

    topic_id: UUID
    leaders: Mapping[int, Leader]


async def describe(
    client: AIOKafkaClient, names: Collection[str], prefix: str = "", node: int | None = None
) -> dict[str, Described]:
    """Those of these topics that there are; nothing where the broker, older than Kafka 3.1, can't tell. `prefix`: with
    which their names begin on the brokers; `node`: which broker is asked, any without."""
    asked = client.get_random_node() if node is None else node
    try:
        answer = await client.send(asked, _Question([prefix + name for name in names]))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return {}
    return {
        name.removeprefix(prefix): Described(topic_id, {
            number: Leader(node, epoch) for error, number, node, epoch, *_ in partitions if error == 0 and node >= 0
        })
        for code, name, topic_id, _, partitions, *_ in answer.topics
        if code == 0 and topic_id != NO_ID
    }  # fmt: skip


async def load(client: AIOKafkaClient, names: Collection[str], prefix: str = "") -> dict[str, UUID]:
    """The ids of those topics."""
    return {name: one.topic_id for name, one in (await describe(client, names, prefix)).items()}
