"""Who says that a person has died, and what follows of it for each plan that has him as its member. Pure.

Each source's newest word holds, by the day that it itself gives; only the source takes back what it said. Plans declare
the death of their own members, registries that of everybody, and so does a person who decides. What else is heard of a
death is a report: somebody must check it.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.eligibility.payers.tenants import EVERY_TENANT

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
"""Of what doesn't say when it was said: whatever has a date is newer."""
ROSTER, REGISTRY, STATUS, ATTEMPT, APPOINTMENT = "roster", "registry", "registry-status", "attempt", "appointment"
DECISION = "decision"
"""A person's, of somebody who was one with this one then."""


class Word(StrEnum):
    """What a source says. Possible: somebody heard of a death, or the source contradicts itself. Nothing: it has taken
    back what it said."""

    DECEASED = "deceased"
    ALIVE = "alive"
    POSSIBLE = "possible"
    NOTHING = "nothing"


DEAD = frozenset({Word.DECEASED, Word.POSSIBLE})
"""The words that speak of a death, also of one that must be checked."""


class VitalStatement(NamedTuple):
    """The newest word of one source. `tenant_id` is the plan whose members it may declare dead, `*` everybody's.
    `since_at` and `heard_at`: since when, by its own date and by ours, it says so without a change. `reported_at`: when
    a worker or a site told it; it stays when the report is taken back. `version`: of the appointment. The fields are
    the columns of its table, in their order."""

    member_token: UUID
    source: str
    tenant_id: str
    word: str
    said_at: datetime
    since_at: datetime
    heard_at: datetime
    death_on: date | None = None
    reported_at: datetime | None = None
    version: int = 0

    @property
    def kind(self) -> str:
        """Who says it: roster, registry, registry-status, attempt, appointment or decision."""
        return self.source.partition(":")[0]


class Override(NamedTuple):
    """A person's decision about whether somebody lives, for the members of one plan or, as `*`, of all. `decided_on` is
    the business day, `day_began_at` when it began in the deployment's time zone; `named_token` by which token it named
    him. The other fields are columns of its table."""

    override_id: UUID
    member_token: UUID
    tenant_id: str
    is_deceased: bool
    death_on: date | None
    decided_on: date
    decided_at: datetime
    day_began_at: datetime | None = None
    named_token: UUID | None = None


class Vital(NamedTuple):
    """What holds for one plan's view of a person. `reports_until`: the newest report by a worker or a site that was
    weighed, whatever came of it."""

    is_deceased: bool = False
    is_reported: bool = False
    reports_until: datetime | None = None


UNHEARD = Vital()


def newest(known: VitalStatement | None, heard: VitalStatement) -> VitalStatement:
    """What holds of one source's two words, whichever came first. Two of one instant contradict each other."""
    if known is None:
        return heard
    reported_at = max((statement.reported_at for statement in (known, heard) if statement.reported_at), default=None)
    older, newer = (heard, known) if heard.said_at < known.said_at else (known, heard)
    if older.word == newer.word and newer.death_on in {None, older.death_on}:
        since_at, heard_at = min(older.since_at, newer.since_at), min(older.heard_at, newer.heard_at)
        newer = newer._replace(since_at=since_at, heard_at=heard_at, death_on=older.death_on)
    elif older.said_at == newer.said_at and older.word != newer.word:
        newer = known if known.word == Word.POSSIBLE else newer._replace(word=Word.POSSIBLE, death_on=None)
    return newer._replace(reported_at=reported_at)


def vital_of(statements: Iterable[VitalStatement], overrides: Iterable[Override], tenant_id: str) -> Vital:
    """Whether this plan's member counts as dead, or as somebody of whom it must be checked. A person's newest decision
    sets aside what was heard before it, and what is older than its day; what a source merely repeats is no news."""
    statements, overrides = tuple(statements), tuple(overrides)
    if not statements and not overrides:
        return UNHEARD
    ruling = max(
        (override for override in overrides if override.tenant_id in {EVERY_TENANT, tenant_id}),
        default=None,
        key=_decided,
    )
    weighed = [statement for statement in statements if ruling is None or _is_news(statement, ruling)]
    is_declared = any(
        statement.word == Word.DECEASED and statement.tenant_id in {EVERY_TENANT, tenant_id} for statement in weighed
    )
    is_deceased = is_declared or (ruling is not None and ruling.is_deceased)
    is_told = any(statement.word in {Word.DECEASED, Word.POSSIBLE} for statement in weighed)
    is_told |= any(
        override.is_deceased and (ruling is None or _decided(override) > _decided(ruling))
        for override in standing_elsewhere(overrides, tenant_id)
    )
    reports_until = max((statement.reported_at for statement in statements if statement.reported_at), default=None)
    return Vital(is_deceased, is_told and not is_deceased, reports_until)


def standing_elsewhere(overrides: Iterable[Override], tenant_id: str) -> list[Override]:
    """The newest decision for each other plan: here it is a report."""
    found: dict[str, Override] = {}
    for override in sorted(overrides, key=_decided):
        if override.tenant_id not in {EVERY_TENANT, tenant_id}:
            found[override.tenant_id] = override
    return list(found.values())


def _is_news(one: VitalStatement, ruling: Override) -> bool:
    """Of the ruling's day or later: by its own date, for some name the day only, or by the instant, for a deployment's
    day may begin before that of Greenwich."""
    is_since = ruling.day_began_at is not None and one.since_at >= ruling.day_began_at
    return one.heard_at > ruling.decided_at and (is_since or one.since_at.date() >= ruling.decided_on)


def _decided(one: Override) -> tuple[datetime, UUID]:
    return one.decided_at, one.override_id
