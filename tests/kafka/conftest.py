"""What the tests of the bus stand on."""

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.kafka.calendars import drop_topic, make_topic
from tests.servers import Database, OpenDatabase


@pytest.fixture
async def topic(kafka_bootstrap: str) -> AsyncIterator[str]:
    """The topic, empty, with three partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await make_topic(admin)
    yield kafka_bootstrap
    await drop_topic(admin)
    await admin.close()


@pytest.fixture
async def calendar(database: OpenDatabase) -> Database:
    """A database in which a handler writes down each day that it hears."""
    opened = await database("kit")
    await opened.owner.execute("create table heard (position bigserial, business_on date, zone text)")
    return opened
