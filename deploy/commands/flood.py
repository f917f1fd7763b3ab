"""`./vcc flood`: what an operator does when bad records hold up a group (docs/runbooks/flood-of-bad-records.md).
It asks the service by HTTP."""

import argparse
from collections.abc import Iterator
from typing import Any

import httpx

from deploy.asking import TIMEOUT_S, address_of, ask, ask_all
from deploy.console import table
from deploy.errors import StackError
from deploy.groups import topic_by_group
from deploy.local.plan import SERVICES


def add_commands(commands: Any) -> None:
    flood = commands.add_parser(
        "flood",
        description="Bad records hold up a topic: shows where, sets them aside beyond the limit, or skips them.",
    )
    flood.set_defaults(run=show)
    deeds = flood.add_subparsers(metavar="DEED")
    lift = deeds.add_parser("lift", help="sets everything aside that can't be used, however much it is, for a time")
    lift.add_argument("group", help="as ./vcc flood and /ready name it")
    lift.add_argument("--minutes", type=int, default=30, help="for how long (30, at most 240); 0 ends it")
    lift.add_argument("--reason", required=True, help="why, for the audit trail: nothing of a person")
    lift.set_defaults(run=lift_limit)
    skip = deeds.add_parser("skip", help="leaves a range of offsets out, both ends included")
    skip.add_argument("group")
    for name in ("partition", "first_offset", "last_offset"):
        skip.add_argument(name, type=int)
    skip.add_argument("--all", action="store_true", help="also what can be read: it is lost to this service")
    skip.add_argument("--reason", required=True, help="why, for the audit trail: nothing of a person")
    skip.set_defaults(run=skip_range)


def show(_arguments: argparse.Namespace) -> int:
    """Exit code 1 while a group stands still."""
    held = dict(_held())
    rows = [["group", "topic", "limit lifted until", "stands still because"]]
    skips = [["group", "partition", "from", "to", "what", "skipped by"]]
    for service in SERVICES:
        for limit in ask(service, "GET", "/dead-letter-limits"):
            why = held.get(service, "").removeprefix(f"{limit['group']}: ")
            mine = why if held.get(service, "").startswith(f"{limit['group']}: ") else ""
            rows.append([limit["group"], limit["topic"], limit["lifted_until"] or "-", mine])
        skips += [_skip_row(skip) for skip in ask_all(service, "/skips")]
    print(table(rows))
    if len(skips) > 1:
        print(f"\nskipped:\n{table(skips)}")
    return 1 if held else 0


def _skip_row(one: dict[str, Any]) -> list[str]:
    what = "unreadable" if one["only_unreadable"] else "all"
    place = [str(one[name]) for name in ("partition", "first_offset", "last_offset")]
    return [one["group"], *place, what, one["skipped_by"]]


def _held() -> Iterator[tuple[str, str]]:
    """Why a service's groups stand still, of those that do."""
    for service in SERVICES:
        try:
            checks = httpx.get(f"{address_of(service)}/ready", timeout=TIMEOUT_S, trust_env=False).json()["checks"]
        except httpx.HTTPError as error:
            raise StackError(f"{service} does not answer ({type(error).__name__})", "see ./vcc status") from None
        if reason := checks["bus"]["reason"] or checks["own-log"]["reason"]:
            yield service, reason


def lift_limit(arguments: argparse.Namespace) -> int:
    service = _service_of(arguments.group)
    path = f"/dead-letter-limits/{arguments.group}/lift"
    said = ask(service, "POST", path, {"minutes": arguments.minutes}, arguments.reason)
    print(f"{arguments.group} sets aside without a limit until {said['lifted_until']}")
    return 0


def skip_range(arguments: argparse.Namespace) -> int:
    wanted = {name: getattr(arguments, name) for name in ("group", "partition", "first_offset", "last_offset")}
    body = {**wanted, "only_unreadable": not arguments.all}
    said = ask(_service_of(arguments.group), "POST", "/skips", body, arguments.reason)
    what = "all" if arguments.all else "what can't be read"
    print(f"skip {said['skip_id']}: {what} from {arguments.first_offset} to {arguments.last_offset} is left out")
    return 0


def _service_of(group: str) -> str:
    if group not in topic_by_group():
        raise StackError(f"no service reads in a group {group}", f"one of: {', '.join(sorted(topic_by_group()))}")
    return group.partition(".")[0]
