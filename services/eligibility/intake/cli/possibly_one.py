"""`vcc feeds pairs | pair | decide-pair`: two plans' members who are possibly one person, for whoever acts for all."""

import argparse
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from services.eligibility.cli_service import Subcommands, add_service, all_pages, show

DECISIONS = {"one": "one-person", "two": "two-persons", "withdraw": "withdraw"}
STATES = ("waiting", "one-person", "two-persons", "any")
WIDTH = 24


def add_pairs(actions: Subcommands) -> None:
    """Add the actions of pairs beside those of doubtful rows."""
    listed = actions.add_parser("pairs", help="two plans' members who agree exactly, and are possibly one person")
    listed.add_argument("--state", default="waiting", choices=STATES, help="waiting unless said")
    add_service(listed, run_pairs)
    compared = actions.add_parser("pair", help="what each plan says of the two, side by side; audited")
    compared.add_argument("pair_id", metavar="ID")
    add_service(compared, run_pair)
    decided = actions.add_parser("decide-pair", help="say whether the two are one person; it takes effect at once")
    decided.add_argument("pair_id", metavar="ID")
    decided.add_argument("decision", choices=DECISIONS, help="one person, or two; or withdraw what was said of them")
    decided.add_argument("--reason", required=True, help="why; it is kept with the pair")
    add_service(decided, run_decide_pair)


def run_pairs(args: argparse.Namespace, client: httpx.Client) -> int:
    """All of them."""
    answer = all_pages(client, "/possibly-one", "pairs", {"state": args.state, "limit": 200})
    return show(args, answer, _pairs_text)


def run_pair(args: argparse.Namespace, client: httpx.Client) -> int:
    return show(args, client.get(f"/possibly-one/{args.pair_id}"), _pair_text)


def run_decide_pair(args: argparse.Namespace, client: httpx.Client) -> int:
    body = {"decision": DECISIONS[args.decision], "reason": args.reason}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answer = client.post(f"/possibly-one/{args.pair_id}/decision", json=body, headers=headers)
    return show(args, answer, _decided_text)


def _pairs_text(page: dict[str, Any]) -> Iterator[str]:
    for pair in page["pairs"]:
        yield f"{pair['pair_id']}  {pair['state']}, since {pair['opened_at']}, members {' and '.join(pair['members'])}"
    if not page["pairs"]:
        yield "no pair waits"


def _pair_text(pair: dict[str, Any]) -> Iterator[str]:
    yield f"{pair['pair_id']}  {pair['state']}, since {pair['opened_at']}"
    for compared in pair["comparisons"]:
        for side in ("one", "other"):
            yield f"  {side:15} {_entry_text(compared[side])}"
        for field in compared["fields"]:
            both = f"{field['one'] or '-':{WIDTH}} {field['other'] or '-':{WIDTH}}"
            yield f"  {field['field']:15} {both} {field['how']}"
    if not pair["comparisons"]:
        yield "  nothing to compare: they are one, or one plan lists both"


def _entry_text(entry: dict[str, Any]) -> str:
    cover = f"covered until {entry['covered_until'] or 'further notice'}" if entry["is_covered"] else "not covered"
    death = f", death {entry['death']}" if entry["death"] else ""
    return f"{entry['member_token']}, plan {entry['plan']}, {cover}{death}, last spoken of {entry['said_at'] or '-'}"


def _decided_text(pair: dict[str, Any]) -> Iterator[str]:
    yield f"{pair['pair_id']}: {pair['state']}, members {' and '.join(pair['members'])}"
