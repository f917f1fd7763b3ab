"""Benchmark: what deduplication costs on our path (inbox by id against high-water marks), what headers cost, and which
setting of the garbage collector serves best. On outreach's long path and on reporting's short one.
"""

from collections.abc import Callable
from dataclasses import replace

from tests.load import facts, marks
from tests.load.comparison import rates, ratio
from tests.load.report import Result
from tests.load.rounds import Options, Runs, in_turn, run_side
from tests.load.same_tables import OUTREACH, Digest, check_same, digest
from tests.load.side import Taken, Task
from tests.load.stage import Stage, stage

KEPT = 1_000_000
FILLED = f"""
insert into inbox (consumer, event_id)
select 'earlier', ('01900000' || lpad(to_hex(n), 24, '0'))::uuid from generate_series(1, {KEPT}) n
"""
MORE_HEADERS = tuple((f"x-more-{n}", b"a header of middling length") for n in range(5))
TABLES = {
    "outreach": {name: query for name, query in OUTREACH.items() if name != "inbox"},
    "reporting": {"case_version": "select * from case_version"},
}
COLLECTORS = ("default", "frozen, default thresholds", "off")


def run(options: Options) -> Result:
    members, rounds = (6_000, 1) if options.quick else (25_000, 3)
    with stage(options.profile) as servers:
        return compare(servers, members, rounds)


def compare(servers: Stage, members: int, rounds: int) -> Result:
    records, cases = facts.records(members), facts.case_records(members)
    numbered = facts.numbered(records)
    servers.topic("bench.members", records)
    servers.topic("bench.numbered", numbered)
    servers.topic("bench.more-headers", [replace(one, headers=(*one.headers, *MORE_HEADERS)) for one in records])
    servers.topic("bench.cases", facts.numbered(cases))
    digests: dict[str, dict[str, Digest]] = {name: {} for name in TABLES}

    def side(name: str, topic: str, service: str = "outreach", **how: str) -> tuple[str, Callable[[], Taken]]:
        count = len(cases) if service == "reporting" else len(records)
        task = Task("path_service", topic=topic, records=count, options={"service": service, **how})
        return name, lambda: _run(servers, digests[service], name, task)

    runs = in_turn(rounds, dict([
        side("outreach, inbox", "bench.numbered"),
        side("outreach, inbox with a million ids", "bench.numbered", filled="yes"),
        side("outreach, marks", "bench.numbered", duplicates="marks"),
        side("reporting, inbox", "bench.cases", "reporting"),
        side("reporting, inbox with a million ids", "bench.cases", "reporting", filled="yes"),
        side("reporting, marks", "bench.cases", "reporting", duplicates="marks"),
        side("reporting, no deduplication", "bench.cases", "reporting", duplicates="none"),
        side("outreach, six headers", "bench.members"),
        side("outreach, eleven headers", "bench.more-headers"),
        *(side(f"outreach, collector {how}", "bench.members", gc=how) for how in COLLECTORS),
    ]))  # fmt: skip
    for found in digests.values():
        check_same(found)
    return _result(runs, members, rounds)


def _run(servers: Stage, digests: dict[str, Digest], name: str, task: Task) -> Taken:
    service = task.options["service"]
    setup = [*(facts.REFERENCE if service == "outreach" else ()), marks.TABLE]
    dsn = servers.database(service, [*setup, *([FILLED] if "filled" in task.options else [])])
    task = replace(task, bootstrap=servers.bootstrap, dsn=dsn, group=servers.new_name("dedup"), pids=servers.pids)
    try:
        taken = run_side(task, servers)
        digests[name] = digest(dsn, TABLES[service])
    finally:
        servers.drop(dsn)
    return taken


def _result(runs: Runs, members: int, rounds: int) -> Result:
    figures = [*rates(runs)]
    for service in TABLES:
        figures += ratio(runs, f"{service}, marks", f"{service}, inbox")
    figures += ratio(runs, "outreach, eleven headers", "outreach, six headers")
    for how in COLLECTORS:
        figures += ratio(runs, "outreach, six headers", f"outreach, collector {how}")
    return Result("dedup", "Deduplication, headers, garbage collector", figures, {"records": members, "rounds": rounds})
