"""`./vcc up` and `./vcc down`."""

import argparse
import json
import time

from deploy.local import stack
from deploy.local.plan import SERVICES
from deploy.local.running import base_url
from deploy.local.state import Folder, State, here


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    up = commands.add_parser("up", description="Starts everything that does not run yet and waits until it is ready.")
    up.add_argument("--json", action="store_true", help="prints the addresses as JSON")
    up.set_defaults(run=run_up)
    down = commands.add_parser("down", description="Stops everything that this checkout started.")
    down.add_argument(
        "--wipe", action="store_true",
        help="also deletes what the embedded Kafka and Postgres stored; key rings (.vcc/secrets/*.keys) stay",
    )  # fmt: skip
    down.set_defaults(run=run_down)


def run_up(arguments: argparse.Namespace) -> int:
    started = stack.up()
    folder = here()
    state = folder.read()
    if arguments.json:
        print(json.dumps(addresses(folder, state), indent=1))
        return 0
    print(_greeting(folder, state, started=started))
    return 0


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
