"""Each invariant speaks when it is broken, and only then: one thing is broken at a time in a state that was true."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker import Evidence, examine
from tests.chaos.checker.catalog import ATTEMPT, DECIDED, MERGED, POOL, TOPIC
from tests.chaos.checker.invariants import INVARIANTS
from tests.chaos.checker.ledger import Ledger, Line
from tests.chaos.checker.log import Record, of_type
from tests.unit.chaos.checker.recorded import load

Row = dict[str, Any]
Break = Callable[[Evidence], None]
REFERRAL = {
    "referral_id": "01900000-0000-7000-8000-000000000001", "version": 1, "tenant_id": "lakeshore", "need": "stress",
    "enrolment_id": "01900000-0000-7000-8000-000000000002", "partner_id": "harvest", "kind": "transport",
    "status": "requested", "status_reason": None, "status_on": "2021-03-01", "requested_on": "2021-03-01",
    "due_on": None, "is_escalated": False, "gates_appointment_id": None,
}  # fmt: skip
REFERRED = REFERRAL | {"member_token": "01900000-0000-7000-8000-000000000003", "overdue": False}
NEW_ID = b"01900000-0000-7000-8000-000000000000"


def rows(evidence: Evidence, table: str, **wanted: object) -> list[Row]:
    """Rows of `service.table` with these values."""
    service, name = table.split(".")
    tables: Any = evidence.tables
    found: list[Row] = [row for row in tables[service][name] if all(row[k] == v for k, v in wanted.items())]
    assert found, f"the recorded state has no such row of {table}"
    return found


def change(table: str, **values: object) -> Break:
    """Another value in the first row."""

    def broken(evidence: Evidence) -> None:
        rows(evidence, table)[0].update(values)

    return broken


def lose(table: str, **wanted: object) -> Break:
    """A row that is gone."""

    def broken(evidence: Evidence) -> None:
        service, name = table.split(".")
        evidence.tables[service][name].remove(rows(evidence, table, **wanted)[0])

    return broken


def invent(table: str, **values: object) -> Break:
    """A row that nothing else speaks of."""

    def broken(evidence: Evidence) -> None:
        service, name = table.split(".")
        evidence.tables[service][name].append(values)

    return broken


def double(table: str, **values: object) -> Break:
    """A row that is there once more, with other values."""

    def broken(evidence: Evidence) -> None:
        service, name = table.split(".")
        evidence.tables[service][name].append({**rows(evidence, table)[0], **values})

    return broken


def records_of(evidence: Evidence) -> list[Record]:
    """As they may be changed."""
    assert isinstance(evidence.records, list)
    return evidence.records


def add(evidence: Evidence, record: Record, **values: Any) -> Record:
    """A record at the end of its partition."""
    ends = [one.offset for one in evidence.records if one.place[:2] == record.place[:2]]
    added = replace(record, offset=max(ends) + 1, **values)
    records_of(evidence).append(added)
    return added


def another_id(record: Record) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, NEW_ID if name == "ce_id" else value) for name, value in record.headers)


# -- what is broken


def a_file_that_was_lost(evidence: Evidence) -> None:
    (evidence.ledger.folder / "feeds" / "lost").write_bytes(b"ISA of a file that nobody knows")
    line = Line(9999, "eligibility", "POST", "/feed-files", file="feeds/lost", status=201, answer={})
    evidence.ledger = replace(evidence.ledger, lines=[*evidence.ledger.lines, line])


def a_list_of_nobodys(evidence: Evidence) -> None:
    file_id = rows(evidence, "eligibility.feed_file")[0]["file_id"]
    judged = {"file_id": file_id, "plan": "prairie", "absence": "applied", "ended": 1}
    evidence.tables["eligibility"]["feed_absence"].append(judged)


def put_into_a_fact(evidence: Evidence, **said: str) -> str:
    """Gives whose fact it is."""
    newest = of_type(evidence.facts, DECIDED)[-1].record
    body = {**json.loads(newest.value or b""), **said}
    records_of(evidence)[evidence.records.index(newest)] = replace(newest, value=json.dumps(body).encode())
    return str(body["enrolment_id"])


def another_phase_in_a_fact(evidence: Evidence) -> None:
    whose = put_into_a_fact(evidence, phase="another")
    for row in rows(evidence, "eligibility.decision", enrolment_id=whose):
        row["fact"]["phase"] = "another"


def another_sex_in_an_answer(evidence: Evidence) -> None:
    rows(evidence, "eligibility.decision")[0]["fact"]["sex"] = "other"


def a_sex_in_a_fact(evidence: Evidence) -> None:
    put_into_a_fact(evidence, sex="other")


def an_event_with_other_bytes(evidence: Evidence) -> None:
    newest = of_type(evidence.facts, DECIDED)[-1].record
    add(evidence, newest, value=(newest.value or b"") + b" ")


def a_record_that_nobody_planted(evidence: Evidence) -> None:
    add(evidence, of_type(evidence.facts, DECIDED)[0].record, value=b"{")


def first_two_versions(evidence: Evidence) -> tuple[Record, Record]:
    facts = of_type(evidence.facts, DECIDED)
    second = next(one for one in facts if one.version == 2)
    first = next(one for one in facts if one.entity == second.entity and one.record.key == second.record.key)
    assert first.version == 1
    return first.record, second.record


def versions_turned_round(evidence: Evidence) -> None:
    swap(evidence, *first_two_versions(evidence))


def an_old_word_sent_last(evidence: Evidence) -> None:
    """As by a relay that was away with it in its hands."""
    add(evidence, first_two_versions(evidence)[0])


def a_merge_turned_round(evidence: Evidence) -> None:
    """Two things that are told under one key, of which neither counts the other's versions."""
    merge = of_type(evidence.facts, MERGED)[0].record
    fact = next(one.record for one in of_type(evidence.facts, DECIDED)[::-1] if one.record.key == merge.key)
    swap(evidence, fact, merge)


def swap(evidence: Evidence, one: Record, other: Record) -> None:
    records = records_of(evidence)
    at, to = records.index(one), records.index(other)
    records[at], records[to] = other, one


def a_version_left_out(evidence: Evidence) -> None:
    """The relay never sent it, and so nobody ever heard of it."""
    lost = next(one for one in of_type(evidence.facts, POOL) if one.version == 2)
    records_of(evidence).remove(lost.record)
    lose("reporting.slot_pool_version", block_id=lost.entity[0], version=2)(evidence)
    lose("reporting.inbox", event_id=lost.event_id)(evidence)


def an_attempt_told_twice(evidence: Evidence) -> None:
    told = of_type(evidence.facts, ATTEMPT)[0].record
    add(evidence, told, headers=another_id(told))
    for service in TOPIC[told.topic].readers:
        row = rows(evidence, f"{service}.inbox", consumer=f"{service}.contact-attempt")[0]
        evidence.tables[service]["inbox"].append({**row, "event_id": NEW_ID.decode()})


def another_answer_than_was_told(evidence: Evidence) -> None:
    """The appointment that both sides agree on is not the one of the log."""
    lines = [copy.deepcopy(one) for one in evidence.ledger.lines]
    line = next(one for one in lines if one.path == "/appointments" and one.status == 201)
    assert isinstance(line.answer, dict)
    line.answer["start_on"] = "2021-12-24"
    evidence.ledger = Ledger(evidence.ledger.folder, lines, evidence.ledger.poison)
    kept = rows(evidence, "scheduling.idempotency_key", key=line.key)[0]
    kept["response"]["body"]["start_on"] = "2021-12-24"


def a_day_of_nobodys(evidence: Evidence) -> None:
    lines = [one for one in evidence.ledger.lines if one.path != "/business-days"]
    evidence.ledger = Ledger(evidence.ledger.folder, lines, evidence.ledger.poison)
    for row in rows(evidence, "eligibility.idempotency_key", method_path="POST /business-days"):
        evidence.tables["eligibility"]["idempotency_key"].remove(row)


def a_list_of_another_rank(evidence: Evidence) -> None:
    line = next(one for one in evidence.ledger.lines if one.path == "/target-zips")
    assert line.answer is not None
    line.answer["listed"][0]["rank"] = 2


def another_product(evidence: Evidence) -> None:
    rows(evidence, "scheduling.appointment", status="fulfilled")[0]["lot"] = "EL0000"


def a_death_of_nobodys_saying(evidence: Evidence) -> None:
    person = rows(evidence, "scheduling.person")[0]["member_token"]
    report = {"report_id": "nobodys", "member_token": person, "reported_at": "2021-03-15T09:00:00+00:00"}
    evidence.tables["scheduling"]["death_report"].append({**report, "retracted": False})


def a_place_that_nobody_holds(evidence: Evidence) -> None:
    next(row for row in rows(evidence, "scheduling.slot_place") if row["appointment_id"])["appointment_id"] = None


def two_in_one_place(evidence: Evidence) -> None:
    """There is less room in a slot than was opened."""
    slot_id = rows(evidence, "scheduling.slot_place")[0]["slot_id"]
    for row in rows(evidence, "scheduling.slot", slot_id=slot_id):
        row["capacity"] = 0


def another_live_booking(evidence: Evidence) -> None:
    row = next(row for row in rows(evidence, "scheduling.appointment") if not row["walk_in"])
    for number in (1, 2):
        more = {**row, "appointment_id": f"{number}", "status": "booked", "slot_id": None, "block_id": None,
                "outcome_overdue": True}  # fmt: skip
        evidence.tables["scheduling"]["appointment"].append(more)


def a_small_count_shown(evidence: Evidence) -> None:
    assert evidence.report is not None
    evidence.report["by_age"][0]["coverage"]["members"] = 5


def a_figure_that_is_wrong(evidence: Evidence) -> None:
    assert evidence.report is not None
    evidence.report["headline"]["in_scope"]["members"] += 1


def a_death_of_nobodys(evidence: Evidence) -> None:
    member_token = rows(evidence, "eligibility.person")[0]["member_token"]
    said: Row = {"member_token": member_token, "source": "roster:lakeshore", "word": "deceased", "death_on": None}
    evidence.tables["eligibility"]["vital_statement"].append(said)


def a_letter_of_a_good_record(evidence: Evidence) -> None:
    good = of_type(evidence.facts, DECIDED)[0].record
    letter = rows(evidence, "reporting.dead_letter")[0]
    place = {"topic": good.topic, "partition": good.partition, "offset": good.offset}
    about: Row = {"consumer": "reporting.member-eligibility", "key": good.key, "value": good.value, "headers": []}
    evidence.tables["reporting"]["dead_letter"].append({**letter, **place, **about, "state": "replayed"})


def whom_nobody_told_apart(evidence: Evidence) -> None:
    pair = rows(evidence, "eligibility.person_apart")[0]
    others = [
        row["member_token"]
        for row in rows(evidence, "eligibility.person")
        if row["member_token"] != pair["member_token"]
    ]
    evidence.tables["eligibility"]["person_apart"].append(
        {**pair, "other": next(one for one in others if one != pair["other"])}
    )


def one_token_for_two(evidence: Evidence) -> None:
    """Somebody whom two plans list is one person, of whom nobody said so."""
    pair = rows(evidence, "eligibility.possibly_one")[0]
    for row in rows(evidence, "eligibility.enrolment", member_token=pair["other"]):
        row["member_token"] = pair["member_token"]


PLANTED: list[tuple[str, Break, set[str]]] = [
    ("an accepted file is lost", a_file_that_was_lost, {"files_are_as_submitted"}),
    ("a row has no outcome", lose("eligibility.feed_row"), {"every_row_ends_once"}),
    ("a row has another outcome", change("eligibility.feed_row", outcome="rejected"), {"every_row_ends_once"}),
    ("a row has two outcomes", double("eligibility.feed_row"), {"every_row_ends_once"}),
    ("a row was decided and waits on", change("eligibility.doubtful_row", state="waiting"),
     {"doubtful_rows_are_as_decided"}),
    ("a decided row is kept", change("eligibility.doubtful_row", document={}), {"doubtful_rows_are_as_decided"}),
    ("a row may mean nobody", lose("eligibility.doubtful_token"), {"doubtful_rows_are_as_decided"}),
    ("two are one again", lose("eligibility.person_apart"), {"who_was_told_apart_is_two"}),
    ("one is two", whom_nobody_told_apart, {"who_was_told_apart_is_two"}),
    ("who may be one waits no more", lose("eligibility.possibly_one"), {"who_may_be_one_waits"}),
    ("one plan's row has joined another's member", one_token_for_two,
     {"members_are_as_stated", "who_may_be_one_waits", "decisions_are_as_decided"}),
    ("a file was held for nothing", change("eligibility.feed_file", held="older-full"), {"files_are_as_submitted"}),
    ("a file is held still", change("eligibility.feed_file", state="held"),
     {"files_are_as_submitted", "rows_are_events"}),
    ("a notice was lost", lose("outreach.loss_notice"), {"notices_are_as_given", "cases_are_as_decided"}),
    ("a notice says another way", change("outreach.loss_notice", how="visit"),
     {"notices_are_as_given", "cases_are_as_decided"}),
    ("a list ended somebody", a_list_of_nobodys, {"every_row_ends_once"}),
    ("a member has another name", change("eligibility.enrolment", given="NOBODY"), {"members_are_as_stated"}),
    ("a person has died", a_death_of_nobodys, {"deaths_are_as_said"}),
    ("somebody is protected", change("eligibility.registry_consent", is_protected=True), {"statements_are_as_said"}),
    ("a dose was given in part", change("eligibility.dose", is_partial=True), {"doses_are_as_reported"}),
    ("a registry never said it", change("eligibility.member_statement", races=["2106-3"]), {"statements_are_as_said"}),
    ("a report is another", change("eligibility.dose_report", is_historical=True), {"reports_are_as_heard"}),
    ("a fact says another phase", another_phase_in_a_fact, {"decisions_are_as_decided"}),
    ("an answer has another sex", another_sex_in_an_answer, {"decisions_are_as_decided"}),
    ("a fact tells the sex", a_sex_in_a_fact, {"rows_are_events"}),
    ("a decision was never told", change("eligibility.decision", version=99), {"rows_are_events"}),
    ("a site gave another product", another_product, {"appointments_keep_their_dose"}),
    ("an event comes with other bytes", an_event_with_other_bytes, {"events_are_one_thing"}),
    ("a record is nobody's", a_record_that_nobody_planted, {"events_are_one_thing"}),
    ("an attempt is in another language", change("outreach.attempt", language="es"), {"attempts_are_as_asked"}),
    ("an appointment is of another day", another_answer_than_was_told, {"appointments_are_as_asked"}),
    ("a day was never asked for", a_day_of_nobodys, {"days_are_as_opened"}),
    ("a site has moved", change("scheduling.site", zip5="90210"), {"sites_are_as_described"}),
    ("a slot ends later", change("scheduling.slot", end_at="2021-12-24T12:00:00+00:00"), {"blocks_are_as_opened"}),
    ("a list is not as answered", a_list_of_another_rank, {"listings_are_as_answered", "answers_are_given_once"}),
    ("a copy is out of step", change("outreach.enrolment", priority=1), {"copies_are_of_the_log"}),
    ("another copy is out of step", change("scheduling.enrolment", standing="merged"), {"copies_are_of_the_log"}),
    ("nobody said that somebody died", a_death_of_nobodys_saying, {"copies_are_of_the_log"}),
    ("an outcome is said to be overdue", change("scheduling.appointment", outcome_overdue=True), {"rows_are_events"}),
    ("a dose was heard of twice", double("scheduling.dose", dose_id="another"), {"copies_are_of_the_log"}),
    ("a fact was never applied", lose("outreach.inbox"), {"marks_are_of_the_log"}),
    ("a case is held for nothing", change("outreach.outreach_case", held_by="attempts"), {"cases_are_as_decided"}),
    ("versions are turned round", versions_turned_round,
     {"versions_are_in_order", "news_of_a_member_is_in_order", "the_last_word_stands_last"}),
    ("an old word is sent again, and last", an_old_word_sent_last, {"the_last_word_stands_last"}),
    ("a merge comes too late", a_merge_turned_round, {"news_of_a_member_is_in_order"}),
    ("a version was lost on the way", a_version_left_out, {"versions_are_in_order"}),
    ("a booking has no place", a_place_that_nobody_holds, {"no_slot_is_oversold"}),
    ("a slot is oversold", two_in_one_place, {"no_slot_is_oversold", "blocks_are_as_opened"}),
    ("a member is booked twice", another_live_booking, {"one_live_booking", "rows_are_events"}),
    ("a block counts wrong", change("scheduling.block", booked=7),
     {"pools_count_their_appointments", "rows_are_events"}),
    ("an attempt is told twice", an_attempt_told_twice, {"nothing_goes_out_twice"}),
    ("a referral was never told", invent("outreach.referral", **REFERRAL), {"rows_are_events"}),
    ("a referral is of no log", invent("reporting.referral_version", **REFERRED), {"reporting_is_of_the_log"}),
    ("a past case is another", change("reporting.case_version", status="closed"), {"reporting_is_of_the_log"}),
    ("a cell counts one more", change("reporting.coverage_cell", members=99), {"cells_are_as_counted"}),
    ("a figure is wrong", a_figure_that_is_wrong, {"figures_are_as_counted"}),
    ("a small count is shown", a_small_count_shown, {"figures_are_as_counted", "nothing_hidden_shows"}),
    ("a letter was rewritten", change("reporting.dead_letter", value=b"?"), {"dead_letters_are_the_poison"}),
    ("poison was swallowed", lose("eligibility.dead_letter"), {"dead_letters_are_the_poison", "nothing_waits"}),
    ("a good record was set aside", a_letter_of_a_good_record, {"dead_letters_are_the_poison"}),
    ("an answer was rewritten", change("outreach.idempotency_key", status=200), {"answers_are_given_once"}),
    ("an event waits", lambda evidence: evidence.tables["outreach"]["outbox"].append({}), {"nothing_waits"}),
]  # fmt: skip


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return load(tmp_path)


def test_the_recorded_state_is_true(evidence: Evidence) -> None:
    """Nothing diverges in what a real stack held after one pass through the chain, two poisonous records included."""
    assert not [str(one) for one in examine(evidence)]


@pytest.mark.parametrize(("broken", "named"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_planted_divergence_is_named(evidence: Evidence, broken: Break, named: set[str]) -> None:
    """What is broken is named by its invariant and by no other that has nothing to do with it."""
    broken(evidence)
    fresh = Evidence(evidence.ledger, evidence.records, evidence.tables, evidence.report, evidence.behind)
    assert {one.invariant for one in examine(fresh)} == named


def test_every_invariant_is_planted_against() -> None:
    """There is a planted divergence for every invariant."""
    assert {one.__name__ for one in INVARIANTS} == set().union(*(named for _, _, named in PLANTED))


def test_nothing_protected_is_told(evidence: Evidence) -> None:
    """A divergence of a member names the field and says nothing of the value, nor of the member's number."""
    row = rows(evidence, "eligibility.enrolment")[0]
    row.update(family="QUIXWHISTLE", zip5="93230")
    told = "\n".join(map(str, examine(evidence)))
    assert "family" in told
    assert not [value for value in ("QUIXWHISTLE", "93230", row["member_id"]) if value in told]
