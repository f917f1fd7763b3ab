"""What the command says of its rounds."""

import json
from pathlib import Path

import pytest

from tests.chaos.conductor import Struck
from tests.chaos.main import Sums, Wish, tell, tell_sums
from tests.chaos.rounds import Result
from tests.chaos.schedule import Planned

KILL = Planned(0, "files", "kill at random", {"service": "outreach"})
POISON = Planned(1, "calls", "poison: tombstone", {"topic": "waffles"})


def a_result(*divergences: str) -> Result:
    struck = [Struck(KILL, 1.5, 10.0), Struck(POISON, 3.0, 0.1, "there is no member yet")]
    return Result(7, 500, [KILL, POISON], struck, list(divergences), requests=120, unknown=3, folder=Path("/waffles"))


def test_a_round_that_is_well_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Seed, faults that struck and that missed, members, requests."""
    tell(a_result(), Wish())
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "seed 7: 1 faults (+1 missed), 500 members, 120 requests (3 unknown)" in out
    assert "equal" in out


def test_a_divergence_comes_with_all_that_is_needed_to_see_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The command that replays the seed, what struck when, the first divergence, and where feeds and logs lie."""
    tell(a_result("[5 no_slot_is_oversold] slot of pancakes", "another"), Wish(faults=6, only=["poison: tombstone"]))
    out = capsys.readouterr().out
    assert './vcc chaos --rounds 1 --seed 7 --members 500 --faults 6 --only "poison: tombstone"' in out
    assert "day 1 before files: kill at random (service=outreach)" in out
    assert "missed, there is no member yet" in out
    assert "first divergence: [5 no_slot_is_oversold] slot of pancakes" in out
    assert "/waffles" in out


def test_the_last_line_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults that missed do not count as faults."""
    sums = Sums()
    sums.add(a_result())
    sums.add(a_result("a", "b"))
    tell_sums(sums, Wish())
    assert capsys.readouterr().out == "2 rounds, 2 faults, 1000 members, 2 divergences\n"


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A round, and the sums by fault; the sentence goes to the other stream."""
    sums = Sums()
    sums.add(a_result())
    tell(a_result(), Wish(as_json=True))
    tell_sums(sums, Wish(as_json=True))
    told = capsys.readouterr()
    of_round, of_all = (json.loads(line) for line in told.out.splitlines())
    assert (of_round["seed"], of_round["faults"], of_round["divergences"]) == (7, 1, [])
    assert of_all["by_fault"] == {"kill at random": {"struck": 1, "missed": 0},
                                  "poison: tombstone": {"struck": 0, "missed": 1}}  # fmt: skip
    assert told.err == "1 rounds, 1 faults, 500 members, 0 divergences\n"
