"""How late a subscription is, in seconds and by partition."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from services.kit.lag import Lag

TOPIC = "vcc.sundial.v1"
MORNING, NOON = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
MONTH_S = 30 * 86_400


@pytest.fixture
def lag(request: pytest.FixtureRequest) -> Lag:
    """Of two partitions that were read to their ends at 90."""
    lag = Lag(TOPIC, request.node.name)
    lag.tell({MORNING: 0, NOON: 0}, 90)
    return lag


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Lag:
    """Of a process that has just started."""
    return Lag(TOPIC, request.node.name)


def a_record(partition: int, at: float) -> Any:
    return SimpleNamespace(partition=partition, timestamp=at * 1000)


def seconds(lag: Lag) -> float | None:
    return REGISTRY.get_sample_value("vcc_lag_seconds", {"topic": TOPIC, "group": lag.group})


def records(lag: Lag, partition: int) -> float | None:
    labels = {"topic": TOPIC, "group": lag.group, "partition": str(partition)}
    return REGISTRY.get_sample_value("vcc_lag_partition", labels)


def test_a_partition_is_late_since_its_last_record(lag: Lag) -> None:
    """The most belated partition counts, from the record that was applied last; which is one of two, is told by
    partition."""
    lag.applied([a_record(0, 100), a_record(1, 160), a_record(0, 90)])
    lag.tell({MORNING: 7, NOON: 2}, 200)
    assert (seconds(lag), records(lag, 0), records(lag, 1)) == (100, 7, 2)


def test_what_comes_after_a_quiet_week_is_not_a_week_late(lag: Lag) -> None:
    """Who had nothing to read a moment ago is late by a moment, however old the last record is."""
    lag.applied([a_record(0, 100)])
    lag.tell({MORNING: 0}, 600_000)
    assert seconds(lag) == 0
    lag.tell({MORNING: 1}, 600_002)
    assert seconds(lag) == 2


def test_what_stands_still_grows_later(lag: Lag) -> None:
    """Each look finds it later by the time between."""
    lag.applied([a_record(0, 100)])
    found = []
    for now in (110, 130, 190):
        lag.tell({MORNING: 3}, now)
        found.append(seconds(lag))
    assert found == [10, 30, 90]


def test_what_stands_still_from_the_start_is_late_since_then(fresh: Lag) -> None:
    """A process that applies nothing, as before a record that can't be, says so without having applied any."""
    found = []
    for now in (100, 160, 460):
        fresh.tell({MORNING: 3}, now)
        found.append(seconds(fresh))
    assert found == [0, 60, 360]


def test_a_rebuild_that_gets_on_is_not_late(fresh: Lag) -> None:
    """However old the records are that it reads: each second makes up for many. Once it has come to the end and falls
    behind again, what it applied last counts."""
    start = 100 * MONTH_S
    found = []
    for minute in range(61):
        fresh.tell({MORNING: 9}, start + 60 * minute)
        found.append(seconds(fresh))
        fresh.applied([a_record(0, start - MONTH_S + MONTH_S * part / 60) for part in (minute, minute + 0.5)])
    assert set(found) == {0}
    end = start + 3600
    fresh.tell({MORNING: 0}, end)
    fresh.applied([a_record(0, end + 10)])
    fresh.tell({MORNING: 1}, end + 70)
    assert seconds(fresh) == 60


def test_a_backlog_that_is_not_made_up_for_is_late(fresh: Lag) -> None:
    """Hours behind from the start and no quicker than what comes: late by as long as that has been seen; and a rebuild
    that stops is late from where it stopped."""
    hours = 3 * 3600
    for minute in range(11):
        now = 100_000 + 60 * minute
        fresh.tell({MORNING: 9}, now)
        fresh.applied([a_record(0, now - hours)])
    assert seconds(fresh) == 600
    rebuild = Lag(TOPIC, f"{fresh.group}-rebuild")
    rebuild.tell({MORNING: 9}, 100_000)
    rebuild.applied([a_record(0, 10_000), a_record(0, 10_100)])
    rebuild.tell({MORNING: 9}, 100_040)
    assert seconds(rebuild) == 0
    rebuild.tell({MORNING: 9}, 100_500)
    assert seconds(rebuild) == 500


def test_a_partition_that_went_elsewhere_is_told_there(lag: Lag) -> None:
    """It leaves no figure behind that never changes again, and does not make the others late."""
    lag.applied([a_record(0, 100), a_record(1, 195)])
    lag.tell({MORNING: 7, NOON: 2}, 200)
    lag.tell({NOON: 1}, 200)
    assert (seconds(lag), records(lag, 0), records(lag, 1)) == (5, None, 1)
