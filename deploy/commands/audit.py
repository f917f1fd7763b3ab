"""`./vcc audit`: who saw and changed what of a member, in every service's trail, and whether the trails are whole.

`who-saw` asks the services by HTTP. With an issuer and addresses of your own, give a token in VCC_TOKEN and each
service's address in VCC_API_<SERVICE>. `verify` asks the databases, as the audit role; of your own they are named by
VCC_<SERVICE>_AUDIT_DSN, or _FILE.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from operator import itemgetter
from typing import Any

import asyncpg
import httpx

from deploy.console import table
from deploy.environment import told
from deploy.errors import StackError
from deploy.local.access import token
from deploy.local.databases import private_dsn
from deploy.local.plan import SERVICES, known_dsns
from deploy.local.running import connection
from deploy.local.state import here
from services.kit import audit_verify
from services.kit.audit_verify import Verdict

TIMEOUT_S = 30.0
PAGE_ROWS = 1000
PAUSES_S = (1.0, 2.0, 5.0)
"""While others search."""


def add_commands(commands: Any) -> None:
    audit = commands.add_parser("audit", description="Reads all services' trails, and says whether they are whole.")
    deeds = audit.add_subparsers(metavar="DEED", required=True)
    saw = deeds.add_parser("who-saw", help="who saw, changed or was refused what of one member; itself in the trails")
    saw.add_argument("member_token")
    saw.add_argument("--from", dest="since", metavar="INSTANT", help="not before: 2021-03-02T10:00:00Z")
    saw.add_argument("--to", dest="until", metavar="INSTANT", help="before this instant")
    saw.add_argument("--json", action="store_true", help="each row as a line of JSON")
    saw.set_defaults(run=who_saw)
    verify = deeds.add_parser("verify", help="recomputes every seal; names the first batch that does not agree")
    verify.add_argument("services", nargs="*", metavar="SERVICE", help="only these")
    verify.add_argument(
        "--head", action="append", default=[], metavar="SERVICE=HEX",
        help="a seal of that service as its log or an earlier verify told it, which must be there; several times",
    )  # fmt: skip
    verify.set_defaults(run=verify_seals)


def who_saw(arguments: argparse.Namespace) -> int:
    """All services' rows together, oldest first."""
    asked = {"member_token": arguments.member_token, "from": arguments.since, "to": arguments.until}
    wanted = {name: value for name, value in asked.items() if value is not None}
    found = [{"service": service, **row} for service in SERVICES for row in _rows(service, wanted)]
    found.sort(key=itemgetter("recorded_at"))
    if arguments.json:
        print("".join(f"{json.dumps(row)}\n" for row in found), end="")
    else:
        print(table([HEADINGS, *map(_line, found)]) if found else "nobody")
    return 0


HEADINGS = ["when", "service", "who", "roles", "tenant", "purpose", "did", "what", "outcome"]


def _line(row: Mapping[str, Any]) -> list[str]:
    who, roles = row["principal"] or "-", " ".join(row["roles"])
    return [
        row["recorded_at"], row["service"], who, roles, row["tenant_id"], row["purpose"] or "-", row["action"],
        row["kind"], row["outcome"],
    ]  # fmt: skip


def _rows(service: str, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Page by page, through the row that was the newest when it was begun."""
    after: int | None = 0
    while after is not None:
        page = _ask(service, {**wanted, "after": str(after), "limit": str(PAGE_ROWS)})
        yield from page["rows"]
        after, wanted = page["next_after"], {**wanted, "through": str(page["through"])}


def verify_seals(arguments: argparse.Namespace) -> int:
    """Exit code 1 if anything does not agree, or can't be read. A verdict for each service, whatever the others say."""
    heads: dict[str, list[bytes]] = {}
    for service, head in map(_head, arguments.head):
        heads.setdefault(service, []).append(head)
    services = arguments.services or SERVICES
    if unknown := set(services) - set(SERVICES):
        raise StackError(f"no such service: {', '.join(sorted(unknown))}", f"one of: {', '.join(SERVICES)}")
    if forgotten := heads.keys() - set(services):
        raise StackError(f"--head of {', '.join(sorted(forgotten))}, which is not asked", "name that service too")
    found = {service: asyncio.run(_verify(service, heads.get(service, []))) for service in services}
    rows = [["service", "seals", "rows", "not sealed yet", "head", "verdict"]]
    print(table([*rows, *(_verdict(service, verdict) for service, verdict in found.items())]))
    return 1 if any(isinstance(verdict, str) or verdict.broken for verdict in found.values()) else 0


def _verdict(service: str, verdict: Verdict | str) -> list[str]:
    if isinstance(verdict, str):
        return [service, "-", "-", "-", "-", verdict]
    counts = map(str, (verdict.seals, verdict.rows, verdict.unsealed))
    return [service, *counts, verdict.head.hex(), verdict.broken or "agrees"]


def _head(said: str) -> tuple[str, bytes]:
    service, _, head = said.partition("=")
    try:
        if service in SERVICES and head:
            return service, bytes.fromhex(head)
    except ValueError:
        pass
    raise StackError(f"--head {said}: expected SERVICE=HEX", f"a service is one of: {', '.join(SERVICES)}")


async def _verify(service: str, heads: Sequence[bytes]) -> Verdict | str:
    """The verdict, or why there is none."""
    dsn = private_dsn(service, os.environ, "audit_dsn") or known_dsns(here(), service).get("audit_dsn")
    if dsn is None:
        return f"no audit role is known here: name it, VCC_{service.upper()}_AUDIT_DSN"
    try:
        database = await asyncpg.connect(dsn, timeout=TIMEOUT_S, server_settings={"vcc.tenant": "*"})
        try:
            return await audit_verify.verify(database, heads)
        finally:
            await database.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        return f"can't be read: {type(error).__name__}; see ./vcc status"


def _ask(service: str, wanted: Mapping[str, str]) -> Any:
    address = told(f"VCC_API_{service.upper()}") or connection(service).base_url
    headers = {"Authorization": f"Bearer {token('auditor')}"}
    for pause_s in (*PAUSES_S, None):
        try:
            answer = httpx.get(f"{address}/audit", params=wanted, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        except httpx.HTTPError as error:
            raise StackError(f"{service} does not answer ({type(error).__name__})", "see ./vcc status") from None
        if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS or pause_s is None:
            break
        time.sleep(pause_s)
    said = _json(answer)
    if answer.is_error or not isinstance(said, dict):
        problem = said if isinstance(said, dict) else {}
        raise StackError(f"{service} refuses: {problem.get('title', answer.status_code)}", problem.get("detail", ""))
    return said


def _json(answer: httpx.Response) -> Any:
    """None for what is none: a proxy's own page, an empty answer."""
    try:
        return answer.json()
    except ValueError:
        return None
