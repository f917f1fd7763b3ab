"""What the services hear, and in which groups."""

from dataclasses import replace

import pytest

from deploy.groups import services, topic_by_group
from schemas.catalog import CASE, TOPICS, Classification
from schemas.eligibility_v1 import BusinessDayOpenedV1, ProgrammePublishedV1
from services.kit.app import Service
from services.kit.subscription import subscribe
from services.reporting.facts.flow import on_fact
from services.reporting.facts.store import WRITTEN


def test_every_consumer_of_the_catalog_is_a_service() -> None:
    """Nobody is named who does not read, and no service is left out."""
    assert {name for topic in TOPICS for name in topic.consumers} <= {service.name for service in services()}
    assert {topic.producer for topic in TOPICS} == {service.name for service in services()}


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_a_service_hears_what_the_catalog_says(service: Service) -> None:
    """Each topic that names it as its consumer, once, in a group that is called after the service and the topic."""
    heard = [(one.topic.name, one.group) for one in service.subscriptions]
    topics = [topic.name for topic in TOPICS if service.name in topic.consumers]
    expected = [(name, name.replace("vcc.", f"{service.name}.").removesuffix(".v1")) for name in topics]
    assert sorted(heard) == sorted(expected)


def test_reporting_hears_every_topic_that_is_not_restricted() -> None:
    """Every figure is counted from the log: no topic of the catalog goes past reporting but those by which members are
    reached, and it writes down every kind of event."""
    [reporting] = [service for service in services() if service.name == "reporting"]
    open_topics = [topic for topic in TOPICS if topic.classification is not Classification.RESTRICTED]
    assert {one.topic.name for one in reporting.subscriptions} == {topic.name for topic in open_topics}
    kept = WRITTEN | {ProgrammePublishedV1, BusinessDayOpenedV1}
    assert {event for topic in open_topics for event in topic.events} == kept


def test_groups_are_called_as_ever() -> None:
    """A group of another name would read the log from its start."""
    assert topic_by_group()["scheduling.dose-administered"] == "vcc.dose-administered.v1"
    assert topic_by_group()["reporting.business-day-opened"] == "vcc.business-day-opened.v1"


def test_a_later_version_of_a_topic_is_read_in_a_group_of_its_own() -> None:
    """Beside the group of the version before, whose offsets are another log's."""
    table = [(topic, on_fact) for topic in (CASE, replace(CASE, name="vcc.case.v2"))]
    assert [one.group for one in subscribe("reporting", *table)] == ["reporting.case", "reporting.case.v2"]
