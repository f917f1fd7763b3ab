"""The outreach service: its table of subscriptions, its routes, its migrations."""

from pathlib import Path

from schemas import catalog
from services.kit.app import Service, run
from services.kit.subscription import Subscription
from services.outreach.cases import flow as handlers
from services.outreach.cases.reviews import Reviews
from services.outreach.contacts import store as own_facts
from services.outreach.worklist import api

SUBSCRIPTIONS = (
    Subscription(catalog.MEMBER_ELIGIBILITY, "outreach.member-eligibility", handlers.on_member_eligibility),
    Subscription(catalog.DOSE_ADMINISTERED, "outreach.dose-administered", handlers.on_dose_administered),
    Subscription(catalog.APPOINTMENT, "outreach.appointment", handlers.on_appointment),
    Subscription(catalog.PROGRAMME, "outreach.programme", handlers.on_programme),
    Subscription(catalog.BUSINESS_DAY_OPENED, "outreach.business-day-opened", handlers.on_business_day_opened),
    Subscription(catalog.TARGET_ZIPS, "outreach.target-zips", handlers.on_target_zips),
)


def build() -> Service:
    """The service, to be run or to be tested."""
    return Service(
        name="outreach",
        title="Outreach",
        subscriptions=SUBSCRIPTIONS,
        routers=(api.routes,),
        migrations=Path(__file__).parent / "migrations",
        owned=own_facts.OWNED,
        background=lambda _settings, pool: (Reviews(pool),),
    )


if __name__ == "__main__":
    run(build())
