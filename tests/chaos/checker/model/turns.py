"""Which roster does not come in its turn, and is held until a person says what becomes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.checker.inputs.records import Part, Roster
from tests.chaos.checker.model.lists import overtaken
from tests.chaos.checker.model.repeated import fresh

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
        """Why the file must wait, or nothing; what of it was read before holds nothing."""
        reason, new = None, fresh(roster)
        if any(self._is_older(one) for one in new.parts if one.is_full and one not in overtaken(new)):
            reason = OLDER_FULL
        if any(self._is_reused(one) for one in new.parts):
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
        """Whether another file has the same numbers at the same instant, over other content that has its end."""
        name = part.plan, part.control, part.said[0]
        others = [one for one in self._others(taken=False) if (one.plan, one.control, one.said[0]) == name]
        return any(one.content != part.content and not one.is_cut for one in others)

    def _others(self, *, taken: bool) -> Iterator[Part]:
        for file_no, roster in self.seen.items():
            if not roster.is_cut and file_no not in self.refused and not (taken and file_no in self.held):
                yield from roster.parts
