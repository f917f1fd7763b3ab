"""The one worker of a deployment: takes the feed files in the order of their submission, and finishes the day's answers
before the next one."""

import asyncio
import time
from functools import partial

from services.eligibility.decisions.flow import days
from services.eligibility.feeds.reader import read_stream
from services.eligibility.intake.flow import absence
from services.eligibility.intake.flow.file_run import FileRun, FileTakenError, Reader
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import queue as queue_store
from services.eligibility.settings import OwnSettings
from services.kit.postgres import ALL_TENANTS, Pool, connect, transaction
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.waiting import wait

RETRY_S = 1.0
PRUNE_EVERY_S = 3600.0


class Intake(Repeating):
    """The one worker of a deployment: instances compete for a lock, and whoever holds it works."""

    def __init__(self, settings: Settings, pool: Pool, own: OwnSettings, reader: Reader | None = None) -> None:
        super().__init__("intake", FileTakenError)
        self._settings, self._pool, self._own = settings, pool, own
        self._reader = reader or partial(read_stream, default_zone=own.sender_time_zone)
        self._news = asyncio.Event()
        self._prune_at = 0.0

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
            await days.begin(self._pool, self._own.first_business_on)
            await days.tell_groups(self._pool)
            while not self._stopping.is_set():
                self._news.clear()
                has_worked = await self.work_once()
                self.faults.forget()
                if not has_worked:
                    await queue_store.keep_lock(connection)
                    await self._await_news()
        finally:
            await connection.close(timeout=2)
        return 0.0

    async def work_once(self) -> bool:
        """Do what is to do next: finish the open day's answers, else a file. False if there was nothing."""
        if await days.redecide_due(self._pool, self._stopping.is_set):
            return True
        await self._prune()
        async with transaction(self._pool, ALL_TENANTS) as connection:
            released = await queue_store.load_released(connection)
            file = await queue_store.load_next(connection)
        if released is not None:
            await absence.end_released(self._pool, released)
            return True
        if file is None:
            return False
        rows = min(self._own.rows_per_batch, self._settings.batch_records)
        await FileRun(self._pool, file, rows, self._reader, self._stopping, self._own.test_data_from).run()
        return True

    async def _prune(self) -> None:
        if time.monotonic() > self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_EVERY_S
            async with transaction(self._pool, ALL_TENANTS) as connection:
                await chunk_store.delete_chunks(connection, self._own.keep_bytes_days)

    async def _await_news(self) -> None:
        """Until this process accepts a file, or it is time to look for what others did."""
        await wait(self._news, self._own.poll_s)
