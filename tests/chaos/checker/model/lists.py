"""The full lists that a file brings: which one says who is in a plan, and whether it is believed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tests.chaos.checker.inputs.records import Part, Roster, Said
from tests.chaos.checker.model.member import Enrolment
from tests.chaos.checker.model.spans import cut

A_QUARTER, APART = 0.25, timedelta(hours=12)
APPLIED, TOO_MANY, REFUSED = "applied", "too-many", "refused"


@dataclass(slots=True)
class FullList:
    """A plan's list as of an instant; who was last seen before the file `since` is not in it. `older_rows` are those of
    the file's older lists, which the files `older_in` brought before. `state`: what was made of it, and of how many
    coverage `ended`."""

    plan: str
    said: Said
    file_no: int
    older_rows: int
    since: int = 0
    older_in: frozenset[int] = frozenset()
    state: str = APPLIED
    ended: int = 0

    @property
    def said_on(self) -> date:
        return self.said[0].date()

    @property
    def ends_on(self) -> date:
        return self.said_on - timedelta(days=1)

    def leaves_out(self, one: Enrolment) -> bool:
        """Who stands neither in it nor in what its file says from its instant on, and of whom nothing newer is said."""
        is_before = self.since == self.file_no == one.seen_in and one.seen_at < self.said[0]
        return (one.seen_in < self.since or is_before) and one.said <= self.said

    def covered(self, everybody: Iterable[Enrolment]) -> list[Enrolment]:
        mine = [one for one in everybody if one.plan == self.plan and not one.is_retired]
        return [one for one in mine if one.reaches(self.said_on)]

    def judge(self, everybody: Sequence[Enrolment]) -> None:
        """A quarter or more is not believed: of those from before the file, of all, or of an older list of the file."""
        insured = self.covered(everybody)
        absent = [one for one in insured if self.leaves_out(one)]
        of_old = [one for one in insured if one.first_in < self.file_no]
        counts = [(len(absent), len(insured)), (sum(one in absent for one in of_old), len(of_old))]
        if self.older_rows:
            counts.append((sum(one.seen_in in {self.file_no, *self.older_in} for one in absent), self.older_rows))
        if any(gone and gone >= A_QUARTER * there for gone, there in counts):
            self.state = TOO_MANY

    def end(self, everybody: Iterable[Enrolment]) -> None:
        self.state = APPLIED
        for one in [one for one in self.covered(everybody) if self.leaves_out(one)]:
            one.spans, one.said = cut(one.spans, self.ends_on), self.said
            self.ended += 1


def lists_of(roster: Roster, file_no: int) -> list[FullList]:
    """The newest list of each plan: of each sponsor the newest, all of them as old as the first; none of a file that
    was not read to its end, nor one that was read before altogether."""
    if roster.is_cut:
        return []
    by_plan: defaultdict[str, list[Part]] = defaultdict(list)
    for part in (one for one in roster.parts if one.is_full):
        by_plan[part.plan].append(part)
    found = []
    for plan, parts in sorted(by_plan.items()):
        newest = list(_newest(parts))
        if all(one.read_in for one in newest):
            continue
        older = [one for one in overtaken(roster) if one.plan == plan]
        since = min([file_no, *(one.read_in for one in newest if one.read_in)])
        older_in = frozenset(one.read_in for one in older if one.read_in)
        rows = sum(len(one.rows) for one in older)
        found.append(FullList(plan, min(one.said for one in newest), file_no, rows, since, older_in))
    return found


def overtaken(roster: Roster) -> list[Part]:
    """Parts of full lists of which the same sponsor has a newer one in the file."""
    found = []
    for plan in {one.plan for one in roster.parts if one.is_full}:
        parts = [one for one in roster.parts if one.is_full and one.plan == plan]
        newest = list(_newest(parts))
        found += [one for one in parts if not any(one is other for other in newest)]
    return found


def _newest(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts of each sponsor's newest list: twelve hours later begins another one."""
    by_sponsor: defaultdict[str, list[Part]] = defaultdict(list)
    for one in sorted(parts, key=lambda part: part.said):
        mine = by_sponsor[one.sponsor]
        if mine and one.said[0] - mine[-1].said[0] >= APART:
            mine.clear()
        mine.append(one)
    for mine in by_sponsor.values():
        yield from mine
