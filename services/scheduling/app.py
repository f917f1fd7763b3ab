"""The scheduling service: what it hears, what it serves."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from schemas import catalog
from services.kit.app import Service
from services.kit.command_line import run
from services.kit.requests import with_settings
from services.kit.review_queue import Reviews
from services.kit.settings import SettingsError
from services.kit.subscription import Subscription, subscribe
from services.scheduling.appointments import store as appointment_store
from services.scheduling.appointments.api import appointments
from services.scheduling.blocks import store as block_store
from services.scheduling.blocks.api import blocks
from services.scheduling.closures import api as closures
from services.scheduling.desk import store as desk_store
from services.scheduling.desk.api import looks, visits
from services.scheduling.desk.flow.contacts import on_member_contact
from services.scheduling.members.flow import on_contact_attempt
from services.scheduling.settings import OwnSettings, read_own_settings
from services.scheduling.settling import flow as settling
from services.scheduling.settling.store import WAITING_MEMBERS

OWNED = {**appointment_store.OWNED, **block_store.OWNED}


def build(environ: Mapping[str, str] = os.environ) -> Service:
    """The service with the deployment's settings."""
    own = read_own_settings(environ)
    return Service(
        name="scheduling",
        title="Scheduling",
        subscriptions=subscriptions(own),
        routers=(with_settings(own, blocks.routes, looks.routes, visits.routes, closures.routes, appointments.routes),),
        migrations=Path(__file__).parent / "migrations",
        owned=OWNED,
        sealed=(desk_store.DETAILS,),
        background=lambda _settings, pool: (Reviews(pool, WAITING_MEMBERS, settling.settle_waiting),),
        names_in_trail=appointment_store.NAMES_IN_TRAIL,
        names_for_plans=appointment_store.NAMES_FOR_PLANS,
        waiting={"answers": WAITING_MEMBERS.waiting},
        max_body_bytes=4 << 20,  # a block of 2,000 slots
    )


def subscriptions(own: OwnSettings) -> tuple[Subscription, ...]:
    """The one table of what is heard."""
    on_business_day = settling.on_business_day_opened(own.release_days)
    return subscribe(
        "scheduling",
        (catalog.MEMBER_ELIGIBILITY, settling.on_member_eligibility),
        (catalog.MEMBER_CONTACT, on_member_contact),
        (catalog.DOSE_ADMINISTERED, settling.on_dose_administered),
        (catalog.CONTACT_ATTEMPT, on_contact_attempt),
        (catalog.PROGRAMME, settling.on_programme),
        (catalog.BUSINESS_DAY_OPENED, on_business_day),
    )


if __name__ == "__main__":
    try:
        run(build())
    except SettingsError as error:
        sys.exit(str(error))
