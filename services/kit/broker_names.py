"""What topics, groups and clients are called on the brokers: as in the catalog, behind a prefix by which several
environments share a cluster. Everybody else (the database, metrics, logs, routes) knows the catalog's names only."""

import re

from aiokafka import TopicPartition

from schemas.catalog import TOPICS

FORM = re.compile(r"([a-z0-9][a-z0-9.-]{0,60}[.-])?")
EXPECTED = "expected lower-case letters, digits, dots and dashes, with a dot or a dash at the end"
TAKEN = frozenset({"vcc"} | {party for topic in TOPICS for party in (topic.producer, *topic.consumers)})
"""With these names begin, or go on behind another prefix, and rights are given by how names begin."""
NOT_TAKEN = "expected no word among those with which names begin where there is no prefix"


def check_prefix(prefix: str) -> str:
    """The same prefix. Raises ValueError for one that could not tell its environment from others."""
    if not FORM.fullmatch(prefix):
        raise ValueError(EXPECTED)
    if not TAKEN.isdisjoint(re.split(r"[.-]", prefix)):
        raise ValueError(NOT_TAKEN)
    return prefix


def on_broker(prefix: str, place: TopicPartition) -> TopicPartition:
    """As the brokers call this partition of a topic of the catalog."""
    return TopicPartition(prefix + place.topic, place.partition)


def in_catalog(prefix: str, place: TopicPartition) -> TopicPartition:
    """The other way round."""
    return TopicPartition(place.topic.removeprefix(prefix), place.partition)
