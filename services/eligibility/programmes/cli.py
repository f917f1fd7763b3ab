"""`vcc programme check | dry-run | publish | list`: documents read here, tried and published by the running service."""

import argparse
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from services.eligibility.cli_service import FINE, WRONG, WRONG_USE, Subcommands, add_service, show
from services.eligibility.programmes.documents import LIBRARY, ProgrammeError, parse_programme


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
        add_service(action, run)
    add_service(actions.add_parser("list", help="what is live, and what ships and waits"), run_list)


def run_check(args: argparse.Namespace) -> int:
    """1 if a document is wrong."""
    code = FINE
    for path in args.documents:
        try:
            programme = parse_programme(_found(path).read_text(encoding="utf-8"), path.name)
            print(f"{path.name}: {programme.programme_id} version {programme.version} is fine")
        except ProgrammeError as error:
            print(error, file=sys.stderr)
            code = WRONG
        except UnicodeDecodeError:
            print(f"{path.name}: expected text in UTF-8", file=sys.stderr)
            code = WRONG
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            return WRONG_USE
    return code


def run_dry_run(args: argparse.Namespace, client: httpx.Client) -> int:
    body = _body(args.document)
    return show(args, client.post("/programmes/dry-runs", json=body), _dry_run_text) if body else WRONG_USE


def run_publish(args: argparse.Namespace, client: httpx.Client) -> int:
    body, headers = _body(args.document), {"Idempotency-Key": str(uuid.uuid4())}
    if body is None:
        return WRONG_USE
    answer = client.post("/programmes", json=body, headers=headers)
    return show(args, answer, lambda programme: [f"{programme['programme_id']} version {programme['version']} is live"])


def run_list(args: argparse.Namespace, client: httpx.Client) -> int:
    return show(args, client.get("/programmes"), _list_text)


def _found(path: Path) -> Path:
    """A file, or the document of that name that ships."""
    shipped = LIBRARY / f"{path.name.removesuffix('.yaml')}.yaml"
    return shipped if not path.exists() and shipped.exists() else path


def _body(path: Path) -> dict[str, str] | None:
    """None if the document can't be read, which is said."""
    try:
        return {"document": _found(path).read_text(encoding="utf-8"), "name": path.name}
    except OSError as error:
        print(f"{path}: {error.strerror}", file=sys.stderr)
        return None


def _list_text(found: list[dict[str, Any]]) -> Iterator[str]:
    for programme in found:
        if "wrong" in programme:
            yield (
                f"{'wrong':6}{programme['programme_id']:28}version {programme['version']}, can't be read; "
                "its answers stand:"
            )
            yield from (f"{'':6}{line}" for line in programme["wrong"])
            continue
        state = "live" if programme["is_live"] else "ships"
        yield (
            f"{state:6}{programme['programme_id']:28}version {programme['version']}, "
            f"from {programme['effective_on']}: {programme['title']}"
        )


def _dry_run_text(found: dict[str, Any]) -> Iterator[str]:
    total = found["total"]
    yield f"{found['programme_id']} version {found['version']}, as of {found['business_on']} (internal, no release)"
    yield f"  {total['enter']} would enter, {total['leave']} leave, {total['stay']} stay, {total['out']} stay out"
    for title, counts in (("out because", found["kept_out_by"]), ("leave because", found["left_by"])):
        for code, count in counts.items():
            yield f"  {title}: {count:>8}  {code}: {found['reasons'].get(code, '')}"
    for arm, count in found["arms"].items():
        yield f"  arm {arm}: {count}"
    for row in found["cut_offs"]:
        yield f"  cap {row['group']}: {row['admitted']} of {row['population']}, score {row['least_score']} and above"
    yield f"  {'':42}{'enter':>8}{'leave':>8}{'stay':>8}{'out':>8}{'in':>7}{'impact':>8}{'risk p50':>10}{'mean':>7}"
    for row in found["groups"]:
        yield _group_line(row)


def _group_line(one: dict[str, Any]) -> str:
    risk, impact = one["risk"], one["impact"]
    scores = f"{risk['p50']:>10}{risk['mean']:>7.1f}" if risk else ""
    shares = f"{one['share_in']:>7.1%}{'' if impact is None else f'{impact:.2f}':>8}"
    counts = "".join(f"{one[name]:>8}" for name in ("enter", "leave", "stay", "out"))
    name = f"{one['dimension']}: {one['group']}"
    return f"  {name:42}{counts}{shares}{scores}"
