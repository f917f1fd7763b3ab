"""What wakes the worker: a file that was accepted, and a word about one that waited."""

from typing import IO
from uuid import UUID

from services.eligibility.intake.flow import ending
from services.eligibility.intake.lanes import HEAD_BYTES, lane_of
from services.eligibility.intake.store import chunks as chunk_store
from services.eligibility.intake.store import files as file_store
from services.eligibility.intake.store.files import FeedFile, PartOf
from services.kit.ids import new_id
from services.kit.unit_of_work import UnitOfWork


async def accept_file(
    work: UnitOfWork,
    tenant: str,
    about: tuple[str, int, str | None, str],
    stream: IO[bytes],
    part_of: PartOf | None = None,
) -> tuple[FeedFile, bool]:
    """Keep the file, of which `about` says its digest, size, profile and its content's digest, and `part_of` of which
    list it is a part. Or give the one that this tenant sent before with the same bytes or the same content: True."""
    lane = lane_of(tenant, stream.read(HEAD_BYTES))
    stream.seek(0)
    file = await file_store.insert_file(work.connection, new_id(), tenant, *about, lane=lane, part_of=part_of)
    if file is not None:
        await chunk_store.save_chunks(work.connection, file.file_id, stream)
        work.wake(file_store.NEWS)
        return file, False
    known = await file_store.load_file_by_sha256(work.connection, tenant, about[0], about[3])
    assert known is not None, "files are never deleted"
    return known, True


async def cancel_file(work: UnitOfWork, file: FeedFile, by: str, why: str) -> None:
    """Read no more of a file that is not read to its end. Told as an event if it was known what it is."""
    await file_store.cancel_file(work.connection, file.file_id, by, why)
    await ending.tell(work, file.file_id)
    work.wake(file_store.NEWS)


async def decide_file(work: UnitOfWork, file_id: UUID, decision: str, by: str, why: str) -> None:
    """What a person decided of a file that waits, or of the absence that it told of."""
    await file_store.save_decision(work.connection, file_id, decision, by, why)
    work.wake(file_store.NEWS)
