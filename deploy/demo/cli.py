"""`./vcc demo`: everything at once, from an empty machine to the weekly report."""

import argparse
import asyncio
import signal
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from deploy.console import Progress, table
from deploy.demo import synthea
from deploy.demo.population import FIRST_DAY, Ledger, generate
from deploy.demo.season import PROGRAMME, Season
from deploy.environment import is_told, say
from deploy.local import stack
from deploy.local.access import token
from deploy.local.running import connection
from deploy.local.state import here

MEMBERS = 20_000
WEEKS = 2
LEAST_WEEKS = 2
SEED = 2021
REAL = Path(__file__).parent / "real"
TESTED_BY = "123456789012345"
"""The sender of the real sample rosters that are marked as test data; the demo takes them all the same."""

DEFAULTS = {
    "VCC_FIRST_BUSINESS_ON": FIRST_DAY.isoformat(),
    "VCC_TEST_DATA_FROM": TESTED_BY,
    "VCC_BUSINESS_DAYS": "by-hand",  # its coordinators open them
    "VCC_CLAIMS_ASK_GATE": "no",  # its season passes in minutes, at whatever hour
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo",
        description="Starts everything, generates a synthetic population, feeds it in through the front door together "
        "with real sample files, works some weeks of the programme with simulated coordinators, prints the report.",
    )
    demo.add_argument("--members", type=int, default=MEMBERS, help=f"how many members to generate ({MEMBERS:,})")
    demo.add_argument("--weeks", type=_weeks, default=WEEKS, help=f"how many weeks to work ({WEEKS})")
    demo.add_argument("--seed", type=int, default=SEED, help="of the population; the same seed, the same files")
    demo.add_argument("--out", type=Path, help="where the report is written (.vcc/report)")
    demo.add_argument("--exit", action="store_true", help="end after the report instead of staying up")
    demo.set_defaults(run=run_demo)


def _weeks(text: str) -> int:
    """A move, a merge or an end needs a file before and one after it."""
    if not text.isdigit() or int(text) < LEAST_WEEKS:
        raise argparse.ArgumentTypeError(f"expected a number from {LEAST_WEEKS}")
    return int(text)


def run_demo(arguments: argparse.Namespace) -> int:
    """Exit code 0 after the report (with --exit) or after Ctrl-C."""
    began = time.monotonic()
    for name, value in DEFAULTS.items():
        if not is_told(name):
            say(name, value)
    folder = here().path / "demo" / f"{arguments.members}-{arguments.seed}-{arguments.weeks}"
    with ProcessPoolExecutor(1, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        generating = pool.submit(generate, folder, arguments.members, arguments.seed, arguments.weeks)
        with stack.held_up():
            season = asyncio.run(_work(generating, folder))
            _tell(season)
            out = arguments.out or here().path / "report"
            code = _report(out)
            _where(out, time.monotonic() - began)
            if not arguments.exit:
                _wait_for_interrupt()
    return code


async def _work(generating: "Future[Ledger]", folder: Path) -> Season:
    from deploy.groups import services
    from deploy.local.backlog import Watch

    with Progress("Generating people") as progress:
        ledger = await asyncio.wrap_future(generating)
    print(_population(ledger))
    print(f"  {ledger.first_day} to {ledger.last_day} are worked through; coordinators and sites are simulated")
    with Progress("Working") as progress:
        async with Watch(services()) as watch:
            season = Season(ledger, folder, watch, progress.update)
            await season.run(await asyncio.to_thread(_real_files, folder))
            await watch.drain(120)
    return season


def _real_files(folder: Path) -> list[Path]:
    """What plans and registries really sent, and Synthea's Californians with their COVID-19 doses."""
    synthea.convert(folder / "synthea", synthea.COVID)
    found = [*REAL.iterdir(), *(folder / "synthea").iterdir()]
    return sorted(path for path in found if path.suffix in FEEDS)


FEEDS = frozenset({".834", ".x12", ".txt", ".hl7", ".zip"})


def _population(ledger: Ledger) -> str:
    rates = ledger.rates
    stated = ", ".join(
        f"{name.lower().replace('_', ' ')} {rates[name]:.1%}"
        for name in ("NAME_TYPOS", "LATE", "RESENT", "CORRECTED", "RETRACTED", "MALFORMED", "MERGED", "WEEKLY_MOVED")
        if name in rates
    )
    return f"  {ledger.members:,} members, all invented, seed {ledger.seed}; on purpose: {stated}"


def _tell(season: Season) -> None:
    rows, tally = season.rows, season.tally
    print(f"  {rows.files} files: {rows.accepted:,} rows accepted (of which {rows.unchanged:,} said nothing new and "
          f"{rows.unlinked:,} wait for their member), {rows.rejected:,} rejected with a reason")  # fmt: skip
    counts = [["simulated", "times"], *([name, f"{count:,}"] for name, count in tally.calls.most_common())]
    counts += [[name, f"{count:,}"] for name, count in tally.visits.most_common()]
    counts += [[f"refused: {name}", f"{count:,}"] for name, count in tally.refusals.most_common()]
    print(table(counts))


def _report(out: Path) -> int:
    from services.reporting import cli as reporting

    say("VCC_API_REPORTING", connection("reporting").base_url)
    say("VCC_TOKEN", token("state"))
    parser = argparse.ArgumentParser()
    reporting.add_commands(parser.add_subparsers())
    parsed = parser.parse_args(["report", "--programme", PROGRAMME, "--out", str(out)])
    code: int = parsed.run(parsed)
    return code


def _where(out: Path, seconds: float) -> None:
    print(f"\nDone in {seconds:.0f} s. Everything can be seen here:")
    print(f"  the report         {out}")
    for name in ("eligibility", "outreach", "scheduling", "reporting"):
        print(f"  {name:<18} {connection(name).base_url}/docs")
    print("  ./vcc status, ./vcc topics, ./vcc logs, ./vcc psql SERVICE show more, from another terminal.")


def _wait_for_interrupt() -> None:
    print("Ctrl-C stops everything; what was stored stays in .vcc/ until ./vcc down --wipe.")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    print()
