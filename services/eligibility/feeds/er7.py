"""HL7 v2 in its vertical-bar form: lines of a file of any size, messages, fields, escapes.

A split parser: the reading of a field is a split away, and nothing is parsed that nobody asks for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from services.eligibility.feeds.values import decode

CHUNK_BYTES = 1 << 16
MAX_LINE_BYTES = 1 << 20
# What is kept of a longer line: its name, to say what was lost.
HEAD_OF_LONG_LINE = 256
MOST_REPEATS = 100
"""Of one field. A patient has some numbers, names and addresses; each row of the message would carry them all."""
HEADERS = frozenset({"MSH", "FHS", "BHS"})
_HEADER_NAMES = frozenset(name.encode() for name in HEADERS)
CHARSETS = {
    "UNICODE UTF-8": "utf-8", "UNICODE": "utf-8", "UTF-8": "utf-8",
    "8859/1": "cp1252", "8859/15": "iso8859-15", "ASCII": "",
}  # fmt: skip
_FRAMING = b"\x0b\x1c\x1a\x00 \t"
_SEGMENT = re.compile(rb"[A-Z][A-Z0-9]{2}(?=[^A-Za-z0-9]|$)")
_LOWER_CASE = re.compile(rb"(?:msh|fhs|bhs|bts|fts|pid|pd1|nk1|orc|rxa|rxr|obx|nte|pv1|msa|qak|qpd)(?=\|)")
_USUAL_MARKS = b"|^~\\&|"
_HEADLESS = re.compile(rb"(?:M?SH|H)?(?=\|\^~\\&)")
_NULL = '""'
# Not all white space: control characters may be delimiters.
_PADDING = " \t"


class Lines:
    """The lines of a file that are not blank, whatever ends them; `number` is that of the last one, from 1.

    `is_long`, `is_glued` and `is_lower` tell of the last one that most of it was left out, that it stood in one line
    with the header of another message, and that its name was written in lower case. After the end `is_cut` tells that
    the last line has no end: more of it may have been lost. The file's first header says by which marks another one is
    known in the middle of a line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.number = 0
        self.is_cut = self.is_long = self.is_glued = self.is_lower = False
        self._marks = _USUAL_MARKS

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        is_first = True
        while chunk := self._stream.read(CHUNK_BYTES):
            if is_first:
                chunk, is_first = chunk.removeprefix(b"\xef\xbb\xbf"), False
            *lines, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
            yield from self._whole(lines)
            if len(rest) > MAX_LINE_BYTES:
                yield from self._long(rest)
                *lines, rest = self._pass_over().split(b"\n")
                yield from self._whole(lines)
        last = rest.strip(_FRAMING)
        self.is_cut = bool(last)
        yield from self._whole([last])

    def _whole(self, lines: list[bytes]) -> Iterator[bytes]:
        for line in lines:
            text = line.strip(_FRAMING)
            if not text:
                continue
            self.number += 1
            self.is_lower = text[:1].islower() and _LOWER_CASE.match(text) is not None
            if self.is_lower:
                text = text[:3].upper() + text[3:]
            if self.number == 1 and text[:3] in _HEADER_NAMES and text[3:4] == text[8:9]:
                self._marks = text[3:9]
            if text.find(self._marks, 4) > 0:
                yield from self._unglued(text)
            else:
                yield text

    def _unglued(self, text: bytes) -> Iterator[bytes]:
        """The messages' own segments of a line in which a header follows without a line's end."""
        self.is_glued = True
        yield from re.split(rb"(?<=.)(?=(?:MSH|FHS|BHS)" + re.escape(self._marks) + rb")", text)
        self.is_glued = False

    def _long(self, line: bytes) -> Iterator[bytes]:
        self.is_long = True
        yield from self._whole([line[:HEAD_OF_LONG_LINE]])
        self.is_long = False

    def _pass_over(self) -> bytes:
        """What follows the line that is too long, up to the end of the chunk where that line ends."""
        while chunk := self._stream.read(CHUNK_BYTES):
            _, end, after = chunk.replace(b"\r", b"\n").partition(b"\n")
            if end:
                return after
        return b""


def segment_name(line: bytes) -> str:
    """The segment's name; "MSH?" for a message header that lost its first letters; "" for no segment at all."""
    match = _SEGMENT.match(line)
    if match:
        return match[0].decode("ascii")
    return "MSH?" if _HEADLESS.match(line) else ""


def mend_header(line: bytes) -> bytes:
    """A message header with its lost letters back."""
    return b"MSH" + line[line.index(b"|") :]


@dataclass(frozen=True, slots=True)
class Delimiters:
    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"


STANDARD = Delimiters()


def delimiters_of(header: str) -> Delimiters:
    """What a header segment declares in its first two fields."""
    field = header[3:4] or "|"
    chars = header[4:].partition(field)[0]
    if (field, chars[:4]) == ("|", "^~\\&"):
        return STANDARD
    full = chars + "^~\\&"[len(chars) :]
    return Delimiters(field, component=full[0], repetition=full[1], escape=full[2], sub=full[3])


class Field:
    """One field's text, with the delimiters to take it apart; missing parts are empty. `is_null`: the sender deletes
    what it said there before."""

    __slots__ = ("_delimiters", "is_null", "text")

    def __init__(self, text: str, delimiters: Delimiters = STANDARD) -> None:
        self.is_null = text == _NULL
        self.text = "" if self.is_null else text
        self._delimiters = delimiters

    def __bool__(self) -> bool:
        return bool(self.text)

    def repeats(self) -> "list[Field]":
        if not self.text:
            return []
        if self._delimiters.repetition not in self.text:
            return [self]
        return [Field(repeat, self._delimiters) for repeat in self.text.split(self._delimiters.repetition)]

    def parts(self) -> list[str]:
        """The components as plain text, each cut to its first subcomponent."""
        return [self._plain(part) for part in self.text.split(self._delimiters.component)]

    def part(self, number: int) -> str:
        """The component of this number, from 1, cut to its first subcomponent."""
        if number == 1:
            return self._plain(self.text.partition(self._delimiters.component)[0])
        parts = self.text.split(self._delimiters.component, number)
        return self._plain(parts[number - 1]) if len(parts) >= number else ""

    def sub(self, number: int, sub_number: int) -> str:
        parts = self.text.split(self._delimiters.component)
        subs = parts[number - 1].split(self._delimiters.sub) if len(parts) >= number else []
        return unescape(subs[sub_number - 1].strip(_PADDING), self._delimiters) if len(subs) >= sub_number else ""

    def _plain(self, text: str) -> str:
        if not text or text == _NULL:
            return ""
        sub, escape = self._delimiters.sub, self._delimiters.escape
        plain = (text.partition(sub)[0] if sub in text else text).strip(_PADDING)
        return unescape(plain, self._delimiters) if escape in plain else plain


def unescape(text: str, delimiters: Delimiters) -> str:
    """Delimiters and characters that were written as escapes; formatting commands become a space."""
    escape = delimiters.escape
    if escape not in text:
        return text
    plain = {
        "F": delimiters.field, "S": delimiters.component, "T": delimiters.sub,
        "R": delimiters.repetition, "E": escape, "H": "", "N": "",
    }  # fmt: skip

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if code in plain:
            return plain[code]
        return _hex_text(code[1:]) if code[:1] == "X" else " "

    mark = re.escape(escape)
    return re.sub(f"{mark}([^{mark}]*){mark}", replace, text)


def _hex_text(code: str) -> str:
    try:
        return decode(bytes.fromhex(code))[0]
    except ValueError:
        return " "


class Segment:
    """A segment by name and number; `segment[3]` is its third field as HL7 counts."""

    __slots__ = ("_delimiters", "_fields", "name", "number")

    def __init__(self, number: int, text: str, delimiters: Delimiters) -> None:
        fields = text.split(delimiters.field)
        self.name = fields[0]
        self.number = number
        if self.name in HEADERS:
            fields.insert(1, delimiters.field)
        self._fields = fields
        self._delimiters = delimiters

    def __len__(self) -> int:
        return len(self._fields)

    def crowded(self) -> int:
        """The first field with more than `MOST_REPEATS` repetitions; 0 for none."""
        repetition = self._delimiters.repetition
        return next((n for n, text in enumerate(self._fields) if text.count(repetition) >= MOST_REPEATS), 0)

    def __getitem__(self, number: int) -> Field:
        return Field(self._fields[number].strip(_PADDING) if number < len(self._fields) else "", self._delimiters)


def parse_segments(lines: list[tuple[int, bytes]]) -> tuple[list[Segment], bool]:
    """The segments of one message, whose first line is its header, and whether its charset had to be guessed."""
    header = lines[0][1].decode("latin-1")
    delimiters = delimiters_of(header)
    if all(line.isascii() for _, line in lines):
        return [Segment(number, line.decode("ascii"), delimiters) for number, line in lines], False
    declared = Segment(0, header, delimiters)[18].repeats()
    charset = CHARSETS.get(declared[0].text.upper(), "") if declared else ""
    decoded = [(number, *decode(line, charset)) for number, line in lines]
    return [Segment(number, text, delimiters) for number, text, _ in decoded], any(guess for *_, guess in decoded)
