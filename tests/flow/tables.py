"""Everything that a stack's four databases say, comparable between two runs: ids, which are random, are replaced by
what they stand for, and counters and clock times, which are nobody's concern, are left out. All else is in it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from tests.chaos.checker.sealed import opened
from tests.flow.stack import Stack
from tests.servers import as_role

# The chassis's own tables, how the log was read; bytes of files; since when one token stands for another, which
# depends on the topic by which the join was heard first; and histories, of which only the last version counts: how
# many versions there were depends on which facts happened to be decided on together.
CHASSIS = {
    "inbox", "outbox", "idempotency_key", "audit", "audit_seal", "audit_subject", "schema_migration", "sealing",
    "feed_chunk", "unlinked_key", "relay_shard", "outbox_horizon", "generation", "reading_position", "published",
    "published_topic", "compared_database", "joined_token",
}  # fmt: skip
HISTORIES = {"enrolment_version": "enrolment_id", "dose_version": "dose_id", "case_version": "case_id",
             "appointment_version": "appointment_id", "slot_pool_version": "block_id",
             "referral_version": "referral_id"}  # fmt: skip
COUNTERS = {"version", "file_no", "seen_file_no", "first_file_no", "absent_before", "before_no", "since_no",
            "heard_no", "digest"}  # fmt: skip
CLOCKS = {"published_at", "received_at", "processed_at", "claimed_at", "lease_until", "logged_at", "occurred_at",
          "told_at", "retracted_at", "heard_at", "named_at", "decided_at", "withdrawn_at", "reported_at",
          "death_reports_until", "joined_at", "opened_at", "closed_at", "written_ms", "noted_at", "erased_at",
          "placed_at", "stated_on", "screened_at", "reopened_at"}  # fmt: skip
# Nothing refers to them but what is made of them; a booking code is drawn by lot.
OWN_IDS = {"attempt_id", "report_id", "source_id", "doubtful_id", "pair_id", "correction_id", "closure_id",
           "booking_code"}  # fmt: skip
LEFT_OUT = COUNTERS | CLOCKS | OWN_IDS
TABLES = "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"

Row = Mapping[str, Any]
Dump = dict[str, list[str]]


async def dump(stack: Stack) -> Dump:
    """The rows of every table as text, sorted, by service and table."""
    raw = {service: await _load(dsn) for service, dsn in stack.dsns.items()}
    names = _names(raw)
    return {
        f"{service}.{table}": sorted(_text(row, names) for row in _compared(table, rows))
        for service, tables in raw.items()
        for table, rows in tables.items()
    }


async def _load(dsn: str) -> dict[str, list[Row]]:
    database = await asyncpg.connect(as_role(dsn, "owner_dsn"), server_settings={"vcc.tenant": "*"})
    try:
        await database.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        tables = [row["table_name"] for row in await database.fetch(TABLES)]
        return {
            table: [opened(table, dict(row)) for row in await database.fetch(f'select * from "{table}"')]
            for table in tables
            if table not in CHASSIS
        }
    finally:
        await database.close()


def _compared(table: str, rows: Sequence[Row]) -> Iterable[Row]:
    if table in HISTORIES:
        return {row[HISTORIES[table]]: row for row in sorted(rows, key=lambda row: int(row["version"]))}.values()
    if table == "enrolment" and rows and "is_retired" in rows[0]:
        return [_retired(row) if row["is_retired"] else row for row in rows]
    if table == "possibly_one":
        return [{"pair": frozenset({row["member_token"], row["other"]}), "state": row["state"]} for row in rows]
    if table == "person_join":
        return [
            {"pair": frozenset({row["survivor"], row["retired"]}), "stands": not row["withdrawn_at"]} for row in rows
        ]
    return rows


def _retired(row: Row) -> Row:
    """Which of two entries of one person survives a merge is chance: what is said under the other does not count."""
    return {name: row[name] for name in ("enrolment_id", "member_token", "tenant_id", "is_retired", "spans")}


def _text(row: Row, names: Mapping[UUID, str]) -> str:
    return json.dumps(_plain(row, names), sort_keys=True)


def _plain(value: Any, names: Mapping[UUID, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one, names) for name, one in value.items() if name not in LEFT_OUT}
    if isinstance(value, frozenset):
        return sorted(_plain(one, names) for one in value)
    if isinstance(value, list | tuple):
        return [_plain(one, names) for one in value]
    if isinstance(value, UUID):
        return names[value]
    if isinstance(value, str):
        return _named(value, names)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _named(text: str, names: Mapping[UUID, str]) -> str:
    """Ids also stand as text in documents and keys."""
    return "\x1f".join(names[UUID(part)] if _is_uuid(part) else part for part in text.split("\x1f"))


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


# -- what ids stand for


def _names(raw: Mapping[str, Mapping[str, list[Row]]]) -> dict[UUID, str]:
    eligibility, scheduling, outreach = raw["eligibility"], raw["scheduling"], raw["outreach"]
    names = _people(eligibility["person"], eligibility["enrolment"])
    names |= {
        row["household_id"]: f"family {row['tenant_id']} {row['family_number']}" for row in eligibility["household"]
    }
    names |= {row["file_id"]: f"file {row['sha256']}" for row in eligibility["feed_file"]}
    names |= {row["case_id"]: f"case of {names[row['enrolment_id']]}" for row in outreach["outreach_case"]}
    names |= {row["block_id"]: _block(row) for row in scheduling["block"]}
    names |= {row["slot_id"]: f"{row['start_at']} of {names[row['block_id']]}" for row in scheduling["slot"]}
    names |= {row["appointment_id"]: _appointment(row, names) for row in scheduling["appointment"]}
    names |= {row["dose_id"]: _dose(row, names) for row in eligibility["dose"]}
    return names


def _people(persons: Sequence[Row], enrolments: Sequence[Row]) -> dict[UUID, str]:
    """A person is called by his plans and member numbers, and one that turned out a double by the survivor's name."""
    said: defaultdict[UUID, list[str]] = defaultdict(list)
    for row in enrolments:
        if not row["is_retired"]:
            said[row["member_token"]].append(f"{row['tenant_id']} {row['member_id']}")
    survivors = {row["member_token"]: row["merged_into"] for row in persons}
    names = {member_token: " and ".join(sorted(said[_last(member_token, survivors)])) for member_token in survivors}
    names = {
        member_token: f"double of {name}" if survivors[member_token] else name for member_token, name in names.items()
    }
    return names | {row["enrolment_id"]: f"{row['tenant_id']}: {names[row['member_token']]}" for row in enrolments}


def _last(member_token: UUID, survivors: Mapping[UUID, UUID | None]) -> UUID:
    following = survivors[member_token]
    return member_token if following is None else _last(following, survivors)


def _block(row: Row) -> str:
    return f"block at {row['site_id']} from {row['week_on']} for {row['reserved_for']}"


def _appointment(row: Row, names: Mapping[UUID, str]) -> str:
    return f"appointment of {names[row['enrolment_id']]} at {row['start_at']} at {row['site_id']}"


def _dose(row: Row, names: Mapping[UUID, str]) -> str:
    return f"{row['cvx']} {row['lot']} on {row['administered_on']} for {names[row['member_token']]}"
