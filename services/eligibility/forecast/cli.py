"""`forecast check`, `forecast explain` and `forecast bench` on the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from services.eligibility.forecast.bench import measure
from services.eligibility.forecast.cases import CasesError, read_cases
from services.eligibility.forecast.check_cases import Outcome, check
from services.eligibility.forecast.engine import forecast
from services.eligibility.forecast.explain import PersonError, explain, path_of_rules, read_person
from services.eligibility.forecast.known_misses import KnownMiss, KnownMissesError, read_known_misses
from services.eligibility.forecast.supporting_data import SupportingDataError, bundled, load

if TYPE_CHECKING:
    from services.eligibility.forecast.schedule import SupportingData

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

AGREED, MISSED, WRONG_USE = 0, 1, 2
WRONG_USE_ERRORS = (CasesError, KnownMissesError, PersonError, SupportingDataError, OSError)


def add_commands(commands: Commands) -> None:
    parser = commands.add_parser("forecast", help="forecast vaccines by CDC's logic specification")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser("check", help="compare the engine with a CSV file of CDC's test cases")
    checking.add_argument("cases", type=Path, metavar="CASES.csv")
    checking.add_argument("--known", type=Path, metavar="FILE", help="reviewed misses that do not count as failures")
    checking.add_argument("--json", action="store_true", help="answer as one JSON document")
    checking.set_defaults(run=_guarded(run_check))
    explaining = actions.add_parser("explain", help="tell in plain language what one person needs, and why")
    explaining.add_argument("person", type=Path, metavar="FILE.json")
    explaining.set_defaults(run=_guarded(run_explain))
    benching = actions.add_parser("bench", help="measure how many adult histories a core forecasts in a second")
    benching.add_argument("--histories", type=int, default=5000)
    benching.set_defaults(run=_guarded(run_bench))
    for action in (checking, explaining, benching):
        action.add_argument("--supporting-data", type=Path, metavar="DIR", help="another release of CDC's data")


def run_check(args: argparse.Namespace) -> int:
    known = read_known_misses(args.known) if args.known else {}
    outcomes = list(check(read_cases(args.cases, supporting := _supporting(args)), supporting))
    unknown = [o for o in outcomes if o.differences and not _is_known(o, known)]
    _write([json.dumps(_summary(outcomes, unknown), indent=2)] if args.json else _report(outcomes, known))
    return MISSED if unknown else AGREED


def run_explain(args: argparse.Namespace) -> int:
    supporting = _supporting(args)
    history, assessment_on = read_person(args.person)
    on = assessment_on or datetime.now(UTC).date()
    _write(explain(history, forecast(history, supporting, on), supporting, on))
    return AGREED


def run_bench(args: argparse.Namespace) -> int:
    speed = measure(_supporting(args), args.histories)
    _write([f"{speed.per_second:.0f} histories/s on one core ({speed.histories} histories, {speed.doses} doses)"])
    return AGREED


def _guarded(run):  # type: ignore[no-untyped-def]
    def guarded(args: argparse.Namespace) -> int:
        try:
            return int(run(args))
        except WRONG_USE_ERRORS as error:
            sys.stderr.write(f"forecast: {error}\n")
            return WRONG_USE

    return guarded


def _supporting(args: argparse.Namespace) -> SupportingData:
    return load(args.supporting_data.resolve()) if args.supporting_data else bundled()


def _is_known(outcome: Outcome, known: Mapping[str, KnownMiss]) -> bool:
    miss = known.get(outcome.case.case_id)
    return miss is not None and miss.covers(outcome)


def _report(outcomes: Sequence[Outcome], known: Mapping[str, KnownMiss]) -> Iterator[str]:
    for outcome in (o for o in outcomes if o.differences):
        yield from _miss(outcome, known)
    yield "Agreement by field:"
    yield from _table(_by_field(outcomes))
    yield "Agreement by vaccine group:"
    yield from _table(_by_group(outcomes))
    agreeing = {o.case.case_id for o in outcomes if not o.differences}
    yield from (f"Known miss {case_id} agrees by now: take it off the list" for case_id in known if case_id in agreeing)
    yield f"{len(agreeing)} of {len(outcomes)} cases agree"


def _miss(outcome: Outcome, known: Mapping[str, KnownMiss]) -> Iterator[str]:
    case = outcome.case
    yield f"{case.case_id} {case.vaccine_group}: {' '.join(case.title.split())}"
    for difference in outcome.differences:
        yield f"  {difference.label}: expected {difference.expected or 'none'}, ours {difference.ours or 'none'}"
    for series in outcome.answer.series if outcome.answer else ():
        yield f"  {series.series}:"
        yield from (f"    {step}" for step in path_of_rules(series))
    if _is_known(outcome, known):
        yield f"  Known: {known[case.case_id].because} [{known[case.case_id].element}]"


def _by_field(outcomes: Iterable[Outcome]) -> dict[str, tuple[int, int]]:
    compared = Counter(field for o in outcomes for field in o.compared)
    missed = Counter(d.field for o in outcomes for d in o.differences)
    return {field: (count - missed[field], count) for field, count in compared.items()}


def _by_group(outcomes: Iterable[Outcome]) -> dict[str, tuple[int, int]]:
    cases = Counter(o.case.vaccine_group for o in outcomes)
    agreed = Counter(o.case.vaccine_group for o in outcomes if not o.differences)
    return {group: (agreed[group], count) for group, count in sorted(cases.items())}


def _table(rows: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    return (f"  {name:<24}{agreed:>6} of {count:>5}" for name, (agreed, count) in rows.items())


def _summary(outcomes: Sequence[Outcome], unknown: Sequence[Outcome]) -> dict[str, object]:
    return {
        "cases": len(outcomes),
        "agree": sum(not o.differences for o in outcomes),
        "fields": {name: {"agree": a, "compared": n} for name, (a, n) in _by_field(outcomes).items()},
        "vaccine_groups": {name: {"agree": a, "cases": n} for name, (a, n) in _by_group(outcomes).items()},
        "misses": [_as_json(o, is_known=o not in unknown) for o in outcomes if o.differences],
    }


def _as_json(outcome: Outcome, *, is_known: bool) -> dict[str, object]:
    return {
        "case": outcome.case.case_id,
        "vaccine_group": outcome.case.vaccine_group,
        "known": is_known,
        "differences": [{"field": d.label, "expected": d.expected, "ours": d.ours} for d in outcome.differences],
        "path": {s.series: list(path_of_rules(s)) for s in (outcome.answer.series if outcome.answer else ())},
    }


def _write(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
