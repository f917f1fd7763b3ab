"""The one worker of a deployment: takes the feed files, of each lane in the order of their submission, a slice of each
lane in turn, and finishes the day's answers before the next one."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import structlog

from services.eligibility.decisions.flow import days
from services.eligibility.feeds.reader import read_stream
from services.eligibility.intake.flow import absence
from services.eligibility.intake.flow.file_run import FileCancelledError, FileRun, FileTakenError, Reader
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import queue as queue_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.settings import OwnSettings
from services.kit import metrics
from services.kit.postgres import ALL_TENANTS, Pool, connect, transaction
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.waiting import wait

RETRY_S = 1.0
PRUNE_EVERY_S = 3600.0
MOST_BEGUN = 16
"""Files that are read side by side; who comes then waits for the end of one of them."""


class Intake(Repeating):
    """The one worker of a deployment: instances compete for a lock, and whoever holds it works."""

    def __init__(self, settings: Settings, pool: Pool, own: OwnSettings, reader: Reader | None = None) -> None:
        super().__init__("intake", FileTakenError)
        self._settings, self._pool, self._own = settings, pool, own
        self._reader = reader or partial(read_stream, default_zone=own.sender_time_zone, limits=own.archive_limits)
        self._news = asyncio.Event()
        self._prune_at, self._pruned_to = 0.0, chunk_store.Place()
        self._runs: dict[UUID, FileRun] = {}

    def stop(self) -> None:
        super().stop()
        self._news.set()

    async def run(self) -> None:
        with self._pool.signals.waking(self._news, file_store.NEWS):
            await super().run()

    async def turn(self) -> float:
        """Hold the lock, and work while it is held."""
        connection = await connect(self._settings)
        try:
            if not await queue_store.lock_intake(connection):
                return RETRY_S
            metrics.LOCKS_HELD.labels("intake").set(1)
            await days.begin(self._pool, self._own.first_business_on)
            await days.tell_groups(self._pool)
            await days.withhold_told(self._pool, self._stopping.is_set)
            while not self._stopping.is_set():
                self._news.clear()
                has_worked = await self.work_once()
                self.faults.forget()
                if not has_worked:
                    await queue_store.keep_lock(connection)
                    await self._await_news()
        finally:
            metrics.LOCKS_HELD.labels("intake").set(0)
            await self.leave_all()
            await connection.close(timeout=2)
        return 0.0

    async def work_once(self) -> bool:
        """Do what is to do next: finish the open day's answers, else a slice of a file. False if there was nothing."""
        if await days.redecide_due(self._pool, self._stopping.is_set):
            return True
        await self._prune()
        async with transaction(self._pool, ALL_TENANTS) as connection:
            released = await queue_store.load_released(connection)
            is_open = await queue_store.load_open(connection, self._runs) if self._runs else set()
            await self._leave([file_id for file_id in self._runs if file_id not in is_open])
            file = await queue_store.load_next(connection, self._runs, may_begin=len(self._runs) < MOST_BEGUN)
        if released is not None:
            await absence.end_released(self._pool, released)
            return True
        if file is None:
            return False
        await self._step(file)
        return True

    async def _step(self, file: FeedFile) -> None:
        """A slice of the file; whoever fails at it reads it anew."""
        run = self._runs.get(file.file_id)
        if run is None:
            rows = min(self._own.rows_per_batch, self._settings.batch_records)
            run = FileRun(self._pool, file, rows, self._reader, self._own.test_data_from, self._own.reject_cap)
            self._runs[file.file_id] = run
        is_done = True
        try:
            is_done = await run.step()
        except FileCancelledError:
            structlog.get_logger().info("file cancelled", file_id=str(file.file_id))
        finally:
            if is_done:
                await self._leave([file.file_id])

    async def leave_all(self) -> None:
        """Put down the files at hand; whoever is next goes on behind the last commit."""
        await self._leave(list(self._runs))

    async def _leave(self, file_ids: Sequence[UUID]) -> None:
        for file_id in file_ids:
            await self._runs.pop(file_id).close()

    async def _prune(self) -> None:
        """A batch a turn: what is over age keeps no file waiting."""
        if time.monotonic() > self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_EVERY_S
            async with transaction(self._pool, ALL_TENANTS) as connection:
                self._pruned_to, has_more = await chunk_store.delete_chunks(
                    connection, self._own.keep_bytes_days, self._pruned_to
                )
            if has_more:
                self._prune_at = 0.0

    async def _await_news(self) -> None:
        """Until this process accepts a file, or it is time to look for what others did."""
        await wait(self._news, self._own.poll_s)
