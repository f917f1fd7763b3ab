"""1. What is known of members is what the rosters and registries said, and the answers are what follows from it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from tests.chaos.checker.catalog import DECIDED
from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Table, compare, saying
from tests.chaos.checker.log import Body, latest
from tests.chaos.checker.model.eligibility import told
from tests.chaos.checker.model.member import Enrolment, Person
from tests.chaos.checker.model.people_and_doses import decisions
from tests.chaos.checker.tables import Row

STATED = ("group", "family", "given", "birth_on", "sex", "races", "ethnicity", "language", "spoken", "zip5", "tract",
          "county", "is_restricted")  # fmt: skip


def members_are_as_stated(evidence: Evidence) -> Iterator[Divergence]:
    """Each member of a plan once, with what its rosters say; under one token in all plans."""
    say = saying(1, "members_are_as_stated")
    paired = {id(one) for one, _ in evidence.pairs}
    for one in evidence.files.people.enrolments():
        if id(one) not in paired:
            yield say(_last_row(evidence, one), "the member's enrolment", "none")
    known = {row["enrolment_id"] for _, row in evidence.pairs}
    for row in evidence.table("eligibility", "enrolment"):
        if row["enrolment_id"] not in known:
            yield say(f"enrolment {row['enrolment_id']}", "none", "a row that no roster tells of")
    expected: Table = {(row["enrolment_id"],): _stated(one) for one, row in evidence.pairs if not one.is_retired}
    found: Table = {(row["enrolment_id"],): _stored(row) for one, row in evidence.pairs if not one.is_retired}
    yield from compare(say, "enrolment", expected, found)
    for one, row in evidence.pairs:
        if row["member_token"] != evidence.token_of[one.person]:
            yield say(f"enrolment {row['enrolment_id']}", f"token {evidence.token_of[one.person]}", row["member_token"])
    yield from _two_under_one(evidence)
    yield from _persons(evidence)


def _two_under_one(evidence: Evidence) -> Iterator[Divergence]:
    """Nobody bears another's token: what no file and no person says to be one is two."""
    say = saying(1, "members_are_as_stated")
    whose: dict[str, Person] = {}
    for person, member_token in evidence.token_of.items():
        if whose.setdefault(member_token, person.last) is not person.last:
            yield say(f"person {member_token}", "one person", "two persons under one token")


def _persons(evidence: Evidence) -> Iterator[Divergence]:
    say = saying(1, "members_are_as_stated")
    expected: Table = {(member_token,): _person(evidence, person) for person, member_token in evidence.token_of.items()}
    found: Table = {
        (row["member_token"],): {"merged_into": row["merged_into"]}
        for row in evidence.table("eligibility", "person")
    }  # fmt: skip
    yield from compare(say, "person", expected, found)


def _person(evidence: Evidence, person: Person) -> dict[str, Any]:
    return {"merged_into": evidence.token_of.get(person.last) if person.merged_into else None}


def deaths_are_as_said(evidence: Evidence) -> Iterator[Divergence]:
    """What each plan said last of its members' deaths, and what workers and sites reported."""
    say = saying(1, "deaths_are_as_said")
    expected: Table = {
        (member_token, f"roster:{plan}"): {
            "word": "deceased" if said.is_dead else "alive", "tenant_id": plan,
            "death_on": said.death_on.isoformat() if said.death_on else None,
        }
        for person, member_token in evidence.token_of.items() for plan, said in person.deaths.items()
    }  # fmt: skip
    expected |= {(one.member_token, one.source): {"word": one.word, "death_on": None} for one in evidence.death_reports}
    found: Table = {
        (row["member_token"], row["source"]): row for row in evidence.table("eligibility", "vital_statement")
        if not row["source"].startswith("registry")
    }  # fmt: skip
    yield from compare(say, "word on", expected, found)


def _last_row(evidence: Evidence, one: Enrolment) -> str:
    file, row = one.said_at
    return f"file {evidence.taken[file - 1][1]['file_id']} row {row}"


def _stated(one: Enrolment) -> dict[str, Any]:
    stated = {name: getattr(one, name) for name in STATED}
    birth_on = one.birth_on.isoformat() if one.birth_on else None
    spans = [span.as_stored() for span in one.spans]
    lists = {"races": list(one.races), "spoken": list(one.spoken)}
    return {**stated, **lists, "birth_on": birth_on, "spans": spans}


def _stored(row: Row) -> dict[str, Any]:
    return {name: row["group_number" if name == "group" else name] for name in (*STATED, "spans")}


def statements_are_as_said(evidence: Evidence) -> Iterator[Divergence]:
    """What registries said of members: each thing as it was said last."""
    say = saying(1, "statements_are_as_said")
    expected: Table = {
        (evidence.token_of[person],): {
            "races": list(said.races), "ethnicity": said.ethnicity, "zip5": said.zip5, "tract": said.tract,
        }
        for person, said in evidence.files.registrar.said.items() if person in evidence.token_of
    }  # fmt: skip
    rows = [row for row in evidence.table("eligibility", "member_statement") if row["source"] == "registry"]
    yield from compare(say, "statement about", expected, {(row["member_token"],): row for row in rows})
    consents: Table = {
        (evidence.token_of[person], source): {
            "is_protected": consent.protection[2] if consent.protection else None,
            "publicity": consent.publicity[2] if consent.publicity else "",
        }
        for person, said in evidence.files.registrar.said.items() if person in evidence.token_of
        for source, consent in said.consents.items()
    }  # fmt: skip
    rows = list(evidence.table("eligibility", "registry_consent"))
    yield from compare(say, "consent of", consents, {(row["member_token"], row["source"]): row for row in rows})


def decisions_are_as_decided(evidence: Evidence) -> Iterator[Divergence]:
    """The answer kept for each enrolment and programme says what the files and the rules say, and so does the newest
    fact, as far as it tells it."""
    say = saying(1, "decisions_are_as_decided")
    newest = {entity: fact.body for entity, fact in latest(evidence.facts, DECIDED).items()}
    rows = dict(evidence.pairs)
    told_on = {body["enrolment_id"]: date.fromisoformat(body["decided_on"]) for body in newest.values()}

    def day_of(one: Enrolment) -> date:
        return told_on.get(rows[one]["enrolment_id"], evidence.today) if one in rows else evidence.today

    expected: Table = {}
    for decided in decisions(evidence.files, day_of, evidence.today):
        row = rows.get(decided.enrolment)
        if row is not None:
            merged_into = _person(evidence, decided.enrolment.person)["merged_into"]
            identity = {"member_token": row["member_token"], "merged_into": merged_into}
            expected[row["enrolment_id"], decided.programme_id] = decided.fact | identity
    yield from compare(say, "answer for enrolment", expected, _kept(evidence))
    facts: Table = {key: told(answer) for key, answer in expected.items()}
    yield from compare(say, "fact of enrolment", facts, {key: _whole(body) for key, body in newest.items()})


def _kept(evidence: Evidence) -> Table:
    rows = (row for row in evidence.table("eligibility", "decision") if row["fact"])
    return {(row["enrolment_id"], row["programme_id"]): _whole(row["fact"]) for row in rows}


def _whole(body: Body) -> Body:
    """With the SVI value that is left out where there is none."""
    return {**body, "svi": {name: one for name, one in body["svi"].items() if one is not None}}
