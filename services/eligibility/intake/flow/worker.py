"""Works through the feed files in the order of their submission, a slice of rows per transaction.

A slice's effects, its rows' outcomes and the cursor behind it commit together, so a killed process goes on where the
last commit ended. Reading and parsing happen in a thread, for heartbeats live on the loop.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import BinaryIO

import structlog

from schemas.eligibility_v1 import ChangeCount, FeedFileProcessedV1, FeedKind, ReasonCount
from services.eligibility.clock import store as clock_store
from services.eligibility.decisions.flow import days
from services.eligibility.feeds.formats import kind_of
from services.eligibility.feeds.headers_ahead import headers_ahead
from services.eligibility.feeds.outcomes import RowResult
from services.eligibility.feeds.reader import read_stream
from services.eligibility.feeds.records import (
    AdsHeader,
    FeedItem,
    FeedSummary,
    Notice,
    RosterHeader,
    RosterMention,
    RosterRecord,
)
from services.eligibility.intake.admission import BARRED, Bar, Gate
from services.eligibility.intake.flow import absence, registry, roster
from services.eligibility.intake.flow.ordering import take_turn
from services.eligibility.intake.full_lists import FullPart, full_part, newest_lists
from services.eligibility.intake.ordering import Turn, control_of
from services.eligibility.intake.slices import Slice, slices
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import transactions as transaction_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.payers import store as payer_store
from services.eligibility.payers.rules import code_of, payer_of
from services.eligibility.people.precedence import Stamp
from services.eligibility.settings import OwnSettings
from services.kit import log
from services.kit.postgres import ALL_TENANTS, DATA_ERRORS, Connection, Pool, connect, is_fault, transaction
from services.kit.repeating import Repeating
from services.kit.settings import Settings
from services.kit.unit_of_work import UnitOfWork
from services.kit.waiting import wait

RETRY_S = 1.0
PRUNE_EVERY_S = 3600.0
ROW_ERRORS = (*DATA_ERRORS, ValueError)
Reader = Callable[[BinaryIO, str | None], Iterator[FeedItem]]


class FileTakenError(Exception):
    """Another process went on with the file; leave it to that one."""


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
        file_store.listeners.add(self._news.set)
        try:
            await super().run()
        finally:
            file_store.listeners.discard(self._news.set)

    async def turn(self) -> float:
        """Hold the lock, and work while it is held."""
        connection = await connect(self._settings)
        try:
            if not await file_store.lock_intake(connection):
                return RETRY_S
            await days.begin(self._pool, self._own.first_business_on)
            await days.tell_groups(self._pool)
            while not self._stopping.is_set():
                self._news.clear()
                has_worked = await self.work_once()
                self.faults.forget()
                if not has_worked:
                    await file_store.keep_lock(connection)
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
            released = await file_store.load_released(connection)
            file = await file_store.load_next(connection)
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
                await file_store.delete_chunks(connection, self._own.keep_bytes_days)

    async def _await_news(self) -> None:
        """Until this process accepts a file, or it is time to look for what others did."""
        await wait(self._news, self._own.poll_s)


class FileRun:
    """One file from its cursor to its end."""

    def __init__(
        self,
        pool: Pool,
        file: FeedFile,
        rows: int,
        reader: Reader,
        stopping: asyncio.Event | None = None,
        test_data_from: frozenset[str] = frozenset(),
    ) -> None:
        self._pool, self._file, self._rows, self._reader = pool, file, rows, reader
        self._stopping, self._test_data_from = stopping or asyncio.Event(), test_data_from
        self._full: list[FullPart] = []
        self._controls: Counter[str] = Counter()
        self._headers = 0
        self._listed: list[int] = []
        self._again: dict[Stamp, Stamp] = {}
        self._is_in_turn = self._is_done = False

    async def run(self) -> None:
        """Leave the rest to the next start when stopped in between."""
        with tempfile.TemporaryFile() as stream:
            async with transaction(self._pool, ALL_TENANTS) as connection:
                async for chunk in file_store.load_chunks(connection, self._file.file_id):
                    await asyncio.to_thread(stream.write, chunk)
            if await self._waits(stream):
                return
            stream.seek(0)
            pending = slices(self._counted(self._reader(stream, self._file.profile)), self._rows, self._file.cursor_row)
            ahead = asyncio.create_task(asyncio.to_thread(next, pending, None))
            try:
                while (part := await ahead) is not None and not (self._is_done or self._stopping.is_set()):
                    ahead = asyncio.create_task(asyncio.to_thread(next, pending, None))  # while the database works
                    await self._apply(part)
            finally:
                await asyncio.gather(ahead, return_exceptions=True)

    def _counted(self, items: Iterable[FeedItem]) -> Iterator[FeedItem]:
        """The items, with a count of the rows under each transaction's header."""
        for item in items:
            if isinstance(item, RosterHeader):
                self._listed.append(0)
            elif isinstance(item, RosterRecord | RosterMention) and self._listed:
                self._listed[-1] += 1
            yield item

    async def _waits(self, stream: BinaryIO) -> bool:
        """Whether the file is held for a transaction that does not come in its turn, wherever in the file it stands."""
        if self._file.cursor_row > 0 or self._file.decision == "released":
            return False
        read = partial(self._reader, stream, self._file.profile)
        headers = await asyncio.to_thread(headers_ahead, stream, read)
        if not headers:
            return False
        part = Slice(headers=[*headers])
        async with transaction(self._pool, ALL_TENANTS) as connection:
            file = await self._lock(connection, part)
            gate = await self._gate(connection, part)
            await self._save_headers(UnitOfWork(connection), part, gate)
            turn = await self._take_turn(connection, file, part, gate)
        self._is_in_turn = turn.held is None
        return not self._is_in_turn

    async def _apply(self, part: Slice) -> None:
        """A slice that holds a row which can't be stored is halved until that row stands alone, and is rejected."""
        try:
            await self._apply_slice(part)
        except ROW_ERRORS as error:
            if is_fault(error) or part.rows == 0:
                raise
            structlog.get_logger().warning(
                "row set aside", file_id=str(self._file.file_id), rows=part.rows, **log.fault_fields(error)
            )
            if part.rows == 1:
                await self._apply_slice(part.as_rejected())
            else:
                for half in part.halves():
                    await self._apply(half)

    async def _apply_slice(self, part: Slice) -> None:
        started = time.perf_counter()
        async with transaction(self._pool, ALL_TENANTS) as connection:
            work = UnitOfWork(connection)
            file = await self._lock(connection, part)
            gate = await self._gate(connection, part)
            today = (await clock_store.share_clock(connection)).business_on
            await self._save_headers(work, part, gate)
            turn = await self._take_turn(connection, file, part, gate)
            if turn.held is not None:
                self._is_done = True
                return
            results = await self._effects(work, file, part, gate, today)
            await file_store.save_rows(connection, file.file_id, results, part.last_row)
            await _save_notices(connection, file, part.notices)
        self._file = file
        self._controls.update(control_of(one) for one in _admitted(part, gate))
        headers = [one for one in part.headers if isinstance(one, RosterHeader)]
        places = [place for place, one in enumerate(headers, self._headers) if gate.bar(one) is None]
        self._headers += len(headers)
        self._full += [
            full_part(one, gate.tenant(one), told.said, place)
            for one, told, place in zip(_admitted(part, gate), turn.transactions, places, strict=True)
            if one.is_full
        ]
        self._log(part, results, started)
        if part.summary is not None:
            await self._finish(part.summary)
            self._is_done = True

    async def _gate(self, connection: Connection, part: Slice) -> Gate:
        """What may pass of this slice. A header whose rows are test data names no tenant."""
        headers = [
            *(one for one in part.headers if isinstance(one, RosterHeader)),
            *(row.header for row in part.roster),
        ]
        headers += [header for _, header in part.mentions]
        gate = Gate(self._file.tenant_id, {}, self._test_data_from)
        payers = {payer_of(one) for one in headers if gate.takes(one)}
        tenants = await payer_store.settle(connection, sorted(payers), self._file.tenant_id)
        return replace(gate, tenants=tenants)

    async def _lock(self, connection: Connection, part: Slice) -> FeedFile:
        file = await file_store.lock_file(connection, self._file.file_id)
        if file.state not in {"received", "processing"} or file.cursor_row >= max(part.first_row, 1):
            raise FileTakenError
        return file

    async def _save_headers(self, work: UnitOfWork, part: Slice, gate: Gate) -> None:
        for header in part.headers:
            sender = code_of(header.grantee if isinstance(header, AdsHeader) else header.sender)
            plan, is_full = None, False
            if isinstance(header, RosterHeader) and gate.bar(header) is None:
                plan, is_full = gate.tenant(header), header.is_full
            kind = kind_of(header)
            await file_store.save_header(work.connection, self._file.file_id, kind, sender, plan, is_full=is_full)

    async def _take_turn(self, connection: Connection, file: FeedFile, part: Slice, gate: Gate) -> Turn:
        """Hold the file if it does not come in its turn; else note its transactions, and how old its rows are."""
        headers = [(one, gate.tenant(one)) for one in _admitted(part, gate)]
        turn = await take_turn(connection, file, headers, self._controls)
        if self._is_in_turn:  # asked of the whole file, of which one slice's headers are a part
            turn = replace(turn, held=None)
        await _save_notices(connection, file, [(-place, one) for place, one in turn.notices.items()])
        await transaction_store.save_transactions(connection, file.file_id, turn.transactions)
        if instants := [one.said.at for one in turn.transactions if one.said.at is not None]:
            await file_store.save_said_at(connection, file.file_id, min(instants))
        if turn.held is not None:
            structlog.get_logger().info("file held", file_id=str(file.file_id), reason=turn.held)
            await file_store.hold_file(connection, file.file_id, turn.held)
        self._again |= turn.again
        if self._again:
            part.roster = [row._replace(said=self._again.get(row.said, row.said)) for row in part.roster]
        return turn

    async def _effects(self, work: UnitOfWork, file: FeedFile, part: Slice, gate: Gate, today: date) -> list[RowResult]:
        admitted = gate.admit(part)
        results = [
            RowResult(one.row, "rejected", one.code, one.field, one.where, one.expected) for one in part.rejections
        ]
        results += [
            RowResult(at.row, "rejected", bar.code, bar.field, at.segment, bar.expected) for at, bar in admitted.refused
        ]
        results += _of_empty_file(part, gate)
        if admitted.roster or admitted.mentions:
            results += await roster.on_roster_rows(work, file, admitted.roster, admitted.mentions, today)
        if admitted.registry:
            records = sorted(admitted.registry, key=lambda one: one.position)
            results += await registry.on_registry_rows(work, file, records, today)
        return results

    def _log(self, part: Slice, results: list[RowResult], started: float) -> None:
        structlog.get_logger().info(
            "rows applied", file_id=str(self._file.file_id), rows=part.rows,
            rejected=sum(one.outcome == "rejected" for one in results),
            unchanged=sum(one.outcome == "unchanged" for one in results),
            unlinked=sum(one.outcome == "unlinked" for one in results),
            duration_ms=round((time.perf_counter() - started) * 1000),
        )  # fmt: skip

    # -- the end of a file

    async def _finish(self, summary: FeedSummary) -> None:
        await absence.end_absent(self._pool, self._file, newest_lists(self._full, self._listed), summary)
        async with transaction(self._pool, ALL_TENANTS) as connection:
            file = await file_store.lock_file(connection, self._file.file_id)
            if file.state == "processed":
                return
            barred = sum(
                rows for code, rows in await file_store.load_refusals(connection, file.file_id) if code in BARRED
            )
            is_refused = (summary.rows == 0 and summary.rejected + barred > 0) or 0 < file.rows_read == barred
            await file_store.finish_file(connection, file.file_id, "refused" if is_refused else "processed")
            if summary.kind is not None:
                today = (await clock_store.share_clock(connection)).business_on
                await UnitOfWork(connection).announce([await self._processed(connection, file, summary.kind, today)])

    async def _processed(
        self, connection: Connection, file: FeedFile, kind: FeedKind, today: date
    ) -> FeedFileProcessedV1:
        rejections = await file_store.load_rejections(connection, file.file_id)
        return FeedFileProcessedV1(
            occurred_at=datetime.now(UTC),
            file_id=file.file_id,
            kind=kind,
            sender=file.sender or "unknown",
            tenant_id=file.plan,
            sha256=file.sha256,
            rows_read=file.rows_read,
            rows_accepted=file.rows_accepted,
            rows_rejected=file.rows_rejected,
            rows_unlinked=file.rows_unlinked,
            rows_unchanged=file.rows_unchanged,
            changes=tuple(ChangeCount(change=name, rows=rows) for name, rows in sorted(file.changes.items())),
            rejections=tuple(ReasonCount(reason=code_of(code), rows=rows) for code, rows in rejections),
            business_on=today,
        )


def _admitted(part: Slice, gate: Gate) -> list[RosterHeader]:
    return [one for one in part.headers if isinstance(one, RosterHeader) and gate.bar(one) is None]


async def _save_notices(connection: Connection, file: FeedFile, told: Iterable[tuple[int, Notice]]) -> None:
    notices = [(no, one.row, one.where, one.field, one.code, one.expected) for no, one in told]
    await file_store.save_notices(connection, file.file_id, notices)


def _of_empty_file(part: Slice, gate: Gate) -> list[RowResult]:
    """A file without a row is refused as a whole where its header is."""
    if part.summary is None or part.summary.rows:
        return []
    bars: list[Bar | None] = [gate.bar(one) for one in part.headers if isinstance(one, RosterHeader)]
    return [RowResult(0, "rejected", one.code, one.field, 1, one.expected) for one in bars if one is not None][:1]
