"""What reporting does with a fact that changes no coverage: it writes it down. It announces nothing here, so that a
rebuild from the log can't either."""

from collections.abc import Sequence

from schemas.envelope import Event
from services.kit.unit_of_work import UnitOfWork
from services.reporting.facts import store


async def on_fact(work: UnitOfWork, events: Sequence[Event]) -> None:
    """Write down cases, attempts, appointments, slot pools, files, target ZIPs."""
    await store.save_facts(work.connection, events)
