"""`vcc feeds doubtful | compare | decide`: rows that wait until a person has said whom they mean."""

import argparse
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from services.eligibility.cli_service import Subcommands, add_service, show

DECISIONS = {"same": "same-person", "another": "another-person", "refuse": "refuse", "withdraw": "withdraw"}
STATES = ("waiting", "same-person", "another-person", "refused", "superseded", "withdrawn", "any")
WIDTH = 24


def add_doubtful(actions: Subcommands) -> None:
    """Add the actions of doubtful rows beside those of held files."""
    listed = actions.add_parser("doubtful", help="rows of which it is doubtful whom they mean, and why")
    listed.add_argument("--file", metavar="ID", help="only of this file")
    listed.add_argument("--state", default="waiting", choices=STATES, help="waiting unless said")
    add_service(listed, run_doubtful)
    compared = actions.add_parser("compare", help="a doubtful row beside each member whom it may mean; audited")
    compared.add_argument("doubtful_id", metavar="ID")
    add_service(compared, run_compare)
    decided = actions.add_parser("decide", help="say whom a doubtful row means; it takes effect at once")
    decided.add_argument("doubtful_id", metavar="ID")
    decided.add_argument(
        "decision", choices=DECISIONS, help="the same person as --member, another one, or refuse it; or withdraw"
    )
    decided.add_argument("--member", metavar="TOKEN", help="whom it means, of the same person")
    decided.add_argument("--reason", required=True, help="why; it is kept with the row")
    add_service(decided, run_decide)


def run_doubtful(args: argparse.Namespace, client: httpx.Client) -> int:
    params = {"state": args.state, "limit": 200} | ({"file_id": args.file} if args.file else {})
    return show(args, client.get("/doubtful-rows", params=params), _doubtful_text)


def run_compare(args: argparse.Namespace, client: httpx.Client) -> int:
    return show(args, client.get(f"/doubtful-rows/{args.doubtful_id}"), _compared_text)


def run_decide(args: argparse.Namespace, client: httpx.Client) -> int:
    body = {"decision": DECISIONS[args.decision], "reason": args.reason}
    body |= {"member_token": args.member} if args.member else {}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answer = client.post(f"/doubtful-rows/{args.doubtful_id}/decision", json=body, headers=headers)
    return show(args, answer, _decided_text)


def _doubtful_text(page: dict[str, Any]) -> Iterator[str]:
    for row in page["rows"]:
        where = f"file {row['file_id']} row {row['row']}, segment {row['segment']} {row['field']}"
        yield f"{row['doubtful_id']}  {row['state']}, {row['code']}, plan {row['plan']}, {where}"
        yield f"    may be {', '.join(row['may_be'])}"
    if not page["rows"]:
        yield "no row waits"
    if page["next_after"] is not None:
        yield "… and more"


def _compared_text(one: dict[str, Any]) -> Iterator[str]:
    yield f"{one['doubtful_id']}  {one['state']}, {one['code']}: {one['field']}, expected {one['expected']}"
    if one["maintenance"] is None:
        yield "  what it held is gone, or can't be read"
        return
    yield f"  {one['maintenance']}, said {one['said_at'] or '-'}"
    for coverage in one["coverages"]:
        yield (
            f"  {coverage['maintenance']} {coverage['insurance_line']} {coverage['description']}"
            f" from {coverage['begin_on']}" + (f" to {coverage['end_on']}" if coverage["end_on"] else "")
        )
    for candidate in one["candidates"]:
        yield f"  {'':15} {'the row':{WIDTH}} {candidate['member_token']}, last spoken of {candidate['said_at'] or '-'}"
        yield from _death_text(candidate)
        for coverage in candidate["coverages"]:
            yield (
                f"  {'':15} covered: {coverage['product'] or coverage['kind']}"
                f" from {coverage['begin_on']} to {coverage['end_on']}"
            )
        for field in candidate["fields"]:
            both = f"{field['row'] or '-':{WIDTH}} {field['member'] or '-':{WIDTH}}"
            yield f"  {field['field']:15} {both} {field['how']}"


def _death_text(candidate: dict[str, Any]) -> Iterator[str]:
    """What is known of the member's death, and what the row would say of it."""
    if candidate["death"] or candidate["death_by_row"]:
        held = f"{candidate['death'] or 'none known'}; the row says: {candidate['death_by_row'] or 'nothing of it'}"
        yield f"  {'death':15} {held}"
    for said in candidate["death_said"]:
        of = f", of {said['death_on']}" if said["death_on"] else ""
        yield f"  {'':15} {said['by']}: {said['word'] or 'something'}{of}, said {said['said_at'] or '-'}"


def _decided_text(one: dict[str, Any]) -> Iterator[str]:
    whom = f", member {one['member_token']}" if one["member_token"] else ""
    yield f"{one['doubtful_id']}: {one['state']}{whom}, changed {', '.join(one['changes']) or 'nothing'}"
