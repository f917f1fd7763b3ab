"""Asks a service's database now and then what no event tells: what waits and for how long, who is silent, how far a
piece of work has come. So that it stands in the metrics whether anybody asks the service or not."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from prometheus_client import Gauge

from services.kit import dead_letters, metrics
from services.kit.migrations import Migration
from services.kit.postgres import ALL_TENANTS, is_fault, transaction
from services.kit.repeating import Repeating
from services.kit.subscription import Subscription

PERIOD_S = 15.0
LOAD_SCHEMA = "select component, max(number) as value from schema_migration group by 1"
COUNT_MISSING = """
select component, stage, count(*) filter (where applied_at is null) as value
from unnest($1::text[], $2::int[], $3::text[]) as code (component, number, stage)
left join schema_migration using (component, number) group by 1, 2
"""
Rows = Sequence[Mapping[str, Any]]


def as_they_are(rows: Rows) -> Rows:
    """What the database gave is what is told."""
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """`sql`, asked with `values`, gives the gauge's labels by name, and `value`, or rows of which `told` makes these;
    what is no longer given is no longer told. It must not cost as much as the data does: it counts what waits, or what
    came lately. No label may be a text that others choose."""

    gauge: Gauge
    sql: str
    values: Sequence[object] = ()
    told: Callable[[Rows], Rows] = as_they_are
    every_s: float = PERIOD_S

    def tell(self, rows: Rows) -> None:
        """Set the gauge to what these say, and to nothing else."""
        told = self.told(rows)
        self.forget()
        for row in told:
            labels = {name: text for name, text in row.items() if name != "value"}
            (self.gauge.labels(**labels) if labels else self.gauge).set(float(row["value"] or 0))

    def forget(self) -> None:
        """Say nothing: no row of a gauge with labels, no number of one without."""
        self.gauge.clear()
        if not self.gauge._labelnames:
            self.gauge.set(math.nan)


def waiting_measures(waiting: Mapping[str, str]) -> list[Measure]:
    """A service's own work under way, by what waits."""
    union = " union all ".join(
        f"select '{what}' as work, ({count})::bigint as value" for what, count in waiting.items()
    )
    return [Measure(metrics.WAITING, union)] if waiting else []


def letter_measures(subscriptions: Sequence[Subscription]) -> list[Measure]:
    """What waits of each group, and 0 of each subscription of which nothing does."""
    values = (
        [subscription.group for subscription in subscriptions],
        [subscription.topic.name for subscription in subscriptions],
    )
    return [
        Measure(metrics.DEAD_LETTERS_WAITING, dead_letters.COUNT_DEAD, values),
        Measure(metrics.PARKED, dead_letters.COUNT_PARKED, values),
    ]


def schema_measures(migrations: Sequence[Migration]) -> list[Measure]:
    """How new the database is, and what it lacks of these."""
    columns = [(migration.component, migration.number, migration.stage) for migration in migrations]
    values = [list(column) for column in zip(*columns, strict=True)] or [[], [], []]
    return [Measure(metrics.SCHEMA, LOAD_SCHEMA), Measure(metrics.SCHEMA_MISSING, COUNT_MISSING, values)]


def measure_pool(pool: asyncpg.Pool) -> None:
    """How many connections are in use, idle, and allowed."""
    open_now, idle = pool.get_size(), pool.get_idle_size()
    for state, count in (("used", open_now - idle), ("idle", idle), ("limit", pool.get_max_size())):
        metrics.POOL.labels(state).set(count)


class Measuring(Repeating):
    """In every instance: the figures are the database's, the same from each."""

    def __init__(self, pool: asyncpg.Pool, measures: Sequence[Measure]) -> None:
        super().__init__("measuring", asyncpg.PostgresError)
        self._pool = pool
        self._measures = measures
        self._due_at: dict[Measure, float] = {}

    async def turn(self) -> float:
        """Whatever fails leaves no figure behind and keeps no other from being told; its fault is raised at the end."""
        faults: list[Exception] = []
        for measure in self._measures:
            if time.monotonic() < self._due_at.get(measure, 0.0):
                continue
            try:
                await self._take(measure)
            except Exception as error:
                measure.forget()
                if not (is_fault(error) or isinstance(error, asyncpg.PostgresError)):
                    raise
                faults.append(error)
            else:
                self._due_at[measure] = time.monotonic() + measure.every_s - PERIOD_S
        if faults:
            raise faults[0]
        return PERIOD_S

    async def _take(self, measure: Measure) -> None:
        async with transaction(self._pool, ALL_TENANTS) as connection:
            rows = await connection.fetch(measure.sql, *measure.values)
        measure.tell([dict(row) for row in rows])
