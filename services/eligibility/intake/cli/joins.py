"""`vcc feeds joins | take-back`: members who were joined, and taking that back, for whoever acts for all plans."""

import argparse
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from services.eligibility.cli_service import Subcommands, add_service, all_pages, show


def add_joins(actions: Subcommands) -> None:
    """Add the actions of joins beside those of pairs."""
    listed = actions.add_parser("joins", help="which members were joined, by a person or by a plan's correction")
    listed.add_argument("--withdrawn", action="store_true", help="those that were taken back, too")
    add_service(listed, run_joins)
    taken = actions.add_parser("take-back", help="let two who were joined be two again; it takes effect at once")
    taken.add_argument("join_id", metavar="ID")
    taken.add_argument("--reason", required=True, help="why; it is kept with the join")
    add_service(taken, run_take_back)


def run_joins(args: argparse.Namespace, client: httpx.Client) -> int:
    """All of them."""
    answer = all_pages(client, "/joins", "joins", {"withdrawn": str(args.withdrawn).lower(), "limit": 200})
    return show(args, answer, _joins_text)


def run_take_back(args: argparse.Namespace, client: httpx.Client) -> int:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answer = client.post(f"/joins/{args.join_id}/withdrawal", json={"reason": args.reason}, headers=headers)
    return show(args, answer, _taken_back_text)


def _joins_text(page: dict[str, Any]) -> Iterator[str]:
    for join in page["joins"]:
        by = f"by plan {join['plan']}" if join["said_by"] == "plan" else "by a person"
        state = f", taken back {join['withdrawn_at']}" if join["withdrawn_at"] else ""
        yield f"{join['join_id']}  joined {join['joined_on']} {by}, members {' and '.join(join['members'])}{state}"
    if not page["joins"]:
        yield "nobody was joined"


def _taken_back_text(join: dict[str, Any]) -> Iterator[str]:
    yield f"{join['join_id']}: taken back, members {' and '.join(join['members'])}"
