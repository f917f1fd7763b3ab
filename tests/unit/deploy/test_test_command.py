"""What `./vcc test` runs side by side, and what it makes of their ends."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.commands.test import CHAINS, NO_TEST_RAN, Beside, lanes, verdict
from deploy.local.state import ROOT


def test_no_folder_of_tests_is_left_out_or_run_twice() -> None:
    """The one lane runs what the other one is told to ignore, and all of it exists."""
    others, chains = ([str(part) for part in lane] for lane in lanes(["--durations=5"], is_quick=False))
    assert [one for one in others if one.startswith("--ignore=")] == [f"--ignore={one}" for one in CHAINS]
    assert [one for one in chains if one.startswith("tests/")] == CHAINS
    assert all((ROOT / one).exists() for one in CHAINS)
    assert "--durations=5" in others
    assert "--durations=5" in chains


@pytest.mark.parametrize(
    "named", [["tests/unit"], ["-x", "tests/unit/deploy/test_cli.py::test_the_bare_command_lists_all"]]
)
def test_whoever_names_tests_gets_one_run(named: list[str]) -> None:
    """Neither lane's own choice of folders is added to somebody's selection."""
    [only] = lanes(named, is_quick=False)
    assert only[-len(named) :] == named
    assert not {*CHAINS} & {str(part) for part in only}


def test_the_quick_tier_is_one_run() -> None:
    """It has no chains to run beside."""
    assert len(lanes([], is_quick=True)) == 1


def test_two_processes_share_all_but_the_chains() -> None:
    """Chains have one stack for all of them; whoever names tests sees them run one by one."""
    others, chains = lanes([], is_quick=False)
    [quick] = lanes([], is_quick=True)
    [named] = lanes(["tests/unit"], is_quick=True)
    assert ["-n" in lane for lane in (others, quick, chains, named)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("codes", "says"),
    [([0, 0], ""), ([0, NO_TEST_RAN], ""), ([NO_TEST_RAN, NO_TEST_RAN], "tests: none ran"), ([1, 0], "tests"),
     ([0, -9], "tests"), ([NO_TEST_RAN, 2], "tests")],
)  # fmt: skip
def test_one_bad_end_is_enough(codes: list[int], says: str) -> None:
    """A lane that failed or was killed fails all; one in which a selection left nothing does not, unless all are so."""
    assert verdict(codes) == says


def test_what_runs_beside_is_told_at_its_end() -> None:
    """Its words and its exit code are kept until they are asked for."""
    with Beside([sys.executable, "-c", "print('syrup'); raise SystemExit(3)"]) as other:
        assert (other.wait(), other.said()) == (3, "syrup\n")


def test_nothing_outlives_its_block(tmp_path: Path) -> None:
    """Whatever still runs when something else breaks is told to end, and has the time to do it in its own way."""
    up = tmp_path / "up"
    told = f"""
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
pathlib.Path({str(up)!r}).touch()
time.sleep(60)
"""
    with suppress(ZeroDivisionError), Beside([sys.executable, "-c", told]) as other:
        _until(up.exists)
        raise ZeroDivisionError
    assert other.wait() == 7


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
