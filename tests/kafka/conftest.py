"""What the tests of the bus stand on."""

from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.kafka.calendars import TOPIC, until
from tests.servers import Database, OpenDatabase


@pytest.fixture
async def topic(kafka_bootstrap: str) -> AsyncIterator[str]:
    """The topic, empty, with three partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 3, 1)])
    yield kafka_bootstrap
    await admin.delete_topics([TOPIC])

    async def gone() -> bool:
        return TOPIC not in await admin.list_topics()

    await until(gone)
    await admin.close()


@pytest.fixture
async def calendar(database: OpenDatabase) -> Database:
    """A database in which a handler writes down each day that it hears."""
    opened = await database("kit")
    await opened.owner.execute("create table heard (position bigserial, business_on date, zone text)")
    return opened
