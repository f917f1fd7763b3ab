"""`python -m tests.load [NAME…] [--json] [--quick]`: runs benchmarks and prints what they found."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.load.report import Result, as_json, as_table
from tests.load.rounds import Options

BENCHMARKS = {
    "service-path": ("tests.load.service_path", "what the chassis costs against a raw loop and a handler by the book"),
    "small-batches": ("tests.load.service_path:run_small_batches", "what a batch costs apart from its facts"),
    "feeds": ("tests.load.feeds", "834 and VXU files: read, and to the database"),
    "dedup": ("tests.load.dedup", "inbox against high-water marks, headers, settings of the garbage collector"),
    "latency": ("tests.load.latency", "from an API write to the report at a fifth of the load; gaps after a restart"),
    "forecast": ("tests.load.forecasts", "histories that a core forecasts in a second"),
    "assignment": ("tests.load.assignment", "50,000 members to 500 workers, by the solver and by a greedy baseline"),
    "claims": ("tests.load.claims", "200 workers claim from 100,000 cases at once"),
    "chain": ("tests.load.chain", "an 834 through all services to the report's cells: rates, memory, shares"),
    "soak": ("tests.load.soak", "the longest statement at a state's size; long, so only where it is named"),
    "gate-soak": ("tests.load.gate_soak", "the contact gate against its oracle; long, only where it is named"),
}  # fmt: skip
ONLY_NAMED = {"soak", "gate-soak"}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./vcc bench")
    listed = "; ".join(f"{name}: {says}" for name, (_, says) in BENCHMARKS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which benchmarks; all if none is given. {listed}")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--quick", action="store_true", help="small and once: shows that it works, measures little")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="let py-spy (on the PATH) write stacks there")
    parser.add_argument("--members", default="", metavar="N,N", help="sizes for the whole chain")
    parsed = parser.parse_args(arguments)
    if unknown := set(parsed.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))} (there are: {', '.join(BENCHMARKS)})")
    options = Options(parsed.quick, parsed.profile, tuple(int(one) for one in parsed.members.split(",") if one))
    results: list[Result] = []
    for name in parsed.names or [name for name in BENCHMARKS if name not in ONLY_NAMED]:
        module, _, function = BENCHMARKS[name][0].partition(":")
        results.append(getattr(importlib.import_module(module), function or "run")(options))
        if not parsed.json:
            print(as_table(results[-1]), flush=True)
    if parsed.json:
        print(as_json(results))
    return 1 if any(one.verdict == "missed" for result in results for one in result.figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
