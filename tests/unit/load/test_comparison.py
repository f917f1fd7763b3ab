"""How sides are compared: in turn, the best of each, and only if they did the same."""

import pytest

from tests.load import facts, marks
from tests.load.__main__ import main
from tests.load.comparison import rates, ratio
from tests.load.rounds import in_turn
from tests.load.same_tables import TablesDifferError, check_same
from tests.load.side import Taken


def test_sides_run_in_turn_and_the_best_run_counts() -> None:
    """Hare and tortoise alternate; by the clock and by processor time each shows its best."""
    order: list[str] = []
    runs = {
        "hare": iter(((2.0, 1.0), (1.0, 1.5), (3.0, 2.0))),
        "tortoise": iter(((9.0, 3.0), (8.0, 3.0), (7.0, 4.0))),
    }

    def run(name: str) -> Taken:
        order.append(name)
        wall_s, cpu_s = next(runs[name])
        return Taken(10, wall_s, {"python": cpu_s, "others": 50.0}, 1.0)

    done = in_turn(3, {"hare": lambda: run("hare"), "tortoise": lambda: run("tortoise")})
    assert order == ["hare", "tortoise"] * 3
    assert [one.value for one in rates(done)] == [10.0, 10 / 7]
    assert [one.value for one in ratio(done, "hare", "tortoise")] == [7.0, 3.0]


def test_sides_that_wrote_different_rows_are_no_comparison() -> None:
    """The error names the table that differs and no other."""
    one = {"member": (3, "abc"), "outbox": (2, "def")}
    check_same({"service": one, "loop": dict(one)})
    with pytest.raises(TablesDifferError, match=r"^outbox: rows .*'loop': \{'outbox': 1\}"):
        check_same({"service": one, "loop": {**one, "outbox": (1, "xyz")}})


def test_some_facts_are_delivered_twice() -> None:
    """One in twenty comes again later, under the same event id."""
    made = facts.records(200)
    ids = [dict(one.headers)["ce_id"] for one in made]
    assert (len(ids), len(set(ids))) == (210, 200)


def test_an_event_delivered_twice_keeps_its_number() -> None:
    """Numbers rise in the order of the log, and what comes again is known by its old number."""
    made = facts.numbered(facts.records(200))
    by_id: dict[bytes | None, set[bytes | None]] = {}
    for one in made:
        headers = dict(one.headers)
        by_id.setdefault(headers["ce_id"], set()).add(headers[marks.HEADER])
    assert all(len(numbers) == 1 for numbers in by_id.values())
    first_seen = [int((next(iter(numbers)) or b"").split(b".")[2]) for numbers in by_id.values()]
    assert first_seen == sorted(first_seen)


def test_an_unknown_benchmark_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, with the names that there are."""
    with pytest.raises(SystemExit) as ended:
        main(["moon-landing"])
    assert ended.value.code == 2
    assert "service-path" in capsys.readouterr().err
