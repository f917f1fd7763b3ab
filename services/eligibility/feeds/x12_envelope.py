"""The envelope of X12: what ISA, GS and ST open, and whether SE, GE and IEA close it with right counts.

It only tells what is wrong; the rows inside are kept. Others decide what a transaction means.
"""

from collections.abc import Iterator

from services.eligibility.feeds.records import Notice
from services.eligibility.feeds.roster_loop import at
from services.eligibility.feeds.x12 import Segment

LEVELS = ("ISA", "GS", "ST")
TRAILERS = {"SE": "ST", "GE": "GS", "IEA": "ISA"}
_TRAILER_OF = {level: trailer for trailer, level in TRAILERS.items()}
_COUNTS = {
    "ST": ("segment-count", "the number of segments from ST to SE"),
    "GS": ("transaction-count", "the number of transaction sets in the group"),
    "ISA": ("group-count", "the number of groups in the interchange"),
}
_CONTROL_NUMBER = {"ST": 2, "GS": 6, "ISA": 13}


class Envelope:
    """Which levels are open, and how much each has held so far."""

    def __init__(self) -> None:
        self._open: dict[str, Segment] = {}
        self._inside = dict.fromkeys(LEVELS, 0)
        self._st_number = 0

    def __contains__(self, level: str) -> bool:
        return level in self._open

    def header(self, level: str) -> Segment:
        return self._open.get(level, [])

    def still_open(self) -> list[str]:
        """Levels without their trailer so far, the innermost first."""
        return [level for level in reversed(LEVELS) if level in self._open]

    def open(self, level: str, segment: Segment, number: int) -> Iterator[Notice]:
        """Opens a level; whatever was left open at or below it has lost its trailer."""
        depth = LEVELS.index(level)
        yield from self._missing(LEVELS[depth:], number)
        if depth:
            self._inside[LEVELS[depth - 1]] += 1
        self._open[level] = segment
        self._inside[level] = 0
        self._st_number = number if level == "ST" else self._st_number

    def close(self, trailer: str, segment: Segment, number: int) -> Iterator[Notice]:
        level = TRAILERS[trailer]
        yield from self._missing(LEVELS[LEVELS.index(level) + 1 :], number)
        opened = self._open.pop(level, None)
        if opened is None:
            yield Notice(0, number, trailer, "missing-header", f"a {level} segment before its {trailer}")
            return
        code, expected = _COUNTS[level]
        inside = number - self._st_number + 1 if level == "ST" else self._inside[level]
        if at(segment, 1).lstrip("0") != str(inside):
            yield Notice(0, number, f"{trailer}-01", code, expected)
        control = _CONTROL_NUMBER[level]
        if at(segment, 2) != at(opened, control):
            expected = f"the control number of {level}-{control:02d}"
            yield Notice(0, number, f"{trailer}-02", "control-number", expected)

    def end(self, number: int) -> Iterator[Notice]:
        yield from self._missing(LEVELS, number)

    def _missing(self, levels: tuple[str, ...], number: int) -> Iterator[Notice]:
        for level in reversed(levels):
            if self._open.pop(level, None) is not None:
                trailer = _TRAILER_OF[level]
                yield Notice(0, number, trailer, "missing-trailer", f"a {trailer} segment for every {level}")
