"""Identifiers: of the right form, never twice, and in the order of their making."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from unittest.mock import Mock
from uuid import RFC_4122, UUID

import pytest

from services.kit.ids import _Maker, derived_id, new_id


def test_ids_are_uuid_7_of_now() -> None:
    """Version, variant and the millisecond stand where RFC 9562 wants them."""
    before = time.time_ns() // 1_000_000
    made = new_id()
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_sort_in_the_order_of_their_making() -> None:
    """Many fall into one millisecond, and yet each is greater than the one before, by a step that nobody can guess."""
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    steps = {later.int - earlier.int for earlier, later in pairwise(made)}
    assert len(steps) > 19_000


def test_ids_go_on_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back makes no id smaller than those made before."""
    before = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert new_id() > before


def test_threads_share_no_id() -> None:
    """Ids made at once in several threads differ."""
    with ThreadPoolExecutor(4) as pool:
        made = [one for part in pool.map(lambda _: [new_id() for _ in range(2_000)], range(4)) for one in part]
    assert len(set(made)) == 8_000


def test_a_forked_process_draws_ids_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same millisecond as its parent's next id, the child's is another one."""
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, new_id().bytes)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert UUID(bytes=answer.read()) != new_id()


def test_a_draw_that_failed_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One failure of the system's randomness costs one id and no more, whatever the clock says."""
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    maker = _Maker()
    assert maker.make().version == 7
    with monkeypatch.context() as failing:
        failing.setattr(os, "urandom", Mock(side_effect=OSError("once")))
        with pytest.raises(OSError, match="once"):
            maker.make()
    assert maker.make().version == 7


def test_a_derived_id_is_the_same_for_the_same_parts() -> None:
    """Facts with a natural key keep their id."""
    assert derived_id("waffle", 1) == derived_id("waffle", "1") != derived_id("waffle", 2)
