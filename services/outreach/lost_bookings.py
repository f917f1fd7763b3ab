"""Bookings that are off, not by the wish of a member whom nobody may call: who has to hear of it, and what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from schemas.outreach_v1 import Channel
from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.kit.unit_of_work import UnitOfWork
from services.outreach import cards, store, visits, worklist
from services.outreach.domain import decide
from services.outreach.forms import CaseCard
from services.outreach.handlers import review
from services.outreach.policy import POLICY
from services.outreach.reach import usable_channels
from services.outreach.records import Flag, Situation, Told
from services.outreach.situations import load_known

LOAD_CASES = """
select case_id, programme_id, enrolment_id, member_token, closed_reason, changed_on from outreach_case
where status = 'closed' and flags = $1 and ($2::text is null or programme_id = $2)
    and ($3::date is null or (changed_on, case_id) > ($3, $4::uuid))
order by changed_on, case_id limit $5
"""
LOAD_PERSONS = """
select member_token, person_token from member
where person_token in (select person_token from member where member_token = any($1))
"""
LOAD_APPOINTMENTS = f"{worklist.APPOINTMENT} where appointment_id = any($1)"
SAVE_NOTICE = """
insert into loss_notice (appointment_id, case_id, tenant_id, how, worker_id) values ($1, $2, $3, $4, $5)
returning noted_at
"""

NOTHING_LOST = Refusal(
    "no-lost-booking",
    "No Lost Booking",
    "Nobody has to tell this member, without a call, that a booking is off.",
)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list: after the case that was closed or changed on that day."""

    limit: int
    programme_id: str | None
    after: tuple[date, UUID] | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A case of which somebody has to see to a lost booking."""

    case: asyncpg.Record
    situation: Situation
    appointment: asyncpg.Record


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list; `last` is the case after which it goes on, if it does."""

    lost: Sequence[Lost]
    last: asyncpg.Record | None


async def load_lost(connection: Connection, page: Page) -> Part:
    """The longest known first."""
    after = page.after or (None, None)
    cases = await connection.fetch(LOAD_CASES, Flag.LOST_NO_CALL, page.programme_id, *after, page.limit)
    rows = await connection.fetch(LOAD_PERSONS, [case["member_token"] for case in cases])
    known = await load_known(connection, {row["member_token"]: row["person_token"] for row in rows})
    situations = {one.case_id: one.situation for one in known}
    gone = [(case, visits.lost(situations[case["case_id"]], POLICY)) for case in cases]
    lost = [(case, one.appointment.appointment_id) for case, one in gone if one is not None]
    rows = await connection.fetch(LOAD_APPOINTMENTS, [appointment_id for _, appointment_id in lost])
    appointments = {row["appointment_id"]: row for row in rows}
    found = [Lost(case, situations[case["case_id"]], appointments[one]) for case, one in lost]
    return Part(found, cases[-1] if len(cases) == page.limit else None)


def channels_left(situation: Situation) -> tuple[Channel, ...]:
    """By which the member may hear of it; none of a protected one, who hears of it from the provider alone."""
    return () if situation.enrolment.contact_protected else tuple(usable_channels(situation, POLICY))


async def note(work: UnitOfWork, case_id: UUID, how: Told, worker_id: str) -> CaseCard | Refusal | None:
    """Keep what was done: nobody has to see to it any more. None where there is no such case."""
    connection = work.connection
    token = await worklist.load_member_token(connection, case_id)
    if token is None:
        return None
    await store.share_reference(connection)
    persons = await store.lock_members(connection, [token])
    situation = next(one.situation for one in await load_known(connection, persons) if one.case_id == case_id)
    gone = visits.lost(situation, POLICY)
    if gone is None or Flag.LOST_NO_CALL not in decide(situation, POLICY).flags:
        return NOTHING_LOST
    values = (gone.appointment.appointment_id, case_id, situation.enrolment.tenant_id, how, worker_id)
    await review(work, persons, await connection.fetchval(SAVE_NOTICE, *values))
    row = await worklist.load_card(connection, case_id)
    assert row is not None, "cases are never removed"
    return cards.card(row)
