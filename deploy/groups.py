"""What the services say of themselves that is of use from the outside."""

from services.eligibility import app as eligibility
from services.kit.app import Service
from services.outreach import app as outreach
from services.reporting import app as reporting
from services.scheduling import app as scheduling


def services() -> tuple[Service, ...]:
    """All of them, with their tables of subscriptions, and what each has waiting."""
    return eligibility.build(), outreach.build(), scheduling.build(), reporting.build()


def topic_by_group() -> dict[str, str]:
    """The topic's name by consumer group, from the services' own tables of subscriptions, as it is called before any
    rebuild: `by_generation` of the backlog's watch says how it is called by now."""
    return {
        subscription.group: subscription.topic.name for service in services() for subscription in service.subscriptions
    }
