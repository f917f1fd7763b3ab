"""The embedded Kafka and Postgres are the real ones, set up as the services need them."""

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from tests.servers import OpenDatabase

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


async def test_a_record_makes_the_round_trip(kafka_bootstrap: str) -> None:
    """What a producer sends with acks=all, a consumer reads back."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("pigeon-post", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait("pigeon-post", b"coo", key=b"loft-7")
    async with AIOKafkaConsumer(
        "pigeon-post", bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest", group_id=None
    ) as consumer:
        record = await consumer.getone()
    assert (record.key, record.value) == (b"loft-7", b"coo")


async def test_topics_are_never_made_by_accident(kafka_bootstrap: str) -> None:
    """Sending to a topic that nobody created makes no topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    described = await admin.describe_topics(["misspelt-topic"])
    topics = await admin.list_topics()
    await admin.close()
    assert described[0]["error_code"] == UnknownTopicOrPartitionError.errno
    assert "misspelt-topic" not in topics


async def test_a_service_enters_only_its_own_database(database: OpenDatabase) -> None:
    """A service's role is no superuser, cannot bypass row-level security and does not own its database."""
    one = await database("eligibility")
    row = await one.pool.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    )
    owner = await one.pool.fetchval(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )
    assert row is not None
    assert (dict(row), owner) == ({"rolsuper": False, "rolbypassrls": False, "rolcreatedb": False}, "eligibility_owner")


async def test_every_test_gets_an_untouched_copy(database: OpenDatabase) -> None:
    """What one database was told, its sibling from the same template does not know."""
    first, second = await database("eligibility"), await database("eligibility")
    await first.owner.execute("CREATE TABLE doodle ()")
    with pytest.raises(asyncpg.UndefinedTableError):
        await second.pool.execute("SELECT FROM doodle")
