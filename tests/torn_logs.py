"""Takes the end off a partition of a broker that does not run, as a power loss does with what the disk had not yet."""

import struct
from collections.abc import Iterator
from pathlib import Path

BASE_OFFSET_AND_LENGTH = struct.Struct(">qi")
CLEAN_SHUTDOWN = ".kafka_cleanshutdown"


def tear(data: Path, topic: str, partition: int, first_lost: int) -> None:
    """What stands at this offset, in the same batch or behind it is gone when the broker starts again. `data` is the
    broker's folder."""
    logs = data / "log"
    (logs / CLEAN_SHUTDOWN).unlink(missing_ok=True)
    for segment in sorted((logs / f"{topic}-{partition}").glob("*.log")):
        size = next((at for at, last in _batches(segment) if last >= first_lost), segment.stat().st_size)
        with segment.open("r+b") as file:
            file.truncate(size)


def _batches(segment: Path) -> Iterator[tuple[int, int]]:
    """Where each batch begins in the file, and the last offset in it."""
    content, at = segment.read_bytes(), 0
    while at + 61 <= len(content):
        base, length = BASE_OFFSET_AND_LENGTH.unpack_from(content, at)
        if length <= 0:
            return
        [last_delta] = struct.unpack_from(">i", content, at + 23)
        yield at, base + last_delta
        at += BASE_OFFSET_AND_LENGTH.size + length
