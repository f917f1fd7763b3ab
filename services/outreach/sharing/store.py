"""SQL of agreements and members' consents. Runs as the plan, so row-level security hides other plans' rows."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

import asyncpg

from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.outreach.sharing.rules import (
    Agreement,
    AgreementKind,
    Party,
    SharedField,
    SharingConsent,
    SharingPurpose,
)

_AGREEMENT = tuple(name for name in names(Agreement) if name not in {"tenant_id", "agreement_id"})
INSERT_AGREEMENT = f"""
insert into agreement (tenant_id, agreement_id, changed_by, {", ".join(_AGREEMENT)}, version)
values ($1, $2, $3, {", ".join(f"${no}" for no, _ in enumerate(_AGREEMENT, 4))}, 1)
on conflict do nothing returning version
"""
UPDATE_AGREEMENT = f"""
update agreement
set changed_by = $3, changed_at = clock_timestamp(), version = version + 1,
    {", ".join(f"{name} = ${no}" for no, name in enumerate(_AGREEMENT, 4))}
where (tenant_id, agreement_id, version) = ($1, $2, ${4 + len(_AGREEMENT)}) returning version
"""
_ALL = ", ".join(names(Agreement))
LOCK_AGREEMENT = f"select version, {_ALL} from agreement where agreement_id = $1 for update"
LOAD_AGREEMENT = f"select version, {_ALL} from agreement where agreement_id = $1"
LOAD_PAGE = f"""
select version, {_ALL} from agreement
where ($1::text is null or partner_id = $1) and ($2::text is null or agreement_id > $2) order by agreement_id limit $3
"""
LOAD_OF_PARTNER = f"select {_ALL} from agreement where (tenant_id, partner_id) = ($1, $2) for share"
SAVE_CONSENT = """
insert into sharing_consent
    (consent_id, tenant_id, enrolment_id, partner_id, purpose, needs, is_written, given_on, until_on, told_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
LOAD_CONSENTS = f"""
select {", ".join(names(SharingConsent))} from sharing_consent
where enrolment_id = $1 and ($2::text is null or partner_id = $2) order by given_on, told_at, consent_id for share
"""
# With it whatever the member said alike: somebody else may have recorded it once more.
WITHDRAW_CONSENT = """
with said as (select enrolment_id, partner_id, purpose, needs from sharing_consent where consent_id = $1)
update sharing_consent as alike
set withdrawn_on = least(alike.withdrawn_on, $2), withdrawn_by = coalesce(alike.withdrawn_by, $3)
from said
where (alike.enrolment_id, alike.partner_id, alike.purpose) = (said.enrolment_id, said.partner_id, said.purpose)
    and alike.needs && said.needs
returning alike.enrolment_id
"""


async def save_agreement(connection: Connection, agreement: Agreement, version: int | None, by: str) -> int | None:
    """Keep a new agreement, or the new description of the one of this version. Gives the version that stands now; None
    where another stood, or a new one was there already."""
    columns = asdict(agreement) | {
        "parties": [asdict(one) for one in agreement.parties],
        "purposes": sorted(agreement.purposes),
        "fields": sorted(agreement.fields),
    }
    query, *known = (INSERT_AGREEMENT,) if version is None else (UPDATE_AGREEMENT, version)
    whose = agreement.tenant_id, agreement.agreement_id, by
    saved: int | None = await connection.fetchval(query, *whose, *(columns[name] for name in _AGREEMENT), *known)
    return saved


async def lock_agreement(connection: Connection, agreement_id: str) -> Agreement | None:
    """The agreement, which nobody else changes meanwhile; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOCK_AGREEMENT, agreement_id)
    return None if row is None else _agreement(row)


async def load_agreement(connection: Connection, agreement_id: str) -> tuple[Agreement, int] | None:
    """An agreement with its version; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_AGREEMENT, agreement_id)
    return None if row is None else (_agreement(row), row["version"])


async def load_page(
    connection: Connection, partner_id: str | None, limit: int, after: str | None
) -> list[tuple[Agreement, int]]:
    """The plan's agreements by their codes, or those with a partner."""
    rows = await connection.fetch(LOAD_PAGE, partner_id, after, limit)
    return [(_agreement(row), row["version"]) for row in rows]


async def load_of_partner(connection: Connection, tenant_id: str, partner_id: str) -> list[Agreement]:
    """All between this plan and this partner; none of them is ended before this transaction is."""
    return [_agreement(row) for row in await connection.fetch(LOAD_OF_PARTNER, tenant_id, partner_id)]


async def save_consent(connection: Connection, tenant_id: str, consent: SharingConsent, by: str) -> None:
    """Keep what the member consented to."""
    whose = consent.consent_id, tenant_id, consent.enrolment_id, consent.partner_id, consent.purpose
    days = consent.given_on, consent.until_on
    await connection.execute(SAVE_CONSENT, *whose, sorted(consent.needs), consent.is_written, *days, by)


async def load_consents(
    connection: Connection, enrolment_id: UUID, partner_id: str | None = None
) -> Sequence[SharingConsent]:
    """What the member of an enrolment consented to, the latest last; or for this partner alone. None of it is withdrawn
    before this transaction has ended."""
    return [_consent(row) for row in await connection.fetch(LOAD_CONSENTS, enrolment_id, partner_id)]


async def withdraw_consent(connection: Connection, consent_id: UUID, day: date, by: str) -> UUID | None:
    """It holds no longer from this day on, nor does what was consented to for any of its needs, to this partner. Gives
    whose it is; None where there is none, or another plan's."""
    enrolment_id: UUID | None = await connection.fetchval(WITHDRAW_CONSENT, consent_id, day, by)
    return enrolment_id


def _agreement(row: asyncpg.Record) -> Agreement:
    return into(
        Agreement,
        row,
        agreement_kind=AgreementKind(row["agreement_kind"]),
        parties=tuple(Party(**one) for one in row["parties"]),
        purposes=frozenset(map(SharingPurpose, row["purposes"])),
        fields=frozenset(map(SharedField, row["fields"])),
    )


def _consent(row: asyncpg.Record) -> SharingConsent:
    return into(SharingConsent, row, purpose=SharingPurpose(row["purpose"]), needs=frozenset(row["needs"]))
