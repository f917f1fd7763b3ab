"""What a subscriber says of itself, with a consumer in any state of a group's life."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import metrics
from services.kit import subscriber as at_work
from services.kit.batches import Outcome
from services.kit.generation import Generation
from services.kit.subscriber import Subscriber
from services.kit.subscription import Subscription

GROUP = "sundial.business-day-opened"
MORNING, NOON = (TopicPartition(BUSINESS_DAY_OPENED.name, number) for number in range(2))


class SomeClient:
    """Sends nothing anywhere."""

    async def send(self, node: int, request: object, **options: object) -> None: ...


class SomeConsumer:
    """Answers like the client, assertions included: positions and ends of the partitions that it has."""

    def __init__(self, ends: dict[TopicPartition, int | None], at: int = 0) -> None:
        self.ends = dict(ends)
        self.at = at
        self._client = SomeClient()
        self.while_asked: Callable[[], None] = lambda: None

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self.ends)

    async def position(self, partition: TopicPartition) -> int:
        assert partition in self.ends, "Partition is not assigned"
        await asyncio.sleep(0)
        self.while_asked()
        return self.at

    async def getmany(self, *_: TopicPartition, **__: int) -> dict[TopicPartition, list[object]]:
        return {}

    def last_stable_offset(self, partition: TopicPartition) -> int | None:
        assert partition in self.ends, "Partition is not assigned"
        end: int | None = self.ends[partition]
        return end


async def _never(_work: object, _events: Sequence[Any]) -> None:
    raise AssertionError


def a_subscriber(progress_timeout_s: float = 60) -> Subscriber:
    pool: Any = None  # the group is looked at, no batch is applied
    return Subscriber(pool, Subscription(BUSINESS_DAY_OPENED, GROUP, _never), progress_timeout_s)


def connected(consumer: SomeConsumer, progress_timeout_s: float = 60) -> Subscriber:
    subscriber = a_subscriber(progress_timeout_s)
    subscriber.connect(consumer)
    subscriber.on_partitions_revoked(set())  # as the client says before it joins
    return subscriber


def lag() -> float | None:
    return REGISTRY.get_sample_value("vcc_lag", {"topic": BUSINESS_DAY_OPENED.name, "group": GROUP})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the bus: one number to set."""
    now = [1000.0]
    monkeypatch.setattr(at_work, "time", SimpleNamespace(monotonic=lambda: now[0], perf_counter=lambda: now[0]))
    return now


async def test_not_ready_before_the_first_assignment() -> None:
    """A consumer that is connected and has no place in its group yet reads nothing: not ready, and no lag of 0."""
    metrics.LAG.clear()
    subscriber = connected(SomeConsumer({}))
    await subscriber.sample()
    assert (subscriber.trouble(), lag()) == ("no assignment", None)


async def test_a_stand_by_is_ready() -> None:
    """More processes than partitions: the one that was given none is well, and has no lag."""
    subscriber = connected(SomeConsumer({}))
    await subscriber.on_partitions_assigned(set())
    await subscriber.sample()
    assert (subscriber.trouble(), lag()) == (None, 0)


async def test_a_rebalance_may_take_a_while(clock: list[float]) -> None:
    """A rebalance leaves the service ready; one that does not end makes it not ready, until the next assignment."""
    subscriber = connected(SomeConsumer({MORNING: 3}))
    await subscriber.on_partitions_assigned({MORNING})
    subscriber.on_partitions_revoked({MORNING})
    clock[0] += at_work.REBALANCE_S - 1
    assert subscriber.trouble() is None
    clock[0] += 2
    assert subscriber.trouble() == "no assignment"
    await subscriber.on_partitions_assigned({NOON})
    assert subscriber.trouble() is None


async def test_what_is_passed_over_behind_a_batch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store knows as far as the consumer goes on, which it will acknowledge, and not only the batch's last record;
    where no gap follows nothing more is written."""
    applied: list[str] = []
    passed: list[Any] = []

    async def apply(*_given: object) -> Outcome:
        applied.append("batch")
        return Outcome()

    async def note(upto: dict[int, int], *_given: object) -> None:
        applied.append("gap")
        passed.append(upto)

    record = SimpleNamespace(
        topic=MORNING.topic, partition=MORNING.partition, offset=33, key=None, value=None, headers=(), timestamp=0
    )
    for at in (34, 38):
        subscriber = connected(SomeConsumer({MORNING: 40}, at=at))
        subscriber.generation = Generation(1, "a")
        monkeypatch.setattr(subscriber._applying, "apply", apply)
        monkeypatch.setattr(subscriber._applying, "passed", note)
        await subscriber.on_batch([record])
    assert (applied, passed) == (["batch", "batch", "gap"], [{MORNING.partition: 38}])


async def test_a_new_connection_starts_without_an_assignment() -> None:
    """After the broker was away the old assignment counts no more."""
    subscriber = connected(SomeConsumer({MORNING: 3}))
    await subscriber.on_partitions_assigned({MORNING})
    subscriber.disconnect()
    assert subscriber.trouble() == "not connected"
    subscriber.connect(SomeConsumer({}))
    assert subscriber.trouble() == "no assignment"


@pytest.mark.expects_error_log("batch failed")
async def test_failures_go_with_the_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that failed here are another's after a reassignment: this process is ready again."""
    monkeypatch.setattr(at_work, "FIRST_BACKOFF_S", 0.0)
    subscriber = connected(SomeConsumer({MORNING: 3}))
    await subscriber.on_partitions_assigned({MORNING})
    for _ in range(3):
        with pytest.raises(AttributeError):
            await subscriber.on_batch([None])
    assert subscriber.trouble() == "batches fail"
    subscriber.on_partitions_revoked({MORNING})
    await subscriber.on_partitions_assigned({NOON})
    assert subscriber.trouble() is None


async def test_an_unknown_end_is_no_lag_of_0(clock: list[float]) -> None:
    """Until the broker has told a partition's end the lag is unknown; unknown for too long is no progress."""
    metrics.LAG.clear()
    consumer = SomeConsumer({MORNING: 40, NOON: None}, at=30)
    subscriber = connected(consumer)
    await subscriber.on_partitions_assigned({MORNING, NOON})
    await subscriber.sample()
    assert lag() is None
    clock[0] += 61
    assert subscriber.trouble() == "no progress"
    consumer.ends[NOON] = 30
    await subscriber.sample()
    assert (subscriber.trouble(), lag()) == (None, 10)


async def test_a_partition_lost_while_it_is_measured() -> None:
    """A rebalance in the middle of a measurement ends neither it nor the process: what can't be said stays unsaid."""
    consumer = SomeConsumer({MORNING: 7})
    subscriber = connected(consumer)
    await subscriber.on_partitions_assigned({MORNING})
    await subscriber.sample()
    consumer.ends[MORNING] = 9
    consumer.while_asked = consumer.ends.clear
    await subscriber.sample()
    assert (subscriber.trouble(), lag()) == (None, 7)


async def test_what_fails_again_and_again_is_lag(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that was fetched and is not applied counts as behind, also while the client's position stands behind it;
    for too long it is no progress."""
    metrics.LAG.clear()
    monkeypatch.setattr(at_work, "FIRST_BACKOFF_S", 0.0)
    consumer = SomeConsumer({MORNING: 40}, at=40)
    subscriber = connected(consumer)
    await subscriber.on_partitions_assigned({MORNING})

    async def fails(*_given: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(subscriber._applying, "apply", fails)
    record = SimpleNamespace(
        topic=MORNING.topic, partition=MORNING.partition, offset=33, key=None, value=None, headers=(), timestamp=0
    )
    with pytest.raises(ConnectionResetError):
        await subscriber.on_batch([record])
    await subscriber.sample()
    assert lag() == 7
    clock[0] += 61
    await subscriber.sample()
    assert subscriber.trouble() == "no progress"


def test_more_gathers_in_a_flood_and_never_behind_a_full_batch() -> None:
    """A trickle waits 40 ms; batch upon batch waits twice as long each time, up to 200 ms, and a pause ends that."""
    bus = a_subscriber()
    trickle = [bus._gather_s(3, at) for at in (10.0, 10.1)]
    started, flood = 20.0, []
    for _ in range(5):
        bus._ended = started - 0.1
        flood.append(bus._gather_s(120, started))
    bus._ended = started - 0.1
    full = bus._gather_s(1000, started)
    later = bus._gather_s(120, bus._ended + 1)
    assert (trickle, flood, full, later) == ([0.04, 0.04], [0.08, 0.16, 0.2, 0.2, 0.2], 0.0, 0.04)
