"""The digest by which a file is known again although its lines end otherwise. Nothing here reads what a file says."""

import hashlib
import re

from services.eligibility.feeds.x12 import separators_of

HEAD_BYTES = 1 << 10
_BREAKS = re.compile(rb"[\r\n]+")
_PACKED = (b"PK", b"\x1f\x8b")


class ContentDigest:
    """SHA-256 over what counts: in an X12 file with a terminator of its own line breaks are none, elsewhere every
    break is the same one, and none at the end counts. A packed file counts byte by byte."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._head = b""
        self._is_begun = False
        self._is_packed = self._is_x12 = False
        self._is_broken = self._has_lines = False

    def update(self, chunk: bytes) -> None:
        if self._is_begun:
            self._add(chunk)
            return
        self._head += chunk
        if len(self._head) >= HEAD_BYTES:
            self._begin()

    def hexdigest(self) -> str:
        self._begin()
        return self._digest.hexdigest()

    def _begin(self) -> None:
        if self._is_begun:
            return
        self._is_begun, head, self._head = True, self._head, b""
        found = separators_of(head.removeprefix(b"\xef\xbb\xbf").decode("latin-1").lstrip())
        self._is_packed = head.startswith(_PACKED)
        self._is_x12 = found is not None and found.terminator not in "\r\n"
        self._add(head)

    def _add(self, chunk: bytes) -> None:
        if self._is_packed:
            self._digest.update(chunk)
        elif self._is_x12:
            self._digest.update(chunk.translate(None, b"\r\n"))
        elif chunk:
            self._add_lines(chunk)

    def _add_lines(self, chunk: bytes) -> None:
        """A break is told with the line behind it, so that one at either end is none, several are one."""
        for number, line in enumerate(_BREAKS.split(chunk)):
            self._is_broken |= number > 0
            if line:
                self._digest.update(b"\n" + line if self._is_broken and self._has_lines else line)
                self._is_broken, self._has_lines = False, True
