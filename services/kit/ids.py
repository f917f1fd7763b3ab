"""The one factory of identifiers: UUIDv7 (RFC 9562, section 5.7), so that ids sort by time of making."""

import os
import time
from threading import Lock
from uuid import UUID, uuid5

from asyncpg.pgproto import pgproto

_NAMESPACE = UUID("6f1b8d5e-2f9c-5c57-9a3e-1d1f6f0a7c11")


_RANDOM_BYTES = 10 * 64
"""Drawn at once: each draw lets another thread take the interpreter, and waits until it is given back."""


class _Maker:
    """Makes the ids of one process, each greater than the one before, also within a millisecond."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._unix_ms = self._tail = 0
        self._random = b""

    def make(self) -> UUID:
        """A UUIDv7: 48 bits of Unix milliseconds, 74 bits that are random, or in the same millisecond count on by a
        random step (RFC 9562, section 6.2, method 2)."""
        with self._lock:
            if not self._random:
                self._random = os.urandom(_RANDOM_BYTES)
            random, self._random = int.from_bytes(self._random[:10], "big") >> 7, self._random[10:]
            unix_ms = time.time_ns() // 1_000_000
            if unix_ms > self._unix_ms:
                self._unix_ms, self._tail = unix_ms, random
            else:
                unix_ms = self._unix_ms
                self._tail += 1 + (random & 0xFFFF_FFFF)
            tail = self._tail
        value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (tail >> 62 & 0xFFF) << 64
        value |= 0b10 << 62 | tail & 0x3FFF_FFFF_FFFF_FFFF
        return pgproto.UUID(value.to_bytes(16, "big"))  # the driver's, ten times as fast to make as the library's

    def forget(self) -> None:
        """Draw nothing that a parent process may draw too."""
        self._random = b""


_maker = _Maker()
os.register_at_fork(after_in_child=_maker.forget)


def new_id() -> UUID:
    """A new id, greater than every id of this process before: which of two things is the older is never chance."""
    return _maker.make()


def derived_id(*parts: object) -> UUID:
    """The same id for the same parts, for facts that have a natural key."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
