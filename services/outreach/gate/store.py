"""SQL of reserved contacts. Runs as the plan, so row-level security hides other plans' rows."""

from collections.abc import Collection
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

import asyncpg

from schemas.outreach_v1 import Channel
from services.kit.postgres import Connection
from services.kit.rows import grouped, into, names
from services.outreach.gate.cases import Reservation
from services.outreach.gate.policy import CallKind

LOAD_RESERVATIONS = f"""
select {", ".join(names(Reservation))} from contact_reservation
where enrolment_id = any($1) and expires_at > $2 order by reserved_at, reservation_id
"""
SAVE_RESERVATION = f"""
insert into contact_reservation ({", ".join(names(Reservation))}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
FORGET_RUN_OUT = "delete from contact_reservation where enrolment_id = $1 and expires_at <= $2"


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
