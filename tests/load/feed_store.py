"""Takes feed files from their bytes to eligibility's tables and outbox: the worker of the service, without its HTTP."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg

from services.eligibility.decisions.flow import days
from services.eligibility.decisions.flow.redecide import redecide
from services.eligibility.intake.flow import absence, registry, roster
from services.eligibility.intake.flow.worker import Intake
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.settings import OwnSettings
from services.kit import log
from services.kit.ids import new_id
from services.kit.postgres import ALL_TENANTS, create_pool, transaction
from tests.load.path_service import freeze, settings_of
from tests.load.side import Task, Watch

FIRST_DAY = date(2021, 3, 1)
COUNT_ROWS = "select count(*) from feed_row where row > 0"


async def run(task: Task, watch: Watch) -> None:
    """`options["before"]` are files that are there already; `options["files"]` are timed. Paths, one a line."""
    log.configure("eligibility")
    settings = settings_of(task)
    pool = await create_pool(settings)
    await days.begin(pool, FIRST_DAY)
    intake = Intake(settings, pool, OwnSettings())
    await _work(pool, intake, task.options["before"].splitlines())
    before, deciding_s = await _rows(pool), _time_deciding()
    freeze()
    watch.start()
    await _work(pool, intake, task.options["files"].splitlines())
    rows = await _rows(pool) - before
    watch.stop(task.records or rows, rows=rows, deciding_s=deciding_s())
    await pool.close()


def _time_deciding() -> Callable[[], float]:
    """From now on what deciding and announcing cost is counted apart. Gives how many processor seconds it was."""
    spent: list[float] = []

    async def timed(*given: Any, **more: Any) -> int:
        began = time.thread_time()
        try:
            return await redecide(*given, **more)
        finally:
            spent.append(time.thread_time() - began)

    for flow in (roster, registry, absence):
        patch.object(flow, "redecide", timed).start()
    return lambda: sum(spent)


async def _work(pool: asyncpg.Pool, intake: Intake, paths: list[str]) -> None:
    for path in paths:
        await _submit(pool, Path(path))
    while await intake.work_once():
        pass


async def _submit(pool: asyncpg.Pool, path: Path) -> None:
    raw = await asyncio.to_thread(path.read_bytes)
    async with transaction(pool, ALL_TENANTS) as connection:
        digest = hashlib.sha256(raw).hexdigest()
        file = await file_store.insert_file(connection, new_id(), ALL_TENANTS, digest, len(raw), None)
        assert file is not None, "each file is submitted once"
        with path.open("rb") as stream:
            await chunk_store.save_chunks(connection, file.file_id, stream)


async def _rows(pool: asyncpg.Pool) -> int:
    async with transaction(pool, ALL_TENANTS) as connection:
        return int(await connection.fetchval(COUNT_ROWS) or 0)
