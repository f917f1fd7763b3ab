"""The API of workers: describe one, list them, tell trainings and cohorts."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.kit.auth import Principal, may
from services.kit.idempotency import Answer, Identity
from services.kit.problem import Refusal, refuse
from services.kit.requests import Pool, reading, write
from services.kit.unit_of_work import UnitOfWork
from services.outreach.workers import flow, store
from services.outreach.workers.rules import Cohort, Progress, Worker
from services.outreach.workers.shapes import (
    CohortIn,
    CohortOut,
    CohortsOut,
    TrainingIn,
    WorkerOut,
    WorkersOut,
    worker_of,
)
from services.outreach.worklist.api.workers import worker_id as code_of
from services.outreach.worklist.shapes import PROBLEM

Onlooker = Annotated[Principal, may("workers.read")]
Describer = Annotated[Principal, may("workers.write")]
WorkerId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
CohortId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]

routes = APIRouter(tags=["outreach"])


@routes.get("/workers", summary="List the workers")
async def list_workers(pool: Pool, principal: Onlooker) -> WorkersOut:
    """The plan's workers by their codes, with how far their trainings are on the open business day."""
    async with reading(pool, principal) as work:
        today = await store.load_today(work.connection)
        found = await store.load_workers(work.connection)
    return WorkersOut(workers=tuple(worker_of(worker, version, today) for worker, version in found.values()))


@routes.get("/workers/{worker_id}", summary="Read a worker", response_model=WorkerOut, responses={404: PROBLEM})
async def read_worker(worker_id: WorkerId, pool: Pool, principal: Onlooker, response: Response) -> Response | WorkerOut:
    """One of them, with the ETag by which a change is asked for."""
    async with reading(pool, principal) as work:
        today = await store.load_today(work.connection)
        found = await store.load_workers(work.connection, worker_id)
    if worker_id not in found:
        return refuse(flow.NO_WORKER)
    worker, version = found[worker_id]
    response.headers["ETag"] = f'"{version}"'
    return worker_of(worker, version, today)


@routes.put(
    "/workers/{worker_id}/trainings",
    summary="Tell how far a training is",
    response_model=WorkerOut,
    responses={404: PROBLEM, 409: PROBLEM},
)
async def tell_training(
    worker_id: WorkerId, body: TrainingIn, pool: Pool, identity: Identity, principal: Describer
) -> Response:
    """A course with the day on which it began is told again when it is completed, or corrected."""

    async def effect(work: UnitOfWork) -> Answer:
        by = code_of(principal)
        told = await flow.tell_training(work.connection, principal.tenant, worker_id, body.training(), by)
        return await answer_of(work, told)

    return await write(pool, identity, effect)


@routes.get("/cohorts", summary="List the cohorts")
async def list_cohorts(pool: Pool, principal: Onlooker) -> CohortsOut:
    """The plan's cohorts, the latest first, and how many of each are how far."""
    async with reading(pool, principal) as work:
        found = await flow.cohorts(work.connection)
    return CohortsOut(cohorts=tuple(_cohort(cohort, progress) for cohort, progress in found))


@routes.put("/cohorts/{cohort_id}", summary="Tell a cohort", response_model=CohortOut)
async def tell_cohort(
    cohort_id: CohortId, body: CohortIn, pool: Pool, identity: Identity, principal: Describer
) -> Response:
    """Those who begin a course together; its workers' trainings name it."""
    cohort = body.cohort(cohort_id)

    async def effect(work: UnitOfWork) -> Answer:
        await store.save_cohort(work.connection, principal.tenant, cohort)
        progress = dict(await flow.cohorts(work.connection)).get(cohort, {})
        return Answer(200, _cohort(cohort, progress).model_dump(mode="json"))

    return await write(pool, identity, effect)


async def answer_of(work: UnitOfWork, told: tuple[Worker, int] | Refusal) -> Answer:
    """The worker as he is described now, with his ETag; or why not."""
    if isinstance(told, Refusal):
        return Answer.of(told)
    worker, version = told
    today = await store.load_today(work.connection)
    return Answer(200, worker_of(worker, version, today).model_dump(mode="json"), {"ETag": f'"{version}"'})


def _cohort(cohort: Cohort, progress: Mapping[Progress, int]) -> CohortOut:
    return CohortOut(
        cohort_id=cohort.cohort_id,
        course=cohort.course,
        begins_on=cohort.begins_on,
        ends_on=cohort.ends_on,
        progress={one: progress.get(one, 0) for one in Progress},
    )
