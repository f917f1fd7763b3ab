"""The one factory of identifiers: UUIDv7 (RFC 9562, section 5.7), so that ids sort by time of making."""

import os
import time
from threading import Lock
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1b8d5e-2f9c-5c57-9a3e-1d1f6f0a7c11")


class _Maker:
    """Makes the ids of one process, each greater than the one before, also within a millisecond."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._unix_ms = self._tail = 0

    def make(self) -> UUID:
        """A UUIDv7: 48 bits of Unix milliseconds, 74 bits that are random, or in the same millisecond count on by a
        random step (RFC 9562, section 6.2, method 2)."""
        random = int.from_bytes(os.urandom(10), "big") >> 7
        with self._lock:
            unix_ms = max(time.time_ns() // 1_000_000, self._unix_ms)
            self._tail = random if unix_ms > self._unix_ms else self._tail + 1 + (random & 0xFFFF_FFFF)
            self._unix_ms = unix_ms
            tail = self._tail
        value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (tail >> 62 & 0xFFF) << 64
        return UUID(int=value | 0b10 << 62 | tail & 0x3FFF_FFFF_FFFF_FFFF)


_maker = _Maker()


def new_id() -> UUID:
    """A new id, greater than every id of this process before: which of two things is the older is never chance."""
    return _maker.make()


def derived_id(*parts: object) -> UUID:
    """The same id for the same parts, for facts that have a natural key."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
