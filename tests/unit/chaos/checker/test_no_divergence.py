"""What looks odd and is as it should be: lost replies, things said again, records that wait for an operator."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker import Evidence, examine
from tests.chaos.checker.catalog import FILE, GROUPS
from tests.chaos.checker.invariants.dead_letters import PARKED
from tests.chaos.checker.ledger import FOUND_TOO, Ledger, Poison
from tests.chaos.checker.log import Record, of_type
from tests.unit.chaos.checker.recorded import load


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return load(tmp_path)


def said(evidence: Evidence, **changed: Any) -> set[str]:
    """The invariants that speak, of the evidence with some of it changed."""
    known = {name: getattr(evidence, name) for name in ("ledger", "records", "tables", "report", "behind")}
    return {one.invariant for one in examine(Evidence(**{**known, **changed}))}


def with_unknown(evidence: Evidence, ending: str) -> tuple[Ledger, str]:
    """A ledger whose first request to such a path never got its answer, and that request's key."""
    lines = list(evidence.ledger.lines)
    at = next(n for n, one in enumerate(lines) if one.path.endswith(ending))
    lines[at] = replace(lines[at], status=None, answer=None)
    return Ledger(evidence.ledger.folder, lines, evidence.ledger.poison), str(lines[at].key)


@pytest.mark.parametrize(
    ("service", "ending"), [("outreach", "/attempts"), ("scheduling", "/appointments"), ("scheduling", "/fulfil")]
)
def test_an_unknown_outcome_is_one_of_two(evidence: Evidence, service: str, ending: str) -> None:
    """A request whose reply got lost may have taken effect; the service then keeps its answer. Without the answer the
    effect must not be there."""
    ledger, key = with_unknown(evidence, ending)
    assert not said(evidence, ledger=ledger)
    kept = evidence.tables[service]["idempotency_key"]
    kept.remove(next(row for row in kept if row["key"] == key))
    assert said(evidence, ledger=ledger) & {"attempts_are_as_asked", "appointments_are_as_asked"}


def letter(group: str, record: Record, reason: str, state: str) -> dict[str, Any]:
    headers = [[name, None if one is None else base64.b64encode(one).decode()] for name, one in record.headers]
    return {
        "consumer": group, "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "key": record.key, "value": record.value, "headers": headers, "reason": reason, "state": state,
    }  # fmt: skip


def test_a_log_delivered_twice(evidence: Evidence) -> None:
    """Every record once more at the end of its partition changes nothing; poison waits behind itself."""
    ends: dict[tuple[str, int], int] = {}
    for one in evidence.records:
        ends[one.topic, one.partition] = max(ends.get((one.topic, one.partition), 0), one.offset + 1)
    again = [replace(one, offset=one.offset + ends[one.topic, one.partition]) for one in evidence.records]
    planted = {evidence.records[n].place: one for n, one in enumerate(again)}
    for poison in evidence.ledger.poison:
        for group in poison.groups:
            letters = evidence.tables[group.partition(".")[0]]["dead_letter"]
            letters.append(letter(group, planted[poison.place], PARKED, "parked"))
    assert not said(evidence, records=[*evidence.records, *again], report=None)


def test_a_fact_that_one_group_set_aside(evidence: Evidence) -> None:
    """A fact whose handler failed is missing where it was set aside, and there alone."""
    group = next(one for one, topic in GROUPS.items() if topic == "vcc.feed-file.v1")
    fact = of_type(evidence.facts, FILE)[0]
    tables = evidence.tables["reporting"]
    tables["dead_letter"].append(letter(group, fact.record, "handler-error", "dead"))
    tables["parked_key"].append({"consumer": group, "topic": fact.record.topic, "key": fact.record.key})
    tables["feed_file"].remove(next(row for row in tables["feed_file"] if row["file_id"] == fact.entity[0]))
    assert said(evidence, report=None) == {"marks_are_of_the_log", "dead_letters_are_the_poison"}
    tables["inbox"].remove(next(row for row in tables["inbox"] if row["event_id"] == fact.event_id))
    poison = [*evidence.ledger.poison, Poison(fact.record.place, FOUND_TOO, (group,))]
    assert not said(evidence, ledger=replace(evidence.ledger, poison=poison), report=None)


def test_two_names_of_one_file(evidence: Evidence) -> None:
    """The same bytes sent again under another name are the same file."""
    ledger = evidence.ledger
    first = next(one for one in ledger.lines if one.file)
    assert first.file is not None
    (ledger.folder / "feeds" / "again").write_bytes((ledger.folder / first.file).read_bytes())
    again = replace(first, n=9999, file="feeds/again", status=200)
    assert not said(evidence, ledger=Ledger(ledger.folder, [*ledger.lines, again], ledger.poison))
