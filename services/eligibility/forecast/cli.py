"""`forecast check`, `forecast explain` and `forecast bench` on the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from services.eligibility.forecast.bench import measure, measure_processes
from services.eligibility.forecast.cases import CasesError, read_cases
from services.eligibility.forecast.check_cases import check
from services.eligibility.forecast.check_report import is_known, report, summary
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.explain import PersonError, explain, read_person
from services.eligibility.forecast.known_misses import KnownMissesError, read_known_misses
from services.eligibility.forecast.overlay import laid_over
from services.eligibility.forecast.overlay_documents import OverlayError, read_overlay
from services.eligibility.forecast.release_folder import SupportingDataError, cases_in, known_misses_in
from services.eligibility.forecast.supporting_data import folder_of, load, releases

if TYPE_CHECKING:
    from services.eligibility.forecast.schedule import SupportingData

    Run = Callable[[argparse.Namespace], int]
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

AGREED, MISSED, WRONG_USE = 0, 1, 2
WRONG_USE_ERRORS = (CasesError, KnownMissesError, OverlayError, PersonError, SupportingDataError, OSError)


def add_commands(commands: Commands) -> None:
    parser = commands.add_parser("forecast", help="forecast vaccines by CDC's logic specification")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser("check", help="compare the engine with CDC's test cases (.csv or .xlsx)")
    checking.add_argument("cases", type=Path, metavar="CASES", nargs="*", help="else those in the release's folder")
    checking.add_argument("--known", type=Path, metavar="FILE", help="reviewed misses that do not count as failures")
    checking.add_argument("--json", action="store_true", help="answer as one JSON document")
    checking.set_defaults(run=_guarded(run_check))
    explaining = actions.add_parser("explain", help="tell in plain language what one person needs, and why")
    explaining.add_argument("person", type=Path, metavar="FILE.json")
    explaining.set_defaults(run=_guarded(run_explain))
    benching = actions.add_parser("bench", help="measure how many adult histories a core forecasts in a second")
    benching.add_argument("--histories", type=int, default=5000)
    benching.add_argument("--processes", type=int, default=1, help="measure this many processes side by side too")
    benching.add_argument("--rounds", type=int, default=3, help="of each the best counts; other adults every time")
    benching.set_defaults(run=_guarded(run_bench))
    for action in (checking, explaining):
        action.add_argument("--overlay", type=Path, metavar="FILE", help="a state's own recommendations over CDC's")
    for action in (checking, explaining, benching):
        action.add_argument(
            "--release", "--supporting-data", type=Path, metavar="PATH", help="another release: its folder or its name"
        )


def run_check(args: argparse.Namespace) -> int:
    folder, supporting = _folder(args), _supporting(args)
    listed = args.known or known_misses_in(folder)
    known = read_known_misses(listed) if listed else {}
    paths = args.cases or _cases_of(folder)
    by_file = {path.name: list(check(read_cases(path, supporting), supporting)) for path in paths}
    outcomes = [outcome for found in by_file.values() for outcome in found]
    unknown = [o for o in outcomes if o.differences and not is_known(o, known)]
    _write([json.dumps(summary(outcomes, unknown), indent=2)] if args.json else report(outcomes, known, by_file))
    return MISSED if unknown else AGREED


def _cases_of(folder: Path) -> list[Path]:
    if found := cases_in(folder):
        return found
    raise CasesError(f"no cases are named, and {folder.name} holds none in its folder `cases`")


def run_explain(args: argparse.Namespace) -> int:
    supporting = _supporting(args)
    history, assessment_on = read_person(args.person, supporting)
    on = assessment_on or datetime.now(UTC).date()
    _write(explain(history, forecast(history, supporting, on), supporting, on))
    return AGREED


def run_bench(args: argparse.Namespace) -> int:
    supporting = _supporting(args)
    for name, sorted_roster in (("random birth dates", False), ("a roster sorted by birth date", True)):
        rounds = (measure(supporting, args.histories, sorted_roster=sorted_roster, seed=n) for n in range(args.rounds))
        speed = max(rounds, key=lambda candidate: candidate.per_second)
        sample = f"{speed.histories} histories, {speed.doses} doses"
        _write([f"{speed.per_second:.0f} adult histories/s on one core, {name} ({sample})"])
    if args.processes > 1:
        _write(_side_by_side(_folder(args), args.histories, args.processes, args.rounds))
    return AGREED


def _side_by_side(folder: Path, histories: int, processes: int, rounds: int) -> Iterator[str]:
    """In turn, the best of some rounds of each, in birth dates of no order."""
    pairs = [[measure_processes(folder, histories, n) for n in (1, processes)] for _ in range(rounds)]
    ones, manies = zip(*pairs, strict=True)
    for what, place in (("the wall's clock", 0), ("processor time", 1)):
        one, many = max(rate[place] for rate in ones), max(rate[place] for rate in manies)
        times = f"{many / one:.2f} times as many"
        yield f"{many:.0f} a second in {processes} processes, {one:.0f} in one, by {what}: {times}"


def _guarded(run: Run) -> Run:
    def guarded(args: argparse.Namespace) -> int:
        try:
            return run(args)
        except WRONG_USE_ERRORS as error:
            sys.stderr.write(f"forecast: {error}\n")
            return WRONG_USE

    return guarded


def _supporting(args: argparse.Namespace) -> SupportingData:
    rules, overlay = load(_folder(args)), getattr(args, "overlay", None)
    return rules if overlay is None else laid_over(rules, read_overlay(overlay, rules))


def _folder(args: argparse.Namespace) -> Path:
    """A folder wherever it is, else the release at hand of that name, else the newest."""
    if args.release is None:
        return folder_of(releases()[-1])
    is_named = not args.release.exists() and str(args.release) in releases()
    return folder_of(str(args.release)) if is_named else args.release.resolve()


def _write(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
