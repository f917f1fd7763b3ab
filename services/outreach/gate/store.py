"""SQL of reserved contacts and of consents. Runs as the plan, so row-level security hides other plans' rows."""

from collections.abc import Collection
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

import asyncpg

from schemas.outreach_v1 import Channel
from services.kit.postgres import Connection
from services.kit.rows import grouped, into, names
from services.outreach.gate.cases import Reservation
from services.outreach.gate.consents import ConsentOnRecord
from services.outreach.gate.policy import CallKind

LOAD_RESERVATIONS = f"""
select {", ".join(names(Reservation))} from contact_reservation
where enrolment_id = any($1) and expires_at > $2 order by reserved_at, reservation_id
"""
SAVE_RESERVATION = f"""
insert into contact_reservation ({", ".join(names(Reservation))}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
FORGET_RUN_OUT = "delete from contact_reservation where enrolment_id = $1 and expires_at <= $2"
FORGET_RESERVATION = "delete from contact_reservation where reservation_id = $1"
LOAD_CONSENTS = f"""
select {", ".join(names(ConsentOnRecord))} from consent where enrolment_id = any($1) order by recorded_at, consent_id
"""
SAVE_CONSENT = f"""
insert into consent ({", ".join(names(ConsentOnRecord))}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
WITHDRAW_CONSENT = """
update consent set withdrawn_by = coalesce(withdrawn_by, $2), withdrawn_at = coalesce(withdrawn_at, $3)
where consent_id = $1 returning enrolment_id
"""


async def load_reservations(
    connection: Connection, enrolment_ids: Collection[UUID], now: datetime
) -> dict[UUID, list[Reservation]]:
    """What is reserved for these enrolments and has not run out, by enrolment."""
    rows = await connection.fetch(LOAD_RESERVATIONS, list(enrolment_ids), now)
    return grouped(rows, lambda row: row["enrolment_id"], _reservation)


def _reservation(row: asyncpg.Record) -> Reservation:
    return into(Reservation, row, channel=Channel(row["channel"]), call_kind=CallKind(row["call_kind"]))


async def save_reservation(connection: Connection, reservation: Reservation) -> None:
    """Keep it, for a person who is locked, in the place of those of the enrolment that have run out."""
    await connection.execute(FORGET_RUN_OUT, reservation.enrolment_id, reservation.reserved_at)
    await connection.execute(SAVE_RESERVATION, *astuple(reservation))


async def forget_reservation(connection: Connection, reservation_id: UUID) -> None:
    """The contact is not going to be made, or is on record by now."""
    await connection.execute(FORGET_RESERVATION, reservation_id)


async def load_consents(connection: Connection, enrolment_ids: Collection[UUID]) -> list[ConsentOnRecord]:
    """What was agreed to for these enrolments, in the order in which it was recorded, also what was withdrawn."""
    rows = await connection.fetch(LOAD_CONSENTS, list(enrolment_ids))
    return [
        into(ConsentOnRecord, row, channel=Channel(row["channel"]), call_kind=CallKind(row["call_kind"]))
        for row in rows
    ]


async def save_consent(connection: Connection, consent: ConsentOnRecord) -> None:
    await connection.execute(SAVE_CONSENT, *astuple(consent))


async def withdraw_consent(connection: Connection, consent_id: UUID, by: str, at: datetime) -> UUID | None:
    """It holds no more, and stays on record. Gives whose it is; None where there is none, or another plan's."""
    enrolment_id: UUID | None = await connection.fetchval(WITHDRAW_CONSENT, consent_id, by, at)
    return enrolment_id
