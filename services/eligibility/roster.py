"""What rows of a roster do to what is known of members.

A `Book` holds everything that the rows of one batch may touch; it is loaded before and saved after, and decides itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.eligibility.acquaintances import Acquaintances, record_identifiers, role_of, said_of
from services.eligibility.domain import ONE_DAY, Enrolment, Person, Span
from services.eligibility.feeds.records import Address, Coverage, IdType, Maintenance, RosterRecord
from services.eligibility.identity import LISTS, OTHER, Doubt
from services.eligibility.linkage import IdKey

MAX_SPANS = 60
"""Five years of single months; older ones can't matter to a decision."""


@dataclass(slots=True)
class Book(Acquaintances):
    """The people of one batch. `merges` are pairs of survivor and retired token, in order; `held` are rows of whom it
    is doubtful whom they mean, by their ordinals."""

    persons: dict[UUID, Person] = field(default_factory=dict)
    changed_persons: dict[UUID, Person] = field(default_factory=dict)
    changed_enrolments: dict[UUID, Enrolment] = field(default_factory=dict)
    new_identifiers: set[tuple[IdKey, UUID]] = field(default_factory=set)
    new_keys: set[tuple[str, UUID]] = field(default_factory=set)
    merges: list[tuple[UUID, UUID]] = field(default_factory=list)
    held: dict[int, Doubt] = field(default_factory=dict)

    def touched(self) -> set[UUID]:
        """The tokens about whom something may have to be decided anew."""
        of_enrolments = {one.token for one in self.changed_enrolments.values()}
        return of_enrolments | set(self.changed_persons) | {token for pair in self.merges for token in pair}

    def apply(self, record: RosterRecord, key: str, tenant: str, said_on: date, file_no: int) -> bool:
        """Take one row of a plan's roster, with its match key. False if it says nothing new, or is held."""
        token = self._whose(record, tenant, key, file_no)
        if isinstance(token, Doubt):
            self.held[record.position.row] = token
            self._see(record_identifiers(record), tenant, key)
            return False
        if token is None:
            token = self.new_id()
            self._put_person(Person(token))
        token = self._merge_doubles(token, record, tenant, key)
        is_holder = self._takes_number(token, record, tenant)
        is_new = self._note_keys(token, record, key)
        is_new |= self._note_death(token, record)
        return self._restate(token, tenant, record, said_on, file_no, is_holder=is_holder) or is_new

    # -- who

    def _takes_number(self, token: UUID, record: RosterRecord, tenant: str) -> bool:
        """Whether the row's number is its person's. One that lists or renumbers him takes it from who evidently is
        somebody else; another leaves it to who holds it now."""
        own = [one for one in record.person.identifiers if one.type == IdType.MEMBER]
        if all(self.by_identifier.get(one, set()) <= {token} for one in own):
            return True
        numbers = {one.value for one in own}
        judged = self._judged(own, tenant, said_of(record))
        holders = [
            known
            for other, (verdict, is_own) in judged.items()
            if other != token and is_own and verdict is OTHER
            if (known := self.enrolments[other, tenant]).member_id in numbers
        ]
        takes = record.maintenance in LISTS or bool(record.previous and record.previous.identifiers)
        if takes:
            for one in holders:
                self._put_enrolment(one._replace(member_id=""))
        return takes or not holders

    def _merge_doubles(self, token: UUID, record: RosterRecord, tenant: str, key: str) -> UUID:
        """One person under several tokens: a correction says so, or name, birth date and ZIP now agree."""
        if record.previous is None and self.by_key.get(key, set()) <= {token}:
            return token
        said = said_of(record)
        doubles = {one for one in self.by_key.get(key, ()) if self._is_namely(one, said)} if key else set()
        old = self._formerly(record, tenant)
        doubles |= {old} if old else set()
        doubles.add(token)
        survivor = min(doubles)
        for retired in sorted(doubles - {survivor}):
            self._merge(survivor, retired)
        return survivor

    def _merge(self, survivor: UUID, retired: UUID) -> None:
        kept, gone = self.persons[survivor], self.persons[retired]
        self._put_person(gone._replace(merged_into=survivor))
        death_on = kept.death_on or gone.death_on
        self._put_person(kept._replace(is_deceased=kept.is_deceased or gone.is_deceased, death_on=death_on))
        for (token, tenant), one in list(self.enrolments.items()):
            if token == retired and not one.is_retired:
                self._put_enrolment(one._replace(is_retired=True, spans=()))
                self._adopt(survivor, tenant, one)
        for tokens in (*self.by_identifier.values(), *self.by_key.values()):
            if retired in tokens:
                tokens.discard(retired)
                tokens.add(survivor)
        self.new_identifiers = {(key, survivor if token == retired else token) for key, token in self.new_identifiers}
        self.new_keys = {(key, survivor if token == retired else token) for key, token in self.new_keys}
        self.merges.append((survivor, retired))

    def _adopt(self, survivor: UUID, tenant: str, orphan: Enrolment) -> None:
        known = self.enrolments.get((survivor, tenant))
        if known is None:
            self._put_enrolment(orphan._replace(enrolment_id=self.new_id(), token=survivor))
        else:
            spans = tuple(dict.fromkeys((*known.spans, *orphan.spans)))
            seen = max(known.seen_file_no, orphan.seen_file_no)
            self._put_enrolment(known._replace(spans=spans, seen_file_no=seen))

    # -- what

    def _note_keys(self, token: UUID, record: RosterRecord, key: str) -> bool:
        prior = record.previous.identifiers if record.previous else ()
        free = [one for one in prior if not self.by_identifier.get(one)]
        said = (*record.person.identifiers, *free)
        fresh_ids = [one for one in said if token not in self.by_identifier.get(one, ())]
        for one in fresh_ids:
            self.by_identifier[one].add(token)
            self.new_identifiers.add((one, token))
        is_fresh_key = bool(key) and token not in self.by_key.get(key, ())
        if is_fresh_key:
            self.by_key[key].add(token)
            self.new_keys.add((key, token))
        return bool(fresh_ids) or is_fresh_key

    def _note_death(self, token: UUID, record: RosterRecord) -> bool:
        known, said = self.persons[token], record.person
        if not said.is_deceased:
            return False
        now = known._replace(is_deceased=True, death_on=said.death_on or known.death_on)
        if now == known:
            return False
        self._put_person(now)
        return True

    def _restate(
        self, token: UUID, tenant: str, record: RosterRecord, said_on: date, file_no: int, *, is_holder: bool
    ) -> bool:
        known = self.enrolments.get((token, tenant))
        if known is None:
            fresh = Enrolment(self.new_id(), token, tenant, "", seen_file_no=file_no)
            self._put_enrolment(restated(fresh, record, said_on))
            return True
        stated = restated(known, record, said_on)
        stated = stated if is_holder else stated._replace(member_id=known.member_id)
        if stated == known:
            self.seen.add(known.enrolment_id)
            return False
        self._put_enrolment(stated._replace(seen_file_no=file_no))
        return True

    def _put_person(self, person: Person) -> None:
        self.persons[person.token] = self.changed_persons[person.token] = person

    def _put_enrolment(self, enrolment: Enrolment) -> None:
        self.enrolments[enrolment.token, enrolment.tenant_id] = enrolment
        self.tenants.add(enrolment.tenant_id)
        self.changed_enrolments[enrolment.enrolment_id] = enrolment


def restated(known: Enrolment, record: RosterRecord, said_on: date) -> Enrolment:
    """The enrolment after the row. What the row leaves empty stays as it was known."""
    person = record.person
    number = person.identifier(IdType.MEMBER) or person.identifier(IdType.SUBSCRIBER)
    name, address = person.name or known, person.address or known
    phones = tuple([f"{one.use} {one.number}" for one in person.phones]) or known.phones
    return Enrolment(
        enrolment_id=known.enrolment_id,
        token=known.token,
        tenant_id=known.tenant_id,
        member_id=number.value if number else known.member_id,
        group_number=record.group or known.group_number,
        family=name.family,
        given=name.given,
        middle=name.middle,
        suffix=name.suffix,
        birth_on=person.birth_on or known.birth_on,
        sex=known.sex if person.sex == "U" else person.sex,
        races=person.races or known.races,
        ethnicity=person.ethnicity or known.ethnicity,
        language=person.language or known.language,
        street=address.street,
        unit=address.unit,
        city=address.city,
        state=address.state,
        zip5=address.zip5,
        tract=address.tract,
        county=address.county,
        phones=phones,
        email=person.email or known.email,
        is_restricted=record.is_restricted,
        spans=restated_spans(known.spans, record, said_on),
        is_retired=known.is_retired,
        seen_file_no=known.seen_file_no,
        role=role_of(record),
        phone_version=known.phone_version + _is_other(_numbers(phones), _numbers(known.phones)),
        address_version=known.address_version + _is_other(_place(address), _place(known)),
        email_version=known.email_version + _is_other(person.email.casefold(), known.email.casefold()),
    )


def _is_other(said: object, known: object) -> bool:
    """Whether something is said, and not what is known; the first one ever is other than none."""
    return bool(said) and said != known


def _numbers(phones: Iterable[str]) -> set[str]:
    """Telephone numbers without their uses."""
    return {one.rpartition(" ")[2] for one in phones}


def _place(of: Address | Enrolment) -> tuple[str, ...]:
    """Where a letter goes; nowhere without a ZIP or a street."""
    told = tuple(" ".join(one.upper().split()) for one in (of.street, of.unit, of.city, of.state, of.zip5))
    return told if of.street or of.zip5 else ()


def restated_spans(known: tuple[Span, ...], record: RosterRecord, said_on: date) -> tuple[Span, ...]:
    """The times of coverage after the row."""
    if record.maintenance is Maintenance.TERMINATE:
        return _terminated(known, record, said_on)
    if not record.coverages:
        return _member_level(known, record)
    spans = known
    for coverage in sorted(record.coverages, key=_begin):
        spans = _covered(spans, coverage, record, said_on)
    return _ordered(spans)


def _begin(one: Coverage | Span) -> date:
    return one.begin_on or date.min


def _terminated(known: tuple[Span, ...], record: RosterRecord, said_on: date) -> tuple[Span, ...]:
    ends = [one.end_on for one in record.coverages if one.end_on]
    ends_on = record.end_on or max(ends, default=None) or record.effective_on or said_on
    stated = [Span(one.line_of_business, one.begin_on or record.begin_on) for one in record.coverages]
    spans = known or tuple(stated) or (Span("", record.begin_on),)
    return cut(spans, ends_on)


def cut(spans: Iterable[Span], ends_on: date) -> tuple[Span, ...]:
    """Coverage that ends on this day at the latest; what would begin after it never was."""
    kept = [one for one in spans if one.begin_on is None or one.begin_on <= ends_on]
    return _ordered(
        one if one.last_on is not None and one.last_on <= ends_on else one._replace(end_on=ends_on, last_on=ends_on)
        for one in kept
    )


def _member_level(known: tuple[Span, ...], record: RosterRecord) -> tuple[Span, ...]:
    line = known[-1].line if known else ""
    if record.begin_on is None and record.end_on is None:
        if record.maintenance is Maintenance.REINSTATE and known:
            return _ordered((*known[:-1], known[-1]._replace(end_on=None, last_on=None)))
        return known or (Span(line),)
    begin_on = record.begin_on or (known[-1].begin_on if known else None)
    return _stated(known, Span(line, begin_on, record.end_on, record.lapses_on), is_void=record.is_void)


def _covered(known: tuple[Span, ...], coverage: Coverage, record: RosterRecord, said_on: date) -> tuple[Span, ...]:
    line = coverage.line_of_business
    mine = tuple([one for one in known if one.line == line])
    others = [one for one in known if one.line != line]
    if coverage.maintenance is Maintenance.TERMINATE:
        ends_on = coverage.end_on or record.end_on or record.effective_on or said_on
        return (*others, *cut(mine or (Span(line, coverage.begin_on),), ends_on))
    if coverage.begin_on is None and coverage.end_on is None:
        if record.begin_on is None and mine and coverage.maintenance is Maintenance.REINSTATE:
            return (*others, *mine[:-1], mine[-1]._replace(end_on=None, last_on=None))
        span = Span(line, record.begin_on, record.end_on, record.lapses_on)
        return known if mine and record.begin_on is None else (*others, *_stated(mine, span, is_void=record.is_void))
    span = Span(line, coverage.begin_on or record.begin_on, coverage.end_on, coverage.lapses_on)
    return (*others, *_stated(mine, span, is_void=coverage.is_void))


def _stated(mine: tuple[Span, ...], span: Span, *, is_void: bool) -> tuple[Span, ...]:
    """One line's spans after this one was stated: it replaces the one of the same begin, and an open one yields."""
    kept = [one for one in mine if one.begin_on != span.begin_on]
    if is_void:
        return _ordered(kept)
    left = [one for one in (_yielding(one, span) for one in kept) if one is not None]
    return _ordered([*left, span])


def _yielding(known: Span, span: Span) -> Span | None:
    if known.last_on is not None or span.begin_on is None:
        return known
    if known.begin_on is None or known.begin_on < span.begin_on:
        ends_on = span.begin_on - ONE_DAY
        return known._replace(end_on=ends_on, last_on=ends_on)
    return None if span.last_on is None or known.begin_on <= span.last_on else known


def _ordered(spans: Iterable[Span]) -> tuple[Span, ...]:
    spans = tuple(spans)
    return spans if len(spans) < 2 else tuple(sorted(spans, key=lambda one: (_begin(one), one.line)))[-MAX_SPANS:]
