"""`vcc programme check | dry-run | publish | list`: documents read here, tried and published by the running service."""

import argparse
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx

from services.eligibility.programmes.documents import LIBRARY, ProgrammeError, parse_programme

FINE, WRONG_DOCUMENT, WRONG_USE, FAULT = 0, 1, 2, 3
TIMEOUT = httpx.Timeout(30, read=1800)
Run = Callable[[argparse.Namespace], int]


class Subcommands(Protocol):
    """What `add_subparsers` gives."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser: ...


def add_commands(commands: Subcommands) -> None:
    """Add `programme`; each action sets `run`, which takes the arguments and gives the exit code."""
    parser = commands.add_parser("programme", help="Check, try and publish programme documents.")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser("check", help="read documents; every error by line and field")
    checking.add_argument("documents", nargs="+", type=Path, metavar="FILE")
    checking.set_defaults(run=run_check)
    for name, run, says in (
        ("dry-run", run_dry_run, "who would enter and leave, why, and how that falls on each group"),
        ("publish", run_publish, "let a document go live; everybody is asked anew"),
    ):
        action = actions.add_parser(name, help=says)
        action.add_argument("document", type=Path, metavar="FILE", help="a path, or the name of one that ships")
        _add_service(action, run)
    _add_service(actions.add_parser("list", help="what is live, and what ships and waits"), run_list)


def _add_service(action: argparse.ArgumentParser, run: Run) -> None:
    action.add_argument("--json", action="store_true", help="print JSON")
    action.add_argument("--api", default=os.environ.get("VCC_API_ELIGIBILITY"), help="base URL of the service")
    action.add_argument("--token", default=os.environ.get("VCC_TOKEN"), help=argparse.SUPPRESS)
    action.set_defaults(run=_asking(run))


def run_check(args: argparse.Namespace) -> int:
    """1 if a document is wrong."""
    code = FINE
    for path in args.documents:
        try:
            one = parse_programme(_found(path).read_text(encoding="utf-8"), path.name)
            print(f"{path.name}: {one.programme_id} version {one.version} is fine")
        except ProgrammeError as error:
            print(error, file=sys.stderr)
            code = WRONG_DOCUMENT
        except UnicodeDecodeError:
            print(f"{path.name}: expected text in UTF-8", file=sys.stderr)
            code = WRONG_DOCUMENT
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            return WRONG_USE
    return code


def run_dry_run(args: argparse.Namespace) -> int:
    with _client(args) as client:
        answer = client.post("/programmes/dry-runs", json=_body(args.document))
    return _show(args, answer, _dry_run_text)


def run_publish(args: argparse.Namespace) -> int:
    with _client(args) as client:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = client.post("/programmes", json=_body(args.document), headers=headers)
    return _show(args, answer, lambda one: [f"{one['programme_id']} version {one['version']} is live"])


def run_list(args: argparse.Namespace) -> int:
    with _client(args) as client:
        answer = client.get("/programmes")
    return _show(args, answer, _list_text)


def _asking(run: Run) -> Run:
    def asking(args: argparse.Namespace) -> int:
        if not (args.api and args.token):
            print("no running service: set VCC_API_ELIGIBILITY and VCC_TOKEN, or start the stack", file=sys.stderr)
            return WRONG_USE
        try:
            return run(args)
        except httpx.HTTPError as error:
            print(f"the service does not answer: {type(error).__name__}", file=sys.stderr)
            return FAULT
        except OSError as error:
            print(f"{args.document}: {error.strerror}", file=sys.stderr)
            return WRONG_USE

    return asking


def _client(args: argparse.Namespace) -> httpx.Client:
    return httpx.Client(base_url=args.api, headers={"Authorization": f"Bearer {args.token}"}, timeout=TIMEOUT)


def _found(path: Path) -> Path:
    """A file, or the document of that name that ships."""
    shipped = LIBRARY / f"{path.name.removesuffix('.yaml')}.yaml"
    return shipped if not path.exists() and shipped.exists() else path


def _body(path: Path) -> dict[str, str]:
    return {"document": _found(path).read_text(encoding="utf-8"), "name": path.name}


def _show(args: argparse.Namespace, answer: httpx.Response, text: Callable[[Any], Any]) -> int:
    if answer.is_error:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        print(problem.get("detail") or problem.get("title") or f"answered {answer.status_code}", file=sys.stderr)
        return WRONG_DOCUMENT if answer.is_client_error else FAULT
    found = answer.json()
    print(json.dumps(found, indent=1) if args.json else "\n".join(text(found)))
    return FINE


def _list_text(found: list[dict[str, Any]]) -> Iterator[str]:
    for one in found:
        if "wrong" in one:
            yield f"{'wrong':6}{one['programme_id']:28}version {one['version']}, can't be read; its answers stand:"
            yield from (f"{'':6}{line}" for line in one["wrong"])
            continue
        state = "live" if one["is_live"] else "ships"
        yield f"{state:6}{one['programme_id']:28}version {one['version']}, from {one['effective_on']}: {one['title']}"


def _dry_run_text(found: dict[str, Any]) -> Iterator[str]:
    total = found["total"]
    yield f"{found['programme_id']} version {found['version']}, as of {found['business_on']} (internal, no release)"
    yield f"  {total['enter']} would enter, {total['leave']} leave, {total['stay']} stay, {total['out']} stay out"
    for title, counts in (("out because", found["kept_out_by"]), ("leave because", found["left_by"])):
        for code, count in counts.items():
            yield f"  {title}: {count:>8}  {code}: {found['reasons'].get(code, '')}"
    for arm, count in found["arms"].items():
        yield f"  arm {arm}: {count}"
    for one in found["cut_offs"]:
        yield f"  cap {one['group']}: {one['admitted']} of {one['population']}, score {one['least_score']} and above"
    yield f"  {'':42}{'enter':>8}{'leave':>8}{'stay':>8}{'out':>8}{'in':>7}{'impact':>8}{'risk p50':>10}{'mean':>7}"
    for one in found["groups"]:
        yield _group_line(one)


def _group_line(one: dict[str, Any]) -> str:
    risk, impact = one["risk"], one["impact"]
    scores = f"{risk['p50']:>10}{risk['mean']:>7.1f}" if risk else ""
    shares = f"{one['share_in']:>7.1%}{'' if impact is None else f'{impact:.2f}':>8}"
    counts = "".join(f"{one[name]:>8}" for name in ("enter", "leave", "stay", "out"))
    name = f"{one['dimension']}: {one['group']}"
    return f"  {name:42}{counts}{shares}{scores}"
