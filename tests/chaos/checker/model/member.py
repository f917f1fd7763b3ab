"""A person, and what plans say of him: what the rosters' rows leave of it."""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.chaos.checker.inputs.codes import match_key, normal
from tests.chaos.checker.inputs.records import MemberRow, Said, Who
from tests.chaos.checker.model.spans import Spans, restated

NEVER: Said = (datetime.min, 0)  # noqa: DTZ901 - senders' clocks, all in one zone


@dataclass(slots=True, eq=False)
class Enrolment:
    """A person in a plan, as the plan says. `said_at` is where it was said last: file and row; `said` when, by the
    file's own clock and number. `seen_in` is the last file in which the member stands, there last at `seen_at`, and
    `first_in` the first one. Without a number (`member_id`): it has passed to somebody else."""

    person: "Person"
    plan: str
    member_id: str = ""
    group: str = ""
    family: str = ""
    given: str = ""
    birth_on: date | None = None
    sex: str = "U"
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    language: str = ""
    spoken: tuple[str, ...] = ()
    zip5: str = ""
    tract: str = ""
    county: str = ""
    is_restricted: bool = False
    spans: Spans = ()
    is_retired: bool = False
    first_in: int = 0
    seen_in: int = 0
    seen_at: datetime = NEVER[0]
    said_at: tuple[int, int] = (0, 0)
    said: Said = NEVER

    @property
    def name(self) -> tuple[object, ...]:
        """By which it is found in the database."""
        born = self.birth_on.isoformat() if self.birth_on else None
        who = () if self.member_id else (self.family, self.given, born)
        return self.plan, self.member_id, self.is_retired, *who

    @property
    def key(self) -> str:
        """Name, birth date and ZIP, if all are known."""
        return match_key(self.family, self.given, self.birth_on, self.zip5)

    def reaches(self, day: date) -> bool:
        return any(span.last_on is None or span.last_on >= day for span in self.spans)

    def see(self, file_no: int, at: datetime) -> None:
        """Note that the member stands in what a file said then."""
        if file_no > self.seen_in:
            self.seen_in, self.seen_at = file_no, at
        elif file_no == self.seen_in:
            self.seen_at = max(self.seen_at, at)


@dataclass(frozen=True, slots=True)
class Death:
    """What a plan said last of a member's death, on that day: that he died, and when, or that he lives."""

    said_on: date
    is_dead: bool
    death_on: date | None = None

    def after(self, known: "Death | None") -> "Death":
        """The newer of both; a death that is repeated without its day keeps it."""
        if known is None or known.said_on > self.said_on:
            return known or self
        death_on = self.death_on or (known.death_on if self.is_dead and known.is_dead else None)
        return Death(self.said_on, self.is_dead, death_on)


@dataclass(slots=True, eq=False)
class Person:
    """An identity; the number tells which of two is the older. `keys` are the numbers and names that find it; `deaths`
    what each plan said of his death."""

    number: int
    merged_into: "Person | None" = None
    deaths: dict[str, Death] = field(default_factory=dict)
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def has_died(self, plan: str) -> bool:
        """As that plan says of its own member."""
        return plan in self.deaths and self.deaths[plan].is_dead

    @property
    def last(self) -> "Person":
        """Who it is by now."""
        return self.merged_into.last if self.merged_into else self


def adopt(kept: Person, plan: str, orphan: Enrolment) -> None:
    """What a plan said of somebody who turns out to be another is said of that one."""
    known = kept.enrolments.get(plan)
    if known is None:
        copied = {name: getattr(orphan, name) for name in Enrolment.__slots__ if name != "person"}
        kept.enrolments[plan] = Enrolment(kept, **copied)
    else:
        known.spans = tuple(dict.fromkeys((*known.spans, *orphan.spans)))
        known.seen_in, known.seen_at = max((known.seen_in, known.seen_at), (orphan.seen_in, orphan.seen_at))
        known.said = max(known.said, orphan.said)


def restate(one: Enrolment, row: MemberRow, said_on: date, *, is_holder: bool) -> None:
    """What the row leaves empty stays as it was known; its number is only its holder's."""
    who = row.who
    if is_holder:
        one.member_id = next((value for kind, _, value in who.identifiers if kind == "MB"), one.member_id)
    one.group = row.group or one.group
    if who.family:
        one.family, one.given = who.family, who.given
    one.birth_on = who.birth_on or one.birth_on
    one.sex = one.sex if who.sex == "U" else who.sex
    one.races, one.ethnicity = who.races or one.races, who.ethnicity or one.ethnicity
    one.language, one.spoken = row.language or one.language, row.spoken or one.spoken
    if row.has_address:
        one.zip5, one.tract, one.county = who.zip5, who.tract, row.county
    one.is_restricted = row.is_restricted
    one.spans = restated(one.spans, row, said_on)


def agrees(who: Who, known: Enrolment) -> bool:
    """Whether a registry's record may be about this member, when a number says so."""
    if who.birth_on is None or who.birth_on != known.birth_on or {who.sex, known.sex} == {"F", "M"}:
        return False
    said, names = ({normal(one.family), normal(one.given)} for one in (who, known))
    return "" in said | names or bool(said & names)
