"""The driver's ledger: what was asked of the services and what they answered, and what was planted in the log."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.checker.catalog import TOPIC
from tests.chaos.checker.log import Place

FOUND_TOO = "handler-bug"
"""The kind of poison that is an event like others, which one group's handler could not bear."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a request with its answer, if one came."""

    n: int
    service: str
    method: str
    path: str
    key: str | None = None
    body: Mapping[str, Any] | None = None
    file: str | None = None
    status: int | None = None
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One intended effect: every line with its key. `answer` is the first that came; `is_unknown`: none ever did."""

    lines: tuple[Line, ...]

    @property
    def first(self) -> Line:
        return self.lines[0]

    @property
    def answered(self) -> Line | None:
        """The answer that decided: a refusal that may change by itself (503, or asked again) yields to a later one."""
        known = [one for one in self.lines if one.status is not None and one.status < 500]
        return next((one for one in known if 200 <= (one.status or 0) < 300), known[-1] if known else None)

    @property
    def is_unknown(self) -> bool:
        """Whether it may have taken effect or not: no answer, or one that says nothing of the effect."""
        return self.answered is None

    @property
    def is_done(self) -> bool:
        return self.answered is not None and 200 <= (self.answered.status or 0) < 300


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that the driver planted, or knows to be unbearable for some `groups`."""

    place: Place
    kind: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A run's ledger. `folder` is where its files lie."""

    folder: Path
    lines: Sequence[Line] = ()
    poison: Sequence[Poison] = ()
    _requests: dict[tuple[str, str, str], Request] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Ledger":
        raw = [json.loads(line) for line in (folder / "ledger.jsonl").read_text("utf-8").splitlines() if line.strip()]
        return cls(folder, [_line(one) for one in raw if "service" in one], list(_poison(raw)))

    def requests(self) -> dict[tuple[str, str, str], Request]:
        """Every write by service, path and key; a file has no key but its content."""
        if not self._requests:
            grouped: defaultdict[tuple[str, str, str], list[Line]] = defaultdict(list)
            for line in self.lines:
                if line.method == "POST" and line.file is None:
                    grouped[line.service, line.path, line.key or f"line {line.n}"].append(line)
            self._requests.update({name: Request(tuple(lines)) for name, lines in grouped.items()})
        return self._requests

    def to(self, service: str, beginning: str, ending: str = "") -> list[tuple[str, Request]]:
        """The requests to such paths, by path."""
        return [
            (path, request)
            for (name, path, _), request in self.requests().items()
            if name == service and path.startswith(beginning) and path.endswith(ending)
        ]

    def looks(self) -> Iterator[Line]:
        """What was only looked at, with what it showed."""
        return (one for one in self.lines if one.method == "GET" and one.status == 200 and one.answer)

    def sha256(self, path: Path) -> str:
        """By which eligibility knows the content of a file."""
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def sent(self) -> dict[Path, int]:
        """The line in which each file was sent first."""
        found: dict[Path, int] = {}
        for line in self.lines:
            if line.file is not None:
                found.setdefault(self.folder / line.file, line.n)
        return found

    def files(self) -> list[tuple[Path, bool]]:
        """Every file that was submitted, once, in order, and whether the submission was acknowledged."""
        known: dict[str, bool] = {}
        for line in self.lines:
            if line.file is not None:
                is_taken = line.status is not None and 200 <= line.status < 300
                known[line.file] = known.get(line.file, False) or is_taken
        return [(self.folder / name, is_taken) for name, is_taken in known.items()]


def _line(raw: Mapping[str, Any]) -> Line:
    answer = raw.get("answer")
    return Line(
        n=raw["n"], service=raw["service"], method=raw.get("method", "POST"), path=raw.get("path", ""),
        key=raw.get("key"), body=raw.get("body"), file=raw.get("file"), status=raw.get("status"),
        answer=answer if isinstance(answer, dict) else None,
    )  # fmt: skip


def _poison(raw: Iterable[Mapping[str, Any]]) -> Iterator[Poison]:
    for one in (line["poison"] for line in raw if line.get("poison")):
        place = one["topic"], one["partition"], one["offset"]
        yield Poison(place, one["kind"], tuple(one.get("groups") or TOPIC[one["topic"]].groups))
