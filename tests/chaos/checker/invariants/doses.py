"""1 and 3. A dose exists exactly where somebody's live report stands for it, and once however many there are."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from itertools import count
from typing import Any

from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.model.reports import OF, SITE, Report
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
    found: Table = {(row["member_token"], row["vaccine_group"], row["administered_on"]): _stored(row) for row in live}
    yield from compare(say, "dose of", expected, found, lambda key: f"{key[0]} ({key[1]})")
    for row in live:
        if found[row["member_token"], row["vaccine_group"], row["administered_on"]]["dose_id"] != row["dose_id"]:
            yield say(f"dose {row['dose_id']}", "one dose of a person, group and day", "two")


def reports_are_as_heard(evidence: Evidence) -> Iterator[Divergence]:
    """Every statement about a dose is kept once, as it was made last, with its member once he is known; named by the
    file and row that it came with."""
    say = saying(1, "reports_are_as_heard")
    kept = evidence.table("eligibility", "dose_report")
    rows = _by_name((_named_by(row["event_key"], row["event_id"], row["sender"], row), row) for row in kept)
    told = [(one, _heard(evidence, one)) for one in evidence.files.registrar.reports.values()]
    heard: Table = _by_name(
        (_named_by(one.event_key, "\x1f".join(one.event or ()), one.sender, said), said) for one, said in told
    )
    found: Table = {key: row for key, row in rows.items() if key in heard or not _is_taken_back(row)}
    yield from compare(say, "report", heard, found, lambda key: _named(rows.get(key)))


Name = tuple[str, ...]


def _named_by(event_key: str, number: str, sender: str, said: Mapping[str, Any]) -> tuple[str, str]:
    """What a report is of, and whose: the sender's number of a vaccination with day and vaccine, else the key of the
    row, of which several persons may each have a report. Of a number that came by several rows, whose keys differ, it
    is left open which person's report has which."""
    if number and said.get("administered_on"):
        return "\x1f".join((sender, number, said["cvx"], said["administered_on"])), said["member_token"] or ""
    return event_key.partition(OF)[0], said["member_token"] or ""


def _by_name(named: Iterable[tuple[tuple[str, str], Row]]) -> dict[Name, Row]:
    """Several of one name are told apart by their place among them, so that none hides another."""
    found: dict[Name, Row] = {}
    for (name, token), row in sorted(named, key=_in_order):
        place = next(place for place in count() if (name, token, str(place)) not in found)
        found[name, token, str(place)] = row
    return found


def _in_order(named: tuple[tuple[str, str], Row]) -> tuple[tuple[str, str], bool, str]:
    name, row = named
    return name, bool(row["is_retracted"]), str(row["stated_at"])


def _is_taken_back(row: Row) -> bool:
    """What a site recorded and took back counts for nothing."""
    return bool(row["source"] == SITE and row["is_retracted"])


def _named(row: Row | None) -> str:
    return "that is not there" if row is None else f"{row['report_id']} (file {row['file_id']} row {row['row']})"


def _heard(evidence: Evidence, one: Report) -> dict[str, Any]:
    member_token = evidence.token_of.get(one.person.last) if one.person else None
    stated_at = one.stated_at.astimezone(UTC).isoformat() if one.stated_at else None
    heard: dict[str, Any] = {
        "source": one.source, "member_token": member_token, "is_retracted": one.is_retracted, "stated_at": stated_at,
    }  # fmt: skip
    if one.row is None or not one.row.is_patient:
        on = one.given_on.isoformat() if one.given_on else None
        heard |= {name: getattr(one, name) for name in (*SAID, "is_historical")} | {"administered_on": on}
    return heard


def _said(dose: Any) -> dict[str, Any]:
    groups = list(dose.groups) if len(dose.groups) > 1 else []
    return {name: getattr(dose, name) for name in SAID} | {"sources": list(dose.sources), "vaccine_groups": groups}


def _stored(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in (*SAID, "sources", "vaccine_groups", "is_announced", "dose_id")}
