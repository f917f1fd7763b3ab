"""Frees cases of workers whom something told since bars: they would wait for somebody who may not claim them."""

from uuid import UUID

from services.kit.postgres import Connection
from services.outreach.cases import store as cases
from services.outreach.matching import store
from services.outreach.matching.standing import Ended
from services.outreach.wishes import store as wishes
from services.outreach.wishes.rules import AvoidedKind
from services.outreach.workers import store as workers_store
from services.outreach.workers.rules import Worker
from services.replicas.programmes import store as programmes


async def avoid(
    connection: Connection, whose: tuple[str, UUID], kind: AvoidedKind, code: str, reason: str, by: str
) -> UUID:
    """Keep whom the member of this plan's enrolment avoids; his cases are not that worker's or organisation's."""
    await lock(connection)
    saved = await wishes.save_avoidance(connection, whose, kind, code, reason, by)
    await _free(connection, await store.load_avoided_cases(connection, whose[1], kind, code), Ended.AVOIDED)
    return saved


async def lock(connection: Connection) -> None:
    """Wait until nobody else assigns, before somebody is described anew."""
    await programmes.share_reference(connection)
    await store.lock_assigning(connection)


async def free_if_away(connection: Connection, worker: Worker) -> None:
    """Who is away now, or bears nothing, has no case."""
    if worker.capacity == 0 or worker.is_absent(await workers_store.load_today(connection)):
        await _free(connection, await store.load_cases_of(connection, worker.worker_id), Ended.AWAY)


async def _free(connection: Connection, case_ids: list[UUID], ended: Ended) -> None:
    await store.end(connection, case_ids, ended)
    await cases.free_cases(connection, case_ids)
