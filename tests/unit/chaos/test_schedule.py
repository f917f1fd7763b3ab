"""A schedule of faults follows from its seed alone, and no fault is forgotten."""

from tests.chaos.driver import BEATS
from tests.chaos.faults import FAULTS
from tests.chaos.schedule import schedule

EVERYTHING = 30  # seeds in a row after which each fault has had its turn


def test_the_same_seed_gives_the_same_schedule() -> None:
    """A failure can be replayed: moments, faults and parameters are the same again, and another seed's are not."""
    assert [str(one) for one in schedule(7, 6)] == [str(one) for one in schedule(7, 6)]
    assert [str(one) for one in schedule(7, 6)] != [str(one) for one in schedule(8, 6)]


def test_every_fault_has_its_turn() -> None:
    """Seeds in a row go through the whole list."""
    struck = {one.fault for seed in range(EVERYTHING) for one in schedule(seed, 6)}
    assert struck == set(FAULTS)


def test_a_round_bears_one_long_fault() -> None:
    """Two outages of a minute in one round would only test patience."""
    for seed in range(EVERYTHING):
        assert sum(FAULTS[one.fault].is_long for one in schedule(seed, 6)) <= 1


def test_faults_strike_when_there_is_work() -> None:
    """Each stands before a deed that it is meant for, on a day that has one."""
    for seed in range(EVERYTHING):
        for one in schedule(seed, 6):
            assert one.phase in FAULTS[one.fault].phases
            assert 0 <= one.beat < len(BEATS)
