"""What the four databases say, each read in one snapshot; ids, days and instants as the text that JSON has for them."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from tests.chaos.checker.sealed import opened

Row = Mapping[str, Any]
Rows = list[Row]
Tables = Mapping[str, Mapping[str, Rows]]
"""Rows by service and table."""

CONNECT_TIMEOUT_S = 15.0
EVERYWHERE = ("inbox", "outbox", "dead_letter", "parked_key", "idempotency_key")
OWN = {
    "eligibility": (
        "clock", "programme", "person", "enrolment", "member_statement", "vital_statement", "registry_consent", "dose",
        "dose_report", "decision", "feed_file", "feed_row", "feed_absence", "doubtful_row", "doubtful_token",
        "person_apart", "possibly_one",
    ),
    "outreach": (
        "person", "programme", "business_day", "target_zip", "enrolment", "dose", "appointment", "outreach_case",
        "attempt", "attempt_retraction", "statement", "loss_notice", "referral",
    ),
    "scheduling": (
        "business_day", "programme", "person", "enrolment", "dose", "site", "site_product", "block", "slot",
        "appointment", "slot_place", "death_report",
    ),
    "reporting": (
        "generation", "programme_version", "business_day", "enrolment_version", "member_merge", "dose_version",
        "case_version", "contact_attempt", "attempt_retraction", "appointment_version", "slot_pool_version",
        "feed_file", "target_zip", "programme", "enrolment", "dose", "coverage_cell", "referral_version",
    ),
}  # fmt: skip
T = TypeVar("T")


def in_own_loop(work: Coroutine[Any, Any, T]) -> T:
    """The result of asynchronous work, also for a caller who is inside an event loop himself."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def read_tables(dsns: Mapping[str, str]) -> Tables:
    return in_own_loop(_read_all(dsns))


async def _read_all(dsns: Mapping[str, str]) -> Tables:
    return {service: await read_service(service, dsns[service]) for service in OWN}


async def connect(dsn: str) -> asyncpg.Connection:
    """A connection that sees the rows of all plans."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, server_settings={"vcc.tenant": "*"})
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    return connection


async def read_service(service: str, dsn: str) -> dict[str, Rows]:
    """What one of them says."""
    connection = await connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {
                table: [plain(opened(table, dict(row))) for row in await connection.fetch(f"select * from {table}")]
                for table in (*EVERYWHERE, *OWN[service])
            }
    finally:
        await connection.close()


def plain(value: Any) -> Any:
    """The value as JSON would have it; bytes stay."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return instant(value.isoformat())
    return value.isoformat() if isinstance(value, date) else value


def instant(text: str | None) -> str | None:
    """An instant in one spelling: UTC, to the microsecond."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).isoformat()


def by(rows: Rows, *names: str) -> dict[tuple[str, ...], Row]:
    """The rows by what identifies them."""
    return {tuple(str(row[name]) for name in names): row for row in rows}
