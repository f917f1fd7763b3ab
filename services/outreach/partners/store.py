"""SQL of partners, their groups and what meetings decided. Runs as the plan, so row-level security hides other plans'
rows."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import asyncpg

from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.rows import into, names
from services.outreach.partners.rules import (
    Cadence,
    Contract,
    Decision,
    Group,
    Partner,
    PartnerContact,
    PartnerStatus,
    Relation,
    Wanted,
)

_PARTNER, _GROUP = names(Partner)[1:], names(Group)[1:]


def _values(columns: Sequence[str]) -> str:
    return ", ".join(f"${no}" for no in range(4, 4 + len(columns)))


def _changes(columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = ${no}" for no, name in enumerate(columns, 4))


INSERT_PARTNER = f"""
insert into partner (tenant_id, partner_id, changed_by, {", ".join(_PARTNER)}, version)
values ($1, $2, $3, {_values(_PARTNER)}, 1) on conflict do nothing returning version
"""
UPDATE_PARTNER = f"""
update partner
set changed_by = $3, changed_at = clock_timestamp(), version = version + 1, {_changes(_PARTNER)}
where (tenant_id, partner_id, version) = ($1, $2, ${4 + len(_PARTNER)}) returning version
"""
INSERT_GROUP = f"""
insert into partner_group (tenant_id, group_id, changed_by, {", ".join(_GROUP)}, version)
values ($1, $2, $3, {_values(_GROUP)}, 1) on conflict do nothing returning version
"""
UPDATE_GROUP = f"""
update partner_group
set changed_by = $3, changed_at = clock_timestamp(), version = version + 1, {_changes(_GROUP)}
where (tenant_id, group_id, version) = ($1, $2, ${4 + len(_GROUP)}) returning version
"""
LOAD_PARTNER = f"select version, {', '.join(names(Partner))} from partner where partner_id = $1"
LOAD_PARTNERS = f"""
select version, {", ".join(names(Partner))} from partner
where ($1::text is null or $1 = any(counties)) and ($2::text is null or kind = $2)
    and ($3::text is null or $3 = any(needs)) and ($4::text is null or status = $4)
    and ($5::text is null or exists (
        select from jsonb_to_recordset(contracts) as its (county text, services jsonb, from_on date, until_on date)
        where its.services ? $5 and ($1::text is null or its.county = $1)
            and $6::date between its.from_on and coalesce(its.until_on, 'infinity')
    ))
    and ($7::text is null or partner_id > $7)
order by partner_id limit $8
"""
LOAD_KNOWN = "select partner_id from partner where partner_id = any($1::text[])"
LOAD_GROUP = f"select version, {', '.join(names(Group))} from partner_group where group_id = $1"
LOAD_GROUPS = f"""
select version, {", ".join(names(Group))} from partner_group where $1::text is null or county = $1 order by group_id
"""
SAVE_DECISION = """
insert into meeting_decision (decision_id, tenant_id, partner_id, group_id, met_on, decided, told_by)
values ($1, $2, $3, $4, $5, $6, $7)
"""
LOAD_DECISIONS = """
select met_on, decided from meeting_decision
where partner_id = $1 or group_id = $2 order by met_on desc, decision_id desc limit 100
"""


async def save_partner(
    connection: Connection, tenant_id: str, partner: Partner, version: int | None, by: str
) -> int | None:
    """Keep a new partner, or the new description of the one of this version. Gives the version that stands now; None
    where another stood, or a new one was there already."""
    columns = asdict(partner) | {
        "needs": sorted(partner.needs),
        "counties": sorted(partner.counties),
        "contacts": [asdict(one) for one in partner.contacts],
        "contracts": [_told(one) for one in partner.contracts],
    }
    query, *known = (INSERT_PARTNER,) if version is None else (UPDATE_PARTNER, version)
    values = [tenant_id, partner.partner_id, by, *(columns[name] for name in _PARTNER), *known]
    saved: int | None = await connection.fetchval(query, *values)
    return saved


async def load_partner(connection: Connection, partner_id: str) -> tuple[Partner, int] | None:
    """A partner with its version; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_PARTNER, partner_id)
    return None if row is None else (_partner(row), row["version"])


async def load_partners(
    connection: Connection, wanted: Wanted, today: date, limit: int, after: str | None
) -> list[tuple[Partner, int]]:
    """The plan's partners that fit, by their codes."""
    filters = wanted.county, wanted.kind, wanted.need, wanted.status, wanted.contracted_for, today
    return [(_partner(row), row["version"]) for row in await connection.fetch(LOAD_PARTNERS, *filters, after, limit)]


async def load_known(connection: Connection, partner_ids: Sequence[str]) -> list[str]:
    """Those of these codes that are partners'."""
    return [row["partner_id"] for row in await connection.fetch(LOAD_KNOWN, list(partner_ids))]


async def save_group(connection: Connection, tenant_id: str, group: Group, version: int | None, by: str) -> int | None:
    """Keep a new group, or the new description of the one of this version, as `save_partner` does."""
    columns = asdict(group) | {"members": sorted(group.members)}
    query, *known = (INSERT_GROUP,) if version is None else (UPDATE_GROUP, version)
    values = [tenant_id, group.group_id, by, *(columns[name] for name in _GROUP), *known]
    saved: int | None = await connection.fetchval(query, *values)
    return saved


async def load_group(connection: Connection, group_id: str) -> tuple[Group, int] | None:
    """A group with its version; None where there is none, or another plan's."""
    row = await connection.fetchrow(LOAD_GROUP, group_id)
    return None if row is None else (_group(row), row["version"])


async def load_groups(connection: Connection, county: str | None) -> list[tuple[Group, int]]:
    """The plan's groups, or those of a county, by their codes."""
    return [(_group(row), row["version"]) for row in await connection.fetch(LOAD_GROUPS, county)]


async def save_decision(
    connection: Connection, tenant_id: str, partner_id: str | None, group_id: str | None, said: Decision, by: str
) -> None:
    """Keep what a meeting of a partner or of a group, which are there, decided."""
    whose = new_id(), tenant_id, partner_id, group_id
    await connection.execute(SAVE_DECISION, *whose, said.met_on, said.decided, by)


async def load_decisions(
    connection: Connection, partner_id: str | None = None, group_id: str | None = None
) -> list[Decision]:
    """What the meetings of one of them decided, the latest first."""
    return [into(Decision, row) for row in await connection.fetch(LOAD_DECISIONS, partner_id, group_id)]


def _partner(row: asyncpg.Record) -> Partner:
    return into(
        Partner,
        row,
        status=PartnerStatus(row["status"]),
        relation=Relation(row["relation"]),
        meets=Cadence(row["meets"]),
        asks=tuple(row["asks"]),
        offers=tuple(row["offers"]),
        needs=frozenset(row["needs"]),
        counties=frozenset(row["counties"]),
        contacts=tuple(PartnerContact(**one) for one in row["contacts"]),
        contracts=tuple(map(_contract, row["contracts"])),
    )


def _group(row: asyncpg.Record) -> Group:
    return into(Group, row, members=frozenset(row["members"]), meets=Cadence(row["meets"]))


def _told(contract: Contract) -> dict[str, Any]:
    until_on = None if contract.until_on is None else contract.until_on.isoformat()
    return asdict(contract) | {"from_on": contract.from_on.isoformat(), "until_on": until_on}


def _contract(told: dict[str, Any]) -> Contract:
    until_on = None if told["until_on"] is None else date.fromisoformat(told["until_on"])
    return Contract(told["county"], tuple(told["services"]), date.fromisoformat(told["from_on"]), until_on)
