"""The digest by which a transaction set is known again in another file. Nothing here reads what it says."""

import hashlib

from services.eligibility.feeds.x12 import Segment, Separators

AROUND = frozenset({"ISA", "GS", "ST", "GE", "IEA"})
PER_UPDATE = 500
ELEMENT, SEGMENT, COMPONENT, REPETITION = "\x1f", "\x1c", "\x1d", "\x1e"


class TransactionDigest:
    """SHA-256 over the segments from ST to SE by their content: what parts them, line breaks and empty elements at the
    end of a segment are none."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._texts: list[str] = []
        self._table: dict[int, str | None] = {}

    def begin(self, st: Segment, separators: Separators) -> None:
        self._digest, self._texts = hashlib.sha256(), []
        parts = {ord(separators.component): COMPONENT, ord(separators.repetition): REPETITION}
        self._table = {**parts, ord("\r"): None, ord("\n"): None}
        self._put(st)

    def add(self, segment: Segment) -> None:
        """One behind ST; what stands around the transaction sets is of none."""
        if segment[0] not in AROUND:
            self._put(segment)

    def hexdigest(self) -> str:
        self._flush()
        return self._digest.hexdigest()

    def _put(self, segment: Segment) -> None:
        self._texts.append(ELEMENT.join(segment).rstrip(ELEMENT))
        if len(self._texts) >= PER_UPDATE:
            self._flush()

    def _flush(self) -> None:
        texts = "".join(text + SEGMENT for text in self._texts)
        self._digest.update(texts.translate(self._table).encode("utf-8", "surrogatepass"))
        self._texts.clear()
