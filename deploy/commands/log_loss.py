"""`./vcc log`: whether the log still holds what the services have said in it; `heal` says again what it has lost
(docs/runbooks/log-lost-its-tail.md)."""

import argparse
from typing import Any

from deploy.errors import StackError
from deploy.local.own_command import run_own_command
from deploy.local.plan import SERVICES, Plan
from deploy.local.running import require_up
from deploy.local.state import State, here

LISTED = 20


def add_commands(commands: Any) -> None:
    log = commands.add_parser(
        "log", description="Compares each service's topics with what it has said in them, record by record."
    )
    log.set_defaults(run=show)
    deeds = log.add_subparsers(metavar="DEED")
    heal = deeds.add_parser("heal", help="says again what the log has lost, under its own ids, before anything newer")
    heal.set_defaults(run=heal_all)


def show(_arguments: argparse.Namespace) -> int:
    """Exit code 1 while the log lacks anything."""
    return 1 if _each("log-lost", "the log lacks") else 0


def heal_all(_arguments: argparse.Namespace) -> int:
    _each("republish-lost", "said again:")
    return 0


def _each(command: str, words: str) -> int:
    plan = Plan(here())
    state = require_up(plan.folder)
    total = 0
    for service in SERVICES:
        lines = _asked(plan, state, service, command)
        total += len(lines)
        print(f"{service}: {words} {len(lines)} facts")
        for line in lines[:LISTED]:
            print(f"  {line}")
        if len(lines) > LISTED:
            print(f"  and {len(lines) - LISTED} more")
    return total


def _asked(plan: Plan, state: State, service: str, command: str) -> list[str]:
    """What the service's own command answers, as the service's own user at the broker."""
    kafka = state.components.get("kafka")
    told = plan.kafka_environment_of(service, None if kafka is None else kafka.port)
    done = run_own_command(plan, service, command, told)
    if done.returncode > 1:
        raise StackError(f"{service}: {done.stderr.strip() or 'its log could not be compared'}", "./vcc status")
    return done.stdout.splitlines()
