"""`./vcc bench`: how fast each part is, measured on this machine. The benchmarks themselves are in `tests/load`."""

import argparse
import subprocess
import sys

from deploy.local.state import ROOT


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    bench = commands.add_parser(
        "bench",
        add_help=False,
        description="Measures the service path, the feeds, the whole chain and more. --help lists the benchmarks.",
    )
    bench.set_defaults(run=run, passes_on=True, rest=[])


def run(arguments: argparse.Namespace) -> int:
    """1 when a figure misses its aim."""
    return subprocess.run([sys.executable, "-m", "tests.load", *arguments.rest], cwd=ROOT, check=False).returncode
