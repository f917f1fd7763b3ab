"""What a plan is told of its member's death: who says what, and what holds of it. Pure.

Of another plan's word a plan learns only that there is one.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Literal, NamedTuple

from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.vital.rules import DEAD, Override, VitalStatement, Word, standing_elsewhere, vital_of

By = Literal["plan", "registry", "worker", "site", "person", "another-plan"]
DECLARED: Literal["declared"] = "declared"
REPORTED: Literal["reported"] = "reported"
BY_KIND: dict[str, Literal["plan", "registry", "worker", "site", "person"]] = {
    "roster": "plan", "registry": "registry", "registry-status": "registry", "attempt": "worker", "appointment": "site",
    "decision": "person",
}  # fmt: skip


class Said(NamedTuple):
    """One word about a death. `said_at` is its source's own date, or when a person decided."""

    by: By
    word: Literal["deceased", "possible", "alive"] | None = None
    said_at: datetime | None = None
    death_on: date | None = None


class ToldOfDeath(NamedTuple):
    """What holds for the plan (none: nobody has to ask), and who says what, the oldest first."""

    holds: Literal["declared", "reported"] | None
    said: tuple[Said, ...]


_WORDS: dict[str, Literal["deceased", "possible", "alive"]] = {
    Word.DECEASED: "deceased", Word.POSSIBLE: "possible", Word.ALIVE: "alive",
}  # fmt: skip


def told_of_death(statements: Iterable[VitalStatement], overrides: Iterable[Override], plan: str) -> ToldOfDeath:
    """Everything that is said to, or decided for, this plan; and that another plan says something."""
    statements, overrides = tuple(statements), tuple(overrides)
    found = vital_of(statements, overrides, plan)
    holds = DECLARED if found.is_deceased else REPORTED if found.is_reported else None
    mine = sorted((*_by_sources(statements, plan), *_by_persons(overrides, plan)), key=_when)
    elsewhere = any(
        statement.tenant_id not in {EVERY_TENANT, plan} and statement.word in DEAD for statement in statements
    )
    elsewhere |= any(override.is_deceased for override in standing_elsewhere(overrides, plan))
    return ToldOfDeath(holds, (*mine, *([Said("another-plan")] if elsewhere else [])))


def _by_sources(statements: Iterable[VitalStatement], plan: str) -> Iterator[Said]:
    for statement in statements:
        if statement.tenant_id in {EVERY_TENANT, plan} and statement.word in _WORDS:
            yield Said(BY_KIND[statement.kind], _WORDS[statement.word], statement.said_at, statement.death_on)


def _by_persons(overrides: Iterable[Override], plan: str) -> Iterator[Said]:
    for override in overrides:
        if override.tenant_id in {EVERY_TENANT, plan}:
            yield Said(
                "person", "deceased" if override.is_deceased else "alive", override.decided_at, override.death_on
            )


def _when(said: Said) -> datetime:
    assert said.said_at is not None, "whoever is named has said it at some time"
    return said.said_at
