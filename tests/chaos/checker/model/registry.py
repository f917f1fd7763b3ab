"""What registries and sites say of doses: whom each report is about, found by number, birth date and name alone, and
the doses that the reports stand for. A report without a member waits until one is found."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from tests.chaos.checker.inputs.codes import match_key
from tests.chaos.checker.inputs.records import DoseRow, Identifier, Who
from tests.chaos.checker.model.joining import plans_of
from tests.chaos.checker.model.member import Person, agrees
from tests.chaos.checker.model.people import People
from tests.chaos.checker.model.registry_words import Consent, Said, consent_of
from tests.chaos.checker.model.reports import (
    OF,
    REGISTRY,
    SHARED,
    SITE,
    Dose,
    Event,
    Report,
    agreement,
    dose_of,
    event_key_of,
    is_alike,
    is_content,
    is_earlier,
    is_same_patient,
    overlapping,
    personal,
    report_of,
)

UNSHARED = frozenset({"MB", *SHARED})
"""Numbers by which nothing that is known of another is looked for."""
Where = tuple[int, int]
"""File and row."""


@dataclass(slots=True)
class Registrar:
    """Takes the rows of registries' files in their order. `unlinked` are the rows whose dose had no member when it was
    read."""

    people: People
    reports: dict[str, Report] = field(default_factory=dict)
    waiting: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    said: dict[Person, Said] = field(default_factory=dict)
    numbered: defaultdict[Event, list[Report]] = field(default_factory=lambda: defaultdict(list))
    unnumbered: defaultdict[date | None, set[str]] = field(default_factory=lambda: defaultdict(set))
    patients: dict[Identifier, tuple[date, str]] = field(default_factory=dict)
    unlinked: dict[Where, Report] = field(default_factory=dict)

    def take(self, row: DoseRow, file_no: int) -> None:
        """Take one row that is not rejected."""
        who = row.who
        if row.is_patient and who.birth_on is not None:
            self.patients.update(dict.fromkeys(personal(who), (who.birth_on, who.sex)))
        found = self._link(row)
        if not row.is_patient:
            for person, event_key in self._keys(event_key_of(row), [person for person, _ in found]):
                kept = self._hear(row, person, event_key)
                if kept.person is None and not kept.is_retracted:
                    self.unlinked[file_no, row.row] = kept
        elif not found and who.family and who.given:
            self._hear(row, None, event_key_of(row))
        for person, is_tied in found:
            if is_tied or row.is_patient:
                self.look_again(person)

    def look_again(self, person: Person) -> None:
        """Try the reports that wait for somebody of this person's numbers or name, and those of other plans' members of
        the same numbers or name."""
        self._look_at_waiting(person)
        self._share(person.last)

    def _keys(self, event_key: str, persons: Collection[Person]) -> list[tuple[Person | None, str]]:
        """Each person's own report: the first, or who has it, under the row's key; nobody's under that."""
        if not persons:
            return [(None, event_key)]
        known = self.reports.get(event_key)
        holder = known.person.last if known is not None and known.person is not None else None
        ordered = sorted(persons, key=lambda one: (one is not holder, one.number))
        return [(one, f"{event_key}{OF}{one.number}" if place else event_key) for place, one in enumerate(ordered)]

    def _share(self, person: Person) -> None:
        """What was reported of others is reported of this person too, if that is whom it may be about."""
        finders = [self.people.by_key.get(key, set()) for key in person.keys]
        finders += [found for one, found in self.people.by_number.items() if one[0] not in UNSHARED and person in found]
        others = set().union(*finders) - {person} if finders else set()
        told: dict[str, Report] = {}
        for one in self.reports.values():
            row_key = one.event_key.split(OF)[0]
            if one.person is not None and one.person.last in others and one.row is not None:
                told[row_key] = one if OF not in one.event_key else told.get(row_key, one)
        is_tied = False
        for row_key, report in told.items():
            assert report.row is not None
            who = self._completed(report.row.who)
            found = dict(self._find(who))
            if found.get(person):
                news = [self.people.tie(number, person) for number in personal(who)]
                is_tied |= any(news)
            known, key = self.reports.get(row_key), f"{row_key}{OF}{person.number}"
            is_own = known is not None and known.person is not None and known.person.last is person
            is_own = is_own or self._has_of_number(person, report)
            if person in found and key not in self.reports and not is_own:
                self._copy(report, report.row, person, key)
                self._say_of(person, report)
        if is_tied:
            self.look_again(person)

    def _has_of_number(self, person: Person, report: Report) -> bool:
        """Whether this person has the same vaccination, by its number, from another message of the sender's."""
        mine = self.numbered[report.event] if report.event is not None else []
        return any(
            one.person is not None and one.person.last is person and one.sender == report.sender
            and is_alike(one, report)
            for one in mine
        )  # fmt: skip

    def _say_of(self, person: Person, report: Report) -> None:
        """What a report's registry said of sharing and reminders, of whom it was heard of, it says of this person."""
        said = self.said.get(report.person.last) if report.person is not None else None
        consent = said.consents.get(report.sender.lower()) if said is not None else None
        if consent is not None:
            self.said[person].consents.setdefault(report.sender.lower(), Consent()).hear(consent)

    def _copy(self, report: Report, row: DoseRow, person: Person, event_key: str) -> None:
        self._note(person, row)
        copy = replace(report, person=person, event_key=event_key)
        self._keep(copy, None)
        self._take_back(copy, row)

    def _look_at_waiting(self, person: Person) -> None:
        known = [person.last]
        while known:
            one = known.pop()
            for event_key in sorted({event for key in one.keys for event in self.waiting.get(key, ())}):
                report = self.reports[event_key]
                if report.person is not None or report.row is None:
                    continue
                found = self._link(report.row)
                for place, (one_of, is_tied) in enumerate(found):
                    if place:
                        self._copy(report, report.row, one_of, f"{event_key}{OF}{one_of.number}")
                    else:
                        report.person = one_of
                        self._take_back(report, report.row)
                    known += [one_of] if is_tied else []

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
        """The doses by person, first vaccine group and day: reports of one day are one where their groups overlap. What
        a registry reported of whom it protects stands for none."""
        live: defaultdict[tuple[Person, date], list[Report]] = defaultdict(list)
        for report in self.reports.values():
            if report.person is None or report.is_retracted or report.given_on is None:
                continue
            said = self.said.get(report.person.last)
            if report.source == SITE or said is None or report.sender.lower() not in said.protecting:
                live[report.person.last, report.given_on].append(report)
        found = {}
        for (person, on), reports in live.items():
            for dose in map(dose_of, overlapping(reports)):
                found[person, dose.groups[0], on] = dose
        return found

    def still_unlinked(self) -> Iterator[Report]:
        return (one for one in self.reports.values() if one.person is None and not one.is_retracted)

    # -- whom

    def _link(self, row: DoseRow) -> list[tuple[Person, bool]]:
        """The persons, of one plan at most one, and whether their numbers are news."""
        who, linked = self._completed(row.who), []
        for person, by_name in self._find(who):
            news = [self.people.tie(one, person) for one in personal(who)] if by_name else []
            self._note(person, row)
            linked.append((person, any(news)))
        return linked

    def _find(self, who: Who) -> list[tuple[Person, bool]]:
        """Plan by plan: what one lists hides and shows nobody of another. Also whether by name."""
        numbered = {
            person
            for identifier in personal(who)
            for person in self.people.by_number.get(identifier, ())
            if any(agrees(who, one) for one in person.enrolments.values() if not one.is_retired)
        }
        key = match_key(who.family, who.given, who.birth_on, who.zip5)
        named = set(self.people.by_key.get(key, ())) if key else set()
        found: dict[Person, bool] = {}
        for plan in sorted({plan for one in numbered | named for plan in plans_of(one)}):
            by_number = [one for one in numbered if plan in plans_of(one)]
            by_name = [one for one in named if plan in plans_of(one)]
            if len(by_number) == 1:
                found.setdefault(by_number[0], False)
            elif len(by_name) == 1:
                found.setdefault(by_name[0], True)
        return sorted(found.items(), key=lambda pair: pair[0].number)

    def _completed(self, who: Who) -> Who:
        """A number alone is of whom the registry's patient file says."""
        if who.birth_on is not None or who.family:
            return who
        about = {self.patients[one] for one in personal(who) if one in self.patients}
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
            known.consents.setdefault(row.sender.lower(), Consent()).hear(consent_of(row, row.stated_at))

    # -- what

    def _hear(self, row: DoseRow, person: Person | None, event_key: str) -> Report:
        said = replace(report_of(row, person), event_key=event_key)
        if row.action == "D" and not row.is_patient:
            return self._delete(said, row)
        if row.is_given and (gone := self._deleted_ahead(said, row)) is not None:
            return gone
        known = self._known(said, row)
        if known is None and said.event_key in self.reports:
            known = self.reports[said.event_key]
        if known is not None:
            said.event_key = known.event_key
            if is_earlier(said, known):
                return known
            if said.is_retracted:
                known.is_retracted, known.stated_at = True, said.stated_at or known.stated_at
                return known
            said.person = said.person or known.person
            said.is_corrected = said.is_corrected or known.is_corrected
        self._keep(said, known)
        return said

    def _known(self, said: Report, row: DoseRow) -> Report | None:
        """The report that a row corrects or says again, by its number; the row's own key may be another's then."""
        mine = self._mine(said)
        if not mine:
            return None
        best = max(mine, key=lambda one: agreement(said, one))
        said.is_corrected = row.action == "U"
        alike = agreement(said, best)[0]
        if alike or said.is_corrected or all(one.is_retracted for one in mine):
            return best
        if best.is_corrected and is_earlier(said, best):
            return best
        said.event_key = "\x1f".join((said.event_key, said.cvx, said.given_on.isoformat() if said.given_on else ""))
        return None

    def _delete(self, said: Report, row: DoseRow) -> Report:
        """By number, else by what the sender said of the day and the vaccine."""
        mine = self._mine(said)
        if mine:
            doomed = mine if len(mine) == 1 else [one for one in mine if is_alike(said, one)]
        elif row.is_given and (said.cvx or said.event is None):
            live = self._live_alike(said)
            linked = [one for one in live if said.person is not None and one.person is not None]
            doomed = linked or [one for one in live if one.person is None]
        else:
            doomed = []
        is_any_live = any(not one.is_retracted for one in doomed)
        for one in doomed:
            if one.is_retracted is not is_any_live and not is_earlier(said, one):
                one.is_retracted, one.stated_at = True, said.stated_at or one.stated_at
        if said.event is None or all(one.event != said.event for one in doomed):
            known = self.reports.get(said.event_key)
            if known is None:
                self._keep(said, None)
            elif known.is_retracted and not is_earlier(said, known):
                known.stated_at = said.stated_at or known.stated_at
        return said

    def _deleted_ahead(self, said: Report, row: DoseRow) -> Report | None:
        """What the sender deleted without a number after it said this: all that the patient had that day of the
        vaccine, or of any."""
        known = [self.reports[one] for one in sorted(self.unnumbered.get(row.given_on, ()))]
        gone = [one for one in known if one.is_retracted and one.sender == said.sender and is_earlier(said, one)]
        return next((one for one in gone if is_content(said, one) and is_same_patient(said, one)), None)

    def _live_alike(self, said: Report) -> list[Report]:
        told = [one for one in self.reports.values() if one.source == REGISTRY and one.sender == said.sender]
        return [one for one in told if not one.is_retracted and is_content(said, one) and is_same_patient(said, one)]

    def _take_back(self, report: Report, row: DoseRow) -> None:
        """Once its member is known, a report meets the deletions of his day, and a deletion his reports."""
        pairs: list[tuple[Report, Report]] = []
        if not report.is_retracted and (gone := self._deleted_ahead(report, row)) is not None:
            pairs = [(report, gone)]
        elif report.event_key in self.unnumbered.get(report.given_on, ()) and report.is_retracted:
            pairs = [(one, report) for one in self._live_alike(report) if one.person is not None]
        for known, gone in pairs:
            if not is_earlier(gone, known):
                known.is_retracted, known.stated_at = True, gone.stated_at or known.stated_at

    def _mine(self, said: Report) -> list[Report]:
        told = self.numbered.get(said.event, []) if said.event else []
        return [one for one in told if one.sender == said.sender and is_same_patient(said, one)]

    def _keep(self, said: Report, instead: Report | None) -> None:
        self.reports[said.event_key] = said
        if said.event is None and said.event_key.startswith("dose\x1f"):
            self.unnumbered[said.given_on].add(said.event_key)
        if said.event:
            told = self.numbered[said.event]
            if instead in told:
                told.remove(instead)
            told.append(said)
        if said.person is None:
            for key in ("\x1f".join(one) for one in personal(said.who)):
                self.waiting[key].add(said.event_key)
            if key := match_key(said.who.family, said.who.given, said.who.birth_on, said.who.zip5):
                self.waiting[key].add(said.event_key)
