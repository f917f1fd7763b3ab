"""7 and 8. Every reported figure is the one counted from the log, and none that is hidden can be worked out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import isclose
from typing import Any

from tests.chaos.checker.divergence import Divergence
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.invariants.comparing import Say, compare, saying
from tests.chaos.checker.model.cells import CELL, coverage_cells
from tests.chaos.checker.model.hiding import Counts, Shown, can_show, cover, cover_table, shown, together
from tests.chaos.checker.model.weekly import OUTCOMES, STAGES, Weekly

MARGINS = (("by_plan", "tenant_id"), ("by_svi", "svi_group"), ("by_age", "age_band"),
           ("by_race_ethnicity", "race_ethnicity"), ("by_zip", "zip5"))  # fmt: skip
DEEDS = (("bookings", "booking"), ("fulfilled", "fulfilled"), ("walk_ins", "walk-in"), ("noshows", "noshow"),
         ("cancellations", "cancellation"))  # fmt: skip
SORTS = (("attempts", "attempt"), ("doses_by_source", "dose by source"), ("doses_by_svi", "dose by svi"))
LATELY_DAYS = 7


def cells_are_as_counted(evidence: Evidence) -> Iterator[Divergence]:
    """Every coverage cell is what counting the log anew gives."""
    cells = coverage_cells(_facts(evidence))
    names = ("members", "eligible", "vaccinated")
    expected = {cell: dict(zip(names, counts, strict=True)) for cell, counts in cells.items()}
    rows = evidence.table("reporting", "coverage_cell")
    found = {tuple(row[name] for name in CELL): row for row in rows}
    yield from compare(saying(7, "cells_are_as_counted"), "cell", expected, found, _without_zip)


def figures_are_as_counted(evidence: Evidence) -> Iterator[Divergence]:
    """Every figure of the weekly report is what counting the log anew gives."""
    if evidence.report is None:
        return
    say, report = saying(7, "figures_are_as_counted"), evidence.report
    weekly = _weekly(evidence, report)
    if not weekly.is_published:
        yield say("report", "a programme that the log tells of", "none")
        return
    yield from _headline(say, weekly, report["headline"])
    for table, column in MARGINS:
        yield from _margin(say, table, _counts(weekly, table, column), report[table])
    yield from _funnels(say, weekly, report["funnels"])
    yield from _weeks(say, weekly, report["weeks"])
    refusals = weekly.people_by(lambda one: [one["refusal_domain"]] if one.get("refusal_domain") else [])
    yield from _reasons(say, "refusals", refusals, report["refusals"])
    yield from _reasons(say, "barriers", weekly.people_by(lambda one: one.get("barriers", [])), report["barriers"])
    yield from _slots(say, weekly, report["slots"])
    yield from _targets(say, evidence, report)
    yield from _quality(say, evidence, weekly, report["quality"])


def nothing_hidden_shows(evidence: Evidence) -> Iterator[Divergence]:
    """No count of 1 to 10 is shown, and what a table hides stays hidden beside its total: the hidden rows together
    could be shown, and are two at least."""
    if evidence.report is None:
        return
    say, report = saying(8, "nothing_hidden_shows"), evidence.report
    weekly = _weekly(evidence, report)
    if not weekly.is_published:
        return
    for table, column in MARGINS:
        counts, rows = _counts(weekly, table, column), report[table]
        order = [_name(row) for row in rows]
        known = [counts.get(name, (0, 0)) for name in order]
        for name, row in zip(order, rows, strict=True):
            for figure in ("members", "vaccinated"):
                if 0 < (row["coverage"][figure] or 0) < 11:
                    yield say(f"{table} {_told(table, name)}", f"{figure} hidden", "shown")
        if table != "by_plan":  # who is in two plans is unknown, so its total is
            yield from _derivable(say, table, rows, known)


def _derivable(
    say: Say, table: str, rows: Sequence[Mapping[str, Any]], known: Sequence[Counts]
) -> Iterator[Divergence]:
    for figure in ("members", "vaccinated"):
        hidden = {n for n, row in enumerate(rows) if row["coverage"][figure] is None}
        if not hidden or len(hidden) == len(rows):
            continue
        both = together(known, hidden)
        is_safe = both[0] >= 11 if figure == "members" else can_show(both)
        if len(hidden) < 2 or not is_safe:
            yield say(table, f"hidden {figure} that the total does not give away", f"{len(hidden)} hidden")


# -- the parts of the report


def _facts(evidence: Evidence) -> list[Any]:
    """What reporting has read, of all topics."""
    groups = {fact.record.topic: f"reporting.{fact.record.topic[4:-3]}" for fact in evidence.facts}
    return [
        fact for topic, group in groups.items() for fact in evidence.read_by(group) if fact.record.topic == topic
    ]  # fmt: skip


def _weekly(evidence: Evidence, report: Mapping[str, Any]) -> Weekly:
    as_of = date.fromisoformat(report["as_of"])
    return Weekly(_facts(evidence), report["programme_id"], as_of, report.get("plan"))


def _counts(weekly: Weekly, table: str, column: str) -> dict[str, Counts]:
    return weekly.margin(column, weekly.population if table == "by_plan" else None)


def _name(row: Mapping[str, Any]) -> str:
    return str(row["group"] if "group" in row else row["zip5"])


def _without_zip(cell: tuple[str, ...]) -> str:
    programme_id, plan, _, *more = cell
    return "/".join((programme_id, plan, "a ZIP", *more))


def _told(table: str, name: str) -> str:
    return "a ZIP" if table == "by_zip" else name


def _same(found: Mapping[str, Any], expected: Shown) -> bool:
    share = found["share"]
    said = None if share is None else (share["value"], share["low"], share["high"])
    if (said is None) != (expected.share is None):
        return False
    pairs = zip(said or (), expected.share or (), strict=True)
    is_close = all(isclose(one, other, rel_tol=1e-9) for one, other in pairs)
    return is_close and (found["members"], found["vaccinated"]) == (expected.members, expected.vaccinated)


def _headline(say: Say, weekly: Weekly, found: Mapping[str, Any]) -> Iterator[Divergence]:
    target = [one for one in weekly.persons if one.is_target]
    lately = [one for one in target if one.vaccinated_on and (weekly.today - one.vaccinated_on).days < LATELY_DAYS]
    everybody = len(weekly.persons), sum(one.vaccinated_on is not None for one in weekly.persons)
    group = len(target), sum(one.vaccinated_on is not None for one in target)
    others = everybody[0] - group[0], everybody[1] - group[1]
    pair = cover_table({"target": group, "others": others}, ("target", "others")) or {"target": Shown()}
    expected = {"in_scope": cover(everybody), "target": pair["target"] if others[0] else cover(group)}
    for name, shown_as in expected.items():
        if not _same(found[name], shown_as):
            yield say(f"headline {name}", "as counted", "another figure")
    is_open = expected["target"].vaccinated is not None and shown(group[1] - len(lately)) is not None
    if found["vaccinated_last_7_days"] != (shown(len(lately)) if is_open else None):
        yield say("headline vaccinated_last_7_days", "as counted", "another figure")


def _is_as(found: int | None, exact: int) -> bool:
    """The exact count, or hidden: always if it is one of 1 to 10, and else where it would tell of others."""
    return found is None or (found == exact and shown(exact) is not None)


def _margin(
    say: Say, table: str, counts: Mapping[str, Counts], rows: Sequence[Mapping[str, Any]]
) -> Iterator[Divergence]:
    order = [_name(row) for row in rows]
    if not order and not cover_table(counts, sorted(counts)):
        return
    if sorted(order) != sorted(counts):
        yield say(table, f"{len(counts)} groups", f"{len(order)}, or others")
        return
    expected = cover_table(counts, order)
    for name, row in zip(order, rows, strict=True):
        is_kept_back = table == "by_plan" and row["coverage"]["vaccinated"] is None
        if name not in expected or not (_same(row["coverage"], expected[name]) or is_kept_back):
            yield say(f"{table} {_told(table, name)}", "as counted", "another figure")


def _funnels(say: Say, weekly: Weekly, rows: Sequence[Mapping[str, Any]]) -> Iterator[Divergence]:
    plans = {tenant_id for _, tenant_id in weekly.ways}
    if {row["plan"] for row in rows} not in ({None, *plans}, {None} if plans else set()):
        yield say("funnels", f"one of all plans, and of each of {len(plans)}", f"{len(rows)}")
        return
    for row in rows:
        stages, outcomes = weekly.funnel(row["plan"])
        expected = dict(zip(STAGES, stages, strict=True)) | {one: outcomes[one] for one in OUTCOMES}
        found = {one["stage"]: one["people"] for one in row["stages"]} | dict(row["outcomes"])
        for name in expected:
            if name not in found or not _is_as(found[name], expected[name]):
                yield say(f"funnel of {row['plan'] or 'all'}: {name}", f"{expected[name]}", f"{found.get(name)}")


def _weeks(say: Say, weekly: Weekly, rows: Sequence[Mapping[str, Any]]) -> Iterator[Divergence]:
    deeds = weekly.weeks()
    told = {date.fromisoformat(row["week_on"]): row for row in rows}
    for week in sorted({week for week, _ in deeds} - told.keys()):
        yield say(f"week {week}", "a row", "none")
    for week, row in told.items():
        for name, deed in DEEDS:
            if not _is_as(row[name], deeds[week, deed][""]):
                yield say(f"week {week} {name}", f"{deeds[week, deed]['']}", f"{row[name]}")
        for name, deed in SORTS:
            expected = {sort: count for sort, count in deeds[week, deed].items() if count}
            if row[name].keys() != expected.keys() or not all(
                _is_as(row[name][one], expected[one]) for one in expected
            ):
                yield say(f"week {week} {name}", f"{expected}", f"{row[name]}")


def _reasons(
    say: Say, table: str, expected: Mapping[str, int], rows: Sequence[Mapping[str, Any]]
) -> Iterator[Divergence]:
    found = {row["code"]: row["people"] for row in rows}
    for code in sorted(expected.keys() | found.keys()):
        if code not in found or shown(expected.get(code, 0)) != found[code]:
            yield say(f"{table} {code}", f"{shown(expected.get(code, 0))}", f"{found.get(code, 'no row')}")


def _slots(say: Say, weekly: Weekly, rows: Sequence[Mapping[str, Any]]) -> Iterator[Divergence]:
    found = {
        (row["week_on"], row["site_id"], row["plan"]): (row["capacity"], row["booked"], row["used"]) for row in rows
    }
    expected = weekly.slots()
    for key in sorted(expected.keys() | found.keys(), key=str):
        is_same = key in expected and key in found and expected[key][0] == found[key][0]
        if not is_same or not all(map(_is_as, found[key][1:], expected[key][1:])):
            yield say(f"slots {'/'.join(map(str, key))}", f"{expected.get(key)}", f"{found.get(key)}")


def _targets(say: Say, evidence: Evidence, report: Mapping[str, Any]) -> Iterator[Divergence]:
    """The list as it was announced last."""
    rows = [row for row in evidence.table("reporting", "target_zip") if row["programme_id"] == report["programme_id"]]
    names = ("zip5", "rank", "members", "unvaccinated", "coverage")
    listed = sorted((row for row in rows if row["listed"]), key=lambda row: (row["rank"], row["zip5"]))
    if [{name: row[name] for name in names} for row in listed] != [dict(one) for one in report["targets"]]:
        yield say("targets", f"the {len(listed)} that were announced last", f"{len(report['targets'])}, or others")


def _quality(say: Say, evidence: Evidence, weekly: Weekly, found: Mapping[str, Any]) -> Iterator[Divergence]:
    letters = [row["state"] for row in evidence.table("reporting", "dead_letter")]
    sums = {"dead_letters": letters.count("dead"), "parked": letters.count("parked"), "records_behind": 0}
    feeds: dict[str, dict[str, int]] = {}
    for fact in (one for one in weekly.mine if "rows_read" in one.body):
        mine = feeds.setdefault(fact.body["kind"], {"files": 0})
        mine["files"] += 1
        for name in ("rows_read", "rows_accepted", "rows_rejected", "rows_unlinked", "rows_unchanged"):
            mine[name] = mine.get(name, 0) + fact.body.get(name, 0)
    for name, count in sums.items():
        if found[name] != count:
            yield say(f"quality {name}", f"{count}", f"{found[name]}")
    told = {row["kind"]: {name: one for name, one in row.items() if name != "kind"} for row in found["feeds"]}
    if told != feeds:
        yield say("quality feeds", "the sums of the files that were processed", "others")
