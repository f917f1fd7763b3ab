"""Benchmark: what the chassis costs. Outreach's path from the topic to its tables and outbox, against the fastest loop
that does the same and against the handler that FastStream's documents show.
"""

import functools
from collections.abc import Callable
from dataclasses import replace

from tests.load import facts
from tests.load.comparison import rates, ratio
from tests.load.report import Aim, Result
from tests.load.rounds import Options, Runs, in_turn, run_side
from tests.load.same_tables import OUTREACH, Digest, check_same, digest
from tests.load.side import Taken, Task
from tests.load.stage import Stage, stage

SINGLE_RECORDS = 2000
BATCHES = (1, 10, 100, 1000)


def run(options: Options) -> Result:
    members, rounds = (10_000, 1) if options.quick else (40_000, 3)
    with stage(options.profile) as servers:
        return compare(servers, members, rounds)


def run_small_batches(options: Options) -> Result:
    """The path when facts come in ones and tens: what a batch costs apart from its facts."""
    count, rounds = (300, 1) if options.quick else (1000, 3)
    with stage(options.profile) as servers:
        records = facts.records(count)
        servers.topic("bench.few", records)
        digests: dict[str, Digest] = {}
        runs = in_turn(rounds, {
            f"batches of {size}": functools.partial(_run, servers, digests, str(size), Task(
                "path_service", topic="bench.few", records=len(records),
                options={"batch_records": str(size)},
            )) for size in BATCHES
        })  # fmt: skip
        check_same(digests)
    settings = {"facts": count, "rounds": rounds, "tables": "identical"}
    return Result("small-batches", "Service path in small batches", [*rates(runs)], settings)


def compare(servers: Stage, members: int, rounds: int) -> Result:
    records = facts.records(members)
    servers.topic("bench.members", records)
    servers.topic("bench.few", records[:SINGLE_RECORDS])
    few, all_of_them = ("bench.few", len(records[:SINGLE_RECORDS])), ("bench.members", len(records))
    digests: dict[str, dict[str, Digest]] = {"bench.members": {}, "bench.few": {}}

    def side(name: str, module: str, topic: str, count: int, **options: str) -> Callable[[], Taken]:
        return lambda: _run(servers, digests[topic], name, Task(module, topic=topic, records=count, options=options))

    runs = in_turn(rounds, {
        "service": side("service", "path_service", *all_of_them),
        "loop": side("loop", "path_raw", *all_of_them, rules="domain"),
        "bare loop": side("bare loop", "path_raw", *all_of_them, rules="hand"),
        "one by one": side("one by one", "path_single", *few),
    })  # fmt: skip
    side("service", "path_service", *few)()  # the same work in full batches, to compare its tables
    for found in digests.values():
        check_same(found)
    return _result(runs, members, len(records), rounds)


def _run(servers: Stage, digests: dict[str, Digest], name: str, task: Task) -> Taken:
    dsn = servers.database("outreach", facts.REFERENCE)
    task = replace(task, bootstrap=servers.bootstrap, dsn=dsn, group=servers.new_name(task.module), pids=servers.pids)
    try:
        taken = run_side(task, servers)
        digests[name] = digest(dsn, OUTREACH)
    finally:
        servers.drop(dsn)
    return taken


def _result(runs: Runs, members: int, records: int, rounds: int) -> Result:
    figures = [
        *rates(runs),
        *ratio(runs, "service", "loop", Aim("at least", 0.5)),
        *ratio(runs, "service", "bare loop"),
        *ratio(runs, "service", "one by one", Aim("at least", 10)),
    ]
    settings = {"members": members, "records": records, "rounds": rounds, "tables": "identical"}
    return Result("service-path", "Service path: member-eligibility to outreach's cases and outbox", figures, settings)
