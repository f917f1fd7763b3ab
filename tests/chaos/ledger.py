"""What the driver did to the system and was told: one line of JSON for every request that went out, in the order in
which they ended. The checker starts from this file and the feeds, and from nothing that a service keeps."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from tests.bodies import Json


@dataclass(slots=True)
class Ledger:
    """`ledger.jsonl` in the run folder, written through at every line: it survives its writer."""

    run: Path
    requests: int = 0
    planted: list[tuple[str, int, int]] = field(default_factory=list)
    """Topic, partition and offset of what was put into the log by somebody else than a service."""
    _file: TextIO | None = field(default=None, repr=False)

    def __enter__(self) -> "Ledger":
        self._file = (self.run / "ledger.jsonl").open("a", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        self._file.close()

    def note(
        self, service: str, method: str, path: str, *, key: str | None = None, body: Json | None = None,
        file: str | None = None, status: int | None = None, answer: Any = None, client: str = "",
    ) -> None:  # fmt: skip
        """One request and its answer; status None: nobody knows what became of it."""
        said = {"file": file} if file else {"body": body}
        self._write({"service": service, "method": method, "path": path, "client": client, "key": key, **said,
                     "status": status, "answer": answer})  # fmt: skip

    def poison(self, topic: str, partition: int, offset: int, kind: str, groups: Sequence[str] = ()) -> None:
        """A record of ours in the log that no service made, or one that only these groups could not bear."""
        self.planted.append((topic, partition, offset))
        place = {"topic": topic, "partition": partition, "offset": offset, "kind": kind}
        self._write({"poison": {**place, **({"groups": list(groups)} if groups else {})}})

    def _write(self, line: Json) -> None:
        assert self._file is not None
        self.requests += 1
        self._file.write(json.dumps({"n": self.requests, "at": datetime.now(UTC).isoformat(), **line}) + "\n")
