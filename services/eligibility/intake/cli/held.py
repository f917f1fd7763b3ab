"""`vcc feeds held | rows | release | refuse | cancel`: files that wait for a person, what each row of a file
changed. The actions of doubtful rows are in `doubtful`, those of pairs in `possibly_one`."""

import argparse
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from services.eligibility.cli_service import Subcommands, add_service, show
from services.eligibility.intake.cli.doubtful import add_doubtful
from services.eligibility.intake.cli.joins import add_joins
from services.eligibility.intake.cli.possibly_one import add_pairs

MOST_ROWS = 1000


def add_commands(commands: Subcommands) -> None:
    """Add `feeds`; each action sets `run`, which takes the arguments and gives the exit code."""
    parser = commands.add_parser("feeds", help="Files that wait for a person, and what each row of a file changed.")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add_service(actions.add_parser("held", help="what waits, and why"), run_held)
    rows = actions.add_parser("rows", help="what became of each row of a file, and what it changed")
    rows.add_argument("file_id", metavar="ID")
    rows.add_argument("--change", help="only rows that changed this, such as ended, family-waits or stale")
    add_service(rows, run_rows)
    for decision, says in (
        ("release", "read a held file after all, or end the cover of those whom a full file left out"),
        ("refuse", "read nothing of a held file, or end nobody's cover for not being listed"),
        ("cancel", "read no more of a file that is not read to its end; what was read stays"),
    ):
        action = actions.add_parser(decision, help=says)
        action.add_argument("file_id", metavar="ID")
        action.add_argument("--reason", required=True, help="why; it is kept with the file")
        action.set_defaults(decision=decision)
        add_service(action, run_decision)
    add_doubtful(actions)
    add_pairs(actions)
    add_joins(actions)


def run_held(args: argparse.Namespace, client: httpx.Client) -> int:
    return show(args, client.get("/feed-files", params={"held": True, "limit": 200}), _held_text)


def run_rows(args: argparse.Namespace, client: httpx.Client) -> int:
    params = {"limit": MOST_ROWS} | ({"change": args.change} if args.change else {})
    return show(args, client.get(f"/feed-files/{args.file_id}/rows", params=params), _rows_text)


def run_decision(args: argparse.Namespace, client: httpx.Client) -> int:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    path = f"/feed-files/{args.file_id}/{args.decision}"
    return show(args, client.post(path, json={"reason": args.reason}, headers=headers), _decided_text)


def _held_text(files: list[dict[str, Any]]) -> Iterator[str]:
    for file in files:
        why = file["held"] if file["state"] == "held" else f"absence {file['absence']}"
        yield f"{file['file_id']}  {why}, plan {file['plan']}, said {file['said_at']}, received {file['received_at']}"
    if not files:
        yield "no file waits"


def _rows_text(page: dict[str, Any]) -> Iterator[str]:
    for row in page["rows"]:
        where = f", segment {row['segment']} {row['field']}: {row['expected']}" if row["code"] else ""
        yield f"  {row['row']:>7}  {row['outcome']:<9}  {', '.join(row['changes']) or 'nothing'}{where}"
    if page["next_after"] is not None:
        yield f"  … and more, behind row {page['next_after']}"


def _decided_text(file: dict[str, Any]) -> Iterator[str]:
    yield f"{file['file_id']}: {file['decision']}, {file['state']}" + (
        f", absence {file['absence']}" if file["absence"] else ""
    )
