"""Programmes go live: saved, announced, and everybody is asked."""

from datetime import UTC, datetime

from schemas.eligibility_v1 import ProgrammePublishedV1
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.aim import ForecastRule, ServiceRule
from services.eligibility.programmes.programme import Programme
from services.kit.unit_of_work import UnitOfWork


async def publish(work: UnitOfWork, programme: Programme) -> bool:
    """Let a version go live: everybody is asked. False if it is live; one that changed is a fault. Waits for those
    who decide without it, for a sweep can't see members who are not yet committed."""
    await clock_store.lock_clock(work.connection)
    if not await programme_store.save_programme(work.connection, programme):
        return False
    await decision_store.ask_everybody(work.connection)
    await work.announce([_published(programme)])
    return True


def _published(programme: Programme) -> ProgrammePublishedV1:
    return ProgrammePublishedV1(
        occurred_at=datetime.now(UTC),
        programme_id=programme.programme_id,
        version=programme.version,
        title=programme.title,
        vaccine_group=programme.vaccine_group,
        effective_on=programme.effective_on,
        time_zone=programme.time_zone,
        document_sha256=programme.sha256,
        doses_needed=programme.doses_needed,
        doses_since_on=programme.doses_since_on,
        cvx_not_counted=tuple(sorted(programme.cvx_not_counted)),
        rule=_rule(programme),
        arms=tuple(programme.arms.shares) if programme.arms else (),
    )


def _rule(programme: Programme) -> str:
    match programme.aim:
        case ForecastRule():
            return "forecast"
        case ServiceRule():
            return "service"
        case None:
            return "doses"
