"""The end of a file: who is absent from its lists has left, and what became of its rows is announced."""

from datetime import UTC, date, datetime
from uuid import UUID

from schemas.eligibility_v1 import ChangeCount, FeedFileProcessedV1, FeedKind, ReasonCount
from services.eligibility.clock import store as clock_store
from services.eligibility.feeds.records import FeedSummary
from services.eligibility.intake.admission import BARRED
from services.eligibility.intake.flow import absence
from services.eligibility.intake.full_lists import FullPart, judged_by, newest_lists
from services.eligibility.intake.ordering import Transactions
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store import rows as row_store
from services.eligibility.intake.store.files import FeedFile
from services.eligibility.payers.rules import code_of
from services.eligibility.payers.senders import told_sender
from services.kit.postgres import ALL_TENANTS, Connection, Pool, transaction
from services.kit.unit_of_work import UnitOfWork, working

OPEN = frozenset({"received", "processing"})
"""States in which a file is read."""


async def finish(pool: Pool, file: FeedFile, parts: list[FullPart], found: Transactions, summary: FeedSummary) -> None:
    """Once every row has its outcome. `parts` are the full lists among the transactions."""
    lists = newest_lists(parts, summary.transactions)
    if lists:
        async with transaction(pool, ALL_TENANTS) as connection:
            unstorable = await row_store.load_unstorable(connection, file.file_id)
        lists = [judged_by(full_list, found, summary.transactions, unstorable) for full_list in lists]
    await absence.end_absent(pool, file, lists)
    async with working(pool) as work:
        file = await file_store.lock_file(work.connection, file.file_id)
        if file.state in OPEN:
            await _close(work, file, summary)


async def _close(work: UnitOfWork, file: FeedFile, summary: FeedSummary) -> None:
    connection = work.connection
    refusals = await row_store.load_refusals(connection, file.file_id)
    barred = sum(rows for code, rows in refusals if code in BARRED)
    is_refused = (summary.rows == 0 and summary.rejected + barred > 0) or 0 < file.rows_read == barred
    await file_store.finish_file(connection, file.file_id, "refused" if is_refused else "processed")
    if summary.kind is not None:
        today = (await clock_store.share_clock(connection)).business_on
        await work.announce([await _processed(connection, file, summary.kind, today)])


async def stop(work: UnitOfWork, file: FeedFile, why: str) -> None:
    """End a file before its end: nothing more of it is read, and nobody is absent for it."""
    await file_store.stop_file(work.connection, file.file_id, why)
    await tell(work, file.file_id)


async def tell(work: UnitOfWork, file_id: UUID) -> None:
    """Announce a file that was stopped or cancelled; nothing of one whose format was never known."""
    file = await file_store.lock_file(work.connection, file_id)
    if file.kind is not None:
        today = (await clock_store.share_clock(work.connection)).business_on
        await work.announce([await _processed(work.connection, file, FeedKind(file.kind), today)])


async def _processed(connection: Connection, file: FeedFile, kind: FeedKind, today: date) -> FeedFileProcessedV1:
    rejections = await row_store.load_rejections(connection, file.file_id)
    return FeedFileProcessedV1(
        occurred_at=datetime.now(UTC),
        file_id=file.file_id,
        kind=kind,
        sender=told_sender(file.sender),
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
        cut_short=file.cut_short,
    )
