"""A service's table of subscriptions: which topic goes to which handler."""

from dataclasses import dataclass

from schemas.catalog import Topic
from services.kit.unit_of_work import Handler


@dataclass(frozen=True, slots=True)
class Subscription:
    """`group` is the Kafka consumer group and the inbox's consumer; one subscription each."""

    topic: Topic
    group: str
    handler: Handler


def subscribe(service: str, *table: tuple[Topic, Handler]) -> tuple[Subscription, ...]:
    """The table with the groups in which the service reads."""
    return tuple(Subscription(topic, _group(service, topic), handler) for topic, handler in table)


def _group(service: str, topic: Topic) -> str:
    """The service and what the topic is about, such as `outreach.case`; a later version of a topic is read anew, in a
    group of its own. A group that is called otherwise begins at the start of the log."""
    return f"{service}.{topic.name.removeprefix('vcc.').removesuffix('.v1')}"
