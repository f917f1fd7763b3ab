"""The whole chain in an environment that shares its brokers with others."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.acls import Acl, acls_of, user_of
from deploy.groups import topic_by_group
from deploy.local import kafka_users
from deploy.topics import end_offsets
from schemas.catalog import TOPICS
from tests.flow.chain import LEAST_LISTED, pass_through
from tests.flow.feeds import a_member
from tests.flow.stack import Stack, running_stack
from tests.flow.world import World
from tests.servers import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(600)]
PREFIX, ONE_ZIP = "staging.", ("95205", "06077001500")
INTERNAL = "__"


def rights_behind_the_prefix(service: str) -> list[Acl]:
    """And no others, for the users that the tests' broker has."""
    return [replace(acl, user=user_of(service)) for acl in acls_of(service, prefix=PREFIX)]


@pytest.fixture
def prefixed_stack(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setattr(kafka_users, "acls_of", rights_behind_the_prefix)
    with running_stack(postgres_server, {"VCC_KAFKA_PREFIX": PREFIX}) as running:
        monkeypatch.setenv("VCC_STATE_DIR", str(running.folder.path))
        yield running
        assert running.errors() == []


async def test_the_chain_runs_behind_a_prefix(prefixed_stack: Stack) -> None:
    """An event of every topic is said and heard by services whose users may use names with the prefix only; the broker
    has no topic and no group without it, and nobody lags or has set anything aside."""
    async with World.of(prefixed_stack) as world:
        await pass_through(world, [a_member(place=ONE_ZIP) for _ in range(LEAST_LISTED + 8)])
        await world.settle()
        for service in ("outreach", "scheduling", "reporting"):
            assert [dict(row) for row in await world.rows(service, "select topic, reason from dead_letter")] == []
    admin = AIOKafkaAdminClient(bootstrap_servers=prefixed_stack.bootstrap)
    await admin.start()
    try:
        topics = {name for name in await admin.list_topics() if not name.startswith(INTERNAL)}
        groups = {name for name, *_ in await admin.list_consumer_groups()}
    finally:
        await admin.close()
    assert topics == {PREFIX + topic.name for topic in TOPICS}
    assert groups == {PREFIX + group for group in topic_by_group()}
    told = {"VCC_KAFKA_BOOTSTRAP_SERVERS": prefixed_stack.bootstrap, "VCC_KAFKA_PREFIX": PREFIX}
    assert all((await end_offsets(told)).values())
