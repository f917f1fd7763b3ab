"""What of the exact counts the report may show: all tables at once, because one beside the other could tell what each
of them hides. Where a table can't be kept safe otherwise it is left out. Pure.

Each rule is for somebody who has all of one report, and knows how its figures are defined. Reports of several weeks or
plans side by side are beyond it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from services.reporting.figures.report import Funnel, Headline, Reason, Row, Slots, Stage
from services.reporting.population.rules import (
    HIDDEN,
    THRESHOLD,
    Coverage,
    added,
    can_show,
    complete,
    cover,
    cover_table,
    is_complete,
    is_few,
    leaves_open,
    shown,
)
from services.reporting.population.shares import Counts

STAGES = ("enrolled", "ever-eligible", "case-opened", "attempted", "reached", "booked", "dose-after-outreach")
OUTCOMES = ("dose-after-outreach", "dose-at-own-site-otherwise", "dose-elsewhere", "dose-before-the-case", "no-dose")
MATTERS = ("case-opened", "dose-after-outreach", "enrolled", "ever-eligible", "reached", "attempted", "booked")
"""The stages by how much they are wanted: of two that can't be shown together the first one is."""
LAST = "dose-after-outreach"

People = Mapping[str, int]
Sums = dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Exact:
    """One funnel as it is: people by stage and, each after "outcome ", by outcome; and how many are in scope now."""

    plan: str | None
    people: People
    in_scope: int


def headline(in_scope: Counts, target: Counts, lately: int) -> Headline:
    """The target group beside everybody in scope: those in scope who are no targets come out by subtracting. Of the
    vaccinated so do those of before the last seven days."""
    seen = cover(in_scope)
    others = less(in_scope, target)
    if others.members:
        pair = cover_table([target, others])
        group = pair[0] if pair else HIDDEN
    else:
        group = seen
    is_safe = group.vaccinated is not None and not is_few(lately) and not is_few(target.vaccinated - lately)
    return Headline(group, lately if is_safe else None, seen)


def less(counts: Counts, some: Counts) -> Counts:
    """The others."""
    return Counts(counts.members - some.members, counts.vaccinated - some.vaccinated)


def coverage_rows(counts: Mapping[str, Counts]) -> tuple[Row, ...]:
    """A table of coverage by one column; empty where no row of it may stand."""
    seen = cover_table(list(counts.values()))
    return tuple(Row(group, coverage) for group, coverage in zip(counts, seen, strict=False))


def plans(counts: Mapping[str, Counts], in_scope: Counts) -> tuple[Row, ...]:
    """Coverage by plan. Whoever is in two plans stands in both rows, so the rows less everybody are those people: where
    they are few the smallest row is hidden. Everybody less one row are those who are in other plans only."""
    rows, twice = coverage_rows(counts), less(added(counts.values()), in_scope)
    if not rows or not twice.members:
        return rows
    smallest = min(range(len(rows)), key=lambda i: counts[rows[i].group].members)
    seen = [_beside(row.coverage, less(in_scope, counts[row.group])) for row in rows]
    if is_few(twice.members) and all(one.members is not None for one in seen):
        seen[smallest] = HIDDEN
    elif not can_show(twice) and all(one.vaccinated is not None for one in seen):
        seen[smallest] = Coverage(seen[smallest].members, None, None)
    return tuple(replace(row, coverage=one) for row, one in zip(rows, seen, strict=True))


def _beside(seen: Coverage, others: Counts) -> Coverage:
    if is_few(others.members):
        return HIDDEN
    return seen if not others.members or can_show(others) else Coverage(seen.members, None, None)


# -- the funnels


def funnels(exact: Sequence[Exact], by_plan: Iterable[Row]) -> tuple[Funnel, ...]:
    """The funnel over all plans and, where they tell of few people neither by themselves nor beside it, those of the
    plans. Shown are only stages of which no two differ by few people. The plans' are cut at the same stages, also for
    those who are in two plans."""
    total, each = exact[0], exact[1:]
    stages = _stages([total])
    if any(is_few(total.people["enrolled"] - one.in_scope) for one in each):
        stages -= {"enrolled"}
    outcomes = _outcomes(total, stages)
    if outcomes[LAST] is None:
        stages -= {LAST}
    twice = _twice(total, each)
    common = _stages([total, *each, twice]) & stages if each else set()
    if any(row.coverage.members is None for row in by_plan):
        common -= {"enrolled"}
    found = [_funnel(total, stages, outcomes)]
    if common:
        is_whole = {"case-opened", LAST} <= common and None not in outcomes.values()
        is_whole = is_whole and not any(is_few(one.people[f"outcome {name}"]) for one in (*each, twice)
                                        for name in OUTCOMES)  # fmt: skip
        for one in each:
            mine: Sums = {name: one.people[f"outcome {name}"] if is_whole else None for name in OUTCOMES}
            found.append(_funnel(one, common, mine | ({LAST: one.people[LAST]} if LAST in common else {})))
    return tuple(found)


def _twice(total: Exact, each: Sequence[Exact]) -> Exact:
    """Those who are in two plans."""
    people = {name: sum(one.people[name] for one in each) - count for name, count in total.people.items()}
    return Exact(None, people, sum(one.in_scope for one in each) - total.in_scope)


def _stages(all_of: Sequence[Exact]) -> set[str]:
    """As many stages as can be shown in all these funnels, beside who is in scope."""
    kept: list[str] = []
    for stage in MATTERS:
        wanted = [one for one in STAGES if one in {stage, *kept}]
        if all(_tells_nobody(exact, wanted) for exact in all_of):
            kept = wanted
    return set(kept)


def _tells_nobody(exact: Exact, stages: Sequence[str]) -> bool:
    people = [exact.people[stage] for stage in stages]
    if "enrolled" in stages and is_few(exact.people["enrolled"] - exact.in_scope):
        return False
    return not any(map(is_few, people)) and not any(is_few(before - after) for before, after in pairwise(people))


def _outcomes(exact: Exact, stages: set[str]) -> Sums:
    """The outcomes add up to those with a case, and the first is the last stage: it is hidden last."""
    people = [exact.people[f"outcome {name}"] for name in OUTCOMES]
    if "case-opened" not in stages:
        return dict.fromkeys(OUTCOMES)
    hidden = {i for i, count in enumerate(people) if is_few(count)} | ({0} if LAST not in stages else set())
    while hidden and not (len(hidden) > 1 and sum(people[i] for i in hidden) >= THRESHOLD):
        left = set(range(len(people))) - hidden
        if not left:
            break
        hidden.add(min(left, key=lambda i: (i == 0, people[i] == 0, people[i])))
    return {name: None if i in hidden else people[i] for i, name in enumerate(OUTCOMES)}


def _funnel(exact: Exact, stages: set[str], outcomes: Sums) -> Funnel:
    found, before = [], None
    for stage in STAGES:
        people = exact.people[stage] if stage in stages else None
        found.append(Stage(stage, people, people / before if people is not None and before else None))
        before = people
    return Funnel(exact.plan, tuple(found), outcomes)


# -- the weeks


def one_table(
    counts: Mapping[tuple[date, str], int], unknown: Iterable[Iterable[tuple[date, str]]] = ()
) -> dict[tuple[date, str], int | None]:
    """Counts that have no total. Beside those of 1 to 10 another one is hidden, so that none of them is known to be so
    few: people who were attempted are no more than the attempts. Of each group that is named one at least is hidden, so
    that its sum is not known."""
    rows, keys = list(counts.values()), list(counts)
    hidden = complete({i for i, row in enumerate(rows) if is_few(row)}, rows, leaves_open)
    for group in unknown:
        mine = {i for i, key in enumerate(keys) if key in set(group)}
        if mine and not mine & hidden:
            hidden.add(min(mine, key=lambda i: rows[i]))
    return {key: None if i in hidden else rows[i] for i, key in enumerate(counts)}


def two_tables(first: People, second: People) -> tuple[Sums, Sums]:
    """Two tables of the same people, so with one total. Where one of them would not be safe beside the other, both are
    hidden."""
    found: list[Sums] = []
    for table in (first, second):
        rows = list(table.values())
        hidden = complete({i for i, row in enumerate(rows) if is_few(row)}, rows, leaves_open)
        if not is_complete(hidden, rows, leaves_open):
            return dict.fromkeys(first), dict.fromkeys(second)
        found.append({name: None if i in hidden else rows[i] for i, name in enumerate(table)})
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class Visits:
    """What became of bookings in one week, exactly; `used` by site and plan, where there were blocks."""

    bookings: int = 0
    fulfilled: int = 0
    walk_ins: int = 0
    noshows: int = 0
    cancellations: int = 0
    doses: int = 0
    used: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class VisitsShown:
    """The same as it may be shown; `no_used`: none of the week's places used."""

    bookings: int | None
    fulfilled: int | None
    walk_ins: int | None
    noshows: int | None
    cancellations: int | None
    no_used: bool


def visits(weeks: Mapping[date, Visits], *, no_sum: bool = False) -> dict[date, VisitsShown]:
    """Visits kept are the places used, and with the walk-ins they are the doses at own sites: they are hidden where
    one of these would come out. A booking is kept, missed, cancelled or open: where one of these is few, one week's
    bookings are hidden; and with `no_sum`, because more are not booked than there are bookings."""
    found = {week_on: _week_of_visits(week) for week_on, week in weeks.items()}
    ends = sum(week.fulfilled + week.noshows + week.cancellations for week in weeks.values())
    is_few_open = is_few(abs(sum(week.bookings for week in weeks.values()) - ends))
    is_any_hidden = any(None in {one.fulfilled, one.noshows, one.cancellations} for one in found.values())
    some = [week_on for week_on, week in weeks.items() if week.bookings]
    if some and (no_sum or is_few_open or is_any_hidden) and all(one.bookings is not None for one in found.values()):
        least = min(some, key=lambda week_on: weeks[week_on].bookings)
        found[least] = replace(found[least], bookings=None)
    return found


def _week_of_visits(week: Visits) -> VisitsShown:
    used = [count for count in week.used or () if count]
    is_hidden = (
        is_few(week.fulfilled)
        or is_few(week.walk_ins)
        or is_few(abs(week.fulfilled + week.walk_ins - week.doses))
        or (week.used is not None and is_few(abs(week.fulfilled - sum(used))))
        or (any(map(is_few, used)) and not leaves_open(used))
    ) and bool(week.fulfilled)
    return VisitsShown(
        bookings=shown(week.bookings), fulfilled=None if is_hidden else week.fulfilled,
        walk_ins=None if is_few(abs(week.walk_ins - week.doses)) and not week.fulfilled else shown(week.walk_ins),
        noshows=shown(week.noshows), cancellations=shown(week.cancellations),
        no_used=is_hidden or any(map(is_few, used)),
    )  # fmt: skip


def slots(exact: Iterable[Slots], seen: Mapping[date, VisitsShown]) -> tuple[Slots, ...]:
    """Places by site; in a week in which one place's use can't be told none is."""
    return tuple(
        replace(one, booked=shown(one.booked or 0), used=_used(one.used or 0, seen.get(one.week_on))) for one in exact
    )


def _used(used: int, week: VisitsShown | None) -> int | None:
    return None if used and week is not None and week.no_used else shown(used)


def reasons(people: Mapping[str, int]) -> tuple[Reason, ...]:
    """People by reason, the most frequent first. The hidden ones stand in the order of their codes: another would tell
    which of them has more."""
    rows = [Reason(code, shown(count)) for code, count in people.items()]
    return tuple(sorted(rows, key=lambda row: (row.people is None, -(row.people or 0), row.code)))


# -- everything at once


def cross(
    cells: Mapping[tuple[str, ...], Counts], tables: Sequence[tuple[Mapping[str, Counts], Iterable[Row]]]
) -> dict[tuple[str, ...], Counts]:
    """The cells of coverage by every column that may be shown beside the tables of each column, which come in the
    order of a cell's names: those that can be shown, in shown rows only, as far as what is left of every row, if
    anything, could be shown too. That some cell is not empty is not told."""
    seen = [{row.group for row in rows if row.coverage.vaccinated is not None} for _, rows in tables]
    kept = {
        names: counts for names, counts in cells.items()
        if can_show(counts) and all(name in some for name, some in zip(names, seen, strict=True))
    }  # fmt: skip
    whole = [_by(cells, i) for i in range(len(tables))]
    is_safe = False
    while not is_safe:
        is_safe = True
        for i, (exact, _) in enumerate(tables):
            for name, listed in _by(kept, i).items():
                if not _leaves_many(less(exact[name], listed), less(whole[i][name], listed)):
                    mine = [names for names in kept if names[i] == name]
                    del kept[min(mine, key=lambda names: kept[names].members)]
                    is_safe = False
    return kept


def _by(cells: Mapping[tuple[str, ...], Counts], column: int) -> dict[str, Counts]:
    rows: dict[str, list[Counts]] = {}
    for names, counts in cells.items():
        rows.setdefault(names[column], []).append(counts)
    return {name: added(each) for name, each in rows.items()}


def _leaves_many(people: Counts, enrolments: Counts) -> bool:
    """What is not listed of a row: people as its table counts them, and enrolments, which are more."""
    return can_show(people) or (people == Counts(0, 0) and enrolments == Counts(0, 0))
