"""The eligibility service: its subscriptions, routes, migrations and the worker that reads feed files."""

import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from schemas import catalog
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.api import days as days_api
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
from services.eligibility.intake.api import doubtful_rows as doubtful_api
from services.eligibility.intake.api import files as files_api
from services.eligibility.intake.api import held as held_api
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import queue as queue_store
from services.eligibility.payers import api as payers_api
from services.eligibility.payers.senders import unprofiled
from services.eligibility.people.store import members as people_store
from services.eligibility.programmes import store as programme_store
from services.eligibility.settings import read_own_settings
from services.kit.app import Service, run
from services.kit.postgres import Pool
from services.kit.settings import Settings
from services.kit.subscription import subscribe
from services.kit.workers import Background

SUBSCRIPTIONS = subscribe(
    "eligibility",
    (catalog.APPOINTMENT, appointments.on_appointments),
    (catalog.CONTACT_ATTEMPT, vital_flow.on_attempts),
)

OWNED = {
    **clock_store.OWNED,
    **programme_store.OWNED,
    **people_store.OWNED,
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
            files_api.routes,
            days_api.routes,
            held_api.routes,
            doubtful_api.routes,
            members_api.routes,
            forecast_api.routes,
            programmes_api.routes,
            observations_api.routes,
            payers_api.routes,
            vital_api.routes,
        ),
        migrations=Path(__file__).parent / "migrations",
        owned=OWNED,
        background=background,
        waiting={"files": queue_store.WAITING, "answers": decision_store.WAITING},
    )


if __name__ == "__main__":
    run(build())
