"""The eligibility service: its subscriptions, routes, migrations and the worker that reads feed files."""

import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from schemas import catalog
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.api import days as days_api
from services.eligibility.decisions.api import erasures as erasures_api
from services.eligibility.decisions.api import members as members_api
from services.eligibility.decisions.api import observations as observations_api
from services.eligibility.decisions.api import programmes as programmes_api
from services.eligibility.decisions.api import vital as vital_api
from services.eligibility.decisions.flow import appointments
from services.eligibility.decisions.flow import vital as vital_flow
from services.eligibility.decisions.flow.opener import DayOpener
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.forecast.api import forecasts as forecast_api
from services.eligibility.intake import habits
from services.eligibility.intake.api import doubtful_rows as doubtful_api
from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.api import held as held_api
from services.eligibility.intake.api import joins as joins_api
from services.eligibility.intake.api import possibly_one as pairs_api
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import queue as queue_store
from services.eligibility.payers import api as payers_api
from services.eligibility.payers.senders import unprofiled
from services.eligibility.people.store import contacts as contact_store
from services.eligibility.people.store import doubtful as doubtful_store
from services.eligibility.people.store import joins as join_store
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import registry_contacts
from services.eligibility.people.store import trail as trail_store
from services.eligibility.programmes import store as programme_store
from services.eligibility.settings import read_own_settings
from services.kit import metrics
from services.kit.app import Service
from services.kit.command_line import run
from services.kit.measuring import Measure
from services.kit.postgres import Pool
from services.kit.settings import Settings
from services.kit.subscription import subscribe
from services.kit.workers import Background

HABITS_EVERY_S = 300.0
"""They are days long, and found in all files of two years."""

SUBSCRIPTIONS = subscribe(
    "eligibility",
    (catalog.APPOINTMENT, appointments.on_appointments),
    (catalog.CONTACT_ATTEMPT, vital_flow.on_attempts),
)

OWNED = {
    **clock_store.OWNED,
    **programme_store.OWNED,
    **people_store.OWNED,
    **contact_store.OWNED,
    **dose_store.OWNED,
    **decision_store.OWNED,
    **file_store.OWNED,
}


def build() -> Service:
    """The service with its own settings read from the environment."""
    own = read_own_settings(os.environ)

    def background(settings: Settings, pool: Pool) -> Sequence[Background]:
        if strangers := unprofiled(own.test_data_from):
            structlog.get_logger().warning("test data of senders without a profile", senders=strangers)
        return (Intake(settings, pool, own), DayOpener(pool, own))

    return Service(
        name="eligibility",
        title="Eligibility",
        subscriptions=SUBSCRIPTIONS,
        routers=(
            files_api.routes_taking(own.most_upload_mib << 20),
            days_api.routes,
            held_api.routes,
            doubtful_api.routes,
            pairs_api.routes,
            joins_api.routes,
            members_api.routes,
            forecast_api.routes,
            programmes_api.routes,
            observations_api.routes,
            payers_api.routes,
            vital_api.routes,
            erasures_api.routes,
        ),
        migrations=Path(__file__).parent / "migrations",
        owned=OWNED,
        background=background,
        sealed=(
            chunk_store.SEALED,
            doubtful_store.SEALED,
            join_store.SEALED,
            contact_store.STATED,
            contact_store.TOLD,
            registry_contacts.SEALED,
        ),
        names_in_trail=people_store.NAMES_IN_TRAIL,
        names_for_plans=trail_store.NAMES_FOR_PLANS,
        measures=(
            Measure(metrics.FILE_AGE_SECONDS, queue_store.OLDEST_WAITING),
            Measure(metrics.REJECT_SHARE, file_store.REJECTED, told=habits.reject_shares),
            Measure(
                metrics.SENDER_OVERDUE, file_store.DAYS_OF_SENDERS, told=habits.overdue_senders, every_s=HABITS_EVERY_S
            ),
        ),
        waiting={"files": queue_store.WAITING, "answers": decision_store.WAITING},
    )


if __name__ == "__main__":
    run(build())
