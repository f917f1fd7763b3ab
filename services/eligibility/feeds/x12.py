"""X12 segments from a stream of any size, and the counts its envelope declares.

The separators come from the ISA, of every interchange anew. Memory is bounded by one chunk and one segment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from services.eligibility.feeds.faults import BadRow
from services.eligibility.feeds.values import mend

CHUNK_BYTES = 1 << 16
# The longest legal segment of an 834 is below 2 kB; a file without terminators must not fill the memory.
MAX_SEGMENT_CHARS = 1 << 16
MAX_NAME_CHARS = 3
# ISA ends with its sixteenth element, one component separator, and the terminator.
ISA_ELEMENTS = 16
_ISA = -ISA_ELEMENTS - 1
_BLANK = " \t\r\n\x00\x1a"
_BOM = "\xef\xbb\xbf"
"""Of UTF-8, as it reads in Latin-1; a file may be several put behind each other."""

Segment = list[str]


@dataclass(frozen=True, slots=True)
class Separators:
    element: str
    component: str
    repetition: str
    terminator: str


def separators_of(isa: str) -> Separators | None:
    """What the ISA declares, padded to 106 characters or not. ISA-11 "U" of older senders leaves "^" as repetition."""
    if len(isa) < 4 or not isa.startswith("ISA"):
        return None
    parts = isa.split(isa[3], ISA_ELEMENTS)
    if len(parts) <= ISA_ELEMENTS or len(parts[16]) < 2:
        return None
    # A blank can end no segment: some senders pad the last element.
    element, component, terminator = isa[3], parts[16][0], parts[16][1:].lstrip(" ")[:1]
    declared = parts[11][:1]
    repetition = declared if declared and not declared.isalnum() and declared != " " else "^"
    if len({element, component, terminator, ""}) < 4 or element.isalnum() or terminator.isalnum():
        return None
    return Separators(element, component, repetition, terminator)


def is_glued(segment: Segment) -> bool:
    """Whether the header of an interchange stands in it behind something else: the terminator before it is missing."""
    if len(segment) <= ISA_ELEMENTS or segment[0] == "ISA" or not segment[_ISA].endswith("ISA"):
        return False
    return segment[_ISA + 9].isdigit() and segment[_ISA + 13].isdigit()


def parted(segment: Segment) -> tuple[Segment, Segment]:
    """What stands before the header in a segment that is glued, and the header."""
    before = segment[_ISA].removesuffix("ISA").strip(_BLANK)
    return [*segment[:_ISA], before], ["ISA", *segment[_ISA + 1 :]]


class X12Segments:
    """Iterates over the segments as lists of elements; `number` is that of the last one, from 1.

    `is_long` tells of the last one that it is beyond all measure: no more than its name was kept; `is_unended` that it
    is a trailer at the end of the file without a terminator. After the end, `is_cut` tells that the file stops within a
    segment.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = ""
        self.separators = Separators("*", ":", "^", "~")
        self.number = 0
        self.is_cut = self.is_long = self.is_unended = False

    def __iter__(self) -> Iterator[Segment]:
        self._learn()
        while True:
            yield from self._whole_segments()
            if not self._more():
                break
        yield from self._last()

    def _more(self) -> bool:
        chunk = self._stream.read(CHUNK_BYTES)
        self._buffer += chunk.decode("latin-1")
        return bool(chunk)

    def _learn(self) -> None:
        """Takes the separators of the interchange the buffer stands at."""
        while len(self._buffer) < ISA_ELEMENTS * 32 and self._more():
            pass
        self._buffer = self._buffer.lstrip(_BLANK).removeprefix(_BOM).lstrip(_BLANK)
        found = separators_of(self._buffer)
        if found is not None:
            self.separators = found
        elif not self.number:
            raise BadRow("ISA", "unreadable", "an ISA segment of 16 elements that declares the separators")

    def _whole_segments(self) -> Iterator[Segment]:
        while True:
            yield from self._one_by_one() if "IEA" in self._buffer else self._all_at_once()
            if len(self._buffer) > MAX_SEGMENT_CHARS:
                self._buffer = self._buffer.lstrip(_BLANK)  # files are padded to blocks
            if len(self._buffer) <= MAX_SEGMENT_CHARS:
                break
            self.is_long = True
            yield [self._pass_over()]
            self.is_long = False

    def _all_at_once(self) -> Iterator[Segment]:
        """The whole segments of a buffer in which no interchange ends."""
        is_plain, element = self._buffer.isascii(), self.separators.element
        *tokens, self._buffer = self._buffer.split(self.separators.terminator)
        for token in tokens:
            if text := token.strip(_BLANK):
                self.number += 1
                if len(text) > MAX_SEGMENT_CHARS:
                    yield from self._long(text)
                else:
                    yield (text if is_plain else mend(text)).split(element)

    def _one_by_one(self) -> Iterator[Segment]:
        """The same where one may end: what follows an IEA, written wrong or not, may have other separators. What is
        left of the buffer is copied only where they change, for a file may be nothing but trailers."""
        is_plain, begin = self._buffer.isascii(), 0
        while (end := self._buffer.find(self.separators.terminator, begin)) >= 0:
            text = self._buffer[begin:end].strip(_BLANK).removeprefix(_BOM)
            begin = end + 1
            if not text:
                continue
            self.number += 1
            if len(text) > MAX_SEGMENT_CHARS:
                yield from self._long(text)
            else:
                yield (text if is_plain else mend(text)).split(self.separators.element)
            if text.startswith("IEA") and self._may_change(begin):
                self._buffer, begin = self._buffer[begin:], 0
                self._learn()
                is_plain = self._buffer.isascii()
        self._buffer = self._buffer[begin:]

    def _may_change(self, begin: int) -> bool:
        """Whether what follows declares other separators, or too little of it is here to say."""
        ahead = self._buffer[begin : begin + 2 * ISA_ELEMENTS * 32].lstrip(_BLANK).removeprefix(_BOM)
        return len(ahead) < ISA_ELEMENTS * 32 or separators_of(ahead) not in {None, self.separators}

    def _long(self, text: str) -> Iterator[Segment]:
        self.is_long = True
        yield [text.partition(self.separators.element)[0][:MAX_NAME_CHARS]]
        self.is_long = False

    def _pass_over(self) -> str:
        """The name of the segment at hand, of which the rest is left out."""
        terminator, element = self.separators.terminator, self.separators.element
        name = self._buffer.lstrip(_BLANK).partition(element)[0][:MAX_NAME_CHARS]
        self._buffer = ""
        while terminator not in self._buffer:
            self._buffer = ""
            if not self._more():
                raise BadRow("file", "unreadable", f"a segment terminator within {MAX_SEGMENT_CHARS} characters")
        self._buffer = self._buffer.partition(terminator)[2]
        self.number += 1
        return name

    def _last(self) -> Iterator[Segment]:
        """A trailer needs no terminator at the end of the file; anything else was cut off."""
        text = self._buffer.strip(_BLANK)
        if text[:3] in {"IEA", "GE" + self.separators.element, "SE" + self.separators.element}:
            self.number += 1
            self.is_unended = True
            yield mend(text).split(self.separators.element)
        elif text:
            self.is_cut = True
