"""1 and 3. A dose exists exactly where somebody's live report stands for it, and once however many there are."""

from collections.abc import Iterator
from typing import Any

from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.tables import Row

SAID = ("cvx", "mvx", "lot", "is_partial")


def doses_are_as_reported(evidence: Evidence) -> Iterator[Divergence]:
    """By person, vaccine group and day; seen by others from its day on."""
    say = saying(3, "doses_are_as_reported")
    token_of, today = evidence.token_of, evidence.today
    expected: Table = {
        (token_of.get(person, "?"), group, on.isoformat()): _said(dose) | {"is_announced": on <= today}
        for (person, group, on), dose in evidence.files.registrar.doses().items()
    }  # fmt: skip
    live = [row for row in evidence.table("eligibility", "dose") if not row["is_retracted"]]
    found: Table = {(row["token"], row["vaccine_group"], row["administered_on"]): _stored(row) for row in live}
    yield from compare(say, "dose of", expected, found, lambda key: f"{key[0]} ({key[1]})")
    for row in live:
        if found[row["token"], row["vaccine_group"], row["administered_on"]]["dose_id"] != row["dose_id"]:
            yield say(f"dose {row['dose_id']}", "one dose of a person, group and day", "two")
    yield from _unlinked(evidence)


def _unlinked(evidence: Evidence) -> Iterator[Divergence]:
    """What waits for its member, by the sender's own name of it."""
    say = saying(1, "doses_are_as_reported")
    expected = {one.event_key for one in evidence.files.registrar.still_unlinked()}
    rows = [row for row in evidence.table("eligibility", "dose_report") if not row["is_retracted"]]
    waiting = {row["event_key"]: row for row in rows if row["token"] is None}
    for key in sorted(waiting.keys() - expected):
        row = waiting[key]
        yield say(f"report {row['report_id']} of file {row['file_id']} row {row['row']}", "a member", "none")
    linked = {row["event_key"]: row for row in rows if row["token"] is not None}
    for key in sorted(expected - waiting.keys()):
        found = linked.get(key)
        yield say(f"report {found['report_id']}" if found else "a report", "no member yet", "one" if found else "none")


def _said(dose: Any) -> dict[str, Any]:
    return {name: getattr(dose, name) for name in SAID} | {"sources": list(dose.sources)}


def _stored(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in (*SAID, "sources", "is_announced", "dose_id")}
