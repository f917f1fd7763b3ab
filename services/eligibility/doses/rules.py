"""The canonical dose: what several reports say of one vaccination, linked and counted once. Pure.

A `Ledger` holds the doses and reports that a batch may touch. Reports are never merged into each other: a dose is
derived from its live reports, so that taking one back leaves what the others say.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.eligibility.doses.reports import (
    APPOINTMENT,
    PLAN,
    REGISTRY,
    Report,
    is_of_source,
    is_older,
    over,
    says_the_same,
    with_words_of,
)
from services.eligibility.vital.sharing import is_withheld

BELIEF = {APPOINTMENT: 0, REGISTRY: 1, PLAN: 2}
"""Whose word on product and lot is taken, the best first: who gave the dose, then the registry."""


_Day = tuple[UUID, date]
"""A person's day."""


class Dose(NamedTuple):
    """One vaccination of one person. `vaccine_groups` are all that it counts for where they are several; `more_cvx` are
    reported vaccines that name a group which `cvx` does not. `version` counts what was announced; 0: nothing yet. The
    fields are the columns of its table, in their order."""

    dose_id: UUID
    member_token: UUID
    vaccine_group: str
    cvx: str
    mvx: str
    lot: str
    administered_on: date
    is_partial: bool
    is_retracted: bool
    sources: tuple[str, ...]
    appointment_id: UUID | None = None
    supersedes: UUID | None = None
    version: int = 0
    is_announced: bool = False
    known_on: date | None = None
    vaccine_groups: tuple[str, ...] = ()
    more_cvx: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Codes:
    """What the vaccine codes mean: the groups a dose counts for, and which codes name no product."""

    groups_of: Callable[[str], tuple[str, ...]]
    is_specific: Callable[[str], bool]


@dataclass(slots=True)
class Ledger:
    """Doses and reports of one batch. `changed_*` are what is to be saved; `loaded` are the persons all of whose doses
    are here. Kept, and no dose, are reports of a registry that is `withheld` for the person, and those of a day before
    the person was `born`, as his plans state it. `found`: reports as they waited of whom a later message of the same
    dose has found the person."""

    new_id: Callable[[], UUID]
    codes: Codes
    doses: dict[UUID, Dose] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    changed_doses: dict[UUID, Dose] = field(default_factory=dict)
    changed_reports: dict[str, Report] = field(default_factory=dict)
    dirty: set[UUID] = field(default_factory=set)
    loaded: set[UUID] = field(default_factory=set)
    withheld: dict[UUID, frozenset[str]] = field(default_factory=dict)
    born: dict[UUID, date] = field(default_factory=dict)
    found: list[Report] = field(default_factory=list)
    _told: dict[UUID, Dose] = field(default_factory=dict)
    _of_dose: defaultdict[UUID, set[str]] = field(default_factory=lambda: defaultdict(set))
    _of_day: defaultdict[_Day, set[str]] = field(default_factory=lambda: defaultdict(set))
    _of_event: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _gone_on: defaultdict[tuple[UUID | None, date], set[str]] = field(default_factory=lambda: defaultdict(set))
    _days: dict[_Day, None] = field(default_factory=dict)

    def add(self, doses: Iterable[Dose], reports: Iterable[Report]) -> None:
        """Take what is stored."""
        for dose in doses:
            self.doses[dose.dose_id] = self._told[dose.dose_id] = dose
        for report in reports:
            self._keep(report)

    def take(self, said: Report) -> bool:
        """Take a statement. False if it says nothing new, or something older than what is known."""
        known = self.reports.get(said.event_key)
        if known is not None:
            if is_older(said, known):
                if (heard := with_words_of(known, said)) != known:
                    self._put(heard)
                return False
            if known.member_token is None and said.member_token is not None:
                self.found.append(known._replace(member_token=said.member_token))
            said = with_words_of(with_words_of(over(known, said), known), said)
            if says_the_same(said, known):
                self._put(said)  # said again, and later: what was said in between is history now
                return False
        self._put(said)
        return True

    def of_event(self, event_id: str) -> list[Report]:
        """The reports that bear this number of their sender, whoever they are about."""
        return [self.reports[key] for key in sorted(self._of_event.get(event_id, ()))]

    def alike(self, said: Report) -> list[Report]:
        """The live reports of the same source about the same person, day and, if one is said, the same vaccine."""
        if said.member_token is None:
            return []
        on_day = [self.reports[key] for key in sorted(self._of_day.get((said.member_token, said.administered_on), ()))]
        return [
            report
            for report in on_day
            if is_of_source(said, report) and (not said.cvx or self.is_same(report.cvx, said.cvx))
        ]

    def gone_unnumbered(self, member_token: UUID | None, on: date) -> list[Report]:
        """What was taken back of a person's day, or, without one, of those who wait, and bears no number."""
        return [self.reports[key] for key in sorted(self._gone_on.get((member_token, on), ()))]

    def overlap(self, cvx: str, other: str) -> bool:
        """Whether two vaccines may be one: they share a group."""
        return not set(self.codes.groups_of(cvx)).isdisjoint(self.codes.groups_of(other))

    def is_same(self, cvx: str, other: str) -> bool:
        """Whether two codes can name what one needle gave: a combination is none of its parts."""
        return set(self.codes.groups_of(cvx)) == set(self.codes.groups_of(other))

    def link(self, event_key: str, member_token: UUID) -> None:
        """A report that waited has found its member."""
        self._put(self.reports[event_key]._replace(member_token=member_token))

    def move(self, retired: UUID, survivor: UUID) -> None:
        """All of a merged person's doses are the survivor's; two of one day become one."""
        for report in [report for report in self.reports.values() if report.member_token == retired]:
            self._put(report._replace(member_token=survivor))
        for dose in [dose for dose in self.doses.values() if dose.member_token == retired]:
            self.doses[dose.dose_id] = dose._replace(member_token=survivor)
            self.dirty.add(dose.dose_id)

    def restore(self, reports: Iterable[Report]) -> None:
        """These stand as they are given, each with its person."""
        for report in reports:
            if self.reports.get(report.event_key) != report:
                self._put(report)

    def part(self, survivor: UUID, retired: UUID, his: Collection[UUID]) -> None:
        """Whoever was one is two: the doses that the retired one had before (`his`) are his again, and so is every
        other one of which all that is said was said of him."""
        for dose in [dose for dose in self.doses.values() if dose.member_token == survivor]:
            whose = {self.reports[key].member_token for key in self._of_dose[dose.dose_id]}
            if dose.dose_id in his or whose == {retired}:
                self.doses[dose.dose_id] = dose._replace(member_token=retired)
                self.dirty.add(dose.dose_id)

    def reconsider(self, tokens: Collection[UUID] | None = None) -> None:
        """Group and derive everything, or all of these persons, anew: what the codes mean, what is visible, what may be
        shared, or the birth date, may have changed."""
        self.dirty |= {dose_id for dose_id, dose in self.doses.items() if tokens is None or dose.member_token in tokens}
        self._days |= dict.fromkeys(
            (report.member_token, report.administered_on)
            for report in self.reports.values()
            if report.member_token and not report.is_retracted and (tokens is None or report.member_token in tokens)
        )

    def decide_doses(self, today: date) -> list[tuple[Dose, str]]:
        """Derive every dose that was touched. Gives what is to be announced, as dose and action; its version counts."""
        self._regroup()
        news = []
        for dose_id in sorted(self.dirty):
            told = self._told.get(dose_id)
            now = self._derived(self.doses[dose_id])
            action = _action(told, now, is_visible=not now.is_retracted and now.administered_on <= today)
            if action:
                now = now._replace(version=now.version + 1, is_announced=action != RETRACT, known_on=today)
                news.append((now, action))
            self.doses[dose_id] = self.changed_doses[dose_id] = self._told[dose_id] = now
        self.dirty.clear()
        return news

    def is_before_birth(self, report: Report) -> bool:
        """Whether the person whose it is was not born on its day."""
        born_on = self.born.get(report.member_token) if report.member_token else None
        return born_on is not None and report.administered_on < born_on

    def touched(self) -> set[UUID]:
        """Persons about whom something may have to be decided anew."""
        return {dose.member_token for dose in self.changed_doses.values()}

    # -- reports

    def _put(self, report: Report) -> None:
        """Take a report in the place of what was known; the days that it leaves and reaches are grouped anew."""
        known = self.reports.get(report.event_key)
        for entry in (known, report):
            if entry is not None and entry.member_token is not None:
                self._days[entry.member_token, entry.administered_on] = None
        if known is not None:
            self._drop(known)
        self._keep(report)
        self.changed_reports[report.event_key] = report

    def _keep(self, report: Report) -> None:
        self.reports[report.event_key] = report
        if report.dose_id is not None:
            self._of_dose[report.dose_id].add(report.event_key)
        if report.event_id:
            self._of_event[report.event_id].add(report.event_key)
        if report.is_retracted and not report.event_id:
            self._gone_on[report.member_token, report.administered_on].add(report.event_key)
        if report.member_token is not None and not report.is_retracted:
            self._of_day[report.member_token, report.administered_on].add(report.event_key)

    def _drop(self, report: Report) -> None:
        self._gone_on[report.member_token, report.administered_on].discard(report.event_key)
        if report.dose_id is not None:
            self._of_dose[report.dose_id].discard(report.event_key)
            self.dirty.add(report.dose_id)
        if report.member_token is not None:
            self._of_day[report.member_token, report.administered_on].discard(report.event_key)

    # -- which reports are one dose

    def _regroup(self) -> None:
        """Give the reports of every touched day their doses: first those that stay where they stand, then those of
        reports that came from another day, then new ones."""
        parts = [(day, part) for day in self._days for part in self._parts(day)]
        self._days.clear()
        taken: set[UUID] = set()
        joined: list[tuple[UUID, UUID]] = []
        order = sorted(
            range(len(parts)), key=lambda n: (-len(parts[n][1]), min(report.report_id for report in parts[n][1]))
        )
        staying = set()
        for place in order:
            day, part = parts[place]
            if standing := self._standing(day, part, taken):
                staying.add(place)
                taken.add(standing[0])
                joined += [(standing[0], gone) for gone in standing[1:]]
                self._assign(part, standing[0], day)
        for day, part in (pair for place, pair in enumerate(parts) if place not in staying):
            dose_id = self._left_behind(day, part, taken) or self._begin(part[0])
            taken.add(dose_id)
            self._assign(part, dose_id, day)
        for kept, gone in joined:
            if not self._live(gone):
                self.doses[kept] = self.doses[kept]._replace(supersedes=gone)

    def _parts(self, day: _Day) -> list[list[Report]]:
        """A person's live reports of one day that can stand for a dose, parted into doses: reports whose groups overlap
        are one, also by way of a third one."""
        parts: list[tuple[set[str], list[Report]]] = []
        for report in filter(self._counts, (self.reports[key] for key in sorted(self._of_day.get(day, ())))):
            groups, mine = set(self.codes.groups_of(report.cvx)), [report]
            for part in [part for part in parts if not groups.isdisjoint(part[0])]:
                parts.remove(part)
                groups |= part[0]
                mine = [*part[1], *mine]
            parts.append((groups, mine))
        return [mine for _, mine in parts]

    def _standing(self, day: _Day, part: Iterable[Report], taken: set[UUID]) -> list[UUID]:
        """The doses of these reports that stand on their day, the one to stay first: one that lives, that was this
        person's before, the oldest."""
        member_token, on = day
        ids = {report.dose_id for report in part if report.dose_id is not None} - taken
        mine = [
            dose
            for dose in map(self.doses.__getitem__, ids)
            if (dose.member_token, dose.administered_on) == (member_token, on)
        ]
        mine.sort(key=lambda dose: (dose.is_retracted, self._token_told(dose.dose_id) != member_token, dose.dose_id))
        return [dose.dose_id for dose in mine]

    def _token_told(self, dose_id: UUID) -> UUID | None:
        told = self._told.get(dose_id)
        return told.member_token if told else None

    def _left_behind(self, day: _Day, part: Iterable[Report], taken: set[UUID]) -> UUID | None:
        """A dose of the same person that nobody else's report stands for: it moves along."""
        keys = {report.event_key for report in part}
        ids = sorted({report.dose_id for report in part if report.dose_id is not None} - taken)
        free = [
            dose_id for dose_id in ids if self.doses[dose_id].member_token == day[0] and not self._live(dose_id) - keys
        ]
        return free[0] if free else None

    def _live(self, dose_id: UUID) -> set[str]:
        """The reports that the dose is derived from."""
        reports = (self.reports[key] for key in self._of_dose[dose_id])
        return {report.event_key for report in reports if not report.is_retracted and self._counts(report)}

    def _counts(self, report: Report) -> bool:
        return self._is_shared(report) and not self.is_before_birth(report)

    def _is_shared(self, report: Report) -> bool:
        withheld = self.withheld.get(report.member_token) if self.withheld and report.member_token else None
        return not withheld or report.source != REGISTRY or not is_withheld(report.sender, withheld)

    def _begin(self, report: Report) -> UUID:
        assert report.member_token is not None
        dose = Dose(self.new_id(), report.member_token, "", report.cvx, report.mvx, report.lot, report.administered_on,
                    report.is_partial, is_retracted=False, sources=(report.source,))  # fmt: skip
        self.doses[dose.dose_id] = dose
        return dose.dose_id

    def _assign(self, part: Iterable[Report], dose_id: UUID, day: _Day) -> None:
        self.doses[dose_id] = self.doses[dose_id]._replace(administered_on=day[1])
        self.dirty.add(dose_id)
        for report in part:
            if report.dose_id != dose_id:
                self._drop(report)
                self._keep(moved := report._replace(dose_id=dose_id))
                self.changed_reports[moved.event_key] = moved

    # -- what they say together

    def _derived(self, dose: Dose) -> Dose:
        """What the live reports say together; without any it was never given, or is not told any more."""
        live = [self.reports[key] for key in sorted(self._live(dose.dose_id))]
        if not live:
            return dose._replace(is_retracted=True)
        live.sort(
            key=lambda report: (BELIEF[report.source], report.is_historical, -len(self.codes.groups_of(report.cvx)))
        )
        naming = [report for report in live if self.codes.is_specific(report.cvx)] or live
        cvx, *more = self._covering([report.cvx for report in naming])
        groups = tuple(dict.fromkeys(group for code in (cvx, *more) for group in self.codes.groups_of(code)))
        return dose._replace(
            vaccine_group=groups[0],
            vaccine_groups=groups if len(groups) > 1 else (),
            cvx=cvx,
            more_cvx=tuple(more),
            mvx=next((report.mvx for report in live if report.mvx), ""),
            lot=next((report.lot for report in live if report.lot), ""),
            administered_on=live[0].administered_on,
            is_partial=all(report.is_partial for report in live),
            is_retracted=False,
            sources=tuple(sorted({report.source for report in live})),
            appointment_id=next((report.appointment_id for report in live if report.appointment_id), None),
        )

    def _covering(self, said: Iterable[str]) -> list[str]:
        """The vaccine that is believed, and of the others those that stand for a group which it does not name."""
        found: list[str] = []
        groups: set[str] = set()
        for cvx in said:
            mine = set(self.codes.groups_of(cvx))
            if not mine <= groups:
                found.append(cvx)
                groups |= mine
        return found


NEW, UPDATE, RETRACT = "new", "update", "retract"


def _action(told: Dose | None, now: Dose, *, is_visible: bool) -> str | None:
    """What is to be announced of a dose, if anything."""
    was_announced = told is not None and told.is_announced
    if is_visible and not was_announced:
        return NEW
    if was_announced and not is_visible:
        return RETRACT
    return UPDATE if is_visible and now != told else None
