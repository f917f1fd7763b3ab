"""The outreach service: its table of subscriptions, its routes, its migrations."""

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
from services.kit.subscription import subscribe
from services.outreach.attempts import api as attempts_api
from services.outreach.attempts import store as attempts_store
from services.outreach.attempts.flow import unheard
from services.outreach.briefings import api as briefings_api
from services.outreach.cases import flow as cases
from services.outreach.cases import store as cases_store
from services.outreach.claims import api as claims_api
from services.outreach.contacts import store as contacts_store
from services.outreach.conversations import api as conversations_api
from services.outreach.conversations import store as conversations_store
from services.outreach.directory.api import services as services_api
from services.outreach.directory.api import supports as supports_api
from services.outreach.gate.api import consents as consents_api
from services.outreach.gate.api import permissions as permissions_api
from services.outreach.lost_bookings import api as lost_bookings_api
from services.outreach.matching import flow as matching
from services.outreach.matching.api import assignments as matching_api
from services.outreach.matching.api import telling as telling_api
from services.outreach.messages.api import callbacks as callbacks_api
from services.outreach.messages.api import messages as messages_api
from services.outreach.messages.api import replies as replies_api
from services.outreach.messages.flow import hearing
from services.outreach.messages.flow.adapters import senders_of
from services.outreach.messages.flow.settings import read_message_settings
from services.outreach.messages.store import replies as replies_store
from services.outreach.partners.api import groups as groups_api
from services.outreach.partners.api import partners as partners_api
from services.outreach.reach import store as reach_store
from services.outreach.referrals import store as referrals_store
from services.outreach.referrals.api import partners as partner_referrals_api
from services.outreach.referrals.api import referrals as referrals_api
from services.outreach.referrals.flow.escalating import Escalating
from services.outreach.settings import read_own_settings
from services.outreach.sharing import api as sharing_api
from services.outreach.wishes import api as wishes_api
from services.outreach.workers import api as workers_api
from services.outreach.worklist.api import cases as worklist_api

SUBSCRIPTIONS = subscribe(
    "outreach",
    (catalog.MEMBER_ELIGIBILITY, unheard.on_member_eligibility),
    (catalog.MEMBER_CONTACT, hearing.on_member_contact),
    (catalog.DOSE_ADMINISTERED, cases.on_dose_administered),
    (catalog.APPOINTMENT, cases.on_appointment),
    (catalog.PROGRAMME, cases.on_programme),
    (catalog.BUSINESS_DAY_OPENED, matching.on_business_day_opened),
    (catalog.TARGET_ZIPS, cases.on_target_zips),
)
OWNED = {**cases_store.OWNED, **contacts_store.OWNED, **referrals_store.OWNED}
"""How outreach finds what it has said in its tables."""


def build(environ: Mapping[str, str] = os.environ) -> Service:
    """The service with the deployment's settings, to be run or to be tested."""
    own, messages = read_own_settings(environ), read_message_settings(environ)
    return Service(
        name="outreach",
        title="Outreach",
        subscriptions=SUBSCRIPTIONS,
        routers=(
            with_settings(own, claims_api.routes),
            attempts_api.routes,
            matching_api.routes,
            telling_api.routes,
            wishes_api.routes,
            workers_api.routes,
            partners_api.routes,
            groups_api.routes,
            sharing_api.routes,
            services_api.routes,
            supports_api.routes,
            referrals_api.routes,
            partner_referrals_api.routes,
            lost_bookings_api.routes,
            briefings_api.routes,
            conversations_api.routes,
            permissions_api.routes,
            consents_api.routes,
            with_settings(messages, messages_api.routes, replies_api.routes, callbacks_api.routes),
            worklist_api.routes,
        ),
        migrations=Path(__file__).parent / "migrations",
        owned=OWNED,
        background=lambda _settings, pool: (
            Reviews(pool, cases_store.WAITING_MEMBERS, cases.review_waiting),
            *senders_of(pool, messages),
            Escalating(pool),
        ),
        sealed=(reach_store.DETAILS, reach_store.HEARD, replies_store.TEXTS, conversations_store.NOTES),
        names_in_trail=cases_store.NAMES_IN_TRAIL,
        names_for_plans=cases_store.NAMES_FOR_PLANS,
        waiting={"answers": cases_store.WAITING_MEMBERS.waiting, "contacts": attempts_store.WAITING},
    )


if __name__ == "__main__":
    try:
        run(build())
    except SettingsError as error:
        sys.exit(str(error))
