"""Rows of which it is doubtful whom they mean: what waits, what a person decided of them, and what closes by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tests.chaos.checker.inputs.codes import normal
from tests.chaos.checker.inputs.records import Identifier, MemberRow, Part
from tests.chaos.checker.model.likeness import EQUAL, IN_PART, SAME, SLIP, described, likenesses, verdict
from tests.chaos.checker.model.member import Enrolment, Person

WAITING, SUPERSEDED, WITHDRAWN = "waiting", "superseded", "withdrawn"
SAME_PERSON, ANOTHER_PERSON, REFUSED = "same", "another", "refused"
DECIDED = frozenset({SAME_PERSON, ANOTHER_PERSON, REFUSED})
NOT_THE_HOLDER, NOT_FORMERLY, AGREES_WITH_ANOTHER = "not-the-holder", "not-formerly", "agrees-with-another"
Evidence = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A row with where it stands."""

    row: MemberRow
    part: Part
    file_no: int

    @property
    def evidence(self) -> Evidence:
        """What it says of who it is about, in its plan."""
        who, old = self.row.who, self.row.before
        before = (old.birth_on, normal(old.family), normal(old.given), _members(old.numbers)) if old else ()
        named = normal(who.family), normal(who.given), who.birth_on, who.sex
        return (self.part.plan, *named, _members(who.identifiers), *before)

    @property
    def numbers(self) -> tuple[Identifier, ...]:
        """All by which its person may be known."""
        return (*self.row.who.identifiers, *(self.row.before.numbers if self.row.before else ()))


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a row waits, and whom it may mean."""

    code: str
    persons: frozenset[Person]


@dataclass(slots=True, eq=False)
class Doubtful:
    """A row that waits, or waited. `person` is whom it was found to mean."""

    told: Told
    code: str
    persons: frozenset[Person]
    state: str = WAITING
    person: Person | None = None

    @property
    def may_be(self) -> set[Person]:
        return {one.last for one in self.persons}

    @property
    def meant(self) -> Person | None:
        return self.person.last if self.person else None


@dataclass(slots=True)
class Doubts:
    """All of them in the order in which they came, with the newest decision of what they say; and who was told apart
    from whom, by which row."""

    rows: list[Doubtful] = field(default_factory=list)
    last: dict[Evidence, Doubtful] = field(default_factory=dict)
    apart: list[tuple[Person, Person, Doubtful]] = field(default_factory=list)
    outcomes: dict[tuple[int, int], str] = field(default_factory=dict)
    """The codes under which rows were rejected, by file and row."""

    def at(self, file_no: int, row: int) -> Doubtful | None:
        return next((one for one in self.rows if (one.told.file_no, one.told.row.row) == (file_no, row)), None)

    @property
    def waiting(self) -> list[Doubtful]:
        return [one for one in self.rows if one.state == WAITING]

    def decided_before(self, told: Told, doubt: Doubt) -> Doubtful | None:
        """What a person decided of a row that said the same, as long as nobody else comes into question."""
        known = self.last.get(told.evidence)
        if known is None or not doubt.persons <= known.may_be | {known.meant}:
            return None
        return None if known.meant is not None and told.part.plan not in known.meant.enrolments else known

    def open(self, told: Told, doubt: Doubt) -> None:
        """Of those that say the same altogether only the newest waits."""
        fresh = Doubtful(told, doubt.code, doubt.persons)
        for known in self.waiting:
            if _content(known.told) == _content(told):
                older = fresh if told.part.said < known.told.part.said else known
                older.state = SUPERSEDED
        self.rows.append(fresh)

    def clear(self, known: Enrolment, told: Told) -> None:
        """A clear row closes what waits, is older and about the same enrolment."""
        for one in self.waiting:
            is_late = one.told.part.plan == known.plan and one.told.part.said < told.part.said
            if is_late and _is_about(one.told, known, told):
                one.state = SUPERSEDED

    def alike(self, chosen: Doubtful) -> Iterator[Doubtful]:
        """What waits and says the same of who it is about, as it was said."""
        same = [one for one in self.waiting if one.told.evidence == chosen.told.evidence]
        return iter(sorted(same, key=lambda one: (one.told.part.said[0], one.told.file_no, one.told.row.row)))

    def close(self, one: Doubtful, decision: str, person: Person | None) -> None:
        one.state, one.person = decision, person
        self.last[one.told.evidence] = one

    def withdraw(self, chosen: Doubtful) -> None:
        """What was decided of all that say the same counts no more."""
        gone = [one for one in self.rows if one.told.evidence == chosen.told.evidence and one.state in DECIDED]
        for one in gone:
            one.state = WITHDRAWN
        self.last.pop(chosen.told.evidence, None)
        self.apart = [pair for pair in self.apart if pair[2] not in gone]

    def tell_apart(self, person: Person, others: Iterable[Person], by: Doubtful) -> None:
        self.apart += [(person, other, by) for other in others if other is not person]

    def are_apart(self, one: Person, other: Person) -> bool:
        return any({a.last, b.last} == {one, other} for a, b, _ in self.apart)


def _members(numbers: Iterable[Identifier]) -> tuple[Identifier, ...]:
    return tuple(sorted(one for one in numbers if one[0] == "MB"))


def _content(told: Told) -> tuple[str, MemberRow]:
    return told.part.plan, replace(told.row, row=0)


def _is_about(doubtful: Told, known: Enrolment, clear: Told) -> bool:
    """Under one of its numbers, of all its products, about the same person; or of the same kind, about the holder of
    its own number with its given name."""
    shared = set(_members(doubtful.numbers)) & set(_members(clear.numbers))
    spoken, heard = ({one.product for one in each.row.covers} for each in (doubtful, clear))
    if not shared or not spoken <= heard:
        return False
    said = described(doubtful.row)
    judged, given = verdict(known, said), likenesses(known, said)[1]
    is_own = bool(shared & set(_members(doubtful.row.who.identifiers)))
    is_mended = is_own and judged == IN_PART and given in {EQUAL, SLIP} and doubtful.row.action == clear.row.action
    return judged == SAME or is_mended
