"""How relays share the shards."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError

from services.kit import metrics, relay
from services.kit.fencing import COUNT_PRESENT, LOCK_NAMESPACE, PRESENT, Fence
from services.kit.log_loss import LogGuard
from services.kit.outbox import SHARDS
from services.kit.postgres import connect
from services.kit.relay import Relay
from services.kit.signals import Signals
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres
LOAD_EPOCHS = "select epoch from relay_shard order by shard"


async def test_relays_share_the_shards_and_leave_none(database: OpenDatabase) -> None:
    """The first alone has them all, with a second half of them, and all again once that is gone; no shard is ever
    two relays', and of another database's relays none counts. Who gave some up holds the rest still, and what changes
    hands begins its next epoch."""
    opened, other = await database("kit"), await database("kit")
    settings = opened.settings()
    connections = [await connect(settings), await connect(settings), await connect(other.settings())]
    first, second, elsewhere = (Fence(connection, LogGuard(settings)) for connection in connections)
    await elsewhere.be_present()
    await first.be_present()
    await first.share()
    assert set(first.shards) == set(range(SHARDS))
    await second.be_present()
    await second.share()
    assert second.shards == []
    await first.share()
    await second.share()
    assert (len(first.shards), len(second.shards)) == (2, 2)
    assert {*first.shards, *second.shards} == set(range(SHARDS))
    for fence in (first, second):
        await fence.confirm()
    epochs = [row["epoch"] for row in await opened.pool.fetch(LOAD_EPOCHS)]
    assert epochs == [2 if shard in second.shards else 1 for shard in range(SHARDS)]
    await connections[0].close()
    while len(second.shards) < SHARDS:  # the server notices at once, and not in this very moment
        await second.share()
    await second.confirm()
    for connection in connections[1:]:
        await connection.close()


async def test_a_relay_without_a_way_to_the_broker_takes_no_shard(
    database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it looks for one it counts as none, so that the others keep their shards; and it holds none afterwards."""
    opened = await database("kit")
    present: list[int] = []

    async def nobody_answers(*_: object) -> None:
        present.append(await opened.pool.fetchval(COUNT_PRESENT, LOCK_NAMESPACE, PRESENT))
        raise KafkaConnectionError

    monkeypatch.setattr(relay, "create_producer", nobody_answers)
    with pytest.raises(KafkaError):
        await Relay(opened.settings(), Signals()).turn()
    assert present == [0]
    assert await opened.pool.fetch(LOAD_EPOCHS) == []


async def test_a_relay_that_has_lost_its_way_says_that_it_holds_nothing(
    database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However its turn ends, the metric counts no lock that the connection took with it."""
    opened = await database("kit")
    metrics.LOCKS_HELD.labels("relay").set(4)

    async def cut(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(relay, "create_producer", cut)
    with pytest.raises(asyncio.CancelledError):
        await Relay(opened.settings(), Signals()).turn()
    assert metrics.LOCKS_HELD.labels("relay")._value.get() == 0
