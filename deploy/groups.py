"""Which consumer group reads which topic, from the services' own tables of subscriptions."""

from services.eligibility import app as eligibility
from services.outreach import app as outreach
from services.reporting import app as reporting
from services.scheduling import app as scheduling


def topic_by_group() -> dict[str, str]:
    """The topic's name by consumer group, as it is called before any rebuild: `by_generation` of the backlog's watch
    says how it is called by now."""
    services = (eligibility.build(), outreach.build(), scheduling.build(), reporting.build())
    return {one.group: one.topic.name for service in services for one in service.subscriptions}
