"""The `vcc` command: the stack's own commands here, each service's where that service is.

Start-up stays fast: a command's module is imported when that command is asked for.
"""

import argparse
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from deploy.environment import is_told, say, told
from deploy.errors import StackError
from deploy.local.process import PRIVATE
from deploy.local.running import connection
from deploy.local.state import here

FINE, REJECTS, WRONG_USE, FAULT = 0, 1, 2, 3
INTERRUPTED = 130

# command: the module whose add_commands() knows it, and what it does
COMMANDS = {
    "demo": ("deploy.demo.cli", "starts everything, feeds it real files, works some weeks, prints the report"),
    "up": ("deploy.commands.stack", "starts Kafka, Postgres, the token issuer and the four services"),
    "down": ("deploy.commands.stack", "stops them all; what they stored stays, unless --wipe is given"),
    "status": ("deploy.commands.status", "shows each component: ready, port, uptime, restarts, lag, outbox"),
    "logs": ("deploy.commands.logs", "shows the logs of one component or of all of them; -f follows"),
    "ingest": ("services.eligibility.intake.cli.files", "submits feed files: 834, HL7 VXU, extracts"),
    "check": ("services.eligibility.intake.cli.files",
              "reads feed files and stores nothing: counts, every reject with its reason"),
    "feeds": ("services.eligibility.intake.cli.held",
              "lists files and rows that wait for a person, and decides of them"),
    "report": ("services.reporting.cli", "prints the weekly report and writes it as CSV, JSON and one HTML page"),
    "rebuild": ("services.reporting.cli", "wipes reporting and fills it again from the log"),
    "forecast": ("services.eligibility.forecast.cli", "forecasts vaccines by CDC's logic; checks CDC's test cases"),
    "programme": ("services.eligibility.programmes.cli", "checks, tries and publishes programme documents"),
    "flood": ("deploy.commands.flood", "shows whether bad records hold up a group; lifts the limit, or skips them"),
    "log": ("deploy.commands.log_loss", "shows what the log lacks and which strays it holds; heal, acknowledge"),
    "audit": ("deploy.commands.audit", "says who saw and changed what of a member; whether the trails are whole"),
    "topics": ("deploy.commands.topics", "lists every topic: producer, consumers, key, records; create makes them"),
    "docs": ("deploy.commands.docs", "says where the documents, APIs and events are described"),
    "keys": ("deploy.commands.keys", "shows what seals the stored bytes; adds, rotates and removes keys"),
    "psql": ("deploy.commands.psql", "opens a service's database in psql"),
    "bench": ("deploy.commands.bench", "measures how fast each part is; names choose, --json and --quick"),
    "chaos": ("deploy.commands.chaos", "runs the whole chain under faults and recomputes everything; --mutants"),
    "supply": ("deploy.commands.supply", "lists what it is made of: SBOM, licences, advisories that apply"),
    "capabilities": ("deploy.commands.capabilities", "what it has to be able to do, and the tests that show it"),
    "test": ("deploy.commands.test", "checks format, lint, types, imports, runs the tests; --quick: without servers"),
}  # fmt: skip

# commands of a service that ask it over HTTP: which service, and which client of the local issuer they are
ASKING = {
    "ingest": ("eligibility", "integration"),
    "feeds": ("eligibility", "operator"),
    "programme": ("eligibility", "operator"),
    "report": ("reporting", "state"),
    "rebuild": ("reporting", "operator"),
}


def available() -> dict[str, str]:
    """The commands whose module is there."""
    return {name: says for name, (module, says) in COMMANDS.items() if _exists(module)}


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def overview() -> str:
    lines = [f"  {name:<12} {says}" for name, says in available().items()]
    return "Vaccine Community Connectors\n\n  ./vcc COMMAND ...\n\n" + "\n".join(lines) + NOTES


NOTES = """

  ./vcc COMMAND --help tells more. Exit codes: 0 fine, 1 rejects in the input or a failed check, 2 wrong use, 3 fault.
  State lives in .vcc/ beside this script. Own Kafka or Postgres: deploy/local/README.md.
"""


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(overview(), end="")
        return FINE
    name, parser = arguments[0], argparse.ArgumentParser(prog="./vcc")
    if name not in COMMANDS or not _exists(COMMANDS[name][0]):
        print(f"vcc: no such command: {name}\n\n{overview()}", file=sys.stderr, end="")
        return WRONG_USE
    os.umask(PRIVATE)  # state, logs, reports and exports are for whoever runs this alone
    return _ended(lambda: _obey(name, arguments, parser))


def _obey(name: str, arguments: Sequence[str], parser: argparse.ArgumentParser) -> int:
    _introduce(name, arguments)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    importlib.import_module(COMMANDS[name][0]).add_commands(commands)
    parsed, rest = parser.parse_known_args(arguments)
    if rest and not getattr(parsed, "passes_on", False):
        parser.error(f"unknown argument: {rest[0]} (./vcc {name} --help)")
    if rest:
        parsed.rest = rest
    return int(parsed.run(parsed))


def _introduce(name: str, arguments: Sequence[str]) -> None:
    """Tells a service's own command where the service is and gives it a token, unless the user did."""
    if name not in ASKING or {"-h", "--help"} & set(arguments) or arguments[:2] == ["programme", "check"]:
        return
    service, client = ASKING[name]
    address = f"VCC_API_{service.upper()}"
    for setting in (address, "VCC_TOKEN"):
        if (given := told(setting)) is not None:
            say(setting, given)
    if "--api" in arguments:
        return
    if not is_told(address):
        say(address, connection(service).base_url)
    if not is_told("VCC_TOKEN"):
        from deploy.local.access import token

        say("VCC_TOKEN", token(client))


def _complain(error: StackError) -> int:
    print(f"vcc: {error}", file=sys.stderr)
    return FAULT


def _ended(command: Callable[[], int]) -> int:
    """The exit code, whatever happens."""
    try:
        return command()
    except StackError as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("\nvcc: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `./vcc logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Exception as error:  # noqa: BLE001 - a bug of ours is a fault, and told like one
        return _complain(StackError(f"failed unexpectedly ({type(error).__name__})", _keep_traceback(error)))


def _keep_traceback(error: Exception) -> str:
    """Where it lies. The error's own text stays out of it: it may hold a member's data."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    try:
        folder = here()
        folder.make()
        with folder.log("vcc").open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {type(error).__name__}\n{frames}")
    except (OSError, StackError):
        return f"the traceback could not be kept:\n{frames}"
    return f"the traceback lies in {folder.log('vcc')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
