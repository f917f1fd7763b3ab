"""Commands that ask the running service: its options, what is said if it can't be asked, and how an answer is shown."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import httpx

FINE, WRONG, WRONG_USE, FAULT = 0, 1, 2, 3
"""Exit codes. Wrong: the input, or what the service refuses."""
TIMEOUT = httpx.Timeout(30, read=1800)
Run = Callable[[argparse.Namespace, httpx.Client], int]


class Subcommands(Protocol):
    """What `add_subparsers` gives."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser: ...


def add_service(action: argparse.ArgumentParser, run: Run) -> None:
    """The options of an action that asks the service, and the action."""
    action.add_argument("--json", action="store_true", help="print JSON")
    action.add_argument("--api", default=os.environ.get("VCC_API_ELIGIBILITY"), help="base URL of the service")
    action.add_argument("--token", default=os.environ.get("VCC_TOKEN"), help=argparse.SUPPRESS)
    action.set_defaults(run=_asking(run))


def is_named(args: argparse.Namespace) -> bool:
    """Whether there is a service to ask; says so if there is none."""
    if args.api and args.token:
        return True
    print("no running service: set VCC_API_ELIGIBILITY and VCC_TOKEN, or start the stack", file=sys.stderr)
    return False


def client_of(args: argparse.Namespace, timeout: httpx.Timeout = TIMEOUT) -> httpx.Client:
    return httpx.Client(base_url=args.api, headers={"Authorization": f"Bearer {args.token}"}, timeout=timeout)


def show(args: argparse.Namespace, answer: httpx.Response, text: Callable[[Any], Iterable[str]]) -> int:
    """Prints the answer, or what the service says is wrong; gives the exit code."""
    if answer.is_error:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        print(problem.get("detail") or problem.get("title") or f"answered {answer.status_code}", file=sys.stderr)
        return WRONG if answer.is_client_error else FAULT
    found = answer.json()
    print(json.dumps(found, indent=1) if args.json else "\n".join(text(found)))
    return FINE


def all_pages(client: httpx.Client, path: str, rows: str, asked: Mapping[str, str | int]) -> httpx.Response:
    """One answer with the `rows` of all pages, or the first one that says what is wrong."""
    answer = client.get(path, params=dict(asked))
    found: list[Any] = []
    while not answer.is_error:
        page = answer.json()
        found += page[rows]
        if page["next_after"] is None:
            return httpx.Response(200, json=page | {rows: found})
        answer = client.get(path, params={**asked, "after": page["next_after"]})
    return answer


def unanswered(error: httpx.HTTPError) -> int:
    print(f"the service does not answer: {type(error).__name__}", file=sys.stderr)
    return FAULT


def _asking(run: Run) -> Callable[[argparse.Namespace], int]:
    def asking(args: argparse.Namespace) -> int:
        if not is_named(args):
            return WRONG_USE
        try:
            with client_of(args) as client:
                return run(args, client)
        except httpx.HTTPError as error:
            return unanswered(error)

    return asking
