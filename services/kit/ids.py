"""The one factory of identifiers: UUIDv7 (RFC 9562, section 5.7), so that ids sort by time of making."""

import os
import time
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1b8d5e-2f9c-5c57-9a3e-1d1f6f0a7c11")


def new_id() -> UUID:
    """A UUIDv7: 48 bits of Unix milliseconds, 74 random bits."""
    unix_ms = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF)


def derived_id(*parts: object) -> UUID:
    """The same id for the same parts, for facts that have a natural key."""
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
