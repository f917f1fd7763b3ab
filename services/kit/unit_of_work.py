"""All that lives and dies with one transaction, as one object that is passed to whoever works in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from schemas.envelope import Event
from services.kit import outbox
from services.kit.asking import Asked
from services.kit.grants import Sites
from services.kit.postgres import ALL_TENANTS, Connection, Pool, transaction
from services.kit.trace import NONE, Traces

Handler = Callable[["UnitOfWork", Sequence[Any]], Awaitable[None]]
"""`on_<fact>(work, events)`: events of one topic, in the log's order, each one new to this consumer."""


class Look(NamedTuple):
    """What an answer showed of whom."""

    action: str
    kind: str
    subjects: Sequence[str]


class Recorded(NamedTuple):
    """A row of the trail in this transaction, and of which request it is."""

    asked: Asked | None
    action: str
    outcome: str


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """A transaction at work. `working` opens and commits it. `traces`: under which trace contexts it announces;
    `looks`: what was recorded of looks in it; `signals`: whom it will wake;
    `recorded`: what the trail says of it; `subjects`: the keys of the facts that it announces."""

    connection: Connection
    traces: Traces = NONE
    looks: list[Look] = field(default_factory=list)
    signals: set[str] = field(default_factory=set)
    recorded: list[Recorded] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)

    async def announce(self, events: Sequence[Event]) -> None:
        """Publish these facts if and only if this transaction commits. Lock their rows first."""
        if events:
            await outbox.save_events(self.connection, events, self.traces)
            self.subjects.update(event.key() for event in events)
            self.wake(outbox.NEWS)

    def wake(self, name: str) -> None:
        """Have those woken who wait for this in this process, once the transaction has committed; never if it does
        not."""
        self.signals.add(name)

    def under(self, traces: Traces) -> "UnitOfWork":
        """The same work, which announces under other traces."""
        return replace(self, traces=traces)


@asynccontextmanager
async def working(
    pool: Pool, tenant: str = ALL_TENANTS, *, sites: Sites = None, traces: Traces = NONE
) -> AsyncIterator[UnitOfWork]:
    """A unit of work that sees the rows of this tenant and of these sites only. It commits on leaving without error,
    and then wakes whom it is to wake."""
    async with transaction(pool, tenant, sites=sites) as connection:
        work = UnitOfWork(connection, traces)
        yield work
    for row in work.recorded:
        if row.asked is not None:
            row.asked.outcomes.add(row.outcome)
    for name in work.signals:
        pool.signals.give(name)
