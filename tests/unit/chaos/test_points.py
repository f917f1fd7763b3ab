"""Points at which a process is made to fail, and the switch that arms them."""

import json
from pathlib import Path

import pytest

from tests.chaos.points import InjectedError, Switchboard


def arm(folder: Path, passes: int, deed: str = "fail") -> None:
    (folder / "pancakes.relay.sent").write_text(json.dumps({"passes": passes, "deed": deed}))


def test_nothing_happens_at_a_point_that_is_not_armed(tmp_path: Path) -> None:
    """A pass of a point without a file leaves no trace."""
    Switchboard(tmp_path, "pancakes").passed("relay.sent")
    assert list(tmp_path.iterdir()) == []


def test_the_deed_is_done_at_the_pass_that_was_asked_for(tmp_path: Path) -> None:
    """The third pass fails, those before and after it do not, and a file says that it happened."""
    board = Switchboard(tmp_path, "pancakes")
    arm(tmp_path, 3)
    board.passed("relay.sent")
    board.passed("relay.sent")
    assert not (tmp_path / "pancakes.relay.sent.fired").exists()
    with pytest.raises(InjectedError):
        board.passed("relay.sent")
    assert (tmp_path / "pancakes.relay.sent.fired").exists()
    board.passed("relay.sent")


def test_one_of_two_processes_takes_the_arms(tmp_path: Path) -> None:
    """Two instances of a service pass the point; whoever comes first is hit, and only that one."""
    first, second = Switchboard(tmp_path, "pancakes"), Switchboard(tmp_path, "pancakes")
    arm(tmp_path, 1)
    with pytest.raises(InjectedError):
        first.passed("relay.sent")
    second.passed("relay.sent")


def test_another_services_arms_are_nobodys(tmp_path: Path) -> None:
    """A point armed for one service does not hit another."""
    arm(tmp_path, 1)
    Switchboard(tmp_path, "waffles").passed("relay.sent")


def test_a_bug_is_for_one_residue_class_of_members(tmp_path: Path) -> None:
    """A handler chokes on the members that the file names, until the file is gone."""
    board = Switchboard(tmp_path, "pancakes")
    (tmp_path / "pancakes.handler-bug").write_text("[10, 3]")
    assert [member_token for member_token in range(30) if board.has_bug_for(member_token)] == [3, 13, 23]
    (tmp_path / "pancakes.handler-bug").unlink()
    assert not board.has_bug_for(3)
