"""Which roster does not come in its turn, and is held until a person says what becomes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.checker.inputs.records import Part, Roster
from tests.chaos.checker.model.lists import overtaken

OLDER_FULL, CONTROL_REUSED = "older-full", "control-reused"


@dataclass(slots=True)
class Turns:
    """The rosters that were looked at, by the numbers of their files; those that are `held` and have not been
    released, and for what `reasons` those were; `refused` ones are held for good."""

    seen: dict[int, Roster] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)

    def look(self, roster: Roster, file_no: int) -> str | None:
        """Why the file must wait, or nothing."""
        reason = None
        if any(self._is_older(one) for one in roster.parts if one.is_full and one not in overtaken(roster)):
            reason = OLDER_FULL
        if any(self._is_reused(one) for one in roster.parts):
            reason = CONTROL_REUSED
        self.seen[file_no] = roster
        if reason is not None:
            self.reasons[file_no] = reason
            self.held.add(file_no)
        return reason

    def _is_older(self, part: Part) -> bool:
        """Than the sender's newest full list of the plan that was taken."""
        return any(one.plan == part.plan and one.is_full and part.said < one.said for one in self._others(taken=True))

    def _is_reused(self, part: Part) -> bool:
        """Whether another file has the same numbers at the same instant."""
        name = part.plan, part.control, part.said[0]
        return any((one.plan, one.control, one.said[0]) == name for one in self._others(taken=False))

    def _others(self, *, taken: bool) -> Iterator[Part]:
        for file_no, roster in self.seen.items():
            if file_no not in self.refused and not (taken and file_no in self.held):
                yield from roster.parts
