"""The one factory of identifiers: UUIDv7 (RFC 9562, section 5.7), so that ids sort by time of making."""

import os
import struct
import time
from collections.abc import Iterator
from threading import Lock
from uuid import UUID, uuid5

from asyncpg.pgproto import pgproto

_NAMESPACE = UUID("6f1b8d5e-2f9c-5c57-9a3e-1d1f6f0a7c11")
_HALVES = struct.Struct(">QQ")


class _Maker:
    """Makes the ids of one process, each greater than the one before, also within a millisecond."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._unix_ms = -1
        self._high = self._low = 0
        self._steps: Iterator[tuple[int]] = iter(())

    def make(self) -> UUID:
        """A UUIDv7: 48 bits of Unix milliseconds, 74 bits that are random, of which in the same millisecond the last
        62 count on by a random step (RFC 9562, section 6.2, method 2)."""
        with self._lock:
            unix_ms = time.time_ns() // 1_000_000
            if unix_ms > self._unix_ms:
                random = int.from_bytes(os.urandom(10), "big")
                self._unix_ms = unix_ms
                self._high = (unix_ms & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | random >> 68
                self._low = 0b10 << 62 | random & 0x1FFF_FFFF_FFFF_FFFF  # so small that it can't run over
            else:
                self._low += 1 + self._step()
            # The driver's class, ten times as fast to make as the library's that it extends.
            return pgproto.UUID(_HALVES.pack(self._high, self._low))

    def _step(self) -> int:
        """Random, drawn in blocks: at each draw another thread may take the interpreter."""
        for (step,) in self._steps:
            return step
        self._steps = struct.iter_unpack(">I", os.urandom(4096))
        return self._step()

    def forget(self) -> None:
        """Draw nothing that a parent process may draw too."""
        self._lock, self._unix_ms, self._steps = Lock(), -1, iter(())


_maker = _Maker()
os.register_at_fork(after_in_child=_maker.forget)


def new_id() -> UUID:
    """A new id, greater than every id of this process before: which of two things is the older is never chance."""
    return _maker.make()


def derived_id(*parts: object) -> UUID:
    """The same id for the same parts, for facts that have a natural key."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
