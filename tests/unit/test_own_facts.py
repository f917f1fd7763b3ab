"""No fact is said that its service would not find again in its store."""

import pytest

from schemas.catalog import TOPICS
from services.eligibility import app as eligibility
from services.outreach import app as outreach
from services.scheduling import app as scheduling

OWNED = {"eligibility": eligibility.OWNED, "outreach": outreach.OWNED, "scheduling": scheduling.OWNED}
REBUILT = {"reporting"}


@pytest.mark.parametrize("service", sorted({topic.producer for topic in TOPICS} - REBUILT))
def test_every_event_that_a_service_produces_is_its_own(service: str) -> None:
    """Each event of each topic whose producer the service is has its query, and no other has."""
    produced = {event for topic in TOPICS if topic.producer == service for event in topic.events}
    assert set(OWNED[service]) == produced
    assert all(set(owned.fields) <= set(event.model_fields) for event, owned in OWNED[service].items())
