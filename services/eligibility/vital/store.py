"""What others than plans say of a person's death, protection and publicity, and what persons decided. All SQL of it,
batch first."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.eligibility.vital.others import Others
from services.eligibility.vital.registry import RegistryConsent, combined_consent
from services.eligibility.vital.rules import Override, VitalStatement
from services.kit.parts import Part
from services.kit.postgres import Connection
from services.kit.rows import into, names

STATEMENT = ", ".join(VitalStatement._fields)
_KEPT = tuple(name for name in names(Override) if name != "day_began_at")
OVERRIDE = ", ".join(_KEPT)
CONSENT = ", ".join(RegistryConsent._fields)

LOAD_STATEMENTS = f"select {STATEMENT} from vital_statement where member_token = any($1::uuid[])"
LOAD_OVERRIDES = f"""
select {OVERRIDE}, decided_on::timestamp at time zone (select time_zone from clock) as day_began_at
from vital_override where member_token = any($1::uuid[]) and withdrawn_at is null
"""
LOAD_CONSENTS = f"select {CONSENT} from registry_consent where member_token = any($1::uuid[])"
SAVE_STATEMENTS = f"""
insert into vital_statement ({STATEMENT})
select {STATEMENT} from jsonb_populate_recordset(null::vital_statement, $1::text::jsonb)
on conflict (member_token, source) do update
set ({STATEMENT}) = row({", ".join(f"excluded.{name}" for name in VitalStatement._fields)})
"""
SAVE_CONSENTS = f"""
insert into registry_consent ({CONSENT})
select {CONSENT} from jsonb_populate_recordset(null::registry_consent, $1::text::jsonb)
on conflict (member_token, source) do update
set ({CONSENT}) = row({", ".join(f"excluded.{name}" for name in RegistryConsent._fields)})
"""
SAVE_OVERRIDE = (
    f"insert into vital_override ({OVERRIDE}, reason, decided_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)
WITHDRAW_OVERRIDE = """
update vital_override set withdrawn_at = $3, withdrawn_by = $4
where override_id = (
    select override_id from vital_override
    where member_token = $1 and tenant_id = $2 and withdrawn_at is null
    order by decided_at desc, override_id desc limit 1
)
returning override_id
"""
MOVE_STATEMENTS = f"""
with gone as (delete from vital_statement where member_token = $2 returning *)
insert into vital_statement ({STATEMENT}) select $1, {STATEMENT.removeprefix("member_token, ")} from gone
on conflict (member_token, source) do update
set ({STATEMENT}) = row({", ".join(f"excluded.{name}" for name in VitalStatement._fields)})
where excluded.said_at > vital_statement.said_at
"""
MOVE_OVERRIDES = "update vital_override set member_token = $1 where member_token = $2"
FORGET_CONSENTS = "delete from registry_consent where member_token = $1"
VITAL_STATEMENTS = Part("vital_statement", ("source",))
VITAL_OVERRIDES = Part("vital_override", ("override_id",), own_id="override_id")
PARTS = (
    VITAL_OVERRIDES,
    VITAL_STATEMENTS,
    Part("registry_consent", ("source",)),
)
LOAD_REPORTED = """
select distinct member_token from enrolment join decision using (enrolment_id)
where fact->'reasons' ? 'death-reported' and not is_retired and member_token > $1
order by member_token limit $2
"""
LOAD_ENROLMENTS = """
select member_token, tenant_id, member_id, enrolment_id from enrolment
where member_token = any($1::uuid[]) and not is_retired
    and exists (select from decision where decision.enrolment_id = enrolment.enrolment_id
        and fact->'reasons' ? 'death-reported')
order by member_token, tenant_id
"""


class Reported(NamedTuple):
    """A member of whom it must be checked whether he lives."""

    member_token: UUID
    tenant_id: str
    member_id: str
    enrolment_id: UUID


async def load_others(connection: Connection, tokens: Collection[UUID]) -> Others:
    return Others(
        await load_statements(connection, tokens),
        await load_overrides(connection, tokens),
        await load_consents(connection, tokens),
    )


async def load_statements(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[VitalStatement]]:
    found: defaultdict[UUID, list[VitalStatement]] = defaultdict(list)
    for row in await connection.fetch(LOAD_STATEMENTS, list(tokens)) if tokens else ():
        found[row["member_token"]].append(into(VitalStatement, row))
    return found


async def load_overrides(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[Override]]:
    """Those that were not withdrawn."""
    found: defaultdict[UUID, list[Override]] = defaultdict(list)
    for row in await connection.fetch(LOAD_OVERRIDES, list(tokens)) if tokens else ():
        found[row["member_token"]].append(into(Override, row))
    return found


async def load_consents(connection: Connection, tokens: Collection[UUID]) -> dict[UUID, list[RegistryConsent]]:
    found: defaultdict[UUID, list[RegistryConsent]] = defaultdict(list)
    for row in await connection.fetch(LOAD_CONSENTS, list(tokens)) if tokens else ():
        found[row["member_token"]].append(into(RegistryConsent, row))
    return found


async def save_statements(connection: Connection, statements: Collection[VitalStatement]) -> None:
    if statements:
        await connection.execute(
            SAVE_STATEMENTS, _json(sorted(statements, key=lambda statement: (statement.member_token, statement.source)))
        )


async def save_consents(connection: Connection, consents: Collection[RegistryConsent]) -> None:
    if consents:
        await connection.execute(
            SAVE_CONSENTS, _json(sorted(consents, key=lambda consent: (consent.member_token, consent.source)))
        )


async def move_consents(connection: Connection, survivor: UUID, retired: UUID) -> None:
    """What each registry says of either is said of the surviving one."""
    known = await load_consents(connection, [survivor, retired])
    mine = {consent.source: consent for consent in known.get(survivor, ())}
    his = [consent._replace(member_token=survivor) for consent in known.get(retired, ())]
    await connection.execute(FORGET_CONSENTS, retired)
    await save_consents(connection, [combined_consent(mine.get(consent.source), consent) for consent in his])


async def save_override(connection: Connection, override: Override, reason: str, decided_by: str) -> None:
    await connection.execute(SAVE_OVERRIDE, *(getattr(override, name) for name in _KEPT), reason, decided_by)


async def withdraw_override(connection: Connection, member_token: UUID, tenant_id: str, at: datetime, by: str) -> bool:
    """Take the newest decision for this plan's members back. False if there is none."""
    return await connection.fetchval(WITHDRAW_OVERRIDE, member_token, tenant_id, at, by) is not None


async def load_reported(connection: Connection, after: UUID, limit: int) -> list[Reported]:
    """Members of whom it must be checked whether they live: whole persons, a page in the order of their tokens."""
    tokens = [row["member_token"] for row in await connection.fetch(LOAD_REPORTED, after, limit)]
    return [into(Reported, row) for row in await connection.fetch(LOAD_ENROLMENTS, tokens)] if tokens else []


def _json(rows: Iterable[VitalStatement] | Iterable[RegistryConsent]) -> str:
    return json.dumps([row._asdict() for row in rows], default=_text)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
