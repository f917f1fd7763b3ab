"""`./vcc log`: whether the log and the services' stores hold the same; `heal` says again what the log has lost,
`acknowledge` leaves out what it holds beside (docs/runbooks/log-lost-its-tail.md)."""

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any

from deploy.asking import RefusedError, ask
from deploy.errors import StackError
from deploy.local.own_command import run_own_command
from deploy.local.plan import SERVICES, Plan
from deploy.local.running import require_up
from deploy.local.state import here
from services.kit.stray_operations import MOST_RECORDS, NO_STRAY

LISTED = 20
PLACE = re.compile(r"([\w.-]+)/(\d+)@(\d+)(?:\t.*)?")


def add_commands(commands: Any) -> None:
    log = commands.add_parser(
        "log",
        description="Compares each service's topics with what it has said in them, record by record: what they lack, "
        "and which strays they hold that it never made.",
    )
    log.set_defaults(run=show)
    deeds = log.add_subparsers(metavar="DEED")
    heal = deeds.add_parser("heal", help="says again what the log has lost, under its own ids, before anything newer")
    heal.set_defaults(run=heal_all)
    acknowledge = deeds.add_parser(
        "acknowledge", help="lets nobody be told any more of records in a service's name that it never made",
        description="Lets nobody be told any more of strays, records in a service's name that it never made. Never "
        "after a restore: an older database has forgotten what it made.",
    )  # fmt: skip
    acknowledge.add_argument("service", choices=SERVICES)
    which = acknowledge.add_mutually_exclusive_group(required=True)
    which.add_argument("place", nargs="*", default=[], help="as ./vcc log lists it")
    which.add_argument("--all", action="store_true", help="all that are listed now; never after a restore")
    acknowledge.add_argument("--reason", required=True, help="why, for the audit trail: nothing of a person")
    acknowledge.set_defaults(run=acknowledge_strays)


def show(_arguments: argparse.Namespace) -> int:
    """Exit code 1 while either lacks anything."""
    lacking = _each("log-lost", "the log lacks {} facts")
    return 1 if lacking + _each("log-strays", "the log holds {} facts that it never made") else 0


def heal_all(_arguments: argparse.Namespace) -> int:
    _each("republish-lost", "said again: {} facts")
    return 0


def acknowledge_strays(arguments: argparse.Namespace) -> int:
    """Can be run again: what somebody has acknowledged already is none."""
    service, count = arguments.service, 0
    places = _asked(service, "log-strays") if arguments.all else arguments.place
    ranges = ranges_of(map(_place, places)) if arguments.all else [[_place(text)] for text in places]
    try:
        for strays in ranges:
            count += _acknowledge(service, strays, arguments.reason)
    finally:
        print(f"{service}: {count} facts in its name that it never made are acknowledged")
    return 0


def _acknowledge(service: str, strays: Sequence["Place"], reason: str) -> int:
    topic, partition, first = strays[0]
    body = {"topic": topic, "partition": partition, "first_offset": first, "last_offset": strays[-1][2]}
    try:
        count: int = ask(service, "POST", "/acknowledged-strays", body, reason)["count"]
    except RefusedError as error:
        if error.code != NO_STRAY.code:
            raise
        return 0
    return count


Place = tuple[str, int, int]
"""Topic, partition and offset."""


def _place(text: str) -> Place:
    if (found := PLACE.fullmatch(text)) is None:
        raise StackError(f"{text} is no place in the log", "give it as ./vcc log lists it: TOPIC/PARTITION@OFFSET")
    return found[1], int(found[2]), int(found[3])


def ranges_of(places: Iterable[Place]) -> list[list[Place]]:
    """All strays that there are, so that a range from one to another has no others: as few ranges as may be."""
    ranges: list[list[Place]] = []
    for place in sorted(places):
        first = ranges[-1][0] if ranges else None
        if first is not None and first[:2] == place[:2] and place[2] - first[2] < MOST_RECORDS:
            ranges[-1].append(place)
        else:
            ranges.append([place])
    return ranges


def _each(command: str, words: str) -> int:
    total = 0
    for service in SERVICES:
        lines = _asked(service, command)
        total += len(lines)
        _print(f"{service}: {words.format(len(lines))}", lines)
    return total


def _print(title: str, lines: Sequence[str]) -> None:
    print(title)
    for line in lines[:LISTED]:
        print(f"  {line}")
    if len(lines) > LISTED:
        print(f"  and {len(lines) - LISTED} more")


def _asked(service: str, command: str) -> list[str]:
    """What the service's own command answers, as the service's own user at the broker."""
    plan = Plan(here())
    kafka = require_up(plan.folder).components.get("kafka")
    told = plan.kafka_environment_of(service, None if kafka is None else kafka.port)
    done = run_own_command(plan, service, command, told)
    if done.returncode > 1 or (done.returncode and not done.stdout):  # 1 is also how it refuses its settings
        raise StackError(f"{service}: {done.stderr.strip() or 'its log could not be compared'}", "./vcc status")
    return done.stdout.splitlines()
