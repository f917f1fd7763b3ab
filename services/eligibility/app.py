"""The eligibility service: its subscriptions, routes, migrations and the worker that reads feed files."""

import os
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import structlog

from schemas import catalog
from services.eligibility import (
    api,
    api_doubtful_rows,
    api_forecasts,
    api_held_files,
    api_members,
    api_observations,
    api_payers,
    api_programmes,
    api_vital,
    handlers,
    own_facts,
    vital_handlers,
)
from services.eligibility.intake import Intake
from services.eligibility.opener import DayOpener
from services.eligibility.senders import unprofiled
from services.eligibility.settings import read_own_settings
from services.kit.app import Service, run
from services.kit.settings import Settings
from services.kit.subscription import Subscription
from services.kit.workers import Background

SUBSCRIPTIONS = (
    Subscription(catalog.APPOINTMENT, "eligibility.appointment", handlers.on_appointments),
    Subscription(catalog.CONTACT_ATTEMPT, "eligibility.contact-attempt", vital_handlers.on_attempts),
)


def build() -> Service:
    """The service with its own settings read from the environment."""
    own = read_own_settings(os.environ)

    def background(settings: Settings, pool: asyncpg.Pool) -> Sequence[Background]:
        if strangers := unprofiled(own.test_data_from):
            structlog.get_logger().warning("test data of senders without a profile", senders=strangers)
        return (Intake(settings, pool, own), DayOpener(pool, own))

    return Service(
        name="eligibility",
        title="Eligibility",
        subscriptions=SUBSCRIPTIONS,
        routers=(
            api.routes,
            api_held_files.routes,
            api_doubtful_rows.routes,
            api_members.routes,
            api_forecasts.routes,
            api_programmes.routes,
            api_observations.routes,
            api_payers.routes,
            api_vital.routes,
        ),
        migrations=Path(__file__).parent / "migrations",
        owned=own_facts.OWNED,
        every_tenant_roles=frozenset({"operator", "integration", "state", "analyst"}),
        background=background,
    )


if __name__ == "__main__":
    run(build())
