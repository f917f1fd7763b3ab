"""All SQL of sites and of the products that they give."""

from services.kit.postgres import Connection
from services.kit.rows import into
from services.scheduling.sites.rules import Site

SAVE_SITE = """
    insert into site (site_id, name, zip5, time_zone, kind, described_by) values ($1, $2, $3, $4, $5, $6)
    on conflict (site_id) do update set
        name = excluded.name, zip5 = excluded.zip5, time_zone = excluded.time_zone, kind = excluded.kind
"""
SAVE_PRODUCTS = """
    with gone as (delete from site_product where site_id = $1 and cvx <> all($2::text[]))
    insert into site_product (site_id, cvx, vaccine_group)
    select $1, cvx, vaccine_group from unnest($2::text[], $3::text[]) as new (cvx, vaccine_group) order by cvx
    on conflict (site_id, cvx) do update set vaccine_group = excluded.vaccine_group
"""
LOAD_SITE = """
    select site_id, name, zip5, time_zone, kind, coalesce(
        (select jsonb_object_agg(cvx, vaccine_group) from site_product where site_id = site.site_id), '{}') as gives
    from site where site_id = $1 for share
"""
LOAD_TIME_ZONE = "select time_zone from site where site_id = $1"
LOCK_SITE_ID = "select pg_advisory_xact_lock($1, hashtext($2))"
SITES = 0x73697465
LOCK_SITE = "select described_by from site where site_id = $1 for update"


async def save_site(connection: Connection, site: Site, tenant: str) -> None:
    """Keep a new site of this tenant, or the new description of a known one."""
    await connection.execute(SAVE_SITE, site.site_id, site.name, site.zip5, site.time_zone, site.kind, tenant)
    await connection.execute(SAVE_PRODUCTS, site.site_id, list(site.gives), list(site.gives.values()))


async def load_site(connection: Connection, site_id: str) -> Site | None:
    """The site as it stays until the end of the transaction; None if it is unknown."""
    row = await connection.fetchrow(LOAD_SITE, site_id)
    return None if row is None else into(Site, row)


async def load_time_zone(connection: Connection, site_id: str) -> str:
    """In which the days of a site are counted that somebody sees an appointment or a slot of."""
    time_zone: str | None = await connection.fetchval(LOAD_TIME_ZONE, site_id)
    assert time_zone is not None, "a site is never removed, and seen by whoever sees its appointments"
    return time_zone


async def lock_site(connection: Connection, site_id: str) -> str | None:
    """Lock a site before it is described anew: two who had both read it could not both go on to write it. Gives the
    tenant that described it first, if that is known."""
    await connection.execute(LOCK_SITE_ID, SITES, site_id)  # a new site has no row to be locked
    tenant: str | None = await connection.fetchval(LOCK_SITE, site_id)
    return tenant
