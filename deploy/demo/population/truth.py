"""Works out what must become of every report, as a consumer that links exactly and re-links would see it.

A report links by *name* (name, birth date and ZIP equal those of a member whom a roster has named by that day), else
by *identifier* (its registry id was tied to the member by such a report, and the birth date agrees), else *later* (one
of the two comes to hold in a later row or file), else not at all: it stays unlinked and counted.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from deploy.demo.population.enrolments import Enrolment
from deploy.demo.population.people import Person
from deploy.demo.population.reports import Report

Link = Literal["name", "identifier", "later", "none"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a report links, and from which day on the consumer can count on it."""

    link: Link
    visible_on: date | None


def link_reports(reports: Iterable[Report], enrolments: Iterable[Enrolment]) -> dict[int, Outcome]:
    """By `id` of the report, in order of submission; malformed rows have no outcome."""
    known: dict[int, date] = {}
    for enrolment in enrolments:
        if enrolment.known_from:
            number = enrolment.person.number
            known[number] = min(enrolment.known_from, known.get(number, enrolment.known_from))
    ordered = sorted((report for report in reports if not report.defect), key=lambda report: (report.file, report.row))
    tied = _tied(ordered, known)
    return {id(report): _outcome(report, known, tied) for report in ordered}


def _tied(ordered: list[Report], known: dict[int, date]) -> dict[str, tuple[date, int, int]]:
    """When each registry id was first tied to a member: day, file and row."""
    tied: dict[str, tuple[date, int, int]] = {}
    for report in ordered:
        since = known.get(report.dose.person.number)
        if since and report.is_exact and report.kind != "extract":
            tied.setdefault(report.registry_id, (max(since, report.day), report.file, report.row))
    return tied


def _outcome(report: Report, known: dict[int, date], tied: dict[str, tuple[date, int, int]]) -> Outcome:
    person = report.dose.person
    since = known.get(person.number)
    if since and report.is_exact and report.kind != "extract":
        day = max(since, report.day, report.given_on)
        return Outcome("name" if since <= report.day else "later", day)
    tie = tied.get(report.registry_id)
    if tie is None or report.birth_on != person.birth_on:
        return Outcome("none", None)
    before = tie[0] <= report.day and (tie[1], tie[2]) < (report.file, report.row)
    return Outcome("identifier" if before else "later", max(tie[0], report.day, report.given_on))


def summarise(reports: Iterable[Report], outcomes: dict[int, Outcome]) -> Counter[str]:
    """Counts by link, and of the defects that the ledger states."""
    totals: Counter[str] = Counter()
    for report in reports:
        totals[f"reports_{report.kind}"] += 1
        outcome = outcomes.get(id(report))
        totals["reports_malformed" if outcome is None else f"linked_by_{outcome.link}"] += 1
    return totals


def write_people(
    path: Path, people: Iterable[Person], enrolments: Iterable[Enrolment], reports: Iterable[Report],
    outcomes: dict[int, Outcome],
) -> None:  # fmt: skip
    """The truth per person, one JSON object a line after a line that says it is synthetic."""
    mine: dict[int, list[Enrolment]] = {}
    for enrolment in enrolments:
        mine.setdefault(enrolment.person.number, []).append(enrolment)
    told: dict[int, list[Report]] = {}
    for report in reports:
        told.setdefault(report.dose.person.number, []).append(report)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 5, raw, mtime=0) as packed:
        packed.write(b'{"note": "synthetic: every person in this file was generated"}\n')
        for person in people:
            record = _person(person, mine.get(person.number, []), told.get(person.number, []), outcomes)
            packed.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")


def _person(person: Person, enrolments: list[Enrolment], reports: list[Report], outcomes: dict[int, Outcome]) -> Any:
    doses = {report.dose.event: report.dose for report in reports if report.kind != "refusal"}
    return {
        "person": person.number,
        "is_stranger": person.is_stranger,
        "birth_on": str(person.birth_on),
        "sex": person.sex,
        "language": person.language,
        "has_phone": bool(person.phone),
        "is_protected": person.is_protected,
        "hesitancy": person.hesitancy,
        "barriers": person.barriers,
        "died_on": _text(person.died_on),
        "homes": [
            {"since": str(since) if since > date.min else None, "zip5": home.place.zip5, "tract": home.tract.fips}
            for since, home in person.homes
        ],
        "svi": person.svi,
        "enrolments": [
            {
                "plan": enrolment.plan.code,
                "member_id": enrolment.member_id,
                "line": enrolment.line,
                "known_from": _text(enrolment.known_from),
                "ended_on": _text(enrolment.ended_on),
                "ended_by": enrolment.ended_by,
                "merged_into": enrolment.merged_into,
            }
            for enrolment in enrolments
        ],
        "doses": [
            {
                "given_on": str(dose.given_on),
                "cvx": dose.product.cvx,
                "lot": dose.lot,
                "ordinal": dose.ordinal,
                "was_given": dose.was_given,
                "reports": [_report(report, outcomes) for report in reports if report.dose.event == event],
            }
            for event, dose in doses.items()
        ],
        "refused": any(report.kind == "refusal" for report in reports),
    }


def _report(report: Report, outcomes: dict[int, Outcome]) -> Any:
    outcome = outcomes.get(id(report))
    return {
        "file": report.file,
        "row": report.row,
        "kind": report.kind,
        "event": report.event,
        "registry_id": report.registry_id,
        "given_on": str(report.given_on),
        "typo": report.typo,
        "defect": report.defect,
        "link": outcome.link if outcome else None,
        "visible_on": _text(outcome.visible_on) if outcome else None,
    }


def _text(day: date | None) -> str | None:
    return str(day) if day else None
