"""Where the records of a leader's epoch end in the log of today. What was read behind that, under that leader, is gone:
the log has lost its end since, whatever stands there by now (KIP-320). The client does not ask this, so the question
stands here."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Int64, Schema, String

from services.kit.broker_names import in_catalog, on_broker
from services.kit.topic_ids import Leader

CONSUMER = -1
ANY_EPOCH = -1
TEXT = String("utf-8")


class OffsetForLeaderEpoch_v3(Response):  # type: ignore[misc]  # noqa: N801 - as the client calls its own
    """For each partition the end of the epoch, -1 where the leader knows none."""

    API_KEY, API_VERSION = 23, 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("topics", Array(("topic", TEXT), ("partitions", Array(
            ("error_code", Int16), ("partition", Int32), ("leader_epoch", Int32), ("end_offset", Int64),
        )))),
    )  # fmt: skip


class OffsetForLeaderEpochRequest_v3(RequestStruct):  # type: ignore[misc]  # noqa: N801
    """Its question."""

    API_KEY, API_VERSION, RESPONSE_TYPE = 23, 3, OffsetForLeaderEpoch_v3
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("topics", Array(("topic", TEXT), ("partitions", Array(
            ("partition", Int32), ("current_leader_epoch", Int32), ("leader_epoch", Int32),
        )))),
    )  # fmt: skip


class _Question(Request[OffsetForLeaderEpochRequest_v3]):  # type: ignore[misc]
    API_KEY = 23

    def __init__(self, epochs: Mapping[TopicPartition, int]) -> None:
        self._epochs = epochs

    def build(self, struct: Any) -> Any:
        by_topic: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for place, epoch in self._epochs.items():
            by_topic[place.topic].append((place.partition, ANY_EPOCH, epoch))
        return struct(CONSUMER, list(by_topic.items()))


async def load_ends(
    client: AIOKafkaClient, epochs: Mapping[TopicPartition, int], leaders: Mapping[TopicPartition, Leader], prefix: str
) -> dict[TopicPartition, int]:
    """Where these epochs end; nothing of a partition without a leader, nor where the broker can't tell. Raises what a
    broker answers that leads it no longer. `prefix`: of the topics' names on the brokers."""
    by_node: defaultdict[int, dict[TopicPartition, int]] = defaultdict(dict)
    for place, epoch in epochs.items():
        if place in leaders:
            by_node[leaders[place].node][on_broker(prefix, place)] = epoch
    ends: dict[TopicPartition, int] = {}
    for node, asked in by_node.items():
        try:
            answer = await client.send(node, _Question(asked))
        except (IncompatibleBrokerVersion, NotImplementedError):
            continue
        for topic, partitions in answer.topics:
            for code, number, _, end in partitions:
                if code:
                    raise for_code(code)(f"{topic}/{number}")
                ends[in_catalog(prefix, TopicPartition(topic, number))] = end
    return {place: end for place, end in ends.items() if end >= 0}
