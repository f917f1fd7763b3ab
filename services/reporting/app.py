"""Reporting: views that are made of the log alone."""

from pathlib import Path

from schemas import catalog
from services.kit.app import Service
from services.kit.command_line import run
from services.kit.subscription import subscribe
from services.reporting.coverage import flow as coverage
from services.reporting.facts import flow as facts
from services.reporting.pages import api as pages_api
from services.reporting.rebuild.api import rebuild as rebuild_api
from services.reporting.targets import api as targets_api

SUBSCRIPTIONS = subscribe(
    "reporting",
    (catalog.MEMBER_ELIGIBILITY, coverage.on_member_eligibility),
    (catalog.DOSE_ADMINISTERED, coverage.on_dose_administered),
    (catalog.PROGRAMME, coverage.on_programme),
    (catalog.CASE, facts.on_fact),
    (catalog.REFERRAL, facts.on_fact),
    (catalog.CONTACT_ATTEMPT, facts.on_fact),
    (catalog.APPOINTMENT, facts.on_fact),
    (catalog.SLOT_POOL, facts.on_fact),
    (catalog.BUSINESS_DAY_OPENED, coverage.on_business_day),
    (catalog.FEED_FILE, facts.on_fact),
    (catalog.TARGET_ZIPS, facts.on_fact),
)


def build() -> Service:
    """The service's table of parts."""
    return Service(
        name="reporting",
        title="Reporting",
        subscriptions=SUBSCRIPTIONS,
        routers=(pages_api.routes, targets_api.routes, rebuild_api.routes),
        migrations=Path(__file__).parent / "migrations",
        rebuilds=True,
    )


if __name__ == "__main__":
    run(build())
