"""Plain words on the terminal: one moving line where somebody watches, few whole lines where nobody does."""

import os
import shutil
import sys
import time
from types import TracebackType
from typing import Self, TextIO

QUIET_INTERVAL_S = 10.0  # a log file wants a sign of life, not every step
COLOURS = {"green": "32", "yellow": "33", "red": "31", "dim": "2", "bold": "1"}


def watched(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    if not watched(sys.stdout) or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


class Progress:
    """A line on stderr that is rewritten on a terminal; elsewhere it is printed at most every ten seconds."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = time.monotonic()
        self._printed = self._started
        self._live = watched(sys.stderr)

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        self._print(f"{self._title} ...", end="" if self._live else "\n")
        return self

    def update(self, detail: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._print(f"\r\x1b[K{f'{self._title}: {detail}'[:width]}", end="")
        elif time.monotonic() - self._printed >= QUIET_INTERVAL_S:
            self._printed = time.monotonic()
            self._print(f"  {self._title}: {detail}")

    def step(self, detail: str) -> None:
        """Like `update`, for the few details that a log file wants too."""
        if self._live:
            self.update(detail)
        else:
            self._print(f"  {time.monotonic() - self._started:5.1f} s  {detail}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        took = f"{time.monotonic() - self._started:.1f} s"
        outcome = "failed after" if kind else "done in"
        self._print(f"{chr(13) + chr(27) + '[K' if self._live else '  '}{self._title}: {outcome} {took}")


def table(rows: list[list[str]], indent: str = "  ") -> str:
    """Columns as wide as their widest cell; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([paint(lines[0], "dim"), *lines[1:]])
