"""Which tenant a payer's identifier stands for. All SQL of it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from services.eligibility.payers.rules import Payer, PayerKey, tenant_of
from services.kit.postgres import ALL_TENANTS, Connection

LOAD_TENANTS = """
select system, value, tenant_id from payer
join unnest($1::text[], $2::text[]) as wanted (system, value) using (system, value)
"""
LOAD_TAKEN = "select distinct tenant_id from payer"
INSERT_PAYER = "insert into payer (system, value, tenant_id) values ($1, $2, $3) on conflict do nothing"
LOAD_PAYERS = "select system, value, tenant_id, named_at from payer order by tenant_id, system, value"
SAVE_PAYER = """
insert into payer (system, value, tenant_id) values ($1, $2, $3)
on conflict (system, value) do update set tenant_id = excluded.tenant_id
returning system, value, tenant_id, named_at
"""


async def assign_tenants(connection: Connection, payers: Iterable[Payer], sender_tenant: str) -> dict[Payer, str]:
    """The tenants of these payers. An identifier that was never seen is noted with its tenant; a sender who may speak
    for one tenant only notes none for another."""
    wanted = list(dict.fromkeys(payers))
    known = await _known(connection, [payer.key for payer in wanted if not payer.tenant])
    taken = {row["tenant_id"] for row in await connection.fetch(LOAD_TAKEN)} if wanted else set()
    found: dict[Payer, str] = {}
    for payer in wanted:
        found[payer] = tenant = tenant_of(payer, known, taken)
        is_new = not payer.tenant and payer.key[1] and payer.key not in known
        if is_new and sender_tenant in {ALL_TENANTS, tenant}:
            await connection.execute(INSERT_PAYER, *payer.key, tenant)
            known[payer.key] = tenant
            taken.add(tenant)
    return found


async def _known(connection: Connection, keys: Collection[PayerKey]) -> dict[PayerKey, str]:
    rows = await connection.fetch(LOAD_TENANTS, *map(list, zip(*keys, strict=True))) if keys else []
    return {(row["system"], row["value"]): row["tenant_id"] for row in rows}


async def load_payers(connection: Connection) -> list[Mapping[str, Any]]:
    """All identifiers that the asking tenant may see."""
    return [dict(row) for row in await connection.fetch(LOAD_PAYERS)]


async def save_payer(connection: Connection, key: PayerKey, tenant: str) -> Mapping[str, Any]:
    """From now on the identifier stands for this tenant."""
    row = await connection.fetchrow(SAVE_PAYER, *key, tenant)
    assert row is not None
    return dict(row)
