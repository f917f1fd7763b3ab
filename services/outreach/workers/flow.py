"""Describes workers, tells trainings and cohorts: in the transaction of the request."""

from collections import Counter
from collections.abc import Mapping

from services.kit.postgres import Connection
from services.kit.problem import Refusal
from services.outreach.workers import store
from services.outreach.workers.rules import Cohort, Progress, Training, Worker

CHANGED = Refusal(
    "worker-changed", "Worker Changed", "Another description stands: read it, and send its ETag as If-Match.", 412
)
NO_WORKER = Refusal("unknown-worker", "Unknown Worker", "There is no such worker among your plan's.", 404)
NO_COHORT = Refusal("unknown-cohort", "Unknown Cohort", "There is no such cohort of this course at your plan.")


async def describe(
    connection: Connection, tenant_id: str, worker: Worker, version: int | None, by: str
) -> tuple[Worker, int] | Refusal:
    """Keep the description, if the one that it is made from stands."""
    if await store.save_worker(connection, tenant_id, worker, version, by) is None:
        return CHANGED
    return (await store.load_workers(connection, worker.worker_id))[worker.worker_id]


async def tell_training(
    connection: Connection, tenant_id: str, worker_id: str, training: Training, by: str
) -> tuple[Worker, int] | Refusal:
    """Keep how far a worker is with a course, which is his cohort's if he has one."""
    if not await store.load_workers(connection, worker_id):
        return NO_WORKER
    if training.cohort_id is not None:
        cohort = await store.load_cohort(connection, training.cohort_id)
        if cohort is None or cohort.course != training.course:
            return NO_COHORT
    await store.save_training(connection, tenant_id, worker_id, training, by)
    return (await store.load_workers(connection, worker_id))[worker_id]


async def cohorts(connection: Connection) -> list[tuple[Cohort, Mapping[Progress, int]]]:
    """Each cohort with how many of it are how far on the open business day."""
    today, workers = await store.load_today(connection), await store.load_workers(connection)
    trainings = [training for worker, _ in workers.values() for training in worker.trainings]
    return [
        (cohort, Counter(one.progress(today) for one in trainings if one.cohort_id == cohort.cohort_id))
        for cohort in await store.load_cohorts(connection)
    ]
