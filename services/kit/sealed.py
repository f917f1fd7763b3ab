"""Restricted bytes at rest: sealed with a key of the ring (AES-256-GCM) and bound to the row that they stand in. Pure.

Sealed bytes begin with a mark and the key's id, so that whoever holds the ring can open them whatever key came since.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"\x00vcc\x01"
"""What sealed bytes begin with, then a byte that says how long the key's id is, and the id."""
KEY_BYTES, NONCE_BYTES = 32, 12
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


class KeyRingError(Exception):
    """The key ring is missing, unreadable or lacks a key; the message names the key's id, never a key."""


class SealError(Exception):
    """Bytes were changed, or moved from the row that they were sealed for."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by their ids, in the order of the file: the first one seals, all of them open."""

    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Lines of a key's id and 32 bytes in base64; empty lines and those that begin with # count nothing."""
        keys: dict[str, bytes] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                key_id, key = _parse_line(number, line)
                if key_id in keys:
                    raise KeyRingError(f"the key ring has two keys {key_id}")
                keys[key_id] = key
        if not keys:
            raise KeyRingError("the key ring has no key: expected a line of a key's id and 32 bytes in base64")
        return cls(keys)

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    @property
    def prefix(self) -> bytes:
        """What bytes begin with that are sealed with the current key."""
        return prefix_of(self.current)

    def seal(self, plain: Sequence[bytes], rows: Sequence[str]) -> list[bytes]:
        """Each bound to its row, which is named by table and id."""
        cipher, prefix = AESGCM(self.keys[self.current]), self.prefix
        sealed = []
        for content, row in zip(plain, rows, strict=True):
            nonce = os.urandom(NONCE_BYTES)
            sealed.append(prefix + nonce + cipher.encrypt(nonce, content, row.encode()))
        return sealed

    def open(self, sealed: Sequence[bytes], rows: Sequence[str]) -> list[bytes]:
        """What was sealed for these rows. Bytes from before there was a ring are given as they are."""
        ciphers: dict[str, AESGCM] = {}
        return [self._open(content, row, ciphers) for content, row in zip(sealed, rows, strict=True)]

    def _open(self, sealed: bytes, row: str, ciphers: dict[str, AESGCM]) -> bytes:
        if (key_id := key_id_of(sealed)) is None:
            return sealed
        if key_id not in self.keys:
            raise KeyRingError(f"the key ring lacks the key {key_id}")
        cipher = ciphers.setdefault(key_id, AESGCM(self.keys[key_id]))
        at = len(prefix_of(key_id))
        nonce, content = sealed[at : at + NONCE_BYTES], sealed[at + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, content, row.encode())
        except (InvalidTag, ValueError):
            table = row.partition(" ")[0]
            raise SealError(
                f"a row of {table} can't be opened with the key {key_id}: another key, row or content"
            ) from None

    def mac(self, content: bytes) -> bytes:
        """A digest that nobody without the ring can compare with a guess."""
        return _mac(self.keys[self.current], content)

    def macs(self, content: bytes) -> frozenset[bytes]:
        """The same under every key: one of them is what was kept, whichever key was current then."""
        return frozenset(_mac(key, content) for key in self.keys.values())


def prefix_of(key_id: str) -> bytes:
    return MARK + bytes([len(key_id)]) + key_id.encode()


def key_id_of(content: bytes) -> str | None:
    """With which key it is sealed; none: it is not."""
    if not content.startswith(MARK):
        return None
    length = content[len(MARK)] if len(content) > len(MARK) else 0
    return content[len(MARK) + 1 : len(MARK) + 1 + length].decode("ascii", "replace")


def new_line(key_id: str) -> str:
    """A line of a ring, with a new key."""
    return f"{key_id} {base64.b64encode(os.urandom(KEY_BYTES)).decode()}\n"


def new_named_line(stem: str) -> str:
    """The same, the id made of the stem and of what the key is: another key never has the id of one that was lost."""
    key = os.urandom(KEY_BYTES)
    return f"{stem}-{hashlib.sha256(key).hexdigest()[:8]} {base64.b64encode(key).decode()}\n"


@dataclass(slots=True)
class Seals:
    """The ring of whoever opened a connection, and whether sealing has begun in this database. It begins when nobody
    of the version before works on it any more, who could not open what is sealed; opening is always possible.
    `topics` is the ring of restricted topics."""

    ring: KeyRing | None
    has_begun: bool = False
    topics: KeyRing | None = None


def seals_of(connection: Any) -> Seals:
    seals: Seals | None = getattr(connection, "seals", None)
    return seals or Seals(None)


def ring_of(connection: Any) -> KeyRing:
    """The ring of whoever opened the connection."""
    if (ring := seals_of(connection).ring) is None:
        raise KeyRingError("there is no key ring: restricted bytes can be neither sealed nor opened")
    return ring


def topic_ring_of(connection: Any) -> KeyRing:
    """The ring with which restricted topics are sealed."""
    if (ring := seals_of(connection).topics) is None:
        raise KeyRingError("there is no key ring for topics: restricted facts can be neither sealed nor opened")
    return ring


def _mac(key: bytes, content: bytes) -> bytes:
    """By a key of its own, derived from the ring's: what seals is used for nothing else."""
    return hmac.digest(hmac.digest(key, b"vcc mac", "sha256"), content, "sha256")


def _parse_line(number: int, line: str) -> tuple[str, bytes]:
    key_id, _, text = line.strip().partition(" ")
    if not _KEY_ID.fullmatch(key_id):
        raise KeyRingError(f"line {number} of the key ring: expected a key's id of letters, digits, dots and dashes")
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyRingError(f"the key {key_id} of the key ring: expected 32 bytes in base64")
    return key_id, key
