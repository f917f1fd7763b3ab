"""What the services' own logs add up to."""

import json
from pathlib import Path

from tests.chaos.accounts import fresh_by_group, told_twice
from tests.chaos.checker.log import Record
from tests.chaos.verdict import logged_errors


def log(folder: Path, name: str, *lines: dict[str, object]) -> None:
    (folder / f"{name}.log").write_text("".join(json.dumps(line) + "\n" for line in lines))


def applied(group: str, fresh: int) -> dict[str, object]:
    return {"event": "batch applied", "group": group, "fresh": fresh, "duplicates": 9, "level": "info"}


def test_fresh_events_are_summed_over_all_processes(tmp_path: Path) -> None:
    """Two instances of a service share a group; duplicates do not count."""
    log(tmp_path, "outreach-1", applied("outreach.case", 3), applied("outreach.dose", 1))
    log(tmp_path, "outreach-2", applied("outreach.case", 4), {"event": "request", "status": 200, "level": "info"})
    assert fresh_by_group(tmp_path) == {"outreach.case": 7, "outreach.dose": 1}


def test_an_error_that_nobody_asked_for_is_told(tmp_path: Path) -> None:
    """A bug that was injected, a client's noise and a lost dependency are expected; anything else at level error is
    not, and neither is a line that is no JSON."""
    expected: tuple[dict[str, object], ...] = (
        {"event": "record set aside", "error": "InjectedBugError", "level": "error"},
        {"event": "library line", "logger": "aiokafka.consumer.fetcher", "level": "error"},
        {"event": "dependency unavailable", "error": "ConnectionError", "level": "error"},
    )
    log(tmp_path, "outreach-1", *expected)
    assert logged_errors(tmp_path) == []
    log(tmp_path, "outreach-1", *expected, {"event": "record set aside", "error": "KeyError", "level": "error"})
    (tmp_path / "scheduling-1.log").write_text("Traceback (most recent call last):\n")
    assert [line.split()[0] for line in logged_errors(tmp_path)] == ["outreach-1.log", "scheduling-1.log"]


def a_record(value: bytes, event_id: bytes, source: bytes = b"/vcc/reporting", offset: int = 0) -> Record:
    return Record("waffles", 0, offset, b"key", value, (("ce_source", source), ("ce_id", event_id)))


def test_a_fact_under_two_ids_is_told() -> None:
    """A record that was sent twice bears one id; two ids for one fact are two announcements. Poison is nobody's."""
    again = [a_record(b"syrup", b"1"), a_record(b"syrup", b"1", offset=1), a_record(b"butter", b"2")]
    assert told_twice(again) == []
    poison = [a_record(b"syrup", b"3", b"/vcc/somebody"), a_record(b"syrup", b"4", b"/vcc/somebody")]
    assert told_twice(again + poison) == []
    assert told_twice([*again, a_record(b"syrup", b"5")]) == [
        "[6 nothing goes out twice] waffles: the same fact under 2 ids"
    ]
