"""Reporting: views that are made of the log alone."""

from pathlib import Path

from schemas import catalog
from services.kit.app import Service, run
from services.kit.subscription import Subscription
from services.reporting.coverage import flow as handlers
from services.reporting.pages import api

SUBSCRIPTIONS = (
    Subscription(catalog.MEMBER_ELIGIBILITY, "reporting.member-eligibility", handlers.on_member_eligibility),
    Subscription(catalog.DOSE_ADMINISTERED, "reporting.dose-administered", handlers.on_dose_administered),
    Subscription(catalog.PROGRAMME, "reporting.programme", handlers.on_programme),
    Subscription(catalog.CASE, "reporting.case", handlers.on_fact),
    Subscription(catalog.CONTACT_ATTEMPT, "reporting.contact-attempt", handlers.on_fact),
    Subscription(catalog.APPOINTMENT, "reporting.appointment", handlers.on_fact),
    Subscription(catalog.SLOT_POOL, "reporting.slot-pool", handlers.on_fact),
    Subscription(catalog.BUSINESS_DAY_OPENED, "reporting.business-day-opened", handlers.on_programme),
    Subscription(catalog.FEED_FILE, "reporting.feed-file", handlers.on_fact),
    Subscription(catalog.TARGET_ZIPS, "reporting.target-zips", handlers.on_fact),
)


def build() -> Service:
    """The service's table of parts."""
    return Service(
        name="reporting",
        title="Reporting",
        subscriptions=SUBSCRIPTIONS,
        routers=(api.routes,),
        migrations=Path(__file__).parent / "migrations",
        every_tenant_roles=frozenset({"operator", "state"}),
        rebuilds=True,
    )


if __name__ == "__main__":
    run(build())
