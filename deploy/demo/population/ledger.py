"""The truth about what was generated, for tests and checkers: what every file holds and what must come of it."""

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Literal

FeedKind = Literal["834", "vxu", "ads"]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that must be rejected, counted from 1 as the readers count: an INS loop, an RXA, a line of a table.

    `optional` marks a row that a strict reader rejects and a lenient one keeps with a notice.
    """

    row: int
    reason: str
    optional: bool = False


@dataclass(slots=True)
class FileTruth:
    """One file, in the order of submission. `unidentified` rows say nothing of whose they are: in a full file, a
    careful reader then terminates nobody for being absent."""

    path: str
    day: date
    kind: FeedKind
    sender: str
    is_full: bool = False
    rows: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    repeated: int = 0
    unidentified: int = 0
    actions: dict[str, int] = field(default_factory=dict)

    def count(self, action: str) -> None:
        self.actions[action] = self.actions.get(action, 0) + 1


@dataclass(slots=True)
class Ledger:
    """Totals and files; the truth per person is in the file named by `people`. Everybody in it is invented."""

    seed: int
    members: int
    first_day: date
    last_day: date
    rates: dict[str, float]
    people: str = "people.json.gz"
    files: list[FileTruth] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    note: str = "synthetic: every person, address and record was generated"

    def days(self) -> dict[date, list[FileTruth]]:
        """The files of each day, rosters first."""
        found: dict[date, list[FileTruth]] = {}
        for file in self.files:
            found.setdefault(file.day, []).append(file)
        return found

    def as_json(self) -> dict[str, object]:
        return asdict(self)
