"""Rows of which it is doubtful whom they mean: what a person decided of them, and when one needs no decision any more.
Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from services.eligibility.feeds.records import Identifier, IdType, PersonName, Position, RosterRecord
from services.eligibility.people.coverage import product_of
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.identity import DOUBTFUL, SAME, Doubt, Likeness, likenesses
from services.eligibility.people.linkage import normal
from services.eligibility.people.matching import OF_PLAN, described, judge, record_identifiers, role_of
from services.eligibility.people.precedence import Stamp
from services.eligibility.people.roster_row import RosterRow

WAITING, SAME_PERSON, ANOTHER_PERSON, REFUSED, SUPERSEDED = "waiting", "same", "another", "refused", "superseded"
WITHDRAWN = "withdrawn"
UNSAID = datetime.min.replace(tzinfo=UTC)
DOUBTFUL_IDENTITY, IDENTITY_REFUSED = "doubtful-identity", "identity-refused"
NOWHERE = Position(0, 0)
BY_A_PERSON = "or a person's decision (./vcc feeds doubtful)"
WHAT_WAS_DECIDED = {
    SAME_PERSON: "decided by a person: it means a member whom it might mean",
    ANOTHER_PERSON: "decided by a person: it means somebody else",
    REFUSED: "refused by a person: it changed nobody",
    WITHDRAWN: "decided by a person, and the decision was withdrawn",
    SUPERSEDED: "a newer row has taken its place",
}
"""In the place of `BY_A_PERSON`, once a row waits no more."""
BEFORE_REFUSED = "a row that says something else of who it is about: a person refused this one"


def expected_now(expected: str | None, state: str | None) -> str | None:
    """What a rejected row is told to have lacked, and what became of it since."""
    decided = WHAT_WAS_DECIDED.get(state or "")
    return expected.replace(BY_A_PERSON, decided) if expected and decided else expected


class Decided(NamedTuple):
    """What a person decided of a row: it is about `token`, or (none) about nobody of `tokens`, whom it might mean."""

    decision: str
    member_token: UUID | None
    tokens: frozenset[UUID]

    @property
    def others(self) -> frozenset[UUID]:
        """Who is certainly not meant."""
        return self.tokens if self.decision == ANOTHER_PERSON else frozenset()


class DoubtfulRow(NamedTuple):
    """A row that waits, with whom it may mean."""

    doubtful_id: UUID
    file_id: UUID
    file_no: int
    row: RosterRow
    doubt: Doubt
    evidence: str

    @property
    def plan(self) -> str:
        return self.row.plan

    @property
    def content(self) -> RosterRecord:
        """What it says, wherever it stands."""
        return self.row.record._replace(position=NOWHERE)


@dataclass(slots=True)
class Doubts:
    """The doubtful rows of one batch's people: those that wait, what was decided of others, and what this batch opens
    and closes."""

    waiting: dict[UUID, DoubtfulRow] = field(default_factory=dict)
    decided: dict[tuple[str, str], Decided] = field(default_factory=dict)
    opened: list[DoubtfulRow] = field(default_factory=list)
    superseded: set[UUID] = field(default_factory=set)

    def decision_of(self, record: RosterRecord, tenant: str, doubt: Doubt) -> Decided | None:
        """What a person decided of a row that said the same, as long as nobody else comes into question by now."""
        known = self.decided.get((tenant, evidence_of(record))) if self.decided else None
        if known is None or not doubt.tokens <= known.tokens | {known.member_token}:
            return None
        return known

    def open(self, one: DoubtfulRow) -> None:
        """A row begins to wait. Of several that say the same altogether, the newest does."""
        self.opened.append(one)
        for known in list(self.waiting.values()):
            if known.plan == one.plan and known.content == one.content:
                self._supersede(known if not is_older(one, known.row.said, known.file_no) else one)
        if one.doubtful_id not in self.superseded:
            self.waiting[one.doubtful_id] = one

    def clear(self, enrolment: Enrolment, record: RosterRecord, said: Stamp, file_no: int) -> None:
        """A row was clear: what waits and is older, and about the same enrolment, needs no decision any more."""
        for known in list(self.waiting.values()):
            is_late = known.plan == enrolment.tenant_id and is_older(known, said, file_no)
            if is_late and is_about(known.row.record, enrolment, record):
                self._supersede(known)

    def _supersede(self, one: DoubtfulRow) -> None:
        self.superseded.add(one.doubtful_id)
        self.waiting.pop(one.doubtful_id, None)


def is_older(one: DoubtfulRow, said: Stamp, file_no: int) -> bool:
    """Whether a row was said before another statement; without instants the later file is the newer one."""
    if one.row.said.at is None or said.at is None:
        return one.file_no < file_no
    return one.row.said.is_before(said)


def in_order(rows: Iterable[DoubtfulRow]) -> list[DoubtfulRow]:
    """As they were said; without instants as they came."""
    came = sorted(rows, key=lambda entry: (entry.file_no, entry.row.record.position))
    return sorted(came, key=lambda entry: entry.row.said.at or UNSAID)


def is_about(doubtful: RosterRecord, enrolment: Enrolment, record: RosterRecord) -> bool:
    """Whether a clear row settles a doubtful one: under one of its numbers, of all products that it speaks of, and its
    person is the same by the rules; under a number of his own also where the given name agrees and both do the same,
    for then the clear row has mended it."""
    shared = _plan_numbers(doubtful) & _plan_numbers(record)
    if not shared or not _products(doubtful) <= _products(record):
        return False
    said = described(doubtful)
    is_own = any(identifier.type == IdType.MEMBER for identifier in doubtful.person.identifiers if identifier in shared)
    verdict, is_own = judge(enrolment, said, is_own=is_own)
    _, given, _ = likenesses(enrolment, said)
    is_slip = is_own and verdict is DOUBTFUL and given in {Likeness.EQUAL, Likeness.ALIKE}
    return verdict is SAME or (is_slip and doubtful.maintenance is record.maintenance)


def _products(record: RosterRecord) -> set[str]:
    return {product_of(coverage) for coverage in record.coverages}


def _plan_numbers(record: RosterRecord) -> set[Identifier]:
    return {identifier for identifier in record_identifiers(record) if identifier.type in OF_PLAN}


def evidence_of(record: RosterRecord) -> str:
    """What a row says of who it is about, as a digest: numbers, name, birth date, sex, role, and who it was before."""
    person, before = record.person, record.previous
    said: list[object] = [role_of(record), person.sex, person.birth_on, *_name(person.name)]
    said += _numbers(person.identifiers)
    if before is not None:
        said += ["before", before.birth_on, *_name(before.name), *_numbers(before.identifiers)]
    return blake2b(repr([str(part) for part in said]).encode(), digest_size=16).hexdigest()


def _name(name: PersonName | None) -> tuple[str, ...]:
    return (normal(name.family), normal(name.given), normal(name.suffix)) if name else ("", "", "")


def _numbers(identifiers: Iterable[Identifier]) -> list[str]:
    return sorted("\x1f".join(identifier) for identifier in identifiers if identifier.type in OF_PLAN)
