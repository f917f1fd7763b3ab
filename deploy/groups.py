"""Which consumer group reads which topic, from the services' own tables of subscriptions."""

from services.eligibility.app import SUBSCRIPTIONS as ELIGIBILITY
from services.outreach.app import SUBSCRIPTIONS as OUTREACH
from services.reporting.app import SUBSCRIPTIONS as REPORTING
from services.scheduling.app import SUBSCRIPTIONS as SCHEDULING


def topic_by_group() -> dict[str, str]:
    """The topic's name by consumer group."""
    return {one.group: one.topic.name for one in (*ELIGIBILITY, *OUTREACH, *SCHEDULING, *REPORTING)}
