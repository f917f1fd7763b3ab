"""`vcc ingest` and `vcc check`: feed files to the running service, or a dry run that stores nothing.

The running service is found by `VCC_API_ELIGIBILITY` and `VCC_TOKEN`, which the stack's own command sets.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from services.eligibility.cli_service import FAULT, FINE, WRONG, WRONG_USE, Subcommands, client_of, is_named, unanswered
from services.eligibility.feeds.formats import format_of
from services.eligibility.feeds.profiles import profiles
from services.eligibility.feeds.reader import read_feed
from services.eligibility.feeds.records import (
    DoseRecord,
    FeedItem,
    FeedSummary,
    Notice,
    PatientRecord,
    Rejection,
    RosterHeader,
    RosterRecord,
)
from services.eligibility.feeds.reject_cap import USUAL

REJECTS = WRONG
NO_PART: Mapping[str, str] = MappingProxyType({})
CHUNK_BYTES = 1 << 18
POLL_S = 0.25
SHOWN_REJECTS = 200
NOT_READ = frozenset({"refused", "held", "cancelled", "stopped"})
ENDED = NOT_READ | {"processed"}


def add_commands(commands: Subcommands) -> None:
    """Add `ingest` and `check`; each sets `run`, which takes the arguments and gives the exit code."""
    ingest = commands.add_parser("ingest", help="Submit feed files and wait until their rows are worked through.")
    ingest.add_argument(
        "--list", metavar="NAME", dest="list_name",
        help="the files are the parts of one full list of this name, in their order",
    )  # fmt: skip
    ingest.add_argument("--no-wait", action="store_true", help="return once the files are accepted")
    ingest.add_argument("--api", default=os.environ.get("VCC_API_ELIGIBILITY"), help="base URL of the service")
    ingest.add_argument("--token", default=os.environ.get("VCC_TOKEN"), help=argparse.SUPPRESS)
    ingest.set_defaults(run=run_ingest)
    check = commands.add_parser("check", help="Dry run of feed files: counts and every reject, nothing stored.")
    check.set_defaults(run=run_check)
    for command in (ingest, check):
        command.add_argument("files", nargs="+", type=Path, metavar="FILE")
        command.add_argument("--profile", choices=sorted(profiles()), help="the sender's habits, if not by its name")
        command.add_argument("--json", action="store_true", help="print JSON")


# -- check


def run_check(args: argparse.Namespace) -> int:
    """1 if anything is rejected."""
    if not _all_files(args.files):
        return WRONG_USE
    reports = [check_file(path, args.profile) for path in args.files]
    print(json.dumps(reports, indent=1) if args.json else "\n\n".join(map(_check_text, reports)))
    return REJECTS if any(report["rejected"] for report in reports) else FINE


def check_file(path: Path, profile: str | None = None) -> dict[str, Any]:
    """Read a file with the readers only: what there is, and each reject with place and expectation."""
    kinds: Counter[str] = Counter()
    rejects: list[dict[str, Any]] = []
    notices: Counter[tuple[str, str, str]] = Counter()
    summary = FeedSummary(None, 0, 0, 0, (), is_complete=False)
    test_rows, is_test = 0, False
    for item in read_feed(path, profile):
        is_test = item.is_test if isinstance(item, RosterHeader) else is_test
        test_rows += is_marked(item, is_test=is_test)
        match item:
            case Rejection() if len(rejects) < USUAL.most:
                rejects.append({"row": item.row, "segment": item.where, "field": item.field, "code": item.code,
                                "expected": item.expected})  # fmt: skip
            case Notice():
                notices[item.field, item.code, item.expected] += 1
            case FeedSummary():
                summary = item
            case Rejection():
                pass  # counted in the summary; no more places are kept than ingest would
            case _:
                kinds[type(item).__name__] += 1
    all_seen = {(field, code): seen for field, code, seen in summary.thinned}
    return {
        "file": str(path),
        "kind": format_of(summary.kind).name if summary.kind else None,
        "rows": summary.rows,
        "records": summary.records,
        "rejected": summary.rejected,
        "is_complete": summary.is_complete,
        "test_rows": test_rows,
        "items": dict(kinds),
        "rejects": rejects,
        "notices": [
            {"field": field, "code": code, "expected": expected, "seen": max(seen, all_seen.get((field, code), 0))}
            for (field, code, expected), seen in sorted(notices.items())
        ],
    }


def is_marked(item: FeedItem, *, is_test: bool) -> bool:
    """Whether a row is test data, by its message or by the interchange that it stands in."""
    if isinstance(item, (DoseRecord, PatientRecord)):
        return bool(item.test_from)
    return is_test and (isinstance(item, RosterRecord) or (isinstance(item, Rejection) and item.row > 0))


def _check_text(report: dict[str, Any]) -> str:
    lines = [
        f"{report['file']}: {report['kind'] or 'no feed file'}, {report['rows']} rows, {report['records']} fine, "
        f"{report['rejected']} rejected" + ("" if report["is_complete"] else ", not complete")
    ]
    if report["test_rows"]:
        lines.append(f"  test data: {report['test_rows']} rows are marked so (ISA15, MSH-11). ingest rejects them, "
                     "unless the sender's profile or VCC_TEST_DATA_FROM says otherwise")  # fmt: skip
    lines += _rejects_text(report["rejects"])
    if len(report["rejects"]) > SHOWN_REJECTS:
        listed = len(report["rejects"])
        which = "all" if listed < USUAL.most else f"the first {listed:,}"
        lines.append(f"  … and {max(listed, report['rejected']) - SHOWN_REJECTS} more; --json lists {which}")
    for notice in report["notices"]:
        lines.append(
            f"  kept, but odd ({notice['seen']}×): {notice['field']} {notice['code']}, expected {notice['expected']}"
        )
    return "\n".join(lines)


def _rejects_text(rejects: list[dict[str, Any]]) -> list[str]:
    """Where the first ones stand, and what was expected."""
    columns = ("row", "segment", "field", "code", "expected")
    rows = [
        tuple("" if reject[name] is None else str(reject[name]) for name in columns)
        for reject in rejects[:SHOWN_REJECTS]
    ]
    return _table([columns, *rows]) if rows else []


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
            for row in rows]  # fmt: skip


def _all_files(paths: list[Path]) -> bool:
    missing = [path for path in paths if not path.is_file()]
    for path in missing:
        print(f"{path}: no such file", file=sys.stderr)
    return not missing


# -- ingest


def run_ingest(args: argparse.Namespace) -> int:
    """1 if a row was rejected or a file waits for a person, 3 if the service could not be asked."""
    if not _all_files(args.files):
        return WRONG_USE
    if not is_named(args):
        return WRONG_USE
    try:
        with client_of(args, httpx.Timeout(30, read=300)) as client:
            files = [submit(client, path, args.profile, part) for path, part in _parts(args.files, args.list_name)]
            if not args.no_wait:
                files = [wait_for(client, file, _say_progress) for file in files]
                files = [{**file, "rejects": _rejects_of(client, file)} for file in files]
    except httpx.HTTPStatusError as error:
        print(_problem(error.response), file=sys.stderr)
        return FAULT
    except httpx.HTTPError as error:
        return unanswered(error)
    print(json.dumps(files, indent=1) if args.json else "\n".join(_ingest_text(file) for file in files))
    return REJECTS if any(file["rows_rejected"] or file["state"] in NOT_READ for file in files) else FINE


def _parts(paths: list[Path], list_name: str | None) -> list[tuple[Path, dict[str, str]]]:
    """Each file with what is said of its place in the list."""
    of_list = {"list": list_name, "parts": str(len(paths))} if list_name else {}
    return [(path, {**of_list, "part": str(number)} if of_list else {}) for number, path in enumerate(paths, 1)]


def submit(
    client: httpx.Client, path: Path, profile: str | None = None, part: Mapping[str, str] = NO_PART
) -> dict[str, Any]:
    """Send one file, which may be a part of a list; what the service says of it."""
    params = {**({"profile": profile} if profile else {}), **part}
    response = client.post("/feed-files", params=params, content=_chunks(path))
    response.raise_for_status()
    return {"file": str(path), **response.json()}


def wait_for(
    client: httpx.Client, file: dict[str, Any], say: Callable[[dict[str, Any]], None] = lambda _file: None
) -> dict[str, Any]:
    """Ask until the file's rows are worked through."""
    while True:
        response = client.get(f"/feed-files/{file['file_id']}")
        response.raise_for_status()
        now = {"file": file["file"], **response.json(), "is_repeat": file["is_repeat"]}
        say(now)
        if now["state"] in ENDED:
            return now
        time.sleep(POLL_S)


def _rejects_of(client: httpx.Client, file: dict[str, Any]) -> list[dict[str, Any]]:
    """The first rows that were rejected; row 0 is the file itself."""
    if not file["rows_rejected"] and file["state"] != "refused":
        return []
    response = client.get(f"/feed-files/{file['file_id']}/rejects", params={"limit": SHOWN_REJECTS})
    response.raise_for_status()
    found: list[dict[str, Any]] = response.json()["rejects"]
    return found


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _say_progress(file: dict[str, Any]) -> None:
    if sys.stderr.isatty():
        end = "\n" if file["state"] in ENDED else ""
        sys.stderr.write(f"\r{file['file']}: {file['rows_read']} rows{end}")
        sys.stderr.flush()


def _ingest_text(file: dict[str, Any]) -> str:
    repeat = " (sent before, nothing done again)" if file["is_repeat"] else ""
    lines = [
        f"{file['file']}: {file['state']}{repeat}, {file['rows_read']} rows, {file['rows_accepted']} accepted "
        f"({file['rows_unchanged']} unchanged, {file['rows_unlinked']} unlinked), {file['rows_rejected']} rejected",
        *_changes_text(file),
        *_rejects_text(file.get("rejects", [])),
    ]
    if file["rows_rejected"] > SHOWN_REJECTS:
        lines.append(f"  … and more: GET /feed-files/{file['file_id']}/rejects")
    return "\n".join(lines)


def _changes_text(file: dict[str, Any]) -> list[str]:
    """What the rows changed, and what waits for a person."""
    counts = file.get("changes") or {}
    ended = file.get("absent_ended") or 0
    said = [f"{count} {name}" for name, count in counts.items()] + ([f"{ended} ended as absent"] if ended else [])
    lines = (
        [f"  changed: {', '.join(said) or 'nothing'}"] if file["state"] in {"processed", "stopped", "cancelled"} else []
    )
    lines += [f"  not read to its end: {file['cut_short']}"] if file.get("cut_short") else []
    waits = f"held ({file.get('held')})" if file["state"] == "held" else ""
    waits = waits or ("its absence is held (too-many)" if file.get("absence") == "too-many" else "")
    return [*lines, f"  {waits}: ./vcc feeds release|refuse {file['file_id']} --reason …"] if waits else lines


def _problem(response: httpx.Response) -> str:
    try:
        document = response.json()
    except ValueError:
        return f"the service answered {response.status_code}"
    return f"{document.get('title', response.status_code)}: {document.get('detail', '')}".strip()
