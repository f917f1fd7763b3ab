"""`./vcc keys`: the keys with which the services of this stack seal what they keep of members as it came
(docs/runbooks/rotate-keys.md)."""

import argparse
import re
from collections.abc import Sequence
from typing import Any

from deploy.environment import FILE, file_of, is_told
from deploy.errors import StackError
from deploy.local.own_command import run_own_command
from deploy.local.plan import SERVICES, Plan
from deploy.local.process import alive
from deploy.local.running import require_up
from deploy.local.state import Folder, here


def add_commands(commands: Any) -> None:
    keys = commands.add_parser(
        "keys", description="Shows for each service how many rows each key seals; adds, rotates and removes keys."
    )
    keys.set_defaults(run=show)
    deeds = keys.add_subparsers(metavar="DEED")
    add = deeds.add_parser("add", help="puts a new key first in every ring; it seals once the services start again")
    add.set_defaults(run=add_keys)
    rotate = deeds.add_parser("rotate", help="seals all with the first key: plain text, and what another key seals")
    rotate.set_defaults(run=rotate_keys)
    remove = deeds.add_parser("remove", help="moves a key that seals nothing any more out of its ring")
    remove.add_argument("key")
    remove.set_defaults(run=remove_key)


def show(arguments: argparse.Namespace) -> int:
    for service in SERVICES:
        print(
            f"{service}\n  key\trows\n" + "".join(f"  {line}\n" for line in _asked(service, "keys").splitlines()),
            end="",
        )
    return 0


def rotate_keys(arguments: argparse.Namespace) -> int:
    _require_read(here(), SERVICES)
    for service in SERVICES:
        print(f"{service}: {_asked(service, 'rotate-keys')}", end="")
    return 0


def add_keys(arguments: argparse.Namespace) -> int:
    from services.kit.sealed import new_named_line

    folder = here()
    _require_ours(folder, SERVICES)
    for service in SERVICES:
        ring = _ring(folder, service)
        line = new_named_line(f"{service}-{1 + max(_numbers(service, ring), default=0)}")
        folder.secret(f"{service}.keys", line + ring)
        print(f"{service}: {line.split()[0]}")
    print("They seal from the next start on: ./vcc down, ./vcc up, ./vcc keys rotate")
    return 0


def remove_key(arguments: argparse.Namespace) -> int:
    folder = here()
    owner = next((service for service in SERVICES if arguments.key in _names(_ring(folder, service))), None)
    if owner is None:
        raise StackError(f"no ring has a key {arguments.key}", "./vcc keys lists them")
    _require_ours(folder, [owner])
    _require_read(folder, [owner])
    rows, is_current = _use(owner, arguments.key)
    if rows or is_current:
        raise StackError(f"{arguments.key} seals {rows} rows" + (" and is the one that seals" if is_current else ""),
                         "./vcc keys add, start again, and ./vcc keys rotate first")  # fmt: skip
    _take_out(folder, owner, arguments.key)
    print(f"{owner}: {arguments.key} is gone from its ring, and kept in {owner}.keys.removed; start again to forget it")
    return 0


def _take_out(folder: Folder, service: str, key: str) -> None:
    """The line is moved and not destroyed, first to where it is kept: a backup may need the key again."""
    lines = _ring(folder, service).splitlines(keepends=True)
    mine = [line for line in lines if line.split()[:1] == [key]]
    removed = folder.secrets / f"{service}.keys.removed"
    folder.secret(removed.name, (removed.read_text() if removed.exists() else "") + "".join(mine))
    folder.secret(f"{service}.keys", "".join(line for line in lines if line not in mine))


def _require_read(folder: Folder, services: Sequence[str]) -> None:
    """A running service seals with the ring as it was when it started: with a key that is not the first any more, or
    with one that it would be the last to know."""
    components = folder.read().components
    for service in services:
        component, ring = components.get(service), folder.secrets / f"{service}.keys"
        is_running = component is not None and component.identity is not None and alive(component.identity)
        if component is not None and is_running and ring.exists() and component.since <= ring.stat().st_mtime:
            raise StackError(f"{service} runs since before its ring was changed, and seals with what was first then",
                             "./vcc down, ./vcc up, and once more")  # fmt: skip


def _require_ours(folder: Folder, services: Sequence[str]) -> None:
    for service in services:
        variable = f"VCC_{service.upper()}_KEY_RING"
        file = file_of(variable)
        if is_told(variable) and file != folder.secrets / f"{service}.keys":
            raise StackError(f"{variable}{FILE if file else ''} names a ring of your own, which is not changed here",
                             "change the file yourself: docs/runbooks/rotate-keys.md")  # fmt: skip


def _use(service: str, key: str) -> tuple[int, bool]:
    for line in _asked(service, "keys").splitlines():
        name, rows, *role = line.split("\t")
        if name == key:
            return int(rows), role == ["seals"]
    return 0, False


def _ring(folder: Folder, service: str) -> str:
    try:
        return (folder.secrets / f"{service}.keys").read_text()
    except FileNotFoundError:
        raise StackError("the stack has no key rings yet", "./vcc up makes them") from None


def _names(ring: str) -> list[str]:
    return [line.split()[0] for line in ring.splitlines() if line.strip() and not line.startswith("#")]


def _numbers(service: str, ring: str) -> list[int]:
    found = (re.fullmatch(rf"{service}-(\d+)(?:-[0-9a-f]{{8}})?", name) for name in _names(ring))
    return [int(match[1]) for match in found if match]


def _asked(service: str, command: str) -> str:
    """What the service's own command answers, with the stack's database and key ring, told as the service is."""
    plan = Plan(here())
    require_up(plan.folder)
    done = run_own_command(plan, service, command, plan.kafka_environment(1))
    if done.returncode:
        raise StackError(f"{service}: {done.stderr.strip() or 'its keys could not be read'}", "./vcc status tells more")
    return done.stdout
