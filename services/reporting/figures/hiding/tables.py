"""What of simple tables of counts may be shown: one without a total, two with one total, and people by reason."""

from collections.abc import Iterable, Mapping
from datetime import date

from services.reporting.figures.report import Reason
from services.reporting.population.rules import complete, is_complete, is_few, leaves_open, shown

People = Mapping[str, int]
Sums = dict[str, int | None]


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


def reasons(people: Mapping[str, int]) -> tuple[Reason, ...]:
    """People by reason, the most frequent first. The hidden ones stand in the order of their codes: another would tell
    which of them has more."""
    rows = [Reason(code, shown(count)) for code, count in people.items()]
    return tuple(sorted(rows, key=lambda row: (row.people is None, -(row.people or 0), row.code)))
