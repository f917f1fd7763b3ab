"""What of coverage may be shown: the headline, the tables by one column, and the cells by every column."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.reporting.figures.report import Headline, Row
from services.reporting.population.rules import HIDDEN, Coverage, added, can_show, cover, cover_table, is_few
from services.reporting.population.shares import Counts


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
    if is_few(twice.members) and all(coverage.members is not None for coverage in seen):
        seen[smallest] = HIDDEN
    elif not can_show(twice) and all(coverage.vaccinated is not None for coverage in seen):
        seen[smallest] = Coverage(seen[smallest].members, None, None)
    return tuple(replace(row, coverage=coverage) for row, coverage in zip(rows, seen, strict=True))


def _beside(seen: Coverage, others: Counts) -> Coverage:
    if is_few(others.members):
        return HIDDEN
    return seen if not others.members or can_show(others) else Coverage(seen.members, None, None)


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
