"""What persons said of files and rows that waited for them, read from the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.chaos.checker.ledger import Ledger, Line, Request
from tests.chaos.checker.model.people_and_doses import LOOKED, Word
from tests.chaos.checker.tables import Row, Rows

VERBS = {"release": "released", "refuse": "refused", "decision": ""}
DECISIONS = {"same-person": "same", "another-person": "another", "refuse": "refused", "withdraw": "withdrawn"}
LOOK_AGAIN = "urn:vcc:problem:doubtful-row-candidates"
IDENTITY = frozenset({"member-number", "family-name", "given-name", "birth-date"})


def said_by_persons(ledger: Ledger, taken: Sequence[tuple[Path, Row]], kept: Rows) -> list[Word]:
    """In order, each after the files that were sent before it; also those who were told to look again. `taken` are the
    files in the order of their numbers, `kept` the answers that eligibility keeps."""
    return _Words(ledger, taken, kept).all()


@dataclass
class _Words:
    ledger: Ledger
    taken: Sequence[tuple[Path, Row]]
    kept: Rows

    def all(self) -> list[Word]:
        requests = [one for one in self.ledger.requests().items() if one[0][0] == "eligibility"]
        found = [(one.first.n, self._word(path, key, one)) for (_, path, key), one in requests]
        found += [(look.n, self._look(look)) for look in self.ledger.looks()]
        return [word for _, word in sorted(found, key=lambda one: one[0]) if word is not None]

    def _look(self, look: Line) -> Word | None:
        """Somebody looked at a row that waits."""
        if not look.answer or "doubtful_id" not in look.answer:
            return None
        return Word(self._after(look.n), self._numbers.get(look.answer["file_id"], 0), int(look.answer["row"]), LOOKED)

    def _after(self, line: int) -> int:
        """How many files had been sent by then."""
        return max((number for number, n in enumerate(self._sent, 1) if n < line), default=0)

    def _word(self, path: str, key: str, request: Request) -> Word | None:
        _, what, name, verb, *_ = [*path.split("/"), "", ""]
        about = self._looked_at.get(name) if what == "doubtful-rows" else {"file_id": name}
        status, answer = self._told(path, key, request)
        is_refused = answer.get("type") == LOOK_AGAIN
        if verb not in VERBS or not about or not (200 <= status < 300 or is_refused):
            return None
        body = request.first.body or {}
        said = VERBS[verb] or DECISIONS[body["decision"]]
        fields = self._shown.get((name, body.get("member_token")), {})
        where = self._numbers.get(about["file_id"], 0), int(about.get("row", 0))
        return Word(self._after(request.first.n), *where, said, fields, is_refused=is_refused)

    def _told(self, path: str, key: str, request: Request) -> tuple[int, Mapping[str, Any]]:
        """What a request was answered, or would be."""
        if request.answered is not None:
            return request.answered.status or 0, request.answered.answer or {}
        for row in self.kept:
            if (row["method_path"].partition(" ")[2], row["key"]) == (path, key) and row["status"]:
                return row["status"], row["response"]["body"]
        return 0, {}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {row["file_id"]: number for number, (_, row) in enumerate(self.taken, 1)}

    @cached_property
    def _sent(self) -> list[int]:
        """The lines in which the files were sent first, in the order of their numbers."""
        sent = self.ledger.sent()
        return [sent[path] for path, _ in self.taken]

    @cached_property
    def _looked_at(self) -> dict[str, Mapping[str, Any]]:
        """The doubtful rows at which a person has looked."""
        return {look.answer["doubtful_id"]: look.answer for look in self.ledger.looks() if look.answer}

    @cached_property
    def _shown(self) -> dict[tuple[str, str | None], Mapping[str, str]]:
        """By what a member was known to whom a row was held up, when a person looked last."""
        return {
            (look.answer["doubtful_id"], one["member_token"]): {
                it["field"]: it["member"] for it in one["fields"] if it["field"] in IDENTITY
            }
            for look in self.ledger.looks() if look.answer for one in look.answer["candidates"]
        }  # fmt: skip
