"""What registries and sites say of doses: whom each report is about, found by number, birth date and name alone, and
the doses that the reports stand for. A report without a member waits until one is found."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from tests.chaos.checker.inputs.codes import group_of, is_specific, match_key
from tests.chaos.checker.inputs.records import DoseRow, Identifier, Who
from tests.chaos.checker.model.people import People, Person, agrees

SITE, REGISTRY = "appointment", "iis"
SHARED = frozenset({"SN", "SS"})
Where = tuple[int, int]
"""File and row."""


@dataclass(slots=True, eq=False)
class Report:
    """One source's statement about one dose."""

    source: str
    who: Who
    person: Person | None = None
    cvx: str = ""
    mvx: str = ""
    lot: str = ""
    given_on: date | None = None
    is_historical: bool = False
    is_partial: bool = False
    is_retracted: bool = False
    stated_at: datetime | None = None
    event_key: str = ""
    row: DoseRow | None = None


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose that live reports stand for."""

    cvx: str
    mvx: str
    lot: str
    is_partial: bool
    sources: tuple[str, ...]


@dataclass(slots=True)
class Said:
    """What a registry said of a person."""

    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    zip5: str = ""
    tract: str = ""
    consents: dict[str, "Consent"] = field(default_factory=dict)

    @property
    def is_protected(self) -> bool:
        """Whether any registry says so."""
        return any(one.protection[2] for one in self.consents.values() if one.protection)

    @property
    def barred(self) -> tuple[str, ...]:
        """The channels that any registry bars."""
        codes = {one.publicity[2] for one in self.consents.values() if one.publicity}
        if codes - {"", *CALLS_BARRED, *NONE_BARRED}:
            return CHANNELS
        return CHANNELS[:1] if codes & CALLS_BARRED else ()


CHANNELS = ("phone", "text", "letter", "email", "visit")
NONE_BARRED, CALLS_BARRED = frozenset({"02", "04", "06"}), frozenset({"03", "05", "07"})


@dataclass(slots=True)
class Consent:
    """What one registry says of sharing and of reminders: from which day, in the message of which instant, and what."""

    protection: tuple[date, datetime, bool] | None = None
    publicity: tuple[date, datetime, str] | None = None

    def hear(self, other: "Consent") -> None:
        """The newest of each."""
        said = [one.protection for one in (self, other) if one.protection]
        codes = [one.publicity for one in (self, other) if one.publicity]
        self.protection, self.publicity = max(said, default=None), max(codes, default=None)


@dataclass(slots=True)
class Registrar:
    """Takes the rows of registries' files in their order. `unlinked` are the rows whose dose had no member when it was
    read."""

    people: People
    reports: dict[str, Report] = field(default_factory=dict)
    waiting: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    said: dict[Person, Said] = field(default_factory=dict)
    patients: dict[Identifier, tuple[date, str]] = field(default_factory=dict)
    unlinked: dict[Where, Report] = field(default_factory=dict)

    def take(self, row: DoseRow, file_no: int) -> None:
        """Take one row that is not rejected."""
        who = row.who
        if row.is_patient and who.birth_on is not None:
            self.patients.update(dict.fromkeys(_personal(who), (who.birth_on, who.sex)))
        person, is_tied = self._link(row)
        if not row.is_patient:
            kept = self._hear(row, person)
            if kept.person is None and not kept.is_retracted:
                self.unlinked[file_no, row.row] = kept
        elif person is None and who.family and who.given:
            self._hear(row, None)
        if person is not None and (is_tied or row.is_patient):
            self.look_again(person)

    def look_again(self, person: Person) -> None:
        """Try the reports that wait for somebody of this person's numbers or name."""
        known = [person.last]
        while known:
            one = known.pop()
            for event_key in sorted({event for key in one.keys for event in self.waiting.get(key, ())}):
                report = self.reports[event_key]
                if report.person is not None or report.row is None:
                    continue
                found, is_tied = self._link(report.row)
                if found is not None:
                    report.person = found
                    known += [found] if is_tied else []

    def merge(self, kept: Person, gone: Person) -> None:
        """What was said of one of two entries is said of the person."""
        moved = self.said.pop(gone, None)
        if moved is not None:
            known = self.said.setdefault(kept, moved)
            for source, consent in moved.consents.items():
                known.consents.setdefault(source, Consent()).hear(consent)

    def give(self, appointment_id: str, person: Person | None, dose: dict[str, str] | None) -> None:
        """What a site recorded of an appointment; no dose: nothing was given, or it was taken back."""
        if dose is not None:
            key = f"appointment {appointment_id}"
            self.reports[key] = Report(
                SITE, Who(), person, dose["cvx"], dose.get("mvx") or "", dose["lot"],
                date.fromisoformat(dose["administered_on"]), event_key=f"appointment\x1f{appointment_id}",
            )  # fmt: skip

    def doses(self) -> dict[tuple[Person, str, date], Dose]:
        """The doses by person, vaccine group and day."""
        live: defaultdict[tuple[Person, str, date], list[Report]] = defaultdict(list)
        for report in self.reports.values():
            if report.person is not None and not report.is_retracted and report.given_on is not None:
                live[report.person.last, group_of(report.cvx), report.given_on].append(report)
        return {key: _dose(reports) for key, reports in live.items()}

    def still_unlinked(self) -> Iterator[Report]:
        return (one for one in self.reports.values() if one.person is None and not one.is_retracted)

    # -- whom

    def _link(self, row: DoseRow) -> tuple[Person | None, bool]:
        """The person, and whether his numbers are news."""
        who = self._completed(row.who)
        person, by_name = self._find(who)
        if person is None:
            return None, False
        news = [self.people.tie(one, person) for one in _personal(who)] if by_name else []
        self._note(person, row)
        return person, any(news)

    def _find(self, who: Who) -> tuple[Person | None, bool]:
        numbered = {
            person
            for identifier in _personal(who)
            for person in self.people.by_number.get(identifier, ())
            if any(agrees(who, one) for one in person.enrolments.values() if not one.is_retired)
        }
        if len(numbered) == 1:
            return numbered.pop(), False
        key = match_key(who.family, who.given, who.birth_on, who.zip5)
        named = set(self.people.by_key.get(key, ())) if key else set()
        return (named.pop(), True) if len(named) == 1 else (None, False)

    def _completed(self, who: Who) -> Who:
        """A number alone is of whom the registry's patient file says."""
        if who.birth_on is not None or who.family:
            return who
        about = {self.patients[one] for one in _personal(who) if one in self.patients}
        if len(about) != 1:
            return who
        birth_on, sex = about.pop()
        return replace(who, birth_on=birth_on, sex=sex)

    def _note(self, person: Person, row: DoseRow) -> None:
        who = row.who
        known = self.said.get(person)
        if known is None:
            known = self.said[person] = Said(who.races, who.ethnicity, who.zip5, who.tract)
        known.races, known.ethnicity = who.races or known.races, who.ethnicity or known.ethnicity
        if who.tract:
            known.zip5, known.tract = who.zip5, who.tract
        if row.stated_at is not None and (row.is_protected is not None or row.publicity):
            known.consents.setdefault(row.sender, Consent()).hear(_consent(row, row.stated_at))

    # -- what

    def _hear(self, row: DoseRow, person: Person | None) -> Report:
        said = _report(row, person)
        known = self.reports.get(said.event_key)
        if known is not None:
            if said.stated_at and known.stated_at and said.stated_at < known.stated_at:
                return known
            if said.is_retracted:
                known.is_retracted, known.stated_at = True, said.stated_at or known.stated_at
                return known
            said.person = said.person or known.person
        self.reports[said.event_key] = said
        if said.person is None:
            who = row.who
            for key in ("\x1f".join(one) for one in _personal(who)):
                self.waiting[key].add(said.event_key)
            if key := match_key(who.family, who.given, who.birth_on, who.zip5):
                self.waiting[key].add(said.event_key)
        return said


def _consent(row: DoseRow, at: datetime) -> Consent:
    protection = None if row.is_protected is None else (row.protected_on or at.date(), at, row.is_protected)
    return Consent(protection, (at.date(), at, row.publicity) if row.publicity else None)


def _personal(who: Who) -> list[Identifier]:
    return [one for one in who.identifiers if one[0] not in SHARED]


def _report(row: DoseRow, person: Person | None) -> Report:
    return Report(
        REGISTRY, row.who, person, row.cvx, row.mvx, row.lot, row.given_on, row.is_historical, row.is_partial,
        is_retracted=row.is_patient or row.action == "D" or not row.is_given, stated_at=row.stated_at,
        event_key=_event_key(row), row=row,
    )  # fmt: skip


def _event_key(row: DoseRow) -> str:
    """The sender's own name of the vaccination, else who, what and when."""
    if row.event is not None:
        return "\x1f".join(("event", *row.event))
    who, numbers = row.who, _personal(row.who)
    born = who.birth_on.isoformat() if who.birth_on else ""
    key = "" if numbers else match_key(who.family, who.given, who.birth_on, who.zip5)
    whose = (*(numbers[0] if numbers else ("", "", "")), born, key)
    if row.is_patient:
        return "\x1f".join(("patient", *whose))
    return "\x1f".join(("dose", *whose, row.cvx, row.given_on.isoformat() if row.given_on else ""))


def _dose(reports: Iterable[Report]) -> Dose:
    """What the reports say together; the site is believed before the registry, and its own record before a memory."""
    live = sorted(reports, key=lambda one: (one.source != SITE, one.is_historical, one.event_key))
    return Dose(
        cvx=next((one.cvx for one in live if is_specific(one.cvx)), live[0].cvx),
        mvx=next((one.mvx for one in live if one.mvx), ""),
        lot=next((one.lot for one in live if one.lot), ""),
        is_partial=all(one.is_partial for one in live),
        sources=tuple(sorted({one.source for one in live})),
    )
