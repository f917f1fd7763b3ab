"""The canonical dose: what several reports say of one vaccination, linked and counted once. Pure.

A `Ledger` holds the doses and reports that a batch may touch. Reports are never merged into each other: a dose is
derived from its live reports, so that taking one back leaves what the others say.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

APPOINTMENT, REGISTRY, PLAN = "appointment", "iis", "plan"
BELIEF = {APPOINTMENT: 0, REGISTRY: 1, PLAN: 2}
"""Whose word on product and lot is taken, the best first: who gave the dose, then the registry."""


class Report(NamedTuple):
    """One source's statement about one dose. `event_key` is the sender's own name of the vaccination, or what stands
    for it; `tenant_id` for whom the sender may speak, `*` for everybody. The fields are the columns of its table, in
    their order."""

    report_id: UUID
    source: str
    event_key: str
    token: UUID | None = None
    dose_id: UUID | None = None
    cvx: str = ""
    mvx: str = ""
    lot: str = ""
    administered_on: date = date.min
    is_historical: bool = False
    is_partial: bool = False
    is_retracted: bool = False
    stated_at: datetime | None = None
    appointment_id: UUID | None = None
    appointment_version: int = 0
    subject: dict[str, object] | None = None
    file_id: UUID | None = None
    row: int | None = None
    tenant_id: str = "*"


class Dose(NamedTuple):
    """One vaccination of one person. `version` counts what was announced; 0: nothing yet. The fields are the columns
    of its table, in their order."""

    dose_id: UUID
    token: UUID
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


@dataclass(frozen=True, slots=True)
class Codes:
    """What the vaccine codes mean: the group a dose counts for, and which codes name no product."""

    group_of: Callable[[str], str]
    is_specific: Callable[[str], bool]


@dataclass(slots=True)
class Ledger:
    """Doses and reports of one batch. `changed_*` are what is to be saved; `loaded` are the persons
    all of whose doses are here."""

    new_id: Callable[[], UUID]
    codes: Codes
    doses: dict[UUID, Dose] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    changed_doses: dict[UUID, Dose] = field(default_factory=dict)
    changed_reports: dict[str, Report] = field(default_factory=dict)
    dirty: set[UUID] = field(default_factory=set)
    loaded: set[UUID] = field(default_factory=set)
    _told: dict[UUID, Dose] = field(default_factory=dict)
    _of_dose: defaultdict[UUID, set[str]] = field(default_factory=lambda: defaultdict(set))
    _by_day: dict[tuple[UUID, str, date], UUID] = field(default_factory=dict)

    def add(self, doses: Iterable[Dose], reports: Iterable[Report]) -> None:
        """Take what is stored."""
        for dose in doses:
            self.doses[dose.dose_id] = self._told[dose.dose_id] = dose
            if not dose.is_retracted:
                self._by_day.setdefault((dose.token, dose.vaccine_group, dose.administered_on), dose.dose_id)
        for report in reports:
            self.reports[report.event_key] = report
            if report.dose_id is not None:
                self._of_dose[report.dose_id].add(report.event_key)

    def hear(self, said: Report) -> bool:
        """Take a statement. False if it says nothing new, or something older than what is known."""
        known = self.reports.get(said.event_key)
        if known is not None:
            if _is_older(said, known):
                return False
            said = _over(known, said)
            if _says_the_same(said, known):
                self._put(said)  # said again, and later: what was said in between is history now
                return False
        self._put(said)
        self._place(said)
        return True

    def retract_unnamed(self, token: UUID, cvx: str, day: date, source: str, tenant: str = "*") -> bool:
        """Take back what a source of a tenant said of a person's dose of that day, and vaccine if one is said, without
        its name."""
        mine = [
            report
            for (owner, group, given_on), dose_id in self._by_day.items()
            if owner == token and given_on == day and (not cvx or group == self.codes.group_of(cvx))
            for report in (self.reports[key] for key in self._of_dose[dose_id])
            if (report.source, report.tenant_id) == (source, tenant) and not report.is_retracted
        ]
        for report in mine:
            self._put(report._replace(is_retracted=True))
        return bool(mine)

    def link(self, event_key: str, token: UUID) -> None:
        """A report that waited has found its member."""
        self._put(self.reports[event_key]._replace(token=token))
        self._place(self.reports[event_key])

    def move(self, retired: UUID, survivor: UUID) -> None:
        """All of a merged person's doses are the survivor's; two of one day become one."""
        for report in [one for one in self.reports.values() if one.token == retired]:
            self._put(report._replace(token=survivor))
        for dose in [one for one in self.doses.values() if one.token == retired]:
            self.dirty.add(dose.dose_id)
            twin = self._by_day.get((survivor, dose.vaccine_group, dose.administered_on))
            self._by_day.pop((retired, dose.vaccine_group, dose.administered_on), None)
            if twin is not None and not dose.is_retracted:
                self._join(kept=twin, gone=dose.dose_id)
            moved = self.doses[dose.dose_id]._replace(token=survivor)
            self.doses[dose.dose_id] = moved
            if not moved.is_retracted and twin is None:
                self._by_day[survivor, dose.vaccine_group, dose.administered_on] = dose.dose_id

    def settle(self, today: date) -> list[tuple[Dose, str]]:
        """Derive every dose that was touched. Gives what is to be announced, as dose and action; its version counts."""
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

    def touched(self) -> set[UUID]:
        """Persons about whom something may have to be decided anew."""
        return {one.token for one in self.changed_doses.values()}

    # -- helpers

    def _put(self, report: Report) -> None:
        self.reports[report.event_key] = self.changed_reports[report.event_key] = report
        if report.dose_id is not None:
            self._of_dose[report.dose_id].add(report.event_key)
            self.dirty.add(report.dose_id)

    def _place(self, report: Report) -> None:
        """Find its dose: the person's dose of that group and day, else the one it stood for, else a new one."""
        if report.token is None or report.is_retracted:
            return
        key = report.token, self.codes.group_of(report.cvx), report.administered_on
        current = self.doses.get(report.dose_id) if report.dose_id else None
        target = self._by_day.get(key)
        if target is None:
            is_alone = current is not None and current.token == report.token and not self._others(report)
            target = self._shift(current, key) if current is not None and is_alone else self._begin(report, key)
            self._by_day[key] = target
        if current is not None and current.dose_id != target:
            self._of_dose[current.dose_id].discard(report.event_key)
            self.dirty.add(current.dose_id)
        self._put(report._replace(dose_id=target))

    def _shift(self, dose: Dose, key: tuple[UUID, str, date]) -> UUID:
        """The dose leaves its group and day for another."""
        left = dose.token, dose.vaccine_group, dose.administered_on
        if self._by_day.get(left) == dose.dose_id:
            del self._by_day[left]
        _, group, day = key
        self.doses[dose.dose_id] = dose._replace(vaccine_group=group, administered_on=day)
        return dose.dose_id

    def _others(self, report: Report) -> bool:
        assert report.dose_id is not None
        keys = self._of_dose[report.dose_id] - {report.event_key}
        return any(not self.reports[key].is_retracted for key in keys)

    def _begin(self, report: Report, key: tuple[UUID, str, date]) -> UUID:
        token, group, day = key
        dose = Dose(self.new_id(), token, group, report.cvx, report.mvx, report.lot, day, report.is_partial,
                    is_retracted=False, sources=(report.source,))  # fmt: skip
        self.doses[dose.dose_id] = dose
        return dose.dose_id

    def _join(self, kept: UUID, gone: UUID) -> None:
        for key in list(self._of_dose[gone]):
            self._put(self.reports[key]._replace(dose_id=kept))
        self._of_dose[gone].clear()
        self.doses[kept] = self.doses[kept]._replace(supersedes=gone)
        self.dirty |= {kept, gone}

    def _derived(self, dose: Dose) -> Dose:
        """What the live reports say together; without any it was never given."""
        live = [one for key in sorted(self._of_dose[dose.dose_id]) if not (one := self.reports[key]).is_retracted]
        if not live:
            return dose._replace(is_retracted=True)
        live.sort(key=lambda one: (BELIEF[one.source], one.is_historical))
        cvx = next((one.cvx for one in live if self.codes.is_specific(one.cvx)), live[0].cvx)
        return dose._replace(
            vaccine_group=self.codes.group_of(cvx),
            cvx=cvx,
            mvx=next((one.mvx for one in live if one.mvx), ""),
            lot=next((one.lot for one in live if one.lot), ""),
            administered_on=live[0].administered_on,
            is_partial=all(one.is_partial for one in live),
            is_retracted=False,
            sources=tuple(sorted({one.source for one in live})),
            appointment_id=next((one.appointment_id for one in live if one.appointment_id), None),
        )


NEW, UPDATE, RETRACT = "new", "update", "retract"


def _action(told: Dose | None, now: Dose, *, is_visible: bool) -> str | None:
    """What is to be announced of a dose, if anything."""
    was_announced = told is not None and told.is_announced
    if is_visible and not was_announced:
        return NEW
    if was_announced and not is_visible:
        return RETRACT
    return UPDATE if is_visible and now != told else None


def _over(known: Report, said: Report) -> Report:
    """The statement in the known one's place. Taking back needs to say nothing of the dose."""
    if said.is_retracted:
        stated_at, version = said.stated_at or known.stated_at, said.appointment_version
        return known._replace(is_retracted=True, stated_at=stated_at, appointment_version=version)
    return said._replace(report_id=known.report_id, dose_id=known.dose_id, token=said.token or known.token)


def _is_older(said: Report, known: Report) -> bool:
    if said.source == APPOINTMENT:
        return said.appointment_version <= known.appointment_version
    return said.stated_at is not None and known.stated_at is not None and said.stated_at < known.stated_at


def _says_the_same(said: Report, known: Report) -> bool:
    about = known.subject if known.token else said.subject
    as_known = said._replace(stated_at=known.stated_at, file_id=known.file_id, row=known.row, subject=about,
                       appointment_version=known.appointment_version)  # fmt: skip
    return as_known == known
