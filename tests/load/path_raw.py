"""The same work as one loop, as fast as its author could make it: no chassis, no models, no dead letters, no parking.

It reads the topic with aiokafka, executes the very statements of the service on one asyncpg connection, drops
duplicates by the same inbox and writes the same outbox. `rules=domain` asks the service's `decide`; `rules=hand`
decides by a few lines that hold only while no member has a dose, an appointment or an attempt.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer

from services.kit.ids import derived_id, new_id
from services.kit.inbox import SAVE_RECEIVED
from services.kit.outbox import SAVE_EVENTS, shard_of
from services.kit.postgres import SET_TENANT, server_settings, text_array
from services.kit.rows import names
from services.outreach.cases import store as cases_store
from services.outreach.cases.evidence import CaseState, Evidence
from services.outreach.cases.rules import decide
from services.outreach.contacts import store as contacts
from services.outreach.members import store as members_store
from services.outreach.members.rules import Enrolment
from services.outreach.policy import POLICY
from services.replicas.persons import store as persons_store
from services.replicas.programmes import store as reference
from tests.load.path_service import freeze, settings_of
from tests.load.side import Task, Watch, until

BATCH_RECORDS = 1000
POLL_MS = 50
DECIDED = b"vcc.member-eligibility.decided.v1"
CASE_TOPIC, CASE_EVENT = "vcc.case.v1", "vcc.case.changed.v1"
Case = tuple[Any, ...]
Rules = Any


async def run(task: Task, watch: Watch) -> None:
    """Apply every record of the topic."""
    connection = await asyncpg.connect(task.dsn, server_settings=server_settings(settings_of(task)))
    consumer = AIOKafkaConsumer(
        task.topic, bootstrap_servers=task.bootstrap, group_id=task.group, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    rules = {"domain": _by_domain, "hand": _by_hand}[task.options["rules"]]
    freeze()
    await consumer.start()
    await until(lambda: bool(consumer.assignment()))
    watch.start()
    applied = 0
    while applied < task.records:
        fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS)
        records = list(chain(*fetched.values()))
        if records:
            async with connection.transaction():
                await _apply(connection, task.group, records, rules)
            await consumer.commit()
            applied += len(records)
    watch.stop(applied)
    await consumer.stop()
    await connection.close()


async def _apply(connection: asyncpg.Connection, group: str, records: Sequence[Any], rules: Rules) -> None:
    await connection.execute(SET_TENANT, "*")
    facts = await _fresh(connection, group, records)
    if not facts:
        return
    tokens = sorted({UUID(fact["member_token"]) for fact in facts})
    enrolments = [UUID(fact["enrolment_id"]) for fact in facts]
    moved = await connection.fetch(members_store.LOAD_TOKENS_OF_ENROLMENTS, enrolments)
    tokens = sorted({*tokens, *(row[0] for row in moved)})
    await connection.execute(reference.SHARE_REFERENCE, reference.REFERENCE_LOCKS)
    await connection.execute(persons_store.ADD_PERSONS, tokens)
    await connection.fetch(persons_store.LOCK_PERSONS, tokens)
    members = {row[0]: row[1] for row in await connection.fetch(persons_store.LOAD_PERSONS, tokens)}
    await _save_enrolments(connection, facts)
    known = list(members)
    rows = await connection.fetch(cases_store.LOAD_ENROLMENTS, known)
    ids = [row["enrolment_id"] for row in rows]
    more = [
        await connection.fetch(members_store.LOAD_DOSES, known),
        await connection.fetch(members_store.LOAD_APPOINTMENTS, ids),
        await connection.fetch(contacts.LOAD_ATTEMPTS, known),
        await connection.fetch(contacts.LOAD_STATEMENTS, known),
    ]
    assert not any(more), "this loop decides first rosters only"
    cases = [rules(row, members) for row in rows if row["eligible_on"] is not None]
    cases.sort()
    await connection.execute(
        cases_store.SAVE_CASES, *(zip(*cases, strict=True) if cases else [[]] * (6 + len(names(CaseState))))
    )
    await _announce(connection, cases, facts[0]["occurred_at"])


async def _fresh(connection: asyncpg.Connection, group: str, records: Sequence[Any]) -> list[dict[str, Any]]:
    values: dict[UUID, bytes] = {}
    for record in records:
        headers = dict(record.headers)
        assert headers["ce_type"] == DECIDED
        values[UUID(headers["ce_id"].decode())] = record.value
    rows = await connection.fetch(SAVE_RECEIVED, group, list(values))
    return [json.loads(values[row[0]]) for row in rows]


async def _save_enrolments(connection: asyncpg.Connection, facts: Sequence[Mapping[str, Any]]) -> None:
    rows = []
    for fact in facts:
        decided_on = date.fromisoformat(fact["decided_on"])
        eligible = fact["status"] == "eligible"
        offered = eligible and fact["enrolled"] and not (fact["vaccinated"] or fact["contact_protected"])
        rows.append((
            UUID(fact["enrolment_id"]), fact["programme_id"], fact["tenant_id"], UUID(fact["member_token"]),
            fact["version"], eligible, fact["vaccinated"], fact["doses_valid"], fact["enrolled"],
            fact["contact_protected"], None, " ".join(fact["reasons"]), fact["priority"], fact.get("zip5"),
            fact.get("tract"), fact.get("language"), decided_on, None, " ".join(fact.get("channels_barred", ())),
            fact.get("phone_version", 0), fact.get("address_version", 0), fact.get("email_version", 0),
            fact.get("interpreter_needed", "unknown"), decided_on if offered else None, None, None, None,
        ))  # fmt: skip
    rows.sort(key=lambda row: row[0])
    await connection.execute(members_store.SAVE_ENROLMENTS, *zip(*rows, strict=True))
    dated = [(row[0], row[1], row[-4]) for row in rows if row[-4] is not None]
    await connection.execute(members_store.SAVE_ELIGIBLE_ON, *(zip(*dated, strict=True) if dated else [[]] * 3))


def _by_domain(row: asyncpg.Record, members: Mapping[UUID, UUID]) -> Case:
    values = list(row.values())[: len(names(Enrolment))]
    values[11], values[18] = tuple(values[11].split()), tuple(values[18].split())
    retired = members[row["member_token"]] != row["member_token"]
    state = decide(
        Evidence(Enrolment(*values), row["today"], retired, row["vaccine_group"], target_zip=row["listed"]), POLICY
    )
    return (
        derived_id("case", row["enrolment_id"], row["programme_id"]), row["enrolment_id"], row["programme_id"], 1,
        row["eligible_on"], row["today"],
        *("" if name == "flags" else getattr(state, name) for name in names(CaseState)),
    )  # fmt: skip


def _by_hand(row: asyncpg.Record, members: Mapping[UUID, UUID]) -> Case:
    member_token = row["member_token"]
    assert row["eligible"], "what an ineligible member's case looks like is not among these few lines"
    assert members[member_token] == member_token, "nor a merged one's"
    bonus = POLICY.rank.target_zip if row["listed"] else 0
    return (
        derived_id("case", row["enrolment_id"], row["programme_id"]), row["enrolment_id"], row["programme_id"], 1,
        row["eligible_on"], row["today"], row["tenant_id"], member_token, "open", None, None, None, None, None,
        row["priority"], bonus, 0, 0, 0, row["zip5"], row["language"], False, None, None, POLICY.channels[0],
        None, 0, "", None, None, None,
    )  # fmt: skip


async def _announce(connection: asyncpg.Connection, cases: Sequence[Case], at: str) -> None:
    keys, bodies = [], []
    for case in cases:
        key = str(case[7])
        body = {
            "occurred_at": at, "case_id": str(case[0]), "version": 1, "enrolment_id": str(case[1]),
            "member_token": key, "tenant_id": case[6], "programme_id": case[2], "status": case[8],
            "priority": case[14], "attempts": 0, "opened_on": str(case[4]), "changed_on": str(case[5]),
        }  # fmt: skip
        keys.append(key)
        bodies.append(json.dumps(body).encode())
    count = len(cases)
    await connection.execute(
        SAVE_EVENTS, [new_id() for _ in cases], [shard_of(key) for key in keys], text_array([CASE_TOPIC] * count),
        text_array(keys), text_array([CASE_EVENT] * count), bodies, [datetime.fromisoformat(at)] * count, None,
    )  # fmt: skip
