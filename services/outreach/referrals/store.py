"""SQL of referrals, their steps and notices. Runs as the plan, and bound to a partner where one asks, so row-level
security hides others' rows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from schemas.envelope import Event
from schemas.referral_v1 import ReferralChangedV1, ReferralKind, ReferralStatus
from services.kit.ids import new_id
from services.kit.own_log import Owned
from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.outreach.referrals.rules import Demand, Notice, Recipient, Referral
from services.outreach.sharing.rules import SharedField

_OWN = tuple(name for name in names(Referral) if name != "demand")
_COLUMNS = (*_OWN, *names(Demand))
_LIST = ", ".join(f'"{name}"' for name in _COLUMNS)
INSERT_REFERRAL = f"""
insert into referral ({_LIST}) values ({", ".join(f"${no}" for no, _ in enumerate(_COLUMNS, 1))})
"""
UPDATE_REFERRAL = """
update referral
set status = $2, status_reason = $3, status_on = $4, due_on = $5, is_escalated = $6, version = $7
where referral_id = $1
"""
LOAD_REFERRAL = f"select {_LIST} from referral where referral_id = $1"
LOCK_REFERRAL = f"select {_LIST} from referral where referral_id = $1 for update"
LOAD_PAGE = f"""
select {_LIST} from referral
where ($1::text is null or partner_id = $1) and ($2::text is null or status = $2)
    and ($3::boolean is null or is_escalated = $3) and ($4::uuid is null or case_id = $4)
    and ($5::uuid is null or referral_id > $5)
order by referral_id limit $6
"""
SAVE_STEP = """
insert into referral_step
    (referral_id, version, tenant_id, status, status_reason, status_on, is_by_partner, answered_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
LOAD_STEPS = """
select version, status, status_reason, status_on, is_by_partner, answered_by from referral_step
where referral_id = $1 order by version
"""
SAVE_NOTICE = """
insert into referral_notice (notice_id, referral_id, tenant_id, recipient, status, status_on)
values ($1, $2, $3, $4, $5, $6)
"""
LOAD_NOTICES = """
select notice_id, referral_id, recipient, status, status_on from referral_notice
where told_at is null and ($1::text is null or recipient = $1) and ($2::uuid is null or notice_id > $2)
order by notice_id limit $3
"""
TELL_NOTICE = """
update referral_notice set told_by = coalesce(told_by, $2), told_at = coalesce(told_at, clock_timestamp())
where notice_id = $1 returning referral_id
"""
LOCK_OVERDUE = f"""
select {_LIST} from referral where due_on < $1 and not is_escalated
order by due_on, referral_id limit $2 for update
"""


LOAD_TOKENS = "select case_id, member_token from outreach_case where case_id = any($1::uuid[])"
OWNED: Mapping[type[Event], Owned] = {ReferralChangedV1: Owned.by_version("referral", "referral_id")}


class Step(NamedTuple):
    """A version of a referral, and who brought it."""

    version: int
    status: ReferralStatus
    status_reason: str | None
    status_on: date
    is_by_partner: bool
    answered_by: str


class Wanted(NamedTuple):
    """Which referrals are looked for."""

    partner_id: str | None = None
    status: str | None = None
    is_escalated: bool | None = None
    case_id: UUID | None = None


async def insert(connection: Connection, referral: Referral) -> None:
    """Keep a new one."""
    values: dict[str, Any] = {name: getattr(referral, name) for name in _OWN}
    values |= {name: getattr(referral.demand, name) for name in names(Demand)}
    values["fields"] = sorted(referral.demand.fields)
    await connection.execute(INSERT_REFERRAL, *values.values())


async def update(connection: Connection, referral: Referral) -> None:
    """Keep how far one is, which the caller has locked."""
    state = referral.status, referral.status_reason, referral.status_on, referral.due_on, referral.is_escalated
    await connection.execute(UPDATE_REFERRAL, referral.referral_id, *state, referral.version)


async def load(connection: Connection, referral_id: UUID) -> Referral | None:
    """One; None where there is none, or another plan's or partner's."""
    row = await connection.fetchrow(LOAD_REFERRAL, referral_id)
    return None if row is None else _referral(row)


async def lock(connection: Connection, referral_id: UUID) -> Referral | None:
    """The same, which nobody else changes meanwhile."""
    row = await connection.fetchrow(LOCK_REFERRAL, referral_id)
    return None if row is None else _referral(row)


async def lock_overdue(connection: Connection, today: date, limit: int) -> list[Referral]:
    """Of every plan those whose answer is overdue and of which nobody was told, the longest first."""
    return [_referral(row) for row in await connection.fetch(LOCK_OVERDUE, today, limit)]


async def load_page(connection: Connection, wanted: Wanted, after: UUID | None, limit: int) -> list[Referral]:
    """Those that fit, as they were made."""
    filters = wanted.partner_id, wanted.status, wanted.is_escalated, wanted.case_id
    return [_referral(row) for row in await connection.fetch(LOAD_PAGE, *filters, after, limit)]


async def load_tokens(connection: Connection, case_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """The tokens under which the members of these cases stand now."""
    return {row["case_id"]: row["member_token"] for row in await connection.fetch(LOAD_TOKENS, list(case_ids))}


async def save_step(connection: Connection, referral: Referral, by: str, *, is_by_partner: bool) -> None:
    """Keep this version, by whom it came, and that member and referrer have to hear of it."""
    state = referral.status, referral.status_reason, referral.status_on
    whose = referral.referral_id, referral.version, referral.tenant_id
    await connection.execute(SAVE_STEP, *whose, *state, is_by_partner, by)
    for recipient in Recipient:
        notice = new_id(), referral.referral_id, referral.tenant_id, recipient, referral.status, referral.status_on
        await connection.execute(SAVE_NOTICE, *notice)


async def load_steps(connection: Connection, referral_id: UUID) -> Sequence[Step]:
    """All that happened to one, in order."""
    rows = await connection.fetch(LOAD_STEPS, referral_id)
    return [into(Step, row, status=ReferralStatus(row["status"])) for row in rows]


async def load_notices(connection: Connection, recipient: str | None, after: UUID | None, limit: int) -> list[Notice]:
    """What somebody has to hear yet, the oldest first."""
    rows = await connection.fetch(LOAD_NOTICES, recipient, after, limit)
    return [
        into(Notice, row, recipient=Recipient(row["recipient"]), status=ReferralStatus(row["status"])) for row in rows
    ]


async def tell_notice(connection: Connection, notice_id: UUID, by: str) -> UUID | None:
    """He has heard. Gives of which referral; None where there is none, or another plan's."""
    referral_id: UUID | None = await connection.fetchval(TELL_NOTICE, notice_id, by)
    return referral_id


def _referral(row: asyncpg.Record) -> Referral:
    values = {name: row[name] for name in names(Demand)}
    demand = Demand(
        **values | {"kind": ReferralKind(row["kind"]), "fields": frozenset(map(SharedField, row["fields"]))}
    )
    return into(Referral, row, demand=demand, status=ReferralStatus(row["status"]))
