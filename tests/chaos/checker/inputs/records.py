"""What the readers hand over: the rows of a file, each whole or with the reason for which it must be rejected."""

from dataclasses import dataclass
from datetime import date, datetime

Identifier = tuple[str, str, str]
"""Type, assigner and value."""


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a row is about; what is empty was not said."""

    identifiers: tuple[Identifier, ...] = ()
    family: str = ""
    given: str = ""
    birth_on: date | None = None
    sex: str = "U"
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    zip5: str = ""
    tract: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """A time of coverage that a row states."""

    line: str
    begin_on: date | None
    end_on: date | None
    ends: bool
    product: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """Who the member was called until a correction."""

    numbers: tuple[Identifier, ...]
    family: str
    given: str
    birth_on: date | None

    @property
    def is_named(self) -> bool:
        return bool(self.family or self.given)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A row of a roster, counted over the whole file. A rejected one still names its member by number, if it bears one.
    `action` is what it does (INS03). `is_back`: it reinstates, or adds in a file of changes, coverage that goes on."""

    row: int
    who: Who
    action: str = ""
    rejected: str | None = None
    ends: bool = False
    died: bool = False
    death_on: date | None = None
    is_back: bool = False
    language: str = ""
    county: str = ""
    group: str = ""
    is_restricted: bool = False
    has_address: bool = False
    begin_on: date | None = None
    end_on: date | None = None
    covers: tuple[Cover, ...] = ()
    before: Before | None = None
    spoken: tuple[str, ...] = ()


Said = tuple[datetime, int]
"""When a sender said something, by his own clock, and under which control number."""


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction of a roster: everybody of a plan, or some of them, or changes. `control` are the numbers by which
    its sender names it; whoever stands in no part of a plan's full list has left. `is_cut`: the file stops in it;
    `read_in`: the file that brought the same before, if one did."""

    plan: str
    sponsor: str
    control: str
    said: Said
    is_full: bool
    rows: tuple[MemberRow, ...]
    content: str = ""
    is_cut: bool = False
    read_in: int = 0

    @property
    def said_on(self) -> date:
        return self.said[0].date()


@dataclass(frozen=True, slots=True)
class Roster:
    """A file of one plan, or of several. `is_cut`: it was not read to its end, so its lists count as never read."""

    parts: tuple[Part, ...]
    is_cut: bool = False

    @property
    def rows(self) -> tuple[MemberRow, ...]:
        return tuple(row for part in self.parts for row in part.rows)

    @property
    def is_full(self) -> bool:
        return any(one.is_full for one in self.parts)


@dataclass(frozen=True, slots=True)
class DoseRow:
    """A row of a registry's file: a dose, a refusal (`is_given` false), or a patient alone (no `cvx`)."""

    row: int
    who: Who = Who()
    rejected: str | None = None
    is_patient: bool = False
    is_given: bool = True
    is_partial: bool = False
    is_historical: bool = False
    event: tuple[str, str] | None = None
    action: str = "A"
    cvx: str = ""
    mvx: str = ""
    lot: str = ""
    given_on: date | None = None
    sender: str = ""
    control: str = ""
    is_protected: bool | None = None
    protected_on: date | None = None
    publicity: str = ""
    stated_at: datetime | None = None
    outcome: str = "not-administered"
    """Of what was not given."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry's file; `kind` is the feed's."""

    kind: str
    rows: tuple[DoseRow, ...]
