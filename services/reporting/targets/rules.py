"""Which ZIPs are the week's targets, and which figures of them may be shown. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schemas.reporting_v1 import TargetZipListedV1
from services.reporting.population.rules import (
    HIDDEN,
    THRESHOLD,
    Coverage,
    added,
    can_show,
    cover,
    cover_table,
    is_few,
)
from services.reporting.population.shares import Counts


@dataclass(frozen=True, slots=True)
class TargetZip:
    """A ZIP where many of the programme's target members wait. `rank` 1 has the most."""

    zip5: str
    rank: int
    members: int | None
    unvaccinated: int | None
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Wish:
    """Which list is asked for."""

    programme_id: str
    week_on: date
    least_unvaccinated: int
    at_most: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The list as announced, and the ZIPs that are on it no longer."""

    as_of: date
    listed: list[TargetZip]
    delisted: list[str]


def cover_targets(everybody: Mapping[str, Counts], target: Mapping[str, Counts]) -> dict[str, Coverage]:
    """What may be shown of the target group by ZIP, beside the report's totals and its table of everybody by ZIP: those
    who are no targets come out by subtracting, here and in the totals. A ZIP's figures are shown whole or not at all;
    while the group's vaccinated are hidden, the members alone."""
    rows = cover_table(list(everybody.values()))
    there = dict(zip(everybody, rows, strict=False)) or dict.fromkeys(everybody, HIDDEN)
    group, rest = added(target.values()), _others(added(everybody.values()), added(target.values()))
    if not rest.members:
        return {zip5: there[zip5] for zip5 in target}
    seen = _cover_group(group, rest)
    if seen.members is None:
        return dict.fromkeys(target, HIDDEN)
    if seen.vaccinated is None:
        hidden = _complete(everybody, target, _members_fit, (lambda counts: counts.members,), there)
        return {
            zip5: HIDDEN if zip5 in hidden else Coverage(counts.members, None, None) for zip5, counts in target.items()
        }
    parts = (lambda counts: counts.vaccinated, lambda counts: counts.members - counts.vaccinated)
    hidden = _complete(everybody, target, _all_fit, parts, there)
    return {zip5: HIDDEN if zip5 in hidden else cover(counts) for zip5, counts in target.items()}


def _cover_group(group: Counts, rest: Counts) -> Coverage:
    """The target group as the report's headline shows it."""
    pair = cover_table([group, rest])
    return pair[0] if pair else HIDDEN


def _members_fit(counts: Counts, others: Counts, there: Coverage) -> bool:
    is_few_of = is_few(counts.members) or is_few(others.members)
    return not is_few_of and there.members is not None


def _all_fit(counts: Counts, others: Counts, there: Coverage) -> bool:
    return can_show(counts) and (not others.members or can_show(others)) and there.vaccinated is not None


def _complete(
    everybody: Mapping[str, Counts],
    target: Mapping[str, Counts],
    fits: Callable[[Counts, Counts, Coverage], bool],
    parts: Sequence[Callable[[Counts], int]],
    there: Mapping[str, Coverage],
) -> set[str]:
    """The ZIPs to hide: those that don't fit, and further ones, the smallest first, until of none of them the targets
    or the others come out, even if everybody there was known. Where all are targets the report's table tells of them:
    hiding such a ZIP here covers no other."""
    others = {zip5: _others(everybody[zip5], counts) for zip5, counts in target.items()}
    hidden = {zip5 for zip5, counts in target.items() if not fits(counts, others[zip5], there[zip5])}
    told = {zip5 for zip5 in target if not others[zip5].members and there[zip5].vaccinated is not None}

    def is_open(part: Callable[[Counts], int]) -> bool:
        unknown = hidden - told
        sums = [sum(part(table[zip5]) for zip5 in unknown) for table in (target, others)]
        if not any(others[zip5].members for zip5 in unknown):  # they are hidden as everybody there is
            return len(unknown) > 1 and sums[0] >= THRESHOLD
        most = max(part(everybody[zip5]) for zip5 in unknown)
        return len(unknown) > 1 and min(*sums, sum(sums) - most) >= THRESHOLD

    while hidden and len(hidden) < len(target) and not all(map(is_open, parts)):
        hidden.add(min(target.keys() - hidden, key=lambda zip5: (zip5 in told, target[zip5].members, zip5)))
    return hidden


def _others(everybody: Counts, target: Counts) -> Counts:
    return Counts(everybody.members - target.members, everybody.vaccinated - target.vaccinated)


def rank_targets(
    everybody: Mapping[str, Counts], target: Mapping[str, Counts], least_unvaccinated: int, at_most: int
) -> list[TargetZip]:
    """The ZIPs with the most unvaccinated target members. Where their number is hidden, one that anybody could work
    out stands for it, so that neither the rank nor being listed tells more than the figures do."""
    seen = cover_targets(everybody, target)
    share = _share_of_hidden(everybody, target, seen)
    waiting = {zip5: _waiting(counts, seen[zip5], share) for zip5, counts in target.items() if zip5 != "unknown"}
    enough = [zip5 for zip5, people in waiting.items() if people >= max(least_unvaccinated, THRESHOLD)]
    enough.sort(key=lambda zip5: (-waiting[zip5], zip5))
    return [as_listed(zip5, rank, seen[zip5]) for rank, zip5 in enumerate(enough[:at_most], start=1)]


def _share_of_hidden(
    everybody: Mapping[str, Counts], target: Mapping[str, Counts], seen: Mapping[str, Coverage]
) -> float:
    """Which share of the target group is unvaccinated, in all hidden ZIPs together; where that is hidden too, all of it
    if few are vaccinated, none if few are not, else half."""
    group = added(target.values())
    rest = _others(added(everybody.values()), group)
    whole = _cover_group(group, rest) if rest.members else cover(group)
    if whole.vaccinated is None:
        few = group.vaccinated < THRESHOLD, group.members - group.vaccinated < THRESHOLD
        return 1.0 if few[0] else 0.0 if few[1] else 0.5
    hidden = added(counts for zip5, counts in target.items() if seen[zip5].vaccinated is None)
    return (hidden.members - hidden.vaccinated) / hidden.members if hidden.members else 0.0


def _waiting(exact: Counts, seen: Coverage, share_of_hidden: float) -> int:
    """How many are unvaccinated, as far as the figures tell; of hidden ones as many as in all hidden rows together, and
    where even the members are hidden, rounded down to elevens."""
    if seen.unvaccinated is not None:
        return seen.unvaccinated
    members = exact.members - (0 if seen.members is not None else exact.members % THRESHOLD)
    return int(members * share_of_hidden)


def as_listed(zip5: str, rank: int, seen: Coverage) -> TargetZip:
    """The listed ZIP with the figures that may be shown."""
    coverage = None if seen.share is None else round(seen.share.value, 4)
    return TargetZip(zip5, rank, seen.members, seen.unvaccinated, coverage)


def of_announced(members: int | None, unvaccinated: int | None) -> Coverage:
    """What may be shown of the figures of a list as announced: lists of earlier releases may hold figures that give few
    vaccinated away."""
    if members is None or unvaccinated is None:
        return Coverage(members, None, None)
    return cover(Counts(members, members - unvaccinated))


def events_of(wish: Wish, listed: list[TargetZip], delisted: list[str], now: datetime) -> list[TargetZipListedV1]:
    """What others hear: each ZIP that is on the list, and each that has left it."""
    on = [
        TargetZipListedV1(
            occurred_at=now, zip5=target.zip5, programme_id=wish.programme_id, week_on=wish.week_on, listed=True,
            rank=target.rank, members=target.members, unvaccinated=target.unvaccinated, coverage=target.coverage,
        )
        for target in listed
    ]  # fmt: skip
    off = [
        TargetZipListedV1(
            occurred_at=now, zip5=zip5, programme_id=wish.programme_id, week_on=wish.week_on, listed=False
        )
        for zip5 in delisted
    ]
    return on + off
