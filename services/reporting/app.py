"""Reporting: views that are made of the log alone."""

from pathlib import Path

from schemas import catalog
from services.kit.app import Service, run
from services.kit.subscription import Subscription
from services.reporting.coverage import flow as coverage
from services.reporting.facts import flow as facts
from services.reporting.pages import api as pages_api
from services.reporting.rebuild.api import rebuild as rebuild_api
from services.reporting.targets import api as targets_api

SUBSCRIPTIONS = (
    Subscription(catalog.MEMBER_ELIGIBILITY, "reporting.member-eligibility", coverage.on_member_eligibility),
    Subscription(catalog.DOSE_ADMINISTERED, "reporting.dose-administered", coverage.on_dose_administered),
    Subscription(catalog.PROGRAMME, "reporting.programme", coverage.on_programme),
    Subscription(catalog.CASE, "reporting.case", facts.on_fact),
    Subscription(catalog.CONTACT_ATTEMPT, "reporting.contact-attempt", facts.on_fact),
    Subscription(catalog.APPOINTMENT, "reporting.appointment", facts.on_fact),
    Subscription(catalog.SLOT_POOL, "reporting.slot-pool", facts.on_fact),
    Subscription(catalog.BUSINESS_DAY_OPENED, "reporting.business-day-opened", coverage.on_programme),
    Subscription(catalog.FEED_FILE, "reporting.feed-file", facts.on_fact),
    Subscription(catalog.TARGET_ZIPS, "reporting.target-zips", facts.on_fact),
)


def build() -> Service:
    """The service's table of parts."""
    return Service(
        name="reporting",
        title="Reporting",
        subscriptions=SUBSCRIPTIONS,
        routers=(pages_api.routes, targets_api.routes, rebuild_api.routes),
        migrations=Path(__file__).parent / "migrations",
        every_tenant_roles=frozenset({"operator", "state"}),
        rebuilds=True,
    )


if __name__ == "__main__":
    run(build())
