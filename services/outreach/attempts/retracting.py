"""Takes back an attempt that was entered in error: the case is decided anew without it. The attempt stays on record."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from schemas.outreach_v1 import ContactAttemptRetractedV1
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach.cases.flow import review
from services.outreach.members import store
from services.outreach.policy import POLICY
from services.outreach.worklist import rules as cards
from services.outreach.worklist import store as worklist
from services.outreach.worklist.shapes import AttemptRetracted

LOAD_ATTEMPT = """
select attempt_id, case_id, enrolment_id, programme_id, tenant_id, member_token, worker_id, logged_at,
    clock_timestamp() as asked_at
from attempt where attempt_id = $1
"""
SAVE_RETRACTION = """
insert into attempt_retraction (attempt_id, tenant_id, worker_id, reason, retracted_on, retracted_at)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true
"""
FORGET_STATEMENT = "delete from statement where source_id = $1"

NOT_YOURS = Refusal(
    "not-your-attempt",
    "Not Your Attempt",
    f"Its worker retracts an attempt within {POLICY.own_retraction_hours} hours; afterwards a supervisor.",
)


@dataclass(frozen=True, slots=True)
class Retractor:
    """Who takes it back."""

    worker_id: str
    is_supervisor: bool


def may_retract(who: Retractor, logged_by: str, logged_at: datetime, now: datetime) -> bool:
    """Its worker while it is fresh, a supervisor at any time."""
    is_fresh = now - logged_at <= timedelta(hours=POLICY.own_retraction_hours)
    return who.is_supervisor or (who.worker_id == logged_by and is_fresh)


async def retract_attempt(
    work: UnitOfWork, attempt_id: UUID, reason: str, who: Retractor
) -> AttemptRetracted | Refusal | None:
    """The case as it stands without it, the refusal, or None where there is no such attempt. A second time changes
    nothing."""
    connection = work.connection
    row = await connection.fetchrow(LOAD_ATTEMPT, attempt_id)
    if row is None:
        return None
    await store.share_reference(connection)
    case_token = await worklist.load_member_token(connection, row["case_id"])
    assert case_token is not None, "an attempt has its case"
    persons = await store.lock_members(connection, [row["member_token"], case_token])
    if not may_retract(who, row["worker_id"], row["logged_at"], row["asked_at"]):
        return NOT_YOURS
    on = await _day(connection, row)
    values = (attempt_id, row["tenant_id"], who.worker_id, reason, on, row["asked_at"])
    if await connection.fetchval(SAVE_RETRACTION, *values):
        await connection.execute(FORGET_STATEMENT, attempt_id)
        await store.let_members_wait(connection, [row["member_token"]], row["asked_at"])
        await work.announce([_event(row, reason, who, on)])
        await review(work, persons, row["asked_at"])
    card = await worklist.load_card(connection, row["case_id"])
    assert card is not None, "cases are never removed"
    return AttemptRetracted(attempt_id=attempt_id, case=cards.card(card))


async def _day(connection: Connection, row: asyncpg.Record) -> date:
    """The open business day, as of which reports are asked; the clock's before the first was opened."""
    opened_on = await worklist.load_business_day(connection)
    if opened_on is not None:
        return opened_on
    zone = ZoneInfo(await worklist.load_time_zone(connection, row["programme_id"]))
    day: date = row["asked_at"].astimezone(zone).date()
    return day


def _event(row: asyncpg.Record, reason: str, who: Retractor, on: date) -> ContactAttemptRetractedV1:
    return ContactAttemptRetractedV1(
        occurred_at=row["asked_at"], attempt_id=row["attempt_id"], case_id=row["case_id"],
        enrolment_id=row["enrolment_id"], member_token=row["member_token"], tenant_id=row["tenant_id"],
        programme_id=row["programme_id"], worker_id=who.worker_id, reason=reason, retracted_on=on,
    )  # fmt: skip
