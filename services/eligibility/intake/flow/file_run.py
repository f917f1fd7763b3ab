"""Works through one feed file, a slice of rows per transaction.

A slice's effects, its rows' outcomes and the cursor behind it commit together, so a killed process goes on where the
last commit ended. Reading and parsing happen in a thread, for heartbeats live on the loop.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import BinaryIO, cast

import structlog

from services.eligibility.clock import store as clock_store
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.feeds.records import FeedItem, FeedSummary, RosterHeader
from services.eligibility.feeds.reject_cap import TOO_MANY_REJECTS, USUAL, RejectCap
from services.eligibility.feeds.transactions_ahead import transactions_ahead
from services.eligibility.intake.admission import Gate
from services.eligibility.intake.flow import registry, roster
from services.eligibility.intake.flow.admission import open_gate, save_other_headers, save_roster_headers
from services.eligibility.intake.flow.ending import finish, stop
from services.eligibility.intake.flow.ordering import full_parts, take_turn
from services.eligibility.intake.ordering import BYTES_UNREADABLE, FileOrder
from services.eligibility.intake.slices import Slice, slices
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import queue as queue_store
from services.eligibility.intake.store import rows as row_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.people.changes import REPEATED
from services.kit import log
from services.kit.postgres import ALL_TENANTS, DATA_ERRORS, Connection, Pool, is_fault, transaction
from services.kit.sealed import KeyRingError, SealError
from services.kit.setting_aside import each_or_aside
from services.kit.unit_of_work import UnitOfWork, working

ROW_ERRORS = (*DATA_ERRORS, ValueError)
Reader = Callable[[BinaryIO, str | None], Iterator[FeedItem]]


class FileTakenError(Exception):
    """Another process went on with the file; leave it to that one."""


class FileCancelledError(Exception):
    """A person wants no more of the file to be read."""


class FileRun:
    """One file from its cursor to its end, a slice each time its turn comes."""

    def __init__(
        self,
        pool: Pool,
        file: FeedFile,
        rows: int,
        reader: Reader,
        test_data_from: frozenset[str] = frozenset(),
        cap: RejectCap = USUAL,
    ) -> None:
        self._pool, self._file, self._rows, self._reader = pool, file, rows, reader
        self._test_data_from, self._cap = test_data_from, cap
        self._headers: list[RosterHeader] = []
        self._gate = Gate(file.tenant_id, {}, test_data_from)
        self._turn = FileOrder()
        self._is_done = False
        self._stream: BinaryIO | None = None
        self._pending: Iterator[Slice] = iter(())
        self._ahead: asyncio.Task[Slice | None] | None = None

    async def step(self) -> bool:
        """Take the next slice; True when nothing is left to take."""
        if self._stream is None:
            self._stream = await self._open()
            if self._turn.held is not None:
                return True
            self._begin(self._stream)
        part = await self._ahead if self._ahead is not None else None
        if part is None:
            return True
        self._look_ahead()
        await self._apply(part)
        return self._is_done

    async def close(self) -> None:
        """Leave the rest to another run."""
        if self._ahead is not None:
            await asyncio.gather(self._ahead, return_exceptions=True)
        if self._stream is not None:
            self._stream.close()

    async def _open(self) -> BinaryIO:
        stream = self._stream = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - open over many turns
        try:
            async with transaction(self._pool, ALL_TENANTS) as connection:
                async for chunk in chunk_store.load_chunks(connection, self._file.file_id):
                    await asyncio.to_thread(stream.write, chunk)
        except (KeyRingError, SealError) as error:
            await self._hold(error)
        else:
            await self._take_turn(stream)
        return stream

    async def _hold(self, error: Exception) -> None:
        """What is kept of the file can't be opened: it waits for a person, and the others go on."""
        file_id = self._file.file_id
        structlog.get_logger().warning("file held", file_id=str(file_id), reason=str(error))
        async with transaction(self._pool, ALL_TENANTS) as connection:
            await self._lock(connection, self._file.cursor_row + 1)
            await file_store.hold_file(connection, file_id, BYTES_UNREADABLE)
        self._turn = FileOrder(held=BYTES_UNREADABLE)

    def _begin(self, stream: BinaryIO) -> None:
        stream.seek(0)
        items = self._reader(stream, self._file.profile)
        self._pending = slices(items, self._rows, self._file.cursor_row, self._turn.transactions)
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Read on while the database, or another file, is at work."""
        self._ahead = asyncio.create_task(asyncio.to_thread(next, self._pending, None))

    async def _take_turn(self, stream: BinaryIO) -> None:
        """Whether the file is held for a transaction that does not come in its turn, wherever in the file it stands."""
        ahead = await asyncio.to_thread(transactions_ahead, stream, self._file.profile)
        if not ahead:
            return
        self._headers = [head.header for head in ahead]
        async with transaction(self._pool, ALL_TENANTS) as connection:
            file = await self._lock(connection, self._file.cursor_row + 1)
            self._gate = await open_gate(connection, file, self._headers, self._test_data_from)
            await save_roster_headers(connection, file, self._headers, self._gate)
            self._turn = await take_turn(connection, file, ahead, self._gate)

    async def _apply(self, part: Slice) -> None:
        """A row that can't be stored is rejected; the others of its slice are applied."""

        async def reject(row: int, error: Exception) -> None:
            structlog.get_logger().warning(
                "row set aside", file_id=str(self._file.file_id), rows=1, **log.fault_fields(error)
            )
            await self._apply_slice(part.within([row]).as_rejected())

        await each_or_aside(
            part.ordinals, lambda rows: self._apply_slice(part.within(rows)), reject, _speaks_of_no_row
        )  # fmt: skip

    async def _apply_slice(self, part: Slice) -> None:
        if self._is_done:
            return
        started = time.perf_counter()
        async with working(self._pool) as work:
            connection = work.connection
            file = await self._lock(connection, part.first_row)
            today = (await clock_store.share_clock(connection)).business_on
            await save_other_headers(connection, file, part.headers)
            results = await self._effects(work, file, part, today)
            is_over = self._is_over(file, results)
            await row_store.save_rows(connection, file.file_id, results, part.last_row)
            await row_store.save_notices(connection, file.file_id, part.notices)
            await queue_store.serve(connection, file.file_id)
            if is_over:
                await stop(work, file, TOO_MANY_REJECTS)
        self._file, self._is_done = file, is_over
        self._log(part, results, started)
        if part.summary is not None and not is_over:
            await self._finish(part.summary)
            self._is_done = True

    def _is_over(self, file: FeedFile, results: list[RowResult]) -> bool:
        """Whether with these rows too many of the file are rejected; then the file itself is told so."""
        rejected = sum(result.outcome == "rejected" and result.row > 0 for result in results)
        read = sum(result.row > 0 for result in results)
        is_over = self._cap.is_over(file.rows_rejected + rejected, file.rows_read + read)
        if is_over:
            results.append(RowResult(0, "rejected", TOO_MANY_REJECTS, "file", None, self._cap.expected))
        return is_over

    async def _lock(self, connection: Connection, first_row: int) -> FeedFile:
        file = await file_store.lock_file(connection, self._file.file_id)
        if file.state == "cancelled":
            raise FileCancelledError
        if file.state not in {"received", "processing"} or file.cursor_row >= max(first_row, 1):
            raise FileTakenError
        return file

    async def _effects(self, work: UnitOfWork, file: FeedFile, part: Slice, today: date) -> list[RowResult]:
        admitted = self._gate.admit(part)
        results = [
            RowResult(rejection.row, "rejected", rejection.code, rejection.field, rejection.where, rejection.expected)
            for rejection in part.rejections
        ]
        results += [
            RowResult(at.row, "rejected", bar.code, bar.field, at.segment, bar.expected) for at, bar in admitted.refused
        ]
        results += [RowResult(row, "unchanged", changes=(REPEATED,)) for row in part.repeated]
        if part.summary is not None and part.summary.rows == 0:
            results += self._of_empty_file()
        if admitted.roster or admitted.mentions:
            results += await roster.on_roster_rows(work, file, admitted.roster, admitted.mentions, today)
        if admitted.registry:
            records = sorted(admitted.registry, key=lambda record: record.position)
            results += await registry.on_registry_rows(work, file, records, today)
        return results

    def _of_empty_file(self) -> list[RowResult]:
        """A file without a row is refused as a whole where its header is."""
        bars = [bar for header in self._headers if (bar := self._gate.bar(header)) is not None]
        return [RowResult(0, "rejected", bar.code, bar.field, 1, bar.expected) for bar in bars[:1]]

    def _log(self, part: Slice, results: list[RowResult], started: float) -> None:
        structlog.get_logger().info(
            "rows applied", file_id=str(self._file.file_id), rows=part.rows,
            rejected=sum(result.outcome == "rejected" for result in results),
            unchanged=sum(result.outcome == "unchanged" for result in results),
            unlinked=sum(result.outcome == "unlinked" for result in results),
            duration_ms=round((time.perf_counter() - started) * 1000),
        )  # fmt: skip

    async def _finish(self, summary: FeedSummary) -> None:
        found = self._turn.transactions
        await finish(self._pool, self._file, full_parts(self._headers, found), found, summary)


def _speaks_of_no_row(error: Exception) -> bool:
    return is_fault(error) or not isinstance(error, ROW_ERRORS)
