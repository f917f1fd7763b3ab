"""A site is described, new or anew, beside the blocks that it has promised: lock, load, decide, save."""

from datetime import date, datetime

from services.kit.auth import Principal
from services.kit.postgres import ALL_TENANTS
from services.kit.unit_of_work import UnitOfWork
from services.replicas.days import store as days
from services.scheduling.blocks import rules, store
from services.scheduling.blocks.rules import ProductInUse, SiteDescribed
from services.scheduling.days.rules import Moment, site_day
from services.scheduling.refusals import RefusalCode
from services.scheduling.sites import store as sites
from services.scheduling.sites.rules import Site


async def describe_site(
    work: UnitOfWork, principal: Principal, site: Site, clock: datetime, *, withdraw: bool
) -> SiteDescribed | ProductInUse | RefusalCode:
    """New, or described anew: by whoever did so first, or acts for all, for plans share sites. Its time zone stays once
    days were counted in it; a product stays while blocks offer it, unless it is to be withdrawn all the same."""
    if not principal.acts_at(site.site_id):
        return RefusalCode.UNKNOWN_SITE
    described_by = await sites.lock_site(work.connection, site.site_id)
    known = await sites.load_site(work.connection, site.site_id)
    if known is None:
        await sites.save_site(work.connection, site, principal.tenant)
        return SiteDescribed(site, ())
    if principal.tenant not in {ALL_TENANTS, described_by}:
        return RefusalCode.OTHER_TENANT
    if known.time_zone != site.time_zone and await store.has_blocks(work.connection, site.site_id):
        return RefusalCode.ZONE_IN_USE
    today = await days.load_day(work.connection) or date.min
    day = site_day(known.time_zone, Moment(clock, clock), today)
    offered = await store.list_offered(work.connection, site.site_id, day.own_on)
    broken = rules.no_longer_given(offered, known.gives, site.gives)
    if broken and not withdraw:
        return ProductInUse(broken)
    await sites.save_site(work.connection, site, principal.tenant)
    return SiteDescribed(site, broken)
