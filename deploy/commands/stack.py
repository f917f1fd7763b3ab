"""`./vcc up` and `./vcc down`."""

import argparse
import json
import sys
import time
from collections.abc import Iterator

from deploy.local import probes, stack
from deploy.local.plan import SERVICES
from deploy.local.running import base_url
from deploy.local.state import Folder, State, here


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    up = commands.add_parser(
        "up",
        description="Starts everything that does not run yet and waits until it is ready. Exit code 1 when it is up "
        "and a service waits for a person: the runbook is named.",
    )
    up.add_argument("--json", action="store_true", help="prints the addresses as JSON")
    up.set_defaults(run=run_up)
    down = commands.add_parser("down", description="Stops everything that this checkout started.")
    down.add_argument(
        "--wipe", action="store_true",
        help="also deletes what the embedded Kafka and Postgres stored; key rings (.vcc/secrets/*.keys) stay",
    )  # fmt: skip
    down.set_defaults(run=run_down)


def run_up(arguments: argparse.Namespace) -> int:
    """Exit code 1 where a service waits for a person: what a runbook tells to do needs the others."""
    started = stack.up()
    folder = here()
    state = folder.read()
    held = [f"{name}: {why}" for name, why in _held(state)]
    if arguments.json:
        print(json.dumps(addresses(folder, state), indent=1))
    else:
        print(_greeting(folder, state, started=started))
    for line in held:
        print(f"  waits for a person: {line}", file=sys.stderr)
    return 1 if held else 0


def _held(state: State) -> Iterator[tuple[str, str]]:
    for name in SERVICES:
        if name in state.components:
            why = probes.missing(state.components[name].port or 0)
            if probes.waits_for_a_person(why):
                yield name, why


def addresses(folder: Folder, state: State) -> dict[str, str]:
    urls = {name: base_url(state, name) for name in SERVICES if name in state.components}
    return {**urls, "issuer": state.issuer_url, "state": str(folder.path)}


def _greeting(folder: Folder, state: State, *, started: bool) -> str:
    assert state.supervisor is not None
    since = time.strftime("%H:%M:%S", time.localtime(state.since))
    how = f"in {state.took_s:.1f} s" if started else f"already, since {since} (supervisor {state.supervisor.pid})"
    lines = [f"Up {how}; state in {folder.path}"]
    lines += [f"  {name:<12} {base_url(state, name)}/docs" for name in SERVICES if name in state.components]
    return "\n".join([*lines, "  ./vcc status shows more, ./vcc down stops it."])


def run_down(arguments: argparse.Namespace) -> int:
    ran = stack.down(wipe=arguments.wipe)
    if not ran:
        print("Nothing of this checkout was running.")
    if arguments.wipe:
        print(f"Wiped {here().path}. Databases and brokers of your own were not touched; key rings are kept.")
    return 0
