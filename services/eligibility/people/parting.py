"""What each of two persons has once they are two again: what he had before they were one, as far as it stands; and what
was said since, which goes with the record that it was said of. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.enrolment import Enrolment
from services.eligibility.people.linkage import match_key
from services.eligibility.vital.rules import APPOINTMENT, ATTEMPT, ROSTER, Word

Row = dict[str, Any]


class Joined(NamedTuple):
    """Two persons who became one, with both's entries in plans as they were. `plan`: whose correction said so; none:
    a person did."""

    survivor: UUID
    retired: UUID
    entries: tuple[Enrolment, ...]
    plan: str | None = None

    @property
    def plans(self) -> set[str]:
        """Whose entries go along with the retired one."""
        return {known.tenant_id for known in self.entries if known.member_token == self.retired}


class Join(NamedTuple):
    """Two tokens that stand for one person, and since when. `tokens` stood for the retired one before; `tenant_id`:
    whose correction said so, `*` where it was a person's word on a pair."""

    join_id: UUID
    join_no: int
    survivor: UUID
    retired: UUID
    tokens: list[UUID]
    tenant_id: str
    pair_id: UUID | None
    file_no: int | None
    joined_on: date
    joined_at: datetime
    withdrawn_at: datetime | None = None
    reason: str | None = None


class Side(StrEnum):
    """The two."""

    SURVIVOR = "survivor"
    RETIRED = "retired"


BOTH = frozenset(Side)


@dataclass(frozen=True, slots=True)
class KeptRows:
    """Rows of one table: what the survivor and the retired one had, and what the person had that they became."""

    survivor: list[Row]
    retired: list[Row]
    made: list[Row]

    @property
    def sides(self) -> dict[Side, list[Row]]:
        """What each of both had."""
        return {Side.SURVIVOR: self.survivor, Side.RETIRED: self.retired}


@dataclass(frozen=True, slots=True)
class Shares:
    """Rows for each of both."""

    survivor: list[Row]
    retired: list[Row]


Key = Callable[[Row], tuple[Any, ...]]
Whose = Callable[[Row], Collection[Side]]


def shared_out(kept: KeptRows, now: Iterable[Row], key_of: Key, whose: Whose) -> Shares:
    """What stands as the join left it goes back to how it was before. What was said, or changed, since is of whom
    `whose` says; what the other one had of it he has again. What is nobody's goes, and what was taken away since. A
    column that was added since says nothing."""
    before = {side: {key_of(row): row for row in rows} for side, rows in kept.sides.items()}
    made = {key_of(row): _told(row) for row in kept.made}
    shares: dict[Side, list[Row]] = {side: [] for side in Side}
    for row in now:
        key = key_of(row)
        if made.get(key) == _told(row) and any(key in before[side] for side in Side):
            for side in Side:
                shares[side] += [before[side][key]] if key in before[side] else []
        else:
            sides = whose(row)
            for side in Side:
                shares[side] += [row] if side in sides else [before[side][key]] if key in before[side] else []
    return Shares(shares[Side.SURVIVOR], shares[Side.RETIRED])


def _told(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Holders:
    """Whose member each of both is by now, and under which numbers."""

    survivor: tuple[Enrolment, ...]
    retired: tuple[Enrolment, ...]

    @classmethod
    def among(cls, enrolments: Iterable[Enrolment], survivor: UUID, retired: UUID) -> "Holders":
        living = [known for known in enrolments if not known.is_retired]
        ones, others = (tuple(known for known in living if known.member_token == one) for one in (survivor, retired))
        return cls(ones, others)

    def of_plan(self, plan: str) -> frozenset[Side]:
        """Who is this plan's member; of two the survivor, whom the plan went on to speak of. Of no plan: both."""
        if plan == EVERY_TENANT:
            return BOTH
        found = {side for side in Side if any(known.tenant_id == plan for known in self._of(side))}
        return frozenset(found if len(found) == 1 else {Side.SURVIVOR})

    def lists_both(self, plan: str) -> bool:
        """Whether both are this plan's members."""
        return all(any(known.tenant_id == plan for known in self._of(side)) for side in Side)

    def may_be_either(self, plan: str) -> bool:
        """Whether what is said for this plan alone does not say which of both it is of."""
        return plan == EVERY_TENANT or self.lists_both(plan)

    def of_number(self, value: str) -> frozenset[Side]:
        """Under whose number of a plan this is. What a registry calls a person is nobody's before it is tied anew."""
        return frozenset(
            side
            for side in Side
            if any(value and value in {known.member_id, known.family_number} for known in self._of(side))
        )

    def of_key(self, key: str) -> frozenset[Side]:
        """Whose name, birth date and ZIP this is, by one of his plans."""
        return frozenset(side for side in Side if any(key_of(known) == key for known in self._of(side)))

    def of_row(self, row: Row) -> frozenset[Side]:
        """What a plan's sender, worker or site said is of that plan's member; what a registry, or a person for all
        plans, said is of both, but for a death (`parting_words`)."""
        if "match_key" in row:
            return self.of_key(row["match_key"])
        if "assigner" in row:
            return self.of_number(row["value"])
        bound_to = row.get("sender", "").partition("@")[2]  # of a plan's own sender (`payers.tenants.speaker`)
        return self.of_plan(row.get("tenant_id") or bound_to or EVERY_TENANT)

    def _of(self, side: Side) -> tuple[Enrolment, ...]:
        return self.survivor if side is Side.SURVIVOR else self.retired


def with_weighed(shares: Shares, kept: KeptRows, holders: Holders) -> Shares:
    """Words on deaths: a worker's or a site's report that went to the one was weighed for the other, too, so whoever
    paused both by himself has his answer. Where one plan lists both, what it told since may be of either: of the
    retired one somebody must check a death, and of the survivor one of before that a life took back since."""
    doubted = {
        row["source"]: row | {"word": Word.POSSIBLE}
        for row in shares.survivor
        if _kind(row) == ROSTER and row["word"] == Word.DECEASED and row not in kept.survivor
        and holders.lists_both(row["tenant_id"])
    }  # fmt: skip
    survivor = [_doubted_life(row, kept, holders) for row in shares.survivor]
    retired = [row for row in shares.retired if row["source"] not in doubted]
    return Shares(survivor + _weighed(retired, survivor), [*retired, *_weighed(survivor, retired), *doubted.values()])


def _doubted_life(row: Row, kept: KeptRows, holders: Holders) -> Row:
    if _kind(row) != ROSTER or row["word"] != Word.ALIVE or not holders.lists_both(row["tenant_id"]):
        return row
    had = next((one["word"] for one in kept.survivor if one["source"] == row["source"]), None)
    return row | {"word": Word.POSSIBLE} if had in {Word.DECEASED, Word.POSSIBLE} else row


def _weighed(theirs: Iterable[Row], mine: Iterable[Row]) -> list[Row]:
    sources = {row["source"] for row in mine}
    return [
        row | {"word": Word.NOTHING}
        for row in theirs
        if _kind(row) in {ATTEMPT, APPOINTMENT} and row["reported_at"] and row["source"] not in sources
    ]


def key_of(known: Enrolment) -> str:
    return match_key(known.family, known.given, known.birth_on, known.zip5)


def _kind(row: Row) -> str:
    kind: str = row["source"].partition(":")[0]
    return kind


def unfolded(now: Enrolment, before: Enrolment, made: Enrolment) -> Enrolment:
    """A plan's entry into which another one of the same plan was folded: what stands as that left it is as before;
    when the plan spoke last stays."""
    named = ("enrolment_id", "member_token", "seen_file_no", "seen_at", "said_at", "said_by", "said_no")
    changes: Mapping[str, Any] = {
        name: getattr(before, name)
        for name in Enrolment._fields
        if name not in named and getattr(now, name) == getattr(made, name)
    }
    return now._replace(**changes)
