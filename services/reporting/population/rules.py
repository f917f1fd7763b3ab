"""Rules of counting: what may be shown, how sure a share is, which ZIPs are the week's targets. Pure functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log, sqrt

THRESHOLD = 11
"""Counts of 1 to 10 people are hidden: the least number that the Centers for Medicare & Medicaid Services let show."""

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Exact counts, never shown as they are."""

    members: int
    vaccinated: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What may be shown of Counts. None: hidden, because somebody could be recognised."""

    members: int | None
    vaccinated: int | None
    share: Interval | None

    @property
    def unvaccinated(self) -> int | None:
        """Shown exactly when `vaccinated` is."""
        return None if self.members is None or self.vaccinated is None else self.members - self.vaccinated


HIDDEN = Coverage(None, None, None)


def shown(people: int) -> int | None:
    """The count, or None for 1 to 10."""
    return None if 0 < people < THRESHOLD else people


def can_show(counts: Counts) -> bool:
    """Whether both the vaccinated and the others are many enough. None at all, or everybody, would tell something of
    each single one."""
    return min(counts.vaccinated, counts.members - counts.vaccinated) >= THRESHOLD


def cover(counts: Counts, *, hide: bool = False) -> Coverage:
    """What may be shown of one cell; `hide` keeps the vaccinated back even if they are many."""
    members = shown(counts.members)
    if members is None or hide or not can_show(counts):
        return Coverage(members, None, None)
    return Coverage(members, counts.vaccinated, wilson(counts.vaccinated, counts.members))


def cover_table(rows: Sequence[Counts]) -> list[Coverage]:
    """What may be shown of the rows of a table whose total is shown beside it. What is hidden must not come out by
    subtracting: the hidden rows together have to be a cell that could be shown, of two rows at least."""
    no_members = _complete({i for i, row in enumerate(rows) if shown(row.members) is None}, rows, _enough_members)
    no_vaccinated = {i for i, row in enumerate(rows) if not can_show(row)} | no_members
    no_vaccinated = _complete(no_vaccinated, rows, can_show)
    return [HIDDEN if i in no_members else cover(row, hide=i in no_vaccinated) for i, row in enumerate(rows)]


def _enough_members(together: Counts) -> bool:
    return together.members >= THRESHOLD


def _complete(hidden: set[int], rows: Sequence[Counts], enough: Callable[[Counts], bool]) -> set[int]:
    hidden = set(hidden)
    while hidden and len(hidden) < len(rows):
        together = Counts(sum(rows[i].members for i in hidden), sum(rows[i].vaccinated for i in hidden))
        if len(hidden) > 1 and enough(together):
            break
        hidden.add(min(set(range(len(rows))) - hidden, key=lambda i: rows[i].members))
    return hidden


def wilson(some: int, of: int) -> Interval:
    """A share with Wilson's score interval (Wilson 1927; Newcombe, Stat Med 1998;17:857-872, method 3)."""
    share, z2 = some / of, Z_95**2
    middle, width = 2 * some + z2, Z_95 * sqrt(z2 + 4 * some * (1 - share))
    low, high = (middle - width) / (2 * (of + z2)), (middle + width) / (2 * (of + z2))
    return Interval(share, max(0.0, low), min(1.0, high))


def difference(first: Counts, second: Counts) -> Interval:
    """First share minus second, with the square-and-add Wilson interval (Newcombe, Stat Med 1998;17:873-890,
    method 10)."""
    one, other = wilson(first.vaccinated, first.members), wilson(second.vaccinated, second.members)
    value = one.value - other.value
    down = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    up = sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Interval(value, value - down, value + up)


def ratio(first: Counts, second: Counts) -> Interval:
    """First share over second, with the log interval (Katz et al., Biometrics 1978;34:469-474). Both counts of
    vaccinated must be above 0."""
    value = (first.vaccinated / first.members) / (second.vaccinated / second.members)
    error = sqrt(1 / first.vaccinated - 1 / first.members + 1 / second.vaccinated - 1 / second.members)
    return Interval(value, exp(log(value) - Z_95 * error), exp(log(value) + Z_95 * error))


@dataclass(frozen=True, slots=True)
class Disparity:
    """Coverage in the most vulnerable quarter of areas against the least vulnerable, at one level of area."""

    level: str
    most: Coverage
    least: Coverage
    difference: Interval
    ratio: Interval


def disparity(groups: dict[str, Counts], level: str = "tract") -> Disparity | None:
    """None where one of the two could not be shown. ZIP values are shares and no ranks, so they have no quarters."""
    most, least = groups.get(f"{level}:4"), groups.get(f"{level}:1")
    if most is None or least is None or not (can_show(most) and can_show(least)):
        return None
    return Disparity(level, cover(most), cover(least), difference(most, least), ratio(most, least))


def monday_of(day: date) -> date:
    """The first day of the day's week."""
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True, slots=True)
class TargetZip:
    """A ZIP where many of the programme's target members wait. `rank` 1 has the most."""

    zip5: str
    rank: int
    members: int | None
    unvaccinated: int | None
    coverage: float | None


def cover_targets(everybody: Mapping[str, Counts], target: Mapping[str, Counts]) -> dict[str, Coverage]:
    """What may be shown of the target group by ZIP, beside the report's totals and its table of everybody by ZIP: a
    figure is kept back where it is hidden there, or where it would give away those who are not targets. A figure that
    the table shows anyway can't hide another one."""
    there = dict(zip(everybody, cover_table(list(everybody.values())), strict=True))
    others = {zip5: _others(everybody[zip5], each) for zip5, each in target.items()}
    others = {zip5: each for zip5, each in others.items() if each.members}
    few = {zip5 for table in (target, others) for zip5, each in table.items() if shown(each.members) is None}
    known = {zip5 for zip5 in target if zip5 not in others and there[zip5].members is not None}
    no_members = _complete_both(few, _without(target, known), others, _enough_members)
    few = {zip5 for table in (target, others) for zip5, each in table.items() if not can_show(each)}
    few |= {zip5 for zip5 in target if there[zip5].vaccinated is None} | no_members
    known = {zip5 for zip5 in target if zip5 not in others and there[zip5].vaccinated is not None}
    no_vaccinated = _complete_both(few, _without(target, known), others, can_show)
    return {
        zip5: HIDDEN if zip5 in no_members else cover(each, hide=zip5 in no_vaccinated) for zip5, each in target.items()
    }


def _without(zips: Mapping[str, Counts], known: set[str]) -> dict[str, Counts]:
    return {zip5: each for zip5, each in zips.items() if zip5 not in known}


def _complete_both(
    hidden: set[str], target: Mapping[str, Counts], others: Mapping[str, Counts], enough: Callable[[Counts], bool]
) -> set[str]:
    """Hide further ZIPs until neither the hidden targets nor the others there come out of the totals."""
    before: set[str] = set()
    while hidden != before:
        before = hidden
        for table in (target, others):
            rows, zips = list(table.values()), list(table)
            found = _complete({i for i, zip5 in enumerate(zips) if zip5 in hidden}, rows, enough)
            hidden = hidden | {zips[i] for i in found}
    return hidden


def _others(everybody: Counts, target: Counts) -> Counts:
    return Counts(everybody.members - target.members, everybody.vaccinated - target.vaccinated)


def rank_targets(
    everybody: Mapping[str, Counts], target: Mapping[str, Counts], least_unvaccinated: int, at_most: int
) -> list[TargetZip]:
    """The ZIPs with the most unvaccinated target members. Where their number is hidden, one that anybody could work
    out stands for it, so that neither the rank nor being listed tells more than the figures do."""
    seen = cover_targets(everybody, target)
    hidden = [each for zip5, each in target.items() if seen[zip5].vaccinated is None]
    members = sum(each.members for each in hidden)
    share = sum(each.members - each.vaccinated for each in hidden) / members if members else 0.0
    waiting = {zip5: _waiting(each, seen[zip5], share) for zip5, each in target.items() if zip5 != "unknown"}
    enough = [zip5 for zip5, people in waiting.items() if people >= max(least_unvaccinated, THRESHOLD)]
    enough.sort(key=lambda zip5: (-waiting[zip5], zip5))
    return [as_listed(zip5, rank, seen[zip5]) for rank, zip5 in enumerate(enough[:at_most], start=1)]


def _waiting(exact: Counts, seen: Coverage, share_of_hidden: float) -> int:
    """How many are unvaccinated, as far as the figures tell; in a hidden row with few vaccinated everybody, in another
    one as many as in all hidden rows together."""
    if seen.unvaccinated is not None:
        return seen.unvaccinated
    members = exact.members - (0 if seen.members is not None else exact.members % THRESHOLD)
    if exact.vaccinated < THRESHOLD:
        return members
    return int(members * share_of_hidden) if can_show(exact) else 0


def as_listed(zip5: str, rank: int, seen: Coverage) -> TargetZip:
    """The listed ZIP with the figures that may be shown."""
    coverage = None if seen.share is None else round(seen.share.value, 4)
    return TargetZip(zip5, rank, seen.members, seen.unvaccinated, coverage)
