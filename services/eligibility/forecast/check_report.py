"""What `forecast check` prints: each miss with the path of rules taken, agreement per field and per vaccine group."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.eligibility.forecast.check_cases import Outcome
from services.eligibility.forecast.explain import path_of_rules
from services.eligibility.forecast.known_misses import KnownMiss


def is_known(outcome: Outcome, known: Mapping[str, KnownMiss]) -> bool:
    miss = known.get(outcome.case.case_id)
    return miss is not None and miss.covers(outcome)


def report(
    outcomes: Sequence[Outcome], known: Mapping[str, KnownMiss], by_file: Mapping[str, Sequence[Outcome]]
) -> Iterator[str]:
    """It ends with how many agree: of each file, where there are several, and of all."""
    for outcome in (o for o in outcomes if o.differences):
        yield from _miss(outcome, known)
    yield from _not_used(outcomes)
    yield "Agreement by field:"
    yield from _table(_by_field(outcomes))
    yield "Agreement by vaccine group:"
    yield from _table(_by_group(outcomes))
    agreeing = {o.case.case_id for o in outcomes if not o.differences}
    yield from (f"Known miss {case_id} agrees by now: take it off the list" for case_id in known if case_id in agreeing)
    if len(by_file) > 1:
        yield from (f"{name}: {_agreement(found)}" for name, found in by_file.items())
    yield _agreement(outcomes)


def _agreement(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(not outcome.differences for outcome in outcomes)} of {len(outcomes)} cases agree"


def _not_used(outcomes: Iterable[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        columns = ", ".join(outcome.case.not_used)
        if columns:
            yield f"{outcome.case.case_id}: not used, for no rule of this release knows the observation: {columns}"


def _miss(outcome: Outcome, known: Mapping[str, KnownMiss]) -> Iterator[str]:
    case = outcome.case
    yield f"{case.case_id} {case.vaccine_group}: {' '.join(case.title.split())}"
    for difference in outcome.differences:
        yield f"  {difference.label}: expected {difference.expected or 'none'}, ours {difference.ours or 'none'}"
    for series in outcome.answer.series if outcome.answer else ():
        yield f"  {series.series}:"
        yield from (f"    {step}" for step in path_of_rules(series))
    if is_known(outcome, known):
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


def summary(outcomes: Sequence[Outcome], unknown: Sequence[Outcome]) -> dict[str, object]:
    return {
        "cases": len(outcomes),
        "agree": sum(not o.differences for o in outcomes),
        "fields": {name: {"agree": a, "compared": n} for name, (a, n) in _by_field(outcomes).items()},
        "vaccine_groups": {name: {"agree": a, "cases": n} for name, (a, n) in _by_group(outcomes).items()},
        "not_used": {o.case.case_id: list(o.case.not_used) for o in outcomes if o.case.not_used},
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
