"""Which ZIPs are the week's targets, and which figures of them may be shown. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from schemas.reporting_v1 import TargetZipListedV1
from services.reporting.population.rules import (
    HIDDEN,
    THRESHOLD,
    Coverage,
    can_show,
    complete,
    cover,
    cover_table,
    enough_members,
    shown,
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
    """What may be shown of the target group by ZIP, beside the report's totals and its table of everybody by ZIP: a
    figure is kept back where it is hidden there, or where it would give away those who are not targets. A figure that
    the table shows anyway can't hide another one."""
    there = dict(zip(everybody, cover_table(list(everybody.values())), strict=True))
    others = {zip5: _others(everybody[zip5], counts) for zip5, counts in target.items()}
    others = {zip5: counts for zip5, counts in others.items() if counts.members}
    few = {zip5 for table in (target, others) for zip5, counts in table.items() if shown(counts.members) is None}
    known = {zip5 for zip5 in target if zip5 not in others and there[zip5].members is not None}
    no_members = _complete_both(few, _without(target, known), others, enough_members)
    few = {zip5 for table in (target, others) for zip5, counts in table.items() if not can_show(counts)}
    few |= {zip5 for zip5 in target if there[zip5].vaccinated is None} | no_members
    known = {zip5 for zip5 in target if zip5 not in others and there[zip5].vaccinated is not None}
    no_vaccinated = _complete_both(few, _without(target, known), others, can_show)
    return {
        zip5: HIDDEN if zip5 in no_members else cover(counts, hide=zip5 in no_vaccinated)
        for zip5, counts in target.items()
    }


def _without(zips: Mapping[str, Counts], known: set[str]) -> dict[str, Counts]:
    return {zip5: counts for zip5, counts in zips.items() if zip5 not in known}


def _complete_both(
    hidden: set[str], target: Mapping[str, Counts], others: Mapping[str, Counts], enough: Callable[[Counts], bool]
) -> set[str]:
    """Hide further ZIPs until neither the hidden targets nor the others there come out of the totals."""
    before: set[str] = set()
    while hidden != before:
        before = hidden
        for table in (target, others):
            rows, zips = list(table.values()), list(table)
            found = complete({i for i, zip5 in enumerate(zips) if zip5 in hidden}, rows, enough)
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
    hidden = [counts for zip5, counts in target.items() if seen[zip5].vaccinated is None]
    members = sum(counts.members for counts in hidden)
    share = sum(counts.members - counts.vaccinated for counts in hidden) / members if members else 0.0
    waiting = {zip5: _waiting(counts, seen[zip5], share) for zip5, counts in target.items() if zip5 != "unknown"}
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
