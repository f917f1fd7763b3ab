"""One line of a service's table of subscriptions: which topic, for which group, to which handler."""

from dataclasses import dataclass

from schemas.catalog import Topic
from services.kit.unit_of_work import Handler


@dataclass(frozen=True, slots=True)
class Subscription:
    """`group` is the Kafka consumer group and the inbox's consumer; one subscription each."""

    topic: Topic
    group: str
    handler: Handler
