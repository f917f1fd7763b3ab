"""Everything that the invariants look at, and what follows from it at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.chaos.checker.catalog import APPOINTMENT, ATTEMPT, DAY, MERGED, RETRACTED, SERVICES
from tests.chaos.checker.ledger import FOUND_TOO, Ledger, Request
from tests.chaos.checker.log import Fact, Log, Place, Record, latest, of_type, survivors_in
from tests.chaos.checker.model.member import Enrolment, Person
from tests.chaos.checker.model.people_and_doses import Files, Word, take_files
from tests.chaos.checker.tables import Row, Rows, Tables
from tests.chaos.checker.words import said_by_persons

WAITING = frozenset({"dead", "parked", "discarded"})
"""States of a dead letter whose record was not applied."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A request that took effect, with the answer that says so."""

    service: str
    path: str
    request: Request
    answer: Mapping[str, Any]
    was_unknown: bool

    @property
    def line(self) -> str:
        return f"ledger line {self.request.first.n}"


@dataclass(frozen=True, slots=True)
class DeathReport:
    """Somebody heard that a member has died: `possible`, or `nothing` if that was taken back."""

    member_token: str
    source: str
    word: str


@dataclass
class Evidence:
    """The ledger, the log, the tables and the report of one run; `behind` is how many records each group has yet to
    read. What is worked out from them is worked out once."""

    ledger: Ledger
    records: Sequence[Record]
    tables: Tables
    report: Mapping[str, Any] | None = None
    behind: Mapping[str, int] = field(default_factory=dict)

    def table(self, service: str, name: str) -> Rows:
        return self.tables[service][name]

    @cached_property
    def log(self) -> Log:
        return Log(self.records, frozenset(self.planted))

    @cached_property
    def planted(self) -> dict[Place, tuple[str, ...]]:
        """Where records stand that no service made, and which groups must set them aside; copies count as well."""
        at = {record.place: record for record in self.records}
        known = {one.place: one.groups for one in self.ledger.poison if one.kind != FOUND_TOO}
        contents = {at[place].content: groups for place, groups in known.items() if place in at}
        copies = {record.place: contents[record.content] for record in self.records if record.content in contents}
        return known | copies

    @cached_property
    def facts(self) -> list[Fact]:
        """Every event once."""
        return self.log.once()

    def read_by(self, group: str) -> list[Fact]:
        """The events that a group has applied: without those that it has set aside."""
        if group not in self._read_by:
            held = self._held(group)
            self._read_by[group] = self.log.once(held) if held else self.facts
        return self._read_by[group]

    @cached_property
    def _read_by(self) -> dict[str, list[Fact]]:
        return {}

    def _held(self, group: str) -> Collection[Place]:
        letters = self.table(group.partition(".")[0], "dead_letter")
        return {place_of(one) for one in letters if one["consumer"] == group and one["state"] in WAITING}

    @cached_property
    def today(self) -> date:
        """The business day that was opened last."""
        return max(
            (date.fromisoformat(fact.body["business_on"]) for fact in of_type(self.facts, DAY)), default=date.min
        )

    # -- what the files say

    @cached_property
    def taken(self) -> list[tuple[Path, Row]]:
        """The files that eligibility took and their rows there, in the order of their numbers."""
        known = {row["sha256"]: row for row in self.table("eligibility", "feed_file")}
        paths = {self.ledger.sha256(path): path for path, _ in self.ledger.files()}  # the same bytes are one file
        rows = [(path, known[sha256]) for sha256, path in paths.items() if sha256 in known]
        return sorted(rows, key=lambda one: int(one[1]["file_no"]))

    @cached_property
    def files(self) -> Files:
        """People and doses, by the files and by what sites recorded as far as eligibility has heard of it."""
        enrolled = self.table("eligibility", "enrolment")
        retired = {(row["tenant_id"], row["member_id"]) for row in enrolled if row["is_retired"]}
        rows = [row for _, row in self.taken]
        files = take_files((path for path, _ in self.taken), retired, self.words, rows)
        whose = {str(row["member_token"]): one.person for one, row in _paired(files, enrolled)}
        for fact in latest(self.read_by("eligibility.appointment"), APPOINTMENT).values():
            if fact.body["status"] == "fulfilled":
                person = whose.get(fact.body["member_token"])
                files.registrar.give(fact.body["appointment_id"], person, fact.body["dose"])
        files.reported_dead.update(
            whose[one.member_token]
            for one in self.death_reports
            if one.word == "possible" and one.member_token in whose
        )
        return files

    @cached_property
    def words(self) -> list[Word]:
        """What persons said of files and rows that waited, in order."""
        return said_by_persons(self.ledger, self.taken, self.table("eligibility", "idempotency_key"))

    @cached_property
    def death_reports(self) -> list[DeathReport]:
        """What eligibility has heard of deaths from workers and sites, and what of it was taken back."""
        told = self.read_by("eligibility.contact-attempt")
        gone = {fact.body["attempt_id"] for fact in of_type(told, RETRACTED)}
        found = []
        for fact in of_type(told, ATTEMPT):
            if fact.body["disposition"] == "deceased":
                word = "nothing" if fact.body["attempt_id"] in gone else "possible"
                found.append(self._death_report(fact, f"attempt:{fact.body['attempt_id']}", word))
        heard = self.read_by("eligibility.appointment")
        reports = [fact for fact in of_type(heard, APPOINTMENT) if _reports_death(fact)]
        last = {fact.body["appointment_id"]: fact for fact in latest(heard, APPOINTMENT).values()}
        for appointment_id in sorted({fact.body["appointment_id"] for fact in reports}):
            word = "possible" if _reports_death(last[appointment_id]) else "nothing"
            found.append(self._death_report(last[appointment_id], f"appointment:{appointment_id}", word))
        return found

    def _death_report(self, fact: Fact, source: str, word: str) -> DeathReport:
        member_token: str = fact.body["member_token"]
        return DeathReport(self.survivor_of.get(member_token, member_token), source, word)

    @cached_property
    def pairs(self) -> list[tuple[Enrolment, Row]]:
        """Each enrolment that the files tell of with its row in the database."""
        return _paired(self.files, self.table("eligibility", "enrolment"))

    @cached_property
    def token_of(self) -> dict[Person, str]:
        """The token of each person that the files tell of."""
        return {one.person: str(row["member_token"]) for one, row in self.pairs}

    # -- what the log says

    @cached_property
    def survivor_of(self) -> dict[str, str]:
        """The surviving token of each retired one."""
        merges = survivors_in(of_type(self.facts, MERGED))
        return {member_token: _last(member_token, merges) for member_token in merges}

    @cached_property
    def about(self) -> dict[str, list[Fact]]:
        """The facts about each member, by token."""
        found = defaultdict[str, list[Fact]](list)
        for fact in self.facts:
            found[fact.body.get("member_token", "")].append(fact)
        return found

    # -- what was asked

    @cached_property
    def effects(self) -> list[Effect]:
        """Every request that took effect: those that were answered so, and of the unknown ones those whose answer the
        service keeps."""
        kept = {service: self._kept(service) for service in SERVICES}
        found = []
        for (service, path, key), request in self.ledger.requests().items():
            answer = request.answered.answer if request.is_done and request.answered else None
            if request.is_unknown:
                answer = kept[service].get((path, key))
            if answer is not None:
                found.append(Effect(service, path, request, answer, was_unknown=request.is_unknown))
        return found

    def _kept(self, service: str) -> dict[tuple[str, str], Mapping[str, Any]]:
        rows = [row for row in self.table(service, "idempotency_key") if 200 <= (row["status"] or 0) < 300]
        return {(row["method_path"].partition(" ")[2], row["key"]): row["response"]["body"] for row in rows}


def place_of(letter: Row) -> Place:
    return letter["topic"], letter["partition"], letter["offset"]


def _reports_death(fact: Fact) -> bool:
    one = fact.body
    died = one["status"] == "cancelled" and one.get("cancellation_reason") == "pat-dec"
    return died and not one.get("by_rule", False)


def _paired(files: Files, rows: Rows) -> list[tuple[Enrolment, Row]]:
    known = {_name(row): row for row in rows}
    return [(one, known[one.name]) for one in files.people.enrolments() if one.name in known]


def _name(row: Row) -> tuple[object, ...]:
    """By which it is told from others; who has no number any more is told by who he is."""
    who = () if row["member_id"] else (row["family"], row["given"], row["birth_on"])
    return row["tenant_id"], row["member_id"], row["is_retired"], *who


def _last(member_token: str, merges: Mapping[str, str]) -> str:
    seen = {member_token}
    while (following := merges.get(member_token)) and following not in seen:
        member_token = following
        seen.add(member_token)
    return member_token
