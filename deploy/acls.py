"""Who may do what on the brokers, made from the catalog alone: each service writes its own topics, reads the ones that
it subscribes to and its own, and has the consumer groups that begin with its name. Everything else is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from schemas.catalog import TOPICS, Topic

TOPIC_PREFIX = "vcc."


class Resource(StrEnum):
    """What a right is about."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """As `kafka-acls.sh` and Strimzi call them."""

    READ = "Read"
    WRITE = "Write"
    DELETE = "Delete"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One right of one user. `is_prefix`: of all resources whose names begin so."""

    user: str
    resource: Resource
    name: str
    operation: Operation
    is_prefix: bool = False


ADMIN = "vcc-admin"
"""Makes the topics and asks how far the groups are; reads no record."""


def user_of(service: str, prefix: str = "") -> str:
    """The Kafka user that a service logs in as: each environment of a cluster has its own."""
    return f"{prefix}vcc-{service}"


def services_of(topics: Iterable[Topic] = TOPICS) -> list[str]:
    """Everybody who writes or reads a topic of the catalog."""
    return sorted({name for topic in topics for name in (topic.producer, *topic.consumers)})


def acls_of(service: str, topics: Iterable[Topic] = TOPICS, prefix: str = "") -> list[Acl]:
    """All rights of one service; `prefix`: of which environment."""
    user, found = user_of(service, prefix), []
    for topic in topics:
        is_own = topic.producer == service
        if is_own:
            found.append(Acl(user, Resource.TOPIC, prefix + topic.name, Operation.WRITE))
        if is_own or service in topic.consumers:
            found.append(Acl(user, Resource.TOPIC, prefix + topic.name, Operation.READ))
    groups = (Operation.READ, Operation.DELETE)  # those of an earlier generation are deleted
    found += [Acl(user, Resource.GROUP, f"{prefix}{service}.", operation, is_prefix=True) for operation in groups]
    return sorted(found)


def admin_acls(topics: Iterable[Topic] = TOPICS, prefix: str = "") -> list[Acl]:
    """All rights of the user who makes and alters the topics."""
    wanted = (Operation.CREATE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS)
    admin, begin = prefix + ADMIN, prefix + TOPIC_PREFIX
    rights = [Acl(admin, Resource.TOPIC, begin, operation, is_prefix=True) for operation in wanted]
    groups = (f"{prefix}{service}." for service in services_of(topics))
    rights += [Acl(admin, Resource.GROUP, group, Operation.DESCRIBE, is_prefix=True) for group in groups]
    return sorted(rights)


def all_acls(topics: Iterable[Topic] = TOPICS, prefix: str = "") -> list[Acl]:
    """All rights of all services, and of the user who makes the topics."""
    topics = tuple(topics)
    of_services = (acl for service in services_of(topics) for acl in acls_of(service, topics, prefix))
    return [*admin_acls(topics, prefix), *of_services]
