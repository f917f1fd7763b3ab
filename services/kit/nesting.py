"""How deep JSON goes, counted as its bytes come: whoever parses, checks or writes it goes as deep in itself. Pure."""

import re

MOST_DEPTH = 32
"""Lists and objects within each other. What services take has at most twelve (a FHIR bundle)."""
_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')


class Nesting:
    """Takes a JSON text in any pieces. `is_too_deep` once it went deeper than that."""

    __slots__ = ("_depth", "_in_text", "_is_escaped", "is_too_deep")

    def __init__(self) -> None:
        self._depth = 0
        self._in_text = self._is_escaped = False
        self.is_too_deep = False

    def take(self, piece: bytes) -> None:
        """Each byte is looked at once."""
        at = int(self._is_escaped)
        self._is_escaped = False
        while not self.is_too_deep and (found := (_INSIDE if self._in_text else _OUTSIDE).search(piece, at)):
            at = found.end()
            mark = found[0]
            if mark == b"\\":
                self._is_escaped = at == len(piece)
                at += 1
            elif mark == b'"':
                self._in_text = not self._in_text
            else:
                self._depth += 1 if mark in b"{[" else -1
                self.is_too_deep = self._depth > MOST_DEPTH
