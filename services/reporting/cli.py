"""`vcc report` and `vcc rebuild`: what reporting does on the command line, by its own HTTP interface.

The address stands in VCC_API_REPORTING and the token in VCC_TOKEN.
"""

import argparse
import json
import os
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, NoReturn

import httpx
from pydantic import TypeAdapter

from services.kit.ids import new_id
from services.reporting.figures.report import Report
from services.reporting.pages import tables, terminal
from services.reporting.population.rules import Question

TIMEOUT_S = 120.0
POLL_S = 1.0
FINE, FAILED, WRONG_USE, FAULT = 0, 1, 2, 3


def add_commands(commands: Any) -> None:
    """Add `report` and `rebuild` to a command line."""
    report = commands.add_parser("report", help="prints the weekly report and writes it as CSV, JSON and one HTML page")
    report.add_argument("--out", type=Path, default=Path("report"), metavar="DIR", help="where the files go (./report)")
    report.add_argument("--json", action="store_true", help="print the report as JSON and write no file")
    report.add_argument("--programme", metavar="ID", help="needed where there are several")
    report.add_argument("--as-of", metavar="YYYY-MM-DD", help="a past day instead of today")
    report.add_argument("--known-on", metavar="YYYY-MM-DD", help="with what was known on this day")
    report.set_defaults(run=print_report)
    rebuild = commands.add_parser("rebuild", help="wipes reporting's tables and reads them again from the log")
    rebuild.add_argument("--no-wait", action="store_true", help="do not wait until the log has been read")
    rebuild.set_defaults(run=run_rebuild)


def print_report(arguments: argparse.Namespace) -> int:
    """Print the report; write one HTML page, the JSON and a CSV file for each table."""
    asked = {"programme_id": arguments.programme, "as_of": arguments.as_of, "known_on": arguments.known_on}
    query = {name: value for name, value in asked.items() if value}
    from services.reporting.pages.page import render  # loads the ZIPs' points

    with _client() as client:
        body = _ask(client, "GET", "/reports/weekly", params=query).text
        if arguments.json:
            _say(body)
            return FINE
        report = TypeAdapter(Report).validate_json(body)
        # The same question again, so that both files agree even if a day passes in between.
        query |= {"programme_id": report.programme_id, "as_of": str(report.as_of), "known_on": str(report.known_on)}
        coverage = _ask(client, "GET", "/coverage.csv", params=query).text
    for line in terminal.lines(report):
        _say(textwrap.fill(line, 110) if len(line) > 118 else line)
    _write(
        arguments.out, report, {"report.html": render(report), "coverage.csv": coverage, "report.json": _pretty(body)}
    )
    _say(f"\nwritten to {arguments.out.resolve()}: open report.html in a browser")
    return FINE


def _write(folder: Path, report: Report, files: dict[str, str]) -> None:
    first_line = tables.heading(Question(report.programme_id, report.as_of, report.known_on))
    files |= {f"{name}.csv": tables.to_csv(rows, first_line) for name, rows in tables.rows_of(report).items()}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(content, "utf-8")


def _pretty(body: str) -> str:
    return json.dumps(json.loads(body), indent=1) + "\n"


def run_rebuild(arguments: argparse.Namespace) -> int:
    """Wipe, and show how far the log has been read until all of it has."""
    with _client() as client:
        started = _ask(client, "POST", "/rebuild", headers={"Idempotency-Key": str(new_id())}).json()
        _say(f"wiped; reading the log again as generation {started['generation']}")
        while not arguments.no_wait:
            now = _ask(client, "GET", "/rebuild").json()
            behind = now["records_behind"]
            if now["generation"] != started["generation"]:
                _say("another rebuild has begun since")
                return FAILED
            if behind == 0:
                _say("caught up")
                break
            _say("the broker does not answer" if behind is None else f"{behind:,} records to read")
            time.sleep(POLL_S)
    return FINE


def _client() -> httpx.Client:
    address, token = os.environ.get("VCC_API_REPORTING"), os.environ.get("VCC_TOKEN")
    if not address or not token:
        _fail("VCC_API_REPORTING and VCC_TOKEN must hold the service's address and a token", WRONG_USE)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT_S, trust_env=False)


def _ask(client: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    try:
        answer = client.request(method, path, **options)
    except httpx.HTTPError as error:
        _fail(f"reporting does not answer ({type(error).__name__}); is the stack up?", FAULT)
    if answer.is_error:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        code = WRONG_USE if answer.status_code in {400, 404, 409, 422} else FAULT
        _fail(problem.get("detail") or problem.get("title") or f"status {answer.status_code}", code)
    return answer


def _fail(said: str, code: int) -> NoReturn:
    sys.stderr.write(f"vcc: {said}\n")
    raise SystemExit(code)


def _say(said: str) -> None:
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
