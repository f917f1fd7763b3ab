"""What the database looks like from outside: gauges that also fall."""

import json
import math
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from prometheus_client import REGISTRY

from schemas.catalog import BUSINESS_DAY_OPENED
from services.kit import contract, dead_letters, metrics, redrive, relay
from services.kit import health as health_checks
from services.kit.batches import apply_batch
from services.kit.contract import REASONS
from services.kit.health import Health
from services.kit.measuring import Measure, Measuring, letter_measures, schema_measures, waiting_measures
from services.kit.migrations import KIT_FOLDER, load_migrations
from services.kit.postgres import transaction
from services.kit.relay import sample_backlog
from services.kit.subscriber import Subscriber
from services.kit.subscription import Subscription
from services.kit.unit_of_work import UnitOfWork, working
from tests.builders import a_day, a_record, decoded
from tests.servers import OpenDatabase

pytestmark = pytest.mark.postgres
GROUP = "kit.business-day-opened"
SAVE_NEWS = """
insert into outbox (event_id, shard, aggregatetype, aggregateid, type, payload, occurred_at, created_at)
select gen_random_uuid(), 0, 't', 'k', 'e', '', now(), clock_timestamp() - interval '1 hour'
from generate_series(1, $1)
"""
SAVE_LETTERS = """
insert into dead_letter (consumer, topic, "partition", "offset", headers, reason, detail, state)
select $1, $2, 0, n, '[]', 'r', 'd', 'dead' from generate_series(1, $3) as n
"""


async def on_day(work: UnitOfWork, events: Sequence[object]) -> None:
    """Hear and forget."""


def parked(group: str = GROUP) -> float | None:
    return REGISTRY.get_sample_value("vcc_parked", {"topic": BUSINESS_DAY_OPENED.name, "group": group})


async def test_the_gauge_of_parked_records_falls(database: OpenDatabase) -> None:
    """It counts what waits behind a dead letter, group by group; when that has been given up nothing is left of it,
    while another group's stays."""
    opened = await database("kit")
    letters = Measuring(opened.pool, letter_measures(()))
    for group in (GROUP, "other.business-day-opened"):
        batch = decoded(a_record(a_day(0), value=b"{"), a_record(a_day(1)), a_record(a_day(2)))
        await apply_batch(opened.pool, group, batch, on_day)
    await letters.turn()
    assert (parked(), parked("other.business-day-opened")) == (2, 2)
    letter = await opened.pool.fetchval("select min(id) from dead_letter where consumer = $1", GROUP)
    subscriptions = {GROUP: Subscription(BUSINESS_DAY_OPENED, GROUP, on_day)}
    async with working(opened.pool) as work:
        await redrive.discard(work, subscriptions, letter, "olga")
    await letters.turn()
    assert (parked(), parked("other.business-day-opened")) == (None, 2)


async def test_dead_letters_that_wait_are_told_and_none_is_zero(database: OpenDatabase) -> None:
    """Each subscription has a figure from the start; a dead letter is one, those parked behind it are not."""
    opened = await database("kit")
    other = Subscription(BUSINESS_DAY_OPENED, "kit.other", on_day)
    letters = Measuring(opened.pool, letter_measures([Subscription(BUSINESS_DAY_OPENED, GROUP, on_day), other]))
    batch = decoded(a_record(a_day(0), value=b"{"), a_record(a_day(1)), a_record(a_day(2)))
    await apply_batch(opened.pool, GROUP, batch, on_day)
    await letters.turn()
    figures = [
        REGISTRY.get_sample_value("vcc_dead_letters_waiting", {"topic": BUSINESS_DAY_OPENED.name, "group": group})
        for group in (GROUP, "kit.other")
    ]
    assert (figures, parked(), parked("kit.other")) == ([1, 0], 2, 0)


async def test_a_flood_of_letters_costs_no_more_to_count(
    database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each group's are counted up to a number, so that no flood hides another group's; readiness counts none at all,
    and is well while the letters can't be looked at."""
    counted = dead_letters.COUNT_DEAD.replace(f"limit {dead_letters.COUNTED_ROWS}", "limit 10")
    monkeypatch.setattr(dead_letters, "COUNT_DEAD", counted)
    opened = await database("kit")
    for group, rows in (("a.flood", 300), (GROUP, 3)):
        await opened.pool.execute(SAVE_LETTERS, group, BUSINESS_DAY_OPENED.name, rows)
    await Measuring(opened.pool, letter_measures(())).turn()
    assert [waiting(group) for group in ("a.flood", GROUP)] == [10, 3]
    async with opened.owner.acquire() as holder, holder.transaction():
        await holder.execute("lock table dead_letter")
        health = Health(opened.settings(), opened.pool)
        await health._ask_postgres()
        assert health.reason("postgres") is None


def waiting(group: str) -> float | None:
    return sample("vcc_dead_letters_waiting", topic=BUSINESS_DAY_OPENED.name, group=group)


async def test_the_first_dead_letter_moves_a_rate(database: OpenDatabase) -> None:
    """The row that grows is there at 0 before anything happens: that of the consumer and of the reason's own code."""
    opened = await database("kit")
    group = "kit.first-letter"
    subscriber = Subscriber(opened.pool, Subscription(BUSINESS_DAY_OPENED, group, on_day), 60)
    assert letters(group) == dict.fromkeys(REASONS, 0)
    broken = a_record(a_day(0), value=b"{")
    outcome = await subscriber._applying.apply(decoded(broken))
    subscriber._count(outcome, 1, 0.1)
    (code,) = outcome.reasons
    assert letters(group) == dict.fromkeys(REASONS, 0) | {code: 1}
    assert code == await opened.pool.fetchval("select reason from dead_letter")


def letters(group: str) -> dict[str, float]:
    return {
        sample.labels["reason"]: sample.value
        for family in metrics.DEAD_LETTERS.collect()
        for sample in family.samples
        if sample.name == "vcc_dead_letters_total" and sample.labels["group"] == group
    }


def test_every_code_of_a_letter_has_its_row() -> None:
    """No code is given to a record that the counter does not know from the start."""
    given = re.findall(r'UnusableError\(\s*"([\w-]+)"', Path(contract.__file__).read_text())
    assert {*given, contract.WRONG_SOURCE, contract.HANDLER_ERROR} == set(REASONS)


@pytest.mark.parametrize("work", ["decisions", "programmes", "reviews"])
def test_the_first_that_is_set_aside_moves_a_rate(work: str) -> None:
    """Its row is there before anything happens."""
    assert sample("vcc_set_aside_total", work=work) is not None


async def test_a_long_outbox_costs_no_more_to_look_at(database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted up to a number; the age of its oldest row is told all the same."""
    monkeypatch.setattr(relay, "COUNTED_ROWS", 10)
    opened = await database("kit")
    await opened.pool.execute(SAVE_NEWS, 50)
    async with transaction(opened.pool, "*") as connection:
        rows, age_s = await sample_backlog(connection)
        plan = json.loads(await connection.fetchval(f"explain (analyze, format json) {relay.LOAD_BACKLOG}", 10, 0))[0]
    assert (rows, round(age_s, -2)) == (10, 3600)
    assert "Limit" in json.dumps(plan)


async def test_an_outbox_that_is_late_hinders_no_request(
    database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not published for an hour is told under `outbox` alone; so is an outbox that can't be looked through."""
    opened = await database("kit")
    await opened.pool.execute(SAVE_NEWS, 3)
    health = Health(opened.settings(), opened.pool)
    await health._ask_postgres()
    await health._ask_outbox()
    assert (health.reason("postgres"), health.reason("outbox")) == (None, "not published in time")
    monkeypatch.setattr(relay, "LOAD_BACKLOG", "select pg_sleep($1::int + $2::int), 0 as rows, 0.0::float8 as age_s")
    monkeypatch.setattr(health_checks, "ANSWER_WITHIN_S", 0.2)
    await health._ask_outbox()
    assert health.reason("outbox") == "TimeoutError"
    await opened.pool.execute("delete from outbox")
    monkeypatch.undo()
    await health._ask_outbox()
    assert health.reason("outbox") is None


async def test_measures_follow_the_database(database: OpenDatabase) -> None:
    """A label that the database no longer gives is gone, another has its value."""
    opened = await database("kit")
    await opened.owner.execute("create table bed (work text, gnomes int)")
    await opened.pool.execute("insert into bed values ('rose', 3), ('fern', 4)")
    measuring = Measuring(opened.pool, waiting_measures({"gnomes": "select sum(gnomes) from bed"}))
    beds = Measuring(opened.pool, [Measure(metrics.LOCKS_HELD, "select work as lock, gnomes as value from bed")])
    await measuring.turn()
    await beds.turn()
    assert sample("vcc_waiting", work="gnomes") == 7
    assert [sample("vcc_locks_held", lock=lock) for lock in ("rose", "fern")] == [3, 4]
    await opened.pool.execute("delete from bed where work = 'rose'")
    await beds.turn()
    assert [sample("vcc_locks_held", lock=lock) for lock in ("rose", "fern")] == [None, 4]


async def test_a_measure_that_fails_keeps_no_other_from_being_told(database: OpenDatabase) -> None:
    """What it said before is gone, NaN where there are no labels, and its fault is the worker's; who comes after it is
    told, and it is, too, once it can be asked again."""
    opened = await database("kit")
    await opened.owner.execute("create table bed (work text, gnomes int)")
    await opened.pool.execute("insert into bed values ('rose', 0)")
    measuring = Measuring(opened.pool, [
        Measure(metrics.LOCKS_HELD, "select work as lock, 1 / (1 - gnomes) as value from bed"),
        Measure(metrics.FILE_AGE_SECONDS, "select 1 / (1 - gnomes) as value from bed"),
        Measure(metrics.GENERATION, "select gnomes as value from bed"),
    ])  # fmt: skip
    await measuring.turn()
    told = [sample("vcc_locks_held", lock="rose"), sample("vcc_file_oldest_seconds"), sample("vcc_generation")]
    assert told == [1, 1, 0]
    await opened.pool.execute("update bed set gnomes = 1")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await measuring.turn()
    assert (sample("vcc_locks_held", lock="rose"), sample("vcc_generation")) == (None, 1)
    assert math.isnan(sample("vcc_file_oldest_seconds") or 0)
    assert not await _ends(measuring)
    await opened.pool.execute("update bed set gnomes = 2")
    await measuring.turn()
    assert sample("vcc_file_oldest_seconds") == -1


async def _ends(measuring: Measuring) -> bool:
    """Whether a turn's fault ends the worker, and with it the process."""
    try:
        async with measuring.faults.outlived(measuring._stopping):
            measuring._stopping.set()
            await measuring.turn()
    except asyncpg.PostgresError:
        return True
    return False


async def test_what_is_asked_seldom_is_not_asked_again_at_once(database: OpenDatabase) -> None:
    """A measure with a time of its own keeps its figure until then."""
    opened = await database("kit")
    await opened.owner.execute("create table bed (gnomes int)")
    await opened.pool.execute("insert into bed values (1)")
    measuring = Measuring(opened.pool, [Measure(metrics.GENERATION, "select gnomes as value from bed", every_s=300)])
    for _ in range(2):
        await measuring.turn()
        await opened.pool.execute("update bed set gnomes = 2")
    assert sample("vcc_generation") == 1


async def test_the_schema_is_told_and_what_it_lacks(database: OpenDatabase) -> None:
    """The newest number of each component, and how many of the code's files are missing, newer ones being there."""
    opened = await database("kit")
    code = load_migrations("kit", KIT_FOLDER)
    measuring = Measuring(opened.pool, schema_measures(code))
    missing = partial(sample, "vcc_schema_missing", component="kit")
    await measuring.turn()
    assert sample("vcc_schema_version", component="kit") == max(one.number for one in code)
    assert (missing(stage="pre"), missing(stage="post")) == (0, 0)
    await opened.owner.execute("delete from schema_migration where number in (8, 12)")
    await measuring.turn()
    assert (missing(stage="pre"), missing(stage="post")) == (1, 1)


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)
